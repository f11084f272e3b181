"""Matrices, the ways they may lie in memory, and references in double precision."""

import numpy as np
import pytest
import scipy.linalg


def noise(shape, dtype, seed=0):
    """Return a random matrix with a norm near 1; ``shape`` is (m, n), or n for (n, n)."""
    generator = np.random.default_rng(seed)
    shape = (shape, shape) if isinstance(shape, int) else shape
    x = generator.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal(shape)
    return (x / max(shape) ** 0.5).astype(dtype)


def double(x):
    return x.astype(np.result_type(x.dtype, np.float64))


def product(x, y):
    """Return x y by SciPy's BLAS: NumPy's threads would fight the kernels' for the cores."""
    (gemm,) = scipy.linalg.get_blas_funcs(["gemm"], (x, y))
    return gemm(1.0, y.T, x.T).T


def adjoint(x):
    return x.conj().T


def symmetric(n, dtype):
    x = noise(n, np.result_type(dtype, np.float64))
    return (x + adjoint(x)).astype(dtype)


def definite(n, dtype, shift=1.0):
    x = noise(n, np.result_type(dtype, np.float64))
    return (product(x, adjoint(x)) + shift * np.eye(n)).astype(dtype)


def laid_out(x, layout):
    """Return a read-only copy in another layout."""
    rows, columns = x.shape
    if layout == "block":
        view = np.full((rows + 2, columns + 3), 9, x.dtype)[1 : rows + 1, 2 : columns + 2]
    elif layout == "transposed":
        view = np.empty((columns, rows), x.dtype).T
    elif layout == "gaps":
        view = np.full((2 * rows, 2 * columns), 9, x.dtype)[::2, ::2]
    elif layout == "reversed":
        view = np.empty_like(x)[::-1, ::-1]
    else:
        view = np.empty_like(x)
    view[...] = x
    view.flags.writeable = False
    return view


def dirty(shape, dtype):
    """Return an array of NaN to write into; ``shape`` is (m, n), or n for (n, n)."""
    return np.full((shape, shape) if isinstance(shape, int) else shape, np.nan, dtype)


def close(actual, expected, inner=None, units=10):
    """Hold ``actual`` to eps times its number of rows, or the inner dimension of a product."""
    assert np.isfinite(actual).all()
    scale = max(1.0, float(np.abs(expected).max()))
    n = actual.shape[0] if inner is None else max(inner, 3)
    tolerance = units * np.finfo(actual.dtype).eps * n * scale
    assert np.abs(double(actual) - expected).max() <= tolerance


class Arrays:
    """The functions above, for tests."""

    noise = staticmethod(noise)
    double = staticmethod(double)
    product = staticmethod(product)
    adjoint = staticmethod(adjoint)
    symmetric = staticmethod(symmetric)
    definite = staticmethod(definite)
    laid_out = staticmethod(laid_out)
    dirty = staticmethod(dirty)
    close = staticmethod(close)


@pytest.fixture(scope="session")
def arrays() -> Arrays:
    return Arrays()
