"""What a backend must offer to run a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from numpy.typing import DTypeLike, NDArray

__all__ = ["Addend", "Backend", "Matrix", "MatrixNorms"]

Matrix: TypeAlias = NDArray[Any]
Addend: TypeAlias = tuple[float, Matrix]
"""A real factor and the matrix it multiplies, to be added to a product."""


@dataclass(frozen=True, slots=True)
class MatrixNorms:
    """Norms of one m x n matrix, and a bound on the spectrum of a Hermitian one.

    Floats, or of a stack (..., m, n) arrays (...).

    ``frobenius``; ``one``, the largest absolute column sum; ``max_abs``, the largest modulus;
    ``inf``, the largest absolute row sum; ``gershgorin``, the largest x_ii + sum_{j != i} |x_ij|,
    which no eigenvalue of a Hermitian matrix exceeds, and infinity (no bound) for m != n.
    """

    frobenius: Any
    one: Any
    max_abs: Any
    inf: Any
    gershgorin: Any


class Backend(Protocol):
    """Kernels on matrices and stacks of them in float32, float64, complex64 or complex128.

    Shapes below are those of one matrix; before them may be others, the same for all arrays, but
    for ``scale_by_power_of_two``, ``inverse``, ``cholesky`` and ``solve_triangular``, of which only
    single matrices are asked. "Hermitian" means symmetric where real, x^* the conjugate transpose.

    Every kernel returns its result, which is ``out`` if ``writes_in_place``: allocated by the
    caller, C-contiguous, sharing no memory with an input unless said otherwise. Where arrays cannot
    be written, ``out`` lends its shape and dtype, or its content where that is read. If
    ``out_optional``, None may stand for an ``out`` that is not read, except where shape and dtype
    follow from nothing else (``linear`` without arrays, and ``cast``, which takes a dtype there);
    the result is then a new array.
    Inputs are never modified and may be strided. InputError if a shape, dtype or layout does not
    fit.

    What cannot be computed of one matrix of a stack becomes NaN, and so does a single matrix,
    unless ``raises_on_breakdown``. A backend without it never waits for its device to see values:
    only ``cholesky``, ``norms``, ``asymmetry`` and ``is_finite`` do, which answer the host.

    Products write alpha times themselves plus beta C for every (beta, C) in ``addends`` plus
    ``shift`` times the identity, all real. One C may be ``out``; where the product is known to be
    Hermitian, so must be every C.

    :func:`matrl.testing.check_backend` checks all of this.

    Attributes: ``writes_in_place``, ``out_optional`` and ``raises_on_breakdown``, as above.
    """

    writes_in_place: bool
    out_optional: bool
    raises_on_breakdown: bool

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Those of float32, float64, complex64 and complex128 there are now.

        What a library is set to may change them. Half precisions are not among them.
        """
        ...

    def from_host(self, x: NDArray[Any]) -> Matrix:
        """Return a NumPy array as one of the backend, of its dtype; it may share the memory."""
        ...

    def to_host(self, x: Matrix) -> NDArray[Any]:
        """Return an array of the backend as a NumPy array; half precisions widen to float32."""
        ...

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Matrix:
        """Return an uninitialised C-contiguous array of this shape and dtype.

        For ``"bfloat16"`` and ``"float16"`` it is what the backend holds their numbers in.
        """
        ...

    def round_to(self, out: Matrix, precision: str) -> Matrix:
        """Round ``out`` in place to bfloat16 or float16, to nearest, ties to even.

        ``out`` is from ``empty`` of that precision and holds what a kernel that sums in float32 has
        just written. Nothing is left to do where such a kernel rounds by itself.
        """
        ...

    def cast(self, out: Any, x: Matrix) -> Matrix:
        """Copy ``x`` into ``out``, of the same shape, rounding to the dtype of ``out``.

        Real may become complex, not the other way round. If ``out_optional``, ``out`` may be the
        name of a dtype (or a dtype of the backend): the result is then a new array of it.
        """
        ...

    def linear(
        self, out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
    ) -> Matrix:
        """Write sum c_i X_i + shift I into ``out``, which may be an X_i; shapes and dtypes equal.

        Coefficients and shift are real, also where the arrays are complex; m x n if shift is 0.
        """
        ...

    def scale_by_power_of_two(self, out: Matrix, x: Matrix, exponent: int) -> Matrix:
        """Write 2^exponent x into ``out`` (m x n), exact unless an element under- or overflows."""
        ...

    def matmul(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        adjoint_x: bool = False,
        adjoint_y: bool = False,
        alpha: float = 1.0,
        addends: Sequence[Addend] = (),
        shift: float = 0.0,
    ) -> Matrix:
        """Write x y into ``out`` (m x n), for ``x`` of m x k and ``y`` of k x n.

        A factor whose flag is set enters as its conjugate transpose.
        """
        ...

    def matmul_hermitian(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        adjoint_x: bool = False,
        adjoint_y: bool = False,
        alpha: float = 1.0,
        addends: Sequence[Addend] = (),
        shift: float = 0.0,
    ) -> Matrix:
        """Write x y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian."""
        ...

    def matmul_averaged(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        adjoint_x: bool = False,
        adjoint_y: bool = False,
        alpha: float = 1.0,
        addends: Sequence[Addend] = (),
        shift: float = 0.0,
    ) -> Matrix:
        """Write the Hermitian part of x y into ``out`` (n x n), exactly Hermitian."""
        ...

    def gram(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        alpha: float = 1.0,
        addends: Sequence[Addend] = (),
        shift: float = 0.0,
    ) -> Matrix:
        """Write x^* y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian.

        ``x`` and ``y`` are m x n and may be one array, which is cheaper.
        """
        ...

    def outer_gram(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        alpha: float = 1.0,
        addends: Sequence[Addend] = (),
        shift: float = 0.0,
    ) -> Matrix:
        """Write x y^*, known to be Hermitian, into ``out`` (m x m), exactly Hermitian."""
        ...

    def gram_averaged(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        alpha: float = 1.0,
        addends: Sequence[Addend] = (),
        shift: float = 0.0,
    ) -> Matrix:
        """Write the Hermitian part of x^* y into ``out`` (n x n), exactly Hermitian."""
        ...

    def symmetrize(self, out: Matrix) -> Matrix:
        """Replace ``out`` (n x n) by its Hermitian part, exactly Hermitian."""
        ...

    def inverse_spd(self, out: Matrix, x: Matrix) -> Matrix:
        """Write the inverse of Hermitian ``x`` into ``out``, exactly Hermitian.

        If ``x`` is not positive definite to working precision, or not finite, the result is NaN;
        if the backend ``raises_on_breakdown``, IndefiniteMatrixError or NonFiniteError.
        """
        ...

    def inverse(self, out: Matrix, x: Matrix) -> Matrix:
        """Write the inverse of a general ``x`` (n x n) into ``out``.

        If ``x`` is singular or not finite, the result is NaN; if the backend
        ``raises_on_breakdown``, DomainError or NonFiniteError.
        """
        ...

    def spectral_function(
        self, out: Matrix, x: Matrix, function: Callable[[Matrix], Matrix]
    ) -> Matrix:
        """Write V f(w) V^* into ``out`` for Hermitian x = V diag(w) V^*, exactly Hermitian.

        ``function`` maps eigenvalues (real, in the precision of x, ascending) to as many real
        values: those of one matrix, 1-D, or those of a stack, along the last axis, as the backend
        takes them. It is handed arrays of the backend. Where it gives NaN, or ``x`` holds any, so
        is the result of the whole matrix. If the backend ``raises_on_breakdown``, it may raise.
        """
        ...

    def lyapunov(self, out: Matrix, s: Matrix, r: Matrix) -> Matrix:
        """Write the solution D of S D + D S = R into ``out``, exactly Hermitian.

        S and R are Hermitian (n x n). If S is not positive definite, the result is NaN; if the
        backend ``raises_on_breakdown``, IndefiniteMatrixError.
        """
        ...

    def polar_factor(
        self, out: Matrix, x: Matrix, observe: Callable[[Matrix], object] | None = None
    ) -> Matrix:
        """Write the unitary polar factor of ``x`` (m x n, m >= n) into ``out``.

        ``observe`` is handed the n singular values, descending: of a stack matrix by matrix, or all
        together, along the last axis. If ``x`` holds NaN, so does the result; if the backend
        ``raises_on_breakdown``, NonFiniteError.
        """
        ...

    def cholesky(self, out: Matrix, x: Matrix) -> bool:
        """Write the lower Cholesky factor of ``x`` into ``out``; False if it breaks down.

        ``x`` may be ``out`` itself. Where arrays cannot be written, only the answer counts.
        """
        ...

    def solve_triangular(self, factor: Matrix, b: Matrix, transpose: bool) -> Matrix:
        """Return L^-1 b, or L^-* b if ``transpose``, for lower L (n x n) and b (n x s)."""
        ...

    def norms(self, x: Matrix) -> MatrixNorms:
        """Return the norms of ``x`` (..., m, n), accumulated in float64; NaN if ``x`` holds NaN."""
        ...

    def asymmetry(self, x: Matrix) -> Any:
        """Return the largest modulus in x - x^* for square ``x``; NaN if ``x`` holds NaN.

        Of a stack (..., n, n) an array (...).
        """
        ...

    def is_finite(self, x: Matrix) -> bool:
        """Return whether every element of ``x`` (..., m, n) is finite."""
        ...
