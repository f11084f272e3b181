"""Rounding to half precisions, against exact arithmetic and against PyTorch."""

import math

import numpy as np
import pytest

from matrl.backends.halves import round_to
from matrl.backends.numpy import numpy_backend
from matrl.core.precision import FORMATS, HALF_PRECISIONS
from matrl.errors import InputError


def reference(x: np.ndarray, precision: str) -> np.ndarray:
    """Round in float64, which holds every quotient here exactly."""
    form = FORMATS[precision]
    with np.errstate(invalid="ignore", divide="ignore"):  # signalling NaN, log of 0
        wide = x.astype(np.float64)
        exponent = np.floor(np.log2(np.abs(wide)))
    finite = np.isfinite(wide) & (wide != 0.0)
    # A logarithm may be rounded up to the next integer.
    exponent = np.where(finite, exponent, 0.0)
    exponent -= np.abs(wide) < 2.0**exponent
    unit = 2.0 ** (np.maximum(exponent, form.least_exponent) + 1 - form.digits)
    rounded = np.where(finite, np.rint(wide / unit) * unit, wide)
    rounded = np.where(np.abs(rounded) > form.largest, np.copysign(np.inf, wide), rounded)
    return rounded.astype(np.float32)


def special_values(precision: str) -> np.ndarray:
    """Return zeros, infinities, NaN, ends of ranges, subnormals, ties, and neighbours of all."""
    form = FORMATS[precision]
    values = [0.0, math.inf, math.nan, 1.0, form.largest, form.least_normal, form.least_subnormal]
    values += [float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny), 1e-45]
    values += [0.5 * form.least_subnormal, 1.5 * form.least_subnormal, 2.5 * form.least_subnormal]
    # Halfway to what would come after the largest number, and halfway between others.
    values.append(form.largest * (1.0 + form.unit_roundoff / (2.0 - form.eps)))
    values += [1.0 + (k + 0.5) * form.eps for k in range(4)]
    values += [form.least_normal * (1.0 - (k + 0.5) * form.eps) for k in range(4)]
    with np.errstate(over="ignore", under="ignore"):
        x = np.array(values).astype(np.float32)
        x = np.concatenate([x, np.nextafter(x, np.float32(0)), np.nextafter(x, np.float32(np.inf))])
    return np.concatenate([x, -x]).reshape(2, -1)


def any_values(count: int = 100_000) -> np.ndarray:
    """Return float32 numbers of random bits, and some of moderate size."""
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2**32, count, dtype=np.uint64).astype(np.uint32)
    moderate = generator.standard_normal(count) * 10.0 ** generator.uniform(-9, 5, count)
    return np.concatenate([bits.view(np.float32), moderate.astype(np.float32)]).reshape(8, -1)


def rounded(x: np.ndarray, precision: str) -> np.ndarray:
    out = x.copy()
    round_to(out, precision)
    return out


def assert_same_bits(x: np.ndarray, y: np.ndarray) -> None:
    assert np.array_equal(np.isnan(x), np.isnan(y))
    seen = ~np.isnan(x)
    assert np.array_equal(x[seen].view(np.uint32), y[seen].view(np.uint32))


@pytest.mark.parametrize("precision", HALF_PRECISIONS)
@pytest.mark.parametrize("values", ["special", "any"])
def test_rounding_is_to_the_nearest_number_ties_to_even(precision: str, values: str) -> None:
    x = special_values(precision) if values == "special" else any_values()
    assert_same_bits(rounded(x, precision), reference(x, precision))
    if values == "special":
        assert {0.0, math.inf} <= set(np.abs(rounded(x, precision)[~np.isnan(x)]).tolist())


@pytest.mark.torch
@pytest.mark.parametrize("precision", HALF_PRECISIONS)
def test_rounding_is_that_of_pytorch(precision: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
    for x in (special_values(precision), any_values()):
        there = torch.from_numpy(x.copy()).to(getattr(torch, precision))
        assert_same_bits(rounded(x, precision), there.to(torch.float32).numpy())


@pytest.mark.parametrize("precision", HALF_PRECISIONS)
def test_what_is_rounded_stays(precision: str) -> None:
    once = rounded(any_values(1000), precision)
    assert_same_bits(rounded(once, precision), once)


def test_arrays_of_half_precisions_are_float32() -> None:
    for precision in HALF_PRECISIONS:
        assert numpy_backend.empty((2, 3), precision).dtype == np.float32
    assert numpy_backend.empty((2, 3), "complex64").dtype == np.complex64


@pytest.mark.parametrize(
    ("out", "precision", "message"),
    [
        (np.zeros((2, 2)), "bfloat16", "out has dtype float64"),
        (np.zeros((2, 2), np.float32), "float32", "precision: must be bfloat16 or float16"),
        (np.zeros((4, 4), np.float32)[::2], "float16", "C-contiguous"),
    ],
)
def test_other_arrays_are_refused(out: np.ndarray, precision: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        round_to(out, precision)
