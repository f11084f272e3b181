"""Backend on NumPy arrays, computing with the BLAS and LAPACK of SciPy."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import DTypeLike

from matrl.backends import elementwise, factorizations, halves, products, spectral, stacks, tiles
from matrl.backends.layout import check_matrix, check_square
from matrl.backends.norms import all_finite, matrix_norms, stack_norms
from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.core.precision import DTYPES

__all__ = ["NumpyBackend", "numpy_backend"]

Parameters = ParamSpec("Parameters")


def _by_dimension(
    of_matrix: Callable[Parameters, Matrix], of_stack: Callable[Parameters, Matrix]
) -> Callable[Parameters, Matrix]:
    """Return the kernel that calls one or the other, as the dimension of ``out`` says."""

    @wraps(of_matrix)
    def kernel(*args: Parameters.args, **options: Parameters.kwargs) -> Matrix:
        out: Any = args[0]
        return (of_matrix if out.ndim == 2 else of_stack)(*args, **options)

    return kernel


class NumpyBackend:
    """Kernels on real and complex NumPy matrices in single and double precision.

    They are described in ``Backend`` and, one by one, where they are defined.

    >>> x, out = np.array([[1.0, 2.0]]), numpy_backend.empty((1, 1), "float64")
    >>> print(numpy_backend.outer_gram(out, x, x))
    [[5.]]
    """

    dtypes: tuple[str, ...] = DTYPES
    writes_in_place = True
    out_optional = False
    raises_on_breakdown = True

    cast = staticmethod(elementwise.cast)
    linear = staticmethod(_by_dimension(elementwise.linear, stacks.linear))
    scale_by_power_of_two = staticmethod(elementwise.scale_by_power_of_two)
    round_to = staticmethod(halves.round_to)

    matmul = staticmethod(_by_dimension(products.matmul, stacks.matmul))
    matmul_hermitian = staticmethod(
        _by_dimension(products.matmul_hermitian, stacks.matmul_hermitian)
    )
    matmul_averaged = staticmethod(_by_dimension(products.matmul_averaged, stacks.matmul_averaged))
    gram = staticmethod(_by_dimension(products.gram, stacks.gram))
    outer_gram = staticmethod(_by_dimension(products.outer_gram, stacks.outer_gram))
    gram_averaged = staticmethod(_by_dimension(products.gram_averaged, stacks.gram_averaged))
    symmetrize = staticmethod(_by_dimension(products.symmetrize, stacks.symmetrize))

    inverse_spd = staticmethod(_by_dimension(factorizations.inverse_spd, stacks.inverse_spd))
    inverse = staticmethod(_by_dimension(factorizations.inverse, stacks.inverse))
    cholesky = staticmethod(factorizations.cholesky)
    solve_triangular = staticmethod(factorizations.solve_triangular)

    spectral_function = staticmethod(
        _by_dimension(spectral.spectral_function, stacks.spectral_function)
    )
    lyapunov = staticmethod(_by_dimension(spectral.lyapunov, stacks.lyapunov))
    polar_factor = staticmethod(_by_dimension(spectral.polar_factor, stacks.polar_factor))

    def from_host(self, x: Matrix) -> Matrix:
        """Return ``x`` itself: it is on the host."""
        return np.asarray(x)

    def to_host(self, x: Matrix) -> Matrix:
        """Return ``x`` itself: it is on the host."""
        return np.asarray(x)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Matrix:
        """Return an uninitialised C-contiguous array; float32 for the name of a half precision."""
        return np.empty(shape, halves.storage_dtype(dtype))

    def norms(self, x: Matrix) -> MatrixNorms:
        """Return the norms of ``x`` (..., m, n), accumulated in float64; NaN if ``x`` holds NaN."""
        if x.ndim > 2:
            return stack_norms(x)
        check_matrix("x", x)
        return matrix_norms(x)

    def asymmetry(self, x: Matrix) -> Any:
        """Return the largest modulus in x - x^* for square ``x``; NaN if ``x`` holds NaN.

        Of a stack (..., n, n) an array (...).
        """
        if x.ndim > 2:
            return stacks.largest_asymmetries(x)
        check_square("x", x)
        return tiles.largest_asymmetry(x)

    def is_finite(self, x: Matrix) -> bool:
        """Return whether every element of ``x`` (..., m, n) is finite."""
        if x.ndim > 2:
            return all_finite(x.reshape(-1, x.shape[-1]))
        check_matrix("x", x)
        return all_finite(x)


# Annotated so that the type checker holds the class to the protocol.
numpy_backend: Backend = NumpyBackend()
