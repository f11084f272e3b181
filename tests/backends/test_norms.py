"""Norms in row blocks against NumPy's, and at the ends of the exponent range."""

import math

import numpy as np
import pytest

from matrl.backends.norms import all_finite, matrix_norms


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (65, 64), (700, 300)])
def test_against_numpy(shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    wide = x.astype(np.float64)
    for view in (x, x[::-1, ::2], x.T):
        reference = view.astype(np.float64)
        found = matrix_norms(view)
        assert found.frobenius == pytest.approx(np.linalg.norm(reference), rel=1e-12)
        assert found.one == pytest.approx(np.linalg.norm(reference, 1), rel=1e-12)
        assert found.max_abs == np.abs(reference).max()
        assert all_finite(view)
    assert np.array_equal(x, wide.astype(dtype))


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1e307])
def test_extreme_scales(scale):
    found = matrix_norms(np.full((3, 3), scale))
    assert found.max_abs == scale
    assert found.frobenius == pytest.approx(3 * scale, rel=1e-12)


def test_overflow_is_infinity():
    assert matrix_norms(np.full((3, 3), 1.7e308)).frobenius == math.inf


def test_float32_squares_do_not_overflow():
    found = matrix_norms(np.full((2, 2), 1e30, np.float32))
    assert found.frobenius == pytest.approx(2e30, rel=1e-6)


def test_zero_and_non_finite():
    assert matrix_norms(np.zeros((2, 2))).frobenius == 0
    x = np.zeros((600, 300))
    x[599, 299] = np.nan
    found = matrix_norms(x)
    assert math.isnan(found.frobenius)
    assert math.isnan(found.one)
    assert math.isnan(found.max_abs)
    assert not all_finite(x)
    x[599, 299] = np.inf
    assert matrix_norms(x).frobenius == math.inf
    assert not all_finite(x)
