"""What a backend must offer to run a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from numpy.typing import DTypeLike, NDArray

__all__ = ["Backend", "Matrix", "MatrixNorms"]

Matrix: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class MatrixNorms:
    """Norms of one matrix: Frobenius, one-norm (largest absolute column sum), largest modulus."""

    frobenius: float
    one: float
    max_abs: float


class Backend(Protocol):
    """Kernels on real n x n matrices in float32 or float64.

    Results go into ``out``, allocated by the caller, C-contiguous, sharing no memory with an
    input; inputs are never modified. InputError if a shape, dtype or layout does not fit.
    """

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Matrix:
        """Return an uninitialised C-contiguous array of this shape and dtype."""
        ...

    def cast(self, out: Matrix, x: Matrix) -> None:
        """Copy ``x`` into ``out``, of the same shape, rounding to the dtype of ``out``."""
        ...

    def linear(
        self, out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
    ) -> None:
        """Write sum c_i X_i + shift I into ``out``; all shapes and dtypes equal."""
        ...

    def matmul(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        """Write x y into ``out`` (m x n), for ``x`` of m x k and ``y`` of k x n."""
        ...

    def matmul_hermitian(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        """Write x y, known to be symmetric, into ``out`` (n x n), exactly symmetric."""
        ...

    def matmul_averaged(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        """Write the symmetric part of x y into ``out`` (n x n), exactly symmetric."""
        ...

    def symmetrize(self, out: Matrix) -> None:
        """Replace ``out`` (n x n) by its symmetric part, exactly symmetric."""
        ...

    def inverse_spd(self, out: Matrix, x: Matrix) -> None:
        """Write the inverse of ``x`` into ``out``, exactly symmetric.

        IndefiniteMatrixError if ``x`` is not positive definite to working precision.
        """
        ...

    def spectral_function(
        self, out: Matrix, x: Matrix, function: Callable[[Matrix], Matrix]
    ) -> None:
        """Write V f(w) V^T into ``out`` for symmetric x = V diag(w) V^T, exactly symmetric.

        ``function`` maps the 1-D eigenvalues (dtype of x) to as many values and may raise.
        """
        ...

    def cholesky(self, out: Matrix, x: Matrix) -> bool:
        """Write the lower Cholesky factor of ``x`` into ``out``; False if it breaks down."""
        ...

    def solve_triangular(self, factor: Matrix, b: Matrix, transpose: bool) -> Matrix:
        """Return L^-1 b, or L^-T b if ``transpose``, for lower L (n x n) and b (n x s)."""
        ...

    def norms(self, x: Matrix) -> MatrixNorms:
        """Return the norms of ``x``, accumulated in float64; NaN if ``x`` holds NaN."""
        ...

    def asymmetry(self, x: Matrix) -> float:
        """Return the largest modulus in x - x^T for square ``x``; NaN if ``x`` holds NaN."""
        ...

    def is_finite(self, x: Matrix) -> bool:
        """Return whether every element of ``x`` is finite."""
        ...
