"""Norms in row blocks against NumPy's, and at the ends of the exponent range."""

import math

import numpy as np
import pytest
import scipy.linalg

from matrl.backends.norms import all_finite, matrix_norms


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (65, 64), (700, 300)])
def test_against_numpy(shape, dtype):
    generator = np.random.default_rng(0)
    x = generator.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal(shape)
    x = x.astype(dtype)
    double = np.result_type(dtype, np.float64)
    wide = x.astype(double)
    for view in (x, x[::-1, ::2], x.T):
        reference = view.astype(double)
        found = matrix_norms(view)
        assert found.frobenius == pytest.approx(np.linalg.norm(reference), rel=1e-12)
        assert found.one == pytest.approx(np.linalg.norm(reference, 1), rel=1e-12)
        assert found.inf == pytest.approx(np.linalg.norm(reference, np.inf), rel=1e-12)
        assert found.max_abs == np.abs(reference).max()
        assert (found.gershgorin == math.inf) == (view.shape[0] != view.shape[1])
        assert all_finite(view)
    assert np.array_equal(x, wide.astype(dtype))


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1e307])
def test_extreme_scales(scale):
    found = matrix_norms(np.full((3, 3), scale))
    assert found.max_abs == scale
    assert found.frobenius == pytest.approx(3 * scale, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
@pytest.mark.parametrize("n", [1, 2, 70, 400])
def test_gershgorin(n, dtype):
    generator = np.random.default_rng(n)
    x = (generator.standard_normal((n, n)) * (1 if dtype == np.float64 else 1 - 1j)).astype(dtype)
    x = x + x.conj().T - 3 * n * np.eye(n, dtype=dtype)
    wide = x.astype(np.complex128)
    diagonal = wide.diagonal().real
    expected = max(diagonal + np.abs(wide - np.diag(wide.diagonal())).sum(axis=1))
    found = matrix_norms(x).gershgorin
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12 * n)
    assert n > 70 or found >= scipy.linalg.eigvalsh(wide)[-1] - 1e-12 * n
    assert found < 0 or n > 70


def test_gershgorin_of_nearly_cancelling_rows_is_exact():
    x = np.array([[-1e16, 1.0], [1.0, -3.0]])
    assert matrix_norms(x).gershgorin == -2.0


def test_complex64_moduli_do_not_overflow():
    found = matrix_norms(np.full((1, 1), 3e38 + 3e38j, np.complex64))
    assert found.max_abs == pytest.approx(3e38 * 2**0.5, rel=1e-6)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1e307])
def test_extreme_scales_of_complex_matrices(scale):
    found = matrix_norms(np.full((3, 3), scale * 1j))
    assert found.max_abs == scale
    assert found.frobenius == pytest.approx(3 * scale, rel=1e-12)


def test_overflow_is_infinity():
    assert matrix_norms(np.full((3, 3), 1.7e308)).frobenius == math.inf


def test_float32_squares_do_not_overflow():
    found = matrix_norms(np.full((2, 2), 1e30, np.float32))
    assert found.frobenius == pytest.approx(2e30, rel=1e-6)


def test_complex_infinity_is_no_nan():
    found = matrix_norms(np.array([[complex(0.0, math.inf), 1.0]]))
    assert (found.frobenius, found.one, found.inf, found.max_abs) == (math.inf,) * 4


def test_zero_and_non_finite():
    assert matrix_norms(np.zeros((2, 2))).frobenius == 0
    x = np.zeros((600, 300))
    x[599, 299] = np.nan
    found = matrix_norms(x)
    assert math.isnan(found.frobenius)
    assert math.isnan(found.one)
    assert math.isnan(found.max_abs)
    assert math.isnan(found.inf)
    assert not all_finite(x)
    x[599, 299] = np.inf
    assert matrix_norms(x).frobenius == math.inf
    assert not all_finite(x)
