"""Blocked transpositions against the plain ones."""

import numpy as np
import pytest

from matrl.backends.tiles import (
    average_with_transpose,
    largest_asymmetry,
    mirror_lower,
    zero_upper,
)

SIZES = [1, 2, 3, 31, 63, 64, 65, 127, 128, 129, 200]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("n", SIZES)
def test_against_plain_numpy(n, dtype):
    generator = np.random.default_rng(n)
    x = generator.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal((n, n))
    x = x.astype(dtype)
    adjoint = x.conj().T
    real_diagonal = np.diag(np.real(x.diagonal()))
    mirrored, averaged, lower = x.copy(), x.copy(), x.copy()
    mirror_lower(mirrored)
    average_with_transpose(averaged)
    zero_upper(lower)
    assert np.array_equal(mirrored, np.tril(x, -1) + np.tril(x, -1).conj().T + real_diagonal)
    assert np.array_equal(averaged, (x + adjoint) * dtype(0.5))
    assert np.array_equal(lower, np.tril(x))
    assert largest_asymmetry(x) == np.abs(x - adjoint).max()


@pytest.mark.parametrize("place", [(0, 0), (0, 150), (150, 0), (150, 150), (70, 71)])
def test_asymmetry_keeps_nan(place):
    x = np.zeros((200, 200))
    x[place] = np.nan
    assert np.isnan(largest_asymmetry(x))


def test_asymmetry_of_infinity():
    x = np.zeros((3, 3))
    x[0, 1] = np.inf
    assert largest_asymmetry(x) == np.inf
