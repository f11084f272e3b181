"""Inverses, decompositions and triangular systems, of matrices made from known factors."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from matrl.core.precision import precision_of
from matrl.errors import IndefiniteMatrixError
from matrl.testing.kernels.trial import Trial, adjoint, hermitian, noise, unitary, wide

__all__ = ["CHECKS"]

Leading = tuple[int, ...]
LARGEST = 4.0
"""Of the eigenvalues and singular values, which begin at 1: the condition number too."""


def _values(n: int) -> np.ndarray:
    return np.linspace(1.0, LARGEST, n, dtype=np.longdouble)


def _compose(vectors: np.ndarray, values: np.ndarray) -> np.ndarray:
    return hermitian((vectors * values) @ adjoint(vectors))


def _last(leading: Leading) -> tuple[int, ...]:
    """Return where the last matrix of a stack is."""
    return (-1,) * len(leading)


def _check_with_broken(
    trial: Trial,
    call: Callable[..., Any],
    inputs: list[np.ndarray],
    reference: np.ndarray,
    scale: float,
    breakers: dict[str, np.ndarray],
    n: int,
    mirrored: bool = True,
) -> None:
    """Check a kernel, and what it does where the first input is one of the broken matrices."""
    leading = reference.shape[:-2]
    trial.check(call, inputs, reference, scale, n=n, mirrored=mirrored)
    for what, broken in breakers.items():
        case = trial.of(f"{trial.case}, {what}")
        spoiled = [x.copy() for x in inputs]
        spoiled[0][_last(leading)] = broken
        if leading:
            expected = reference.copy()
            expected[_last(leading)] = np.nan
            plain = ("plain",)
            case.check(call, spoiled, expected, scale, n=n, mirrored=mirrored, layouts=plain)
        else:
            case.check_breakdown(call, spoiled)


def _nan_inside(x: np.ndarray) -> np.ndarray:
    """Return a matrix with NaN below its diagonal and above it."""
    broken = x.copy()
    broken[-1, 0] = broken[0, -1] = np.nan
    return broken


def _inverse_spd(trial: Trial, leading: Leading, n: int) -> None:
    v = unitary((*leading, n, n), trial.dtype, 1)
    x = _compose(v, _values(n)).astype(trial.dtype)
    one = x[_last(leading)]
    breakers = {"an indefinite matrix": one - 2 * one[0, 0].real * np.eye(n, dtype=one.dtype)}
    breakers["NaN inside"] = _nan_inside(one)
    breakers["a matrix of zeros"] = np.zeros_like(one)
    reference = _compose(v, 1 / _values(n))
    _check_with_broken(trial, trial.backend.inverse_spd, [x], reference, LARGEST, breakers, n)
    if not leading:
        wrong = noise((n, n + 1), trial.dtype, 0)
        trial.of(f"{trial.case}, a matrix that is not square").check_refusal(
            trial.backend.inverse_spd, wrong, [wrong]
        )


def _inverse(trial: Trial, leading: Leading, n: int) -> None:
    if leading:
        return
    u, v = (unitary((n, n), trial.dtype, seed) for seed in (1, 2))
    x = ((u * _values(n)) @ v).astype(trial.dtype)
    breakers = {"a matrix of zeros": np.zeros_like(x), "NaN inside": _nan_inside(x)}
    reference = adjoint(v) @ (adjoint(u) / _values(n)[:, None])
    _check_with_broken(
        trial, trial.backend.inverse, [x], reference, LARGEST, breakers, n, mirrored=False
    )


def _spectral_function(trial: Trial, leading: Leading, n: int) -> None:
    backend = trial.backend
    signs = np.where(np.arange(n) % 3 == 1, -1.0, 1.0).astype(np.longdouble)
    values = signs * _values(n)
    v = unitary((*leading, n, n), trial.dtype, 1)
    x = _compose(v, values).astype(trial.dtype)
    one = x[_last(leading)]

    def polynomial(w: Any) -> Any:
        real = precision_of(trial.dtype)
        trial.require(
            str(w.dtype).endswith(real) and w.shape[-1] == n,
            f"function was handed {w.dtype} of shape {tuple(w.shape)}, not {n} {real} numbers",
        )
        return w * w * 0.25 - w

    reference = _compose(v, values * values * 0.25 - values)
    breakers = {"NaN inside": _nan_inside(one)}
    call = partial(_spectral, backend.spectral_function, polynomial)
    _check_with_broken(trial, call, [x], reference, LARGEST**2, breakers, n)

    def root(w: Any) -> Any:
        if backend.raises_on_breakdown and w.min() < 0.0:
            raise IndefiniteMatrixError("A: must be positive definite; pass one that is")
        with np.errstate(invalid="ignore"):
            return w**0.5

    x = _compose(v, _values(n)).astype(trial.dtype)
    breakers = {"a function that does not exist": -x[_last(leading)]}
    call = partial(_spectral, backend.spectral_function, root)
    _check_with_broken(trial, call, [x], _compose(v, _values(n) ** 0.5), LARGEST, breakers, n)


def _spectral(kernel: Callable[..., Any], function: Any, out: Any, x: Any) -> Any:
    return kernel(out, x, function)


def _lyapunov(trial: Trial, leading: Leading, n: int) -> None:
    v = unitary((*leading, n, n), trial.dtype, 1)
    s = _compose(v, _values(n)).astype(trial.dtype)
    d = hermitian(wide(noise((*leading, n, n), trial.dtype, 2)))
    r = hermitian(wide(s) @ d + d @ wide(s)).astype(trial.dtype)
    one = s[_last(leading)]
    breakers = {"an indefinite matrix": one - 2 * one[0, 0].real * np.eye(n, dtype=one.dtype)}
    breakers["NaN inside"] = _nan_inside(one)
    size = LARGEST * max(1.0, float(np.linalg.norm(d.astype(complex), 2, axis=(-2, -1)).max()))
    _check_with_broken(trial, trial.backend.lyapunov, [s, r], d, size, breakers, n)


def _polar_factor(trial: Trial, leading: Leading, n: int) -> None:
    backend = trial.backend
    for rows in (n, n + 3):
        u = unitary((*leading, rows, rows), trial.dtype, 1)[..., :n]
        v = unitary((*leading, n, n), trial.dtype, 2)
        values = _values(n)[::-1]
        x = ((u * values) @ adjoint(v)).astype(trial.dtype)
        breakers = {"NaN inside": _nan_inside(x[_last(leading)])}
        case = trial.of(f"{trial.case}, {rows} x {n}")
        _check_with_broken(
            case, backend.polar_factor, [x], u @ adjoint(v), LARGEST, breakers, rows, mirrored=False
        )
        seen: list[Any] = []
        backend.polar_factor(case.array(np.zeros_like(x)), case.array(x), seen.append)
        handed = [backend.to_host(w).reshape(-1, n) for w in seen]
        found = np.concatenate([np.empty((0, n)), *handed])
        bound = 4 * np.finfo(x.dtype).eps * rows * LARGEST
        right = found.size == x.size // rows and (np.abs(found - values) <= bound).all()
        case.require(right, "observe must be handed the singular values, descending")


def _lower(n: int, dtype: str) -> np.ndarray:
    factor = np.tril(noise((n, n), dtype, 1), -1) / max(n, 2)
    return (factor + np.eye(n) * (1.0 + np.arange(n) % 3)).astype(dtype)


def _cholesky(trial: Trial, leading: Leading, n: int) -> None:
    if leading:
        return
    backend = trial.backend
    factor = wide(_lower(n, trial.dtype))
    x = hermitian(factor @ adjoint(factor)).astype(trial.dtype)

    def call(out: Any, given: Any = None) -> Any:
        answer = backend.cholesky(out, out if given is None else given)
        trial.require(answer is True, "it must answer True for a definite matrix")
        return out

    if backend.writes_in_place:
        trial.check(call, [x], factor, LARGEST**2, n=n, optional=False)
        case = trial.of(f"{trial.case}, x being out")
        case.check(call, [], factor, LARGEST**2, n=n, before=x, layouts=("plain",))
        upper = np.triu(backend.to_host(call(trial.array(x))), 1)
        trial.require(not upper.any(), "the factor must be 0 above the diagonal")
    else:
        call(trial.array(x), trial.array(x))
    for what, broken in (("an indefinite matrix", -x), ("NaN inside", _nan_inside(x))):
        answer = backend.cholesky(trial.array(x), trial.array(broken))
        trial.of(f"{trial.case}, {what}").require(answer is False, "it must answer False")


def _solve_triangular(trial: Trial, leading: Leading, n: int) -> None:
    if leading:
        return
    factor, y = _lower(n, trial.dtype), noise((n, 3), trial.dtype, 2)
    for transpose in (False, True):
        left = wide(adjoint(factor) if transpose else factor)
        b = (left @ wide(y)).astype(trial.dtype)
        case = trial.of(f"{trial.case}, transpose={transpose}")
        case.check(
            lambda _, given, right, t=transpose: trial.backend.solve_triangular(given, right, t),
            [factor, b],
            wide(y),
            LARGEST * float(np.abs(y).max()),
            n=n,
            returns_out=False,
        )


CHECKS: dict[str, Callable[[Trial, Leading, int], None]] = {
    "inverse_spd": _inverse_spd,
    "inverse": _inverse,
    "spectral_function": _spectral_function,
    "lyapunov": _lyapunov,
    "polar_factor": _polar_factor,
    "cholesky": _cholesky,
    "solve_triangular": _solve_triangular,
}
