"""Casts, linear combinations, exact scaling, rounding, and what answers the host."""

from collections.abc import Callable
from typing import Any

import numpy as np

from matrl.core.precision import FORMATS, HALF_PRECISIONS, eps_of, is_complex, precision_of
from matrl.testing.kernels.trial import LAYOUTS, Trial, adjoint, hermitian, noise, wide

__all__ = ["CHECKS"]

Leading = tuple[int, ...]


def _cast(trial: Trial, leading: Leading, n: int) -> None:
    backend = trial.backend
    for source in backend.dtypes:
        if is_complex(source) and not is_complex(trial.dtype):
            continue
        x = noise((*leading, n, n + 1), source, 1)
        # One rounding is all that is allowed.
        case = trial.of(f"{trial.case} from {source}")
        _check_exact(case, backend.cast, x, x.astype(trial.dtype))


def _check_exact(
    trial: Trial, kernel: Callable[..., Any], x: np.ndarray, expected: np.ndarray, *options: Any
) -> None:
    for layout in LAYOUTS:
        array = trial.array(x, layout)
        out = trial.array(np.full(expected.shape, np.nan, trial.dtype))
        result = kernel(out, array, *options)
        trial.require(
            not trial.backend.writes_in_place or result is out, "the result must be out itself"
        )
        found = trial.backend.to_host(result)
        trial.require(found.dtype == expected.dtype, f"the result has dtype {found.dtype}")
        same = np.array_equal(found, expected, equal_nan=True)
        trial.require(same, f"the result is not exact for {layout} arrays")
        kept = np.array_equal(trial.backend.to_host(array), x, equal_nan=True)
        trial.require(kept, "an input has been modified")


def _linear(trial: Trial, leading: Leading, n: int) -> None:
    kernel = trial.backend.linear
    for columns, shift in ((n, 0.7), (n + 3, 0.0)):
        shape = (*leading, n, columns)
        arrays = [noise(shape, trial.dtype, seed) for seed in range(3)]
        for weights in ((), (0.3,), (1.0, -0.6, 0.0), (-2.0, 0.45, 1.3)):
            terms = arrays[: len(weights)]
            reference = np.zeros(shape, np.longdouble) + shift * np.eye(n, columns)
            for weight, x in zip(weights, terms, strict=True):
                reference = reference + np.longdouble(weight) * wide(x)
            scale = abs(shift) + sum(
                abs(w) * np.abs(x).max() for w, x in zip(weights, terms, strict=True)
            )
            scale = max(float(scale), eps_of(trial.dtype))
            case = trial.of(f"{trial.case}, coefficients {weights}, shift={shift}")
            if weights:
                case.check(
                    lambda out, *given, w=weights, s=shift: kernel(out, w, given, s),
                    terms,
                    reference,
                    scale,
                    n=2,
                )
                case.of(f"{case.case}, the last array being out").check(
                    lambda out, *given, w=weights, s=shift: kernel(out, w, [*given, out], s),
                    terms[:-1],
                    reference,
                    scale,
                    n=2,
                    before=terms[-1],
                    layouts=("plain",),
                )
            else:
                case.check(
                    lambda out, s=shift: kernel(out, [], [], s),
                    [],
                    reference,
                    scale,
                    n=2,
                    layouts=("plain",),
                    optional=False,
                )


def _scale_by_power_of_two(trial: Trial, leading: Leading, n: int) -> None:
    if leading:
        return
    form = FORMATS[precision_of(trial.dtype)]
    x = noise((n, n + 1), trial.dtype, 1)
    kernel = trial.backend.scale_by_power_of_two
    for exponent in (0, 3, -40, form.greatest_exponent - 3):
        _check_exact(
            trial.of(f"{trial.case}, exponent {exponent}"),
            kernel,
            x,
            (x * 2.0**exponent).astype(trial.dtype),
            exponent,
        )
    # 2 to these powers is no number of the dtype, what becomes of x is.
    large = form.greatest_exponent + 20
    tiny = (x * 2.0 ** (20 - form.greatest_exponent)).astype(trial.dtype)
    expected = (tiny * 2.0 ** (form.greatest_exponent - 10) * 2.0**30).astype(trial.dtype)
    _check_exact(trial.of(f"{trial.case}, exponent {large}"), kernel, tiny, expected, large)


def _symmetrize(trial: Trial, leading: Leading, n: int) -> None:
    x = noise((*leading, n, n), trial.dtype, 1)
    trial.check(
        lambda out: trial.backend.symmetrize(out),
        [],
        hermitian(wide(x)),
        np.abs(x).max(),
        n=2,
        before=x,
        mirrored=True,
        layouts=("plain",),
    )


def _norms(trial: Trial, leading: Leading, n: int) -> None:
    backend = trial.backend
    accumulated = "float64" if "float64" in backend.dtypes else trial.dtype
    for columns in (n, n + 2):
        x = noise((*leading, n, columns), trial.dtype, 1)
        moduli = np.abs(wide(x))
        diagonal = np.diagonal(wide(x), axis1=-2, axis2=-1)
        discs = (
            moduli.sum(axis=-1)[..., : diagonal.shape[-1]] + np.real(diagonal) - np.abs(diagonal)
        )
        expected = {
            "frobenius": np.sqrt((moduli**2).sum(axis=(-2, -1))),
            "one": moduli.sum(axis=-2).max(axis=-1),
            "max_abs": moduli.max(axis=(-2, -1)),
            "inf": moduli.sum(axis=-1).max(axis=-1),
            "gershgorin": discs.max(axis=-1) if columns == n else np.full(leading, np.inf),
        }
        tolerance = 4 * (n + 2) * eps_of(accumulated)
        for layout in LAYOUTS:
            norms = backend.norms(trial.array(x, layout))
            for name, value in expected.items():
                found = np.asarray(getattr(norms, name))
                close = np.isclose(found, value.astype(np.float64), rtol=tolerance, atol=tolerance)
                trial.require(
                    found.shape == leading and close.all(),
                    f"{name} of {layout} arrays ({n} x {columns}) is {found}, not {value}",
                )
        x[..., 0, 0] = np.nan
        found = np.asarray(backend.norms(trial.array(x)).frobenius)
        trial.require(np.isnan(found).all(), "frobenius of NaN must be NaN")


def _asymmetry(trial: Trial, leading: Leading, n: int) -> None:
    x = noise((*leading, n, n), trial.dtype, 1)
    expected = np.abs(wide(x) - adjoint(wide(x))).max(axis=(-2, -1))
    found = np.asarray(trial.backend.asymmetry(trial.array(x)))
    bound = 4 * eps_of(trial.dtype) * np.abs(x).max()
    close = found.shape == leading and (np.abs(found - expected) <= bound).all()
    trial.require(close, f"it is {found}, not {expected}")
    found = np.asarray(trial.backend.asymmetry(trial.array(hermitian(x))))
    trial.require((found == 0.0).all(), "of Hermitian matrices it must be 0")
    x[..., -1, -1] = np.nan
    found = np.asarray(trial.backend.asymmetry(trial.array(x)))
    trial.require(np.isnan(found).all(), "of NaN it must be NaN")


def _is_finite(trial: Trial, leading: Leading, n: int) -> None:
    x = noise((*leading, n, n + 1), trial.dtype, 1)
    trial.require(trial.backend.is_finite(trial.array(x)) is True, "must be True of finite arrays")
    for value in (np.nan, np.inf, -np.inf):
        x.reshape(-1)[-1] = value
        found = trial.backend.is_finite(trial.array(x))
        trial.require(found is False, f"must be False of an array with {value}")


def _host(trial: Trial, leading: Leading, n: int) -> None:
    x = noise((*leading, n, n + 1), trial.dtype, 1)
    there = trial.array(x)
    back = trial.backend.to_host(there)
    same = back.dtype == x.dtype and np.array_equal(back, x)
    trial.require(isinstance(back, np.ndarray) and same, "to_host(from_host(x)) must be x")
    empty = trial.backend.to_host(trial.backend.empty(x.shape, trial.dtype))
    trial.require(
        empty.shape == x.shape and empty.dtype == x.dtype,
        f"empty() gives shape {empty.shape} and dtype {empty.dtype} for {x.shape} and {x.dtype}",
    )


def _nearest(x: np.ndarray, precision: str) -> np.ndarray:
    """Return numbers rounded to a half precision, ties to even; in bfloat16 normal ones."""
    if precision == "float16":
        return x.astype(np.float16).astype(np.float64)
    mantissa, exponent = np.frexp(x.astype(np.float64))
    scale = 2.0 ** FORMATS[precision].digits
    return np.ldexp(np.rint(mantissa * scale) / scale, exponent)


def _round_to(trial: Trial, leading: Leading, n: int) -> None:
    """Check half precisions: what is stored, and sums in float32 that are rounded once."""
    if trial.dtype != "float32":
        return
    backend = trial.backend
    x, y = (noise((*leading, n, n), "float32", seed) for seed in (1, 2))
    for precision in HALF_PRECISIONS:
        case = trial.of(f"{trial.case} to {precision}")
        left, right = (
            backend.round_to(
                backend.cast(backend.empty(z.shape, precision), trial.array(z)), precision
            )
            for z in (x, y)
        )
        nearest = [_nearest(z, precision) for z in (x, y)]
        found = [backend.to_host(z) for z in (left, right)]
        case.require(
            all(np.array_equal(*pair) for pair in zip(found, nearest, strict=True)),
            "a cast must give the nearest number of the format",
        )
        for kernel, result, exact, scale in (
            (
                "matmul",
                backend.matmul(backend.empty(x.shape, precision), left, right),
                nearest[0] @ nearest[1],
                np.abs(nearest[0]) @ np.abs(nearest[1]),
            ),
            (
                "linear",
                backend.linear(backend.empty(x.shape, precision), [0.3, -1.7], [left, right], 0.6),
                0.3 * nearest[0] - 1.7 * nearest[1] + 0.6 * np.eye(n),
                0.3 * np.abs(nearest[0]) + 1.7 * np.abs(nearest[1]) + 0.6,
            ),
        ):
            value = backend.to_host(backend.round_to(result, precision))
            allowed = FORMATS[precision].unit_roundoff * np.abs(exact) * (1 + 2.0**-6)
            allowed += 4 * (n + 2) * eps_of("float32") * scale
            close = (np.abs(value - exact) <= allowed).all()
            case.require(close, f"{kernel} must sum in float32 and round once")
            representable = np.array_equal(_nearest(value, precision), value)
            case.require(representable, f"{kernel} must give numbers of the format")


CHECKS: dict[str, Callable[[Trial, Leading, int], None]] = {
    "from_host": _host,
    "cast": _cast,
    "linear": _linear,
    "scale_by_power_of_two": _scale_by_power_of_two,
    "symmetrize": _symmetrize,
    "round_to": _round_to,
    "norms": _norms,
    "asymmetry": _asymmetry,
    "is_finite": _is_finite,
}
