"""Backend on NumPy arrays, computing with the BLAS and LAPACK of SciPy."""

import numpy as np
from numpy.typing import DTypeLike

from matrl.backends import elementwise, factorizations, halves, products, spectral, tiles
from matrl.backends.layout import check_matrix, check_square
from matrl.backends.norms import all_finite, matrix_norms
from matrl.backends.protocol import Backend, Matrix, MatrixNorms

__all__ = ["NumpyBackend", "numpy_backend"]


class NumpyBackend:
    """Kernels on real and complex NumPy matrices in single and double precision.

    They are described in ``Backend`` and, one by one, where they are defined.

    >>> x, out = np.array([[1.0, 2.0]]), numpy_backend.empty((1, 1), "float64")
    >>> print(numpy_backend.outer_gram(out, x, x))
    [[5.]]
    """

    cast = staticmethod(elementwise.cast)
    linear = staticmethod(elementwise.linear)
    scale_by_power_of_two = staticmethod(elementwise.scale_by_power_of_two)
    round_to = staticmethod(halves.round_to)

    matmul = staticmethod(products.matmul)
    matmul_hermitian = staticmethod(products.matmul_hermitian)
    matmul_averaged = staticmethod(products.matmul_averaged)
    gram = staticmethod(products.gram)
    outer_gram = staticmethod(products.outer_gram)
    gram_averaged = staticmethod(products.gram_averaged)
    symmetrize = staticmethod(products.symmetrize)

    inverse_spd = staticmethod(factorizations.inverse_spd)
    inverse = staticmethod(factorizations.inverse)
    cholesky = staticmethod(factorizations.cholesky)
    solve_triangular = staticmethod(factorizations.solve_triangular)

    spectral_function = staticmethod(spectral.spectral_function)
    lyapunov = staticmethod(spectral.lyapunov)
    polar_factor = staticmethod(spectral.polar_factor)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Matrix:
        """Return an uninitialised C-contiguous array; float32 for the name of a half precision."""
        return np.empty(shape, halves.storage_dtype(dtype))

    def norms(self, x: Matrix) -> MatrixNorms:
        """Return the norms of ``x`` (m x n), accumulated in float64; NaN if ``x`` holds NaN."""
        check_matrix("x", x)
        return matrix_norms(x)

    def asymmetry(self, x: Matrix) -> float:
        """Return the largest modulus in x - x^* for square ``x``; NaN if ``x`` holds NaN."""
        check_square("x", x)
        return tiles.largest_asymmetry(x)

    def is_finite(self, x: Matrix) -> bool:
        """Return whether every element of ``x`` (2-D) is finite."""
        check_matrix("x", x)
        return all_finite(x)


# Annotated so that the type checker holds the class to the protocol.
numpy_backend: Backend = NumpyBackend()
