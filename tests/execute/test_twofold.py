"""Twofold products against exact ones."""

from fractions import Fraction

import numpy as np
import pytest

from matrl.execute.residuals.twofold import TWOFOLD_ERROR, twofold_product


def exact(x: np.ndarray) -> np.ndarray:
    """Return the entries as fractions, real parts and imaginary parts, in two arrays."""
    parts = np.stack([np.real(x), np.imag(x)])
    return np.vectorize(Fraction, otypes=[object])(parts)


def complex_product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x[0] @ y[0] - x[1] @ y[1], x[0] @ y[1] + x[1] @ y[0]])


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("n", [1, 2, 9, 24])
@pytest.mark.parametrize("decades", [0.0, 3.0, 12.0])
def test_products_have_twice_the_digits(n: int, is_complex: bool, decades: float) -> None:
    """Also where rows, columns and entries are of very different sizes."""
    random = np.random.default_rng(n)

    def matrix() -> np.ndarray:
        real, imaginary = random.standard_normal((2, n, n))
        sizes = 10.0 ** random.uniform(-decades, decades, (n, n))
        return (real + 1j * imaginary) * sizes if is_complex else real * sizes

    x, high = matrix(), matrix()
    low = high * 2.0**-54 * random.standard_normal((n, n))
    total, rest = twofold_product(x, high, low, np.matmul)
    difference = exact(total) + exact(rest) - complex_product(exact(x), exact(high) + exact(low))
    largest = np.abs(difference.astype(float)).max()
    allowed = n * TWOFOLD_ERROR * np.linalg.norm(x, 2) * np.linalg.norm(high, 2)
    assert largest <= allowed
    assert np.abs(rest).max() <= 2.0**-52 * np.abs(total).max()


def test_products_of_an_ill_conditioned_matrix_and_its_inverse_are_accurate() -> None:
    """In float64 they have no digit; the residual of the rounded inverse has several."""
    n = 8
    a = np.array([[1.0 / (i + j + 1) for j in range(n)] for i in range(n)])  # Hilbert's
    inverse = np.linalg.inv(a)
    total, rest = twofold_product(a, inverse, np.zeros_like(a), np.matmul)
    expected = exact(a)[0] @ exact(inverse)[0]
    expected = (expected - np.vectorize(Fraction)(np.eye(n))).astype(float)
    found = (total - np.eye(n)) + rest
    assert np.abs(found - expected).max() <= 8 * n * 2.0**-53 * np.abs(expected).max()
    assert np.abs(expected).max() > 1e-9


def test_zero_rows_and_columns() -> None:
    x, y = np.diag([0.0, 2.0]), np.diag([0.0, 3.0])
    total, rest = twofold_product(x, y, np.zeros((2, 2)), np.matmul)
    assert np.array_equal(total, np.diag([0.0, 6.0]))
    assert not rest.any()
