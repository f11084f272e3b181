"""Products: all flags, addends and shifts."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from matrl.testing.kernels.trial import LAYOUTS, Trial, adjoint, hermitian, noise, wide

__all__ = ["CHECKS"]

COMBINATIONS: tuple[tuple[float, tuple[float | None, ...], float], ...] = (
    (1.0, (), 0.0),
    (1.0, (), -3.0),
    (-0.75, (0.7, None), 0.0),
    (2.0, (None, -1.3, 0.0), 0.3),
    (0.3, (0.45, None, -2.0), 1.7),
)
"""Of products: alpha, the betas (None stands for -0.6 times ``out`` itself), and the shift."""
OWN = -0.6


def _combined(
    trial: Trial,
    factors: Sequence[np.ndarray],
    exact: np.ndarray,
    scale: Any,
    inner: int,
    *,
    of_hermitian: bool,
    **flags: bool,
) -> None:
    """Check all combinations a product may be part of, of factors whose product is known."""
    kernel = getattr(trial.backend, trial.kernel)
    shape = exact.shape
    square = shape[-1] == shape[-2]
    for alpha, betas, shift in COMBINATIONS:
        shift = shift if square else 0.0
        terms = [noise(shape, trial.dtype, 20 + i) for i in range(len(betas))]
        if of_hermitian:
            terms = [hermitian(c) for c in terms]
        weights = [OWN if beta is None else beta for beta in betas]
        own = [i for i, beta in enumerate(betas) if beta is None]
        before = terms[own[0]] if own else None
        reference = alpha * exact + shift * np.eye(*shape[-2:])
        bound = abs(alpha) * scale + abs(shift)
        for beta, c in zip(weights, terms, strict=True):
            reference = reference + np.longdouble(beta) * wide(c)
            bound = bound + abs(beta) * np.abs(c).max(axis=(-2, -1))

        named = [f"{name} set" for name, value in flags.items() if value]
        addends = ["out" if beta is None else f"{beta} C" for beta in betas]
        words = [trial.case, *named, f"alpha={alpha}, addends [{', '.join(addends)}]"]
        trial.of(", ".join([*words, f"shift={shift}"])).check(
            partial(_call, kernel, len(factors), betas, {"alpha": alpha, "shift": shift, **flags}),
            [*factors, *(c for i, c in enumerate(terms) if i not in own)],
            reference,
            bound,
            n=inner + len(betas) + 1,
            before=before,
            mirrored=of_hermitian,
            layouts=LAYOUTS if alpha == 1.0 or shift else ("plain",),
        )


def _call(
    kernel: Callable[..., Any],
    count: int,
    betas: Sequence[float | None],
    options: dict[str, Any],
    out: Any,
    *arrays: Any,
) -> Any:
    """Call a product of the first ``count`` arrays, the others and ``out`` being the addends."""
    others = iter(arrays[count:])
    addends = [(OWN, out) if beta is None else (beta, next(others)) for beta in betas]
    return kernel(out, *arrays[:count], addends=addends, **options)


def _scale(left: np.ndarray, right: np.ndarray) -> Any:
    """Return the largest product of moduli a sum of n terms is made of, one a matrix."""
    rows = np.sqrt((np.abs(left) ** 2).sum(axis=-1).max(axis=-1))
    columns = np.sqrt((np.abs(right) ** 2).sum(axis=-2).max(axis=-1))
    return rows * columns


def _break_one(x: np.ndarray, leading: tuple[int, ...]) -> None:
    """Put a NaN into the last matrix of a stack."""
    if leading:
        x[..., 0, 0][(-1,) * len(leading)] = np.nan


def _factors(
    kernel: str, leading: tuple[int, ...], n: int, dtype: str, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return x (n x k) and y (k x columns), whose product is Hermitian where the kernel says so."""
    inner = n + 2
    x = noise((*leading, n, inner), dtype, 1)
    if kernel in ("matmul", "matmul_averaged", "gram_averaged"):
        return x, noise((*leading, inner, columns), dtype, 2)
    # Weights of both signs that are powers of two: y is exact, so the product is Hermitian.
    signs = np.where(np.arange(inner) % 3, 1.0, -0.5).astype(np.finfo(x.dtype).dtype)
    return x, adjoint(x * signs)


def _matmul(trial: Trial, leading: tuple[int, ...], n: int) -> None:
    of_hermitian = trial.kernel != "matmul"
    for columns in (n,) if of_hermitian else (n, n + 1):
        x, y = _factors(trial.kernel, leading, n, trial.dtype, columns)
        exact = wide(x) @ wide(y)
        exact = hermitian(exact) if of_hermitian else exact
        for adjoint_x, adjoint_y in product((False, True), repeat=2):
            _combined(
                trial,
                [
                    np.ascontiguousarray(adjoint(x) if adjoint_x else x),
                    np.ascontiguousarray(adjoint(y) if adjoint_y else y),
                ],
                exact,
                _scale(x, y),
                x.shape[-1],
                of_hermitian=of_hermitian,
                adjoint_x=adjoint_x,
                adjoint_y=adjoint_y,
            )
        _check_broken_factor(trial, leading, x, y)
        _check_refusals(trial, leading, x, y)


def _gram(trial: Trial, leading: tuple[int, ...], n: int) -> None:
    x, y = _factors(trial.kernel, leading, n, trial.dtype, n)
    outer = trial.kernel == "outer_gram"
    factors = [x, np.ascontiguousarray(adjoint(y))]
    if not outer:
        factors = [np.ascontiguousarray(adjoint(x)), y]
    exact = hermitian(wide(x) @ wide(y))
    _combined(trial, factors, exact, _scale(x, y), x.shape[-1], of_hermitian=True)
    one = factors[0]
    exact = wide(x) @ adjoint(wide(x))
    case = trial.of(f"{trial.case}, twice the same array")
    _combined(case, [one, one], exact, _scale(x, adjoint(x)), x.shape[-1], of_hermitian=True)


def _check_broken_factor(
    trial: Trial, leading: tuple[int, ...], x: np.ndarray, y: np.ndarray
) -> None:
    """Check that NaN in one matrix of a stack stays there."""
    if not leading:
        return
    exact = wide(x) @ wide(y)
    of_hermitian = trial.kernel != "matmul"
    exact = hermitian(exact) if of_hermitian else exact
    broken, scale = x.copy(), _scale(x, y)
    _break_one(broken, leading)
    # What else becomes NaN depends on the triangle that is computed.
    exact[(-1,) * len(leading) + (0, 0)] = np.nan
    trial.of(f"{trial.case}, NaN in the last matrix").check(
        getattr(trial.backend, trial.kernel),
        [broken, y],
        exact,
        scale,
        n=x.shape[-1],
        mirrored=of_hermitian,
        layouts=("plain",),
    )


def _check_refusals(trial: Trial, leading: tuple[int, ...], x: np.ndarray, y: np.ndarray) -> None:
    kernel = getattr(trial.backend, trial.kernel)
    other = next((d for d in trial.backend.dtypes if d != trial.dtype), trial.dtype)
    out = noise((*leading, x.shape[-2], y.shape[-1]), trial.dtype, 0)
    wrong: list[tuple[str, Any, Any]] = [("factors that do not fit", x, y[..., 1:, :])]
    if other != trial.dtype:
        wrong.append((f"a factor in {other}", x, np.real(y).astype(other)))
    for what, left, right in wrong:
        case = trial.of(f"{trial.case}, {what}")
        case.check_refusal(kernel, out, [left, right])


CHECKS: dict[str, Callable[[Trial, tuple[int, ...], int], None]] = {
    "matmul": _matmul,
    "matmul_hermitian": _matmul,
    "matmul_averaged": _matmul,
    "gram": _gram,
    "outer_gram": _gram,
    "gram_averaged": _gram,
}
