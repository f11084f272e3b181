"""Linear combinations of complex and rectangular arrays, and exact scaling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.backends.numpy import numpy_backend as backend
from matrl.errors import InputError

REAL = [np.float32, np.float64]
DTYPES = [*REAL, np.complex64, np.complex128]


def noise(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal(shape)
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (7, 3), (3, 7)])
def test_rectangular_combinations(shape, dtype):
    x, y = noise(shape, dtype), noise(shape[::-1], dtype, 1).T
    out = np.full(shape, np.nan, dtype)
    backend.linear(out, [0.5, -2.0], [x, y], 0.0)
    assert np.array_equal(out, (0.5 * x - 2 * y).astype(dtype))
    backend.linear(out, [], [], 0.0)
    assert not out.any()
    before = out.copy()
    with pytest.raises(InputError, match="square"):
        backend.linear(out, [1.0], [x], 1.0)
    assert np.array_equal(out, before)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_real_coefficients_keep_complex_hermitian_matrices_hermitian(dtype):
    x, y = noise((65, 65), dtype), noise((65, 65), dtype, 1)
    x, y = x + x.conj().T, y + y.conj().T
    out = np.empty_like(x)
    backend.linear(out, [1 / 3, 1e-3, math.pi], [x, y, x], -0.7)
    assert np.array_equal(out, out.conj().T)


def test_an_infinite_real_part_leaves_the_imaginary_part_alone():
    x = np.array([[complex(np.inf, 1.0)]])
    out = np.empty_like(x)
    backend.linear(out, [2.0], [x], 0.0)
    assert out[0, 0] == complex(np.inf, 2.0)


@given(
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=8),
    st.integers(-2300, 2300),
)
def test_scaling_is_ldexp(values, exponent):
    for dtype in REAL:
        with np.errstate(over="ignore"):
            x = np.array([values]).astype(dtype)
            expected = np.ldexp(x, exponent)
        out = np.full_like(x, np.nan)
        backend.scale_by_power_of_two(out, x, exponent)
        assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", [-150, -149, -127, -126, 0, 1, 127, 128, 149, 250])
def test_scaling_back_restores_every_bit(dtype, exponent):
    x = noise((5, 3), dtype)
    if np.finfo(dtype).bits == 32 and abs(exponent) > 100:
        # Otherwise the result leaves the range of float32.
        x = (x * np.finfo(dtype).dtype.type(2.0 ** (-120 if exponent > 0 else 120))).astype(dtype)
        exponent = max(min(exponent, 230), -140)
    out, back = np.empty_like(x), np.empty_like(x)
    backend.scale_by_power_of_two(out, x.T.copy().T, exponent)
    backend.scale_by_power_of_two(back, out, -exponent)
    assert np.isfinite(out).all()
    assert np.array_equal(back, x)


@pytest.mark.parametrize("exponent", [-1074, -1023, 1023, 1074, 10**12, -(10**12)])
def test_exponents_beyond_the_dtype(exponent):
    tiny, huge = 5e-324, 2.0**1023
    x = np.array([[tiny, huge, 0.0, -1.0]]) * (1 + 1j)
    out = np.empty_like(x)
    backend.scale_by_power_of_two(out, x, exponent)
    for part in (out.real, out.imag):
        with np.errstate(over="ignore"):
            expected = np.ldexp(np.array([tiny, huge, 0.0, -1.0]), np.clip(exponent, -5000, 5000))
        assert np.array_equal(part[0], expected)


def test_scaling_refuses():
    x = np.ones((2, 3))
    with pytest.raises(InputError, match="out has shape"):
        backend.scale_by_power_of_two(np.empty((3, 2)), x, 1)
    with pytest.raises(InputError, match="x has float64"):
        backend.scale_by_power_of_two(np.empty((2, 3), np.float32), x, 1)
    with pytest.raises(InputError, match="shares memory"):
        backend.scale_by_power_of_two(x, x, 1)
    with pytest.raises(InputError, match="dtype int64"):
        backend.scale_by_power_of_two(np.empty((2, 3), int), np.ones((2, 3), int), 1)
