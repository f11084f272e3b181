"""Backend on NumPy arrays, computing with the BLAS and LAPACK of SciPy."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from matrl.backends import blas, tiles
from matrl.backends.layout import (
    check_matrix,
    check_out,
    check_square,
    is_row_contiguous,
    type_letter,
)
from matrl.backends.norms import all_finite, matrix_norms, row_blocks
from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.errors import IndefiniteMatrixError, InputError, NonFiniteError

__all__ = ["NumpyBackend", "numpy_backend"]

# Smallest order at which one more level of 2 x 2 splitting pays, measured with two threads.
_SPLIT_ORDERS = (224, 384, 704)
# A multiple keeps the blocks aligned to the register tiles of gemm.
_SPLIT_MULTIPLE = 16
# Threaded axpy wants long vectors; the block of ``out`` shall stay in the shared cache.
_LINEAR_BYTES = 1 << 22


def _addressable(x: Matrix) -> Matrix:
    """Return ``x``, or a copy if BLAS can address neither it nor its transpose."""
    if is_row_contiguous(x) or is_row_contiguous(x.T):
        return x
    return np.ascontiguousarray(x)


def _multiply(out: Matrix, x: Matrix, y: Matrix) -> None:
    transpose_x = not is_row_contiguous(x)
    transpose_y = not is_row_contiguous(y)
    blas.gemm(
        out,
        x.T if transpose_x else x,
        y.T if transpose_y else y,
        transpose_a=transpose_x,
        transpose_b=transpose_y,
    )


def _multiply_lower(out: Matrix, x: Matrix, y: Matrix, levels: int) -> None:
    """Write at least the lower triangle of x y into ``out``."""
    order = out.shape[0]
    if levels == 0:
        _multiply(out, x, y)
        return
    half = (order // 2 + _SPLIT_MULTIPLE - 1) // _SPLIT_MULTIPLE * _SPLIT_MULTIPLE
    _multiply(out[half:, :half], x[half:], y[:, :half])
    _multiply_lower(out[:half, :half], x[:half], y[:, :half], levels - 1)
    _multiply_lower(out[half:, half:], x[half:], y[:, half:], levels - 1)


class NumpyBackend:
    """Kernels on real NumPy matrices in float32 and float64, as described in ``Backend``."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Matrix:
        """Return an uninitialised C-contiguous array of this shape and dtype."""
        return np.empty(shape, dtype)

    def cast(self, out: Matrix, x: Matrix) -> None:
        """Copy ``x`` into ``out``, of the same shape, rounding to the dtype of ``out``.

        What overflows becomes infinity; InputError if the dtypes are of different kinds.
        """
        check_out(out, x.shape, [x])
        if not np.can_cast(x.dtype, out.dtype, "same_kind"):
            raise InputError(f"x has dtype {x.dtype}: pass one that casts to {out.dtype}")
        with np.errstate(over="ignore"):
            np.copyto(out, x, casting="same_kind")

    def linear(
        self, out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
    ) -> None:
        """Write sum c_i X_i + shift I into ``out``, of the shape and dtype of every X_i.

        InputError if coefficients and arrays differ in number or a number overflows the dtype.
        """
        check_out(out, None, arrays)
        type_letter(out=out)
        if len(coefficients) != len(arrays):
            raise InputError(
                f"coefficients has {len(coefficients)} elements, arrays {len(arrays)}: pass as many"
            )
        for x in arrays:
            if x.shape != out.shape or x.dtype != out.dtype:
                raise InputError(
                    f"arrays holds a {x.dtype} array of shape {x.shape}: "
                    f"out is {out.dtype} of shape {out.shape}"
                )
        largest = float(np.finfo(out.dtype).max)
        if not all(abs(value) <= largest for value in (*coefficients, shift)):
            raise InputError(f"coefficients or shift is not finite in {out.dtype}: rescale them")
        terms = [(float(c), x) for c, x in zip(coefficients, arrays, strict=True) if c != 0]
        for rows in row_blocks(out, _LINEAR_BYTES):
            block = out[rows]
            if not terms:
                block[...] = 0
                continue
            first, *others = terms
            np.multiply(first[1][rows], out.dtype.type(first[0]), out=block)
            for coefficient, x in others:
                blas.axpy(block, coefficient, np.ascontiguousarray(x[rows]))
        if shift != 0:
            check_square("out", out)
            out.reshape(-1)[:: out.shape[1] + 1] += out.dtype.type(shift)

    def matmul(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        """Write x y into ``out`` (m x n), for ``x`` of m x k and ``y`` of k x n."""
        self._check_product(out, x, y)
        _multiply(out, _addressable(x), _addressable(y))

    def matmul_hermitian(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        """Write x y, known to be symmetric, into ``out`` (n x n), exactly symmetric.

        Only blocks on and below the diagonal are computed and then mirrored, for about two thirds
        of the price of a product at large n; ``x`` is n x k and ``y`` k x n.
        """
        self._check_product(out, x, y)
        check_square("out", out)
        levels = sum(out.shape[0] >= order for order in _SPLIT_ORDERS)
        _multiply_lower(out, _addressable(x), _addressable(y), levels)
        tiles.mirror_lower(out)

    def matmul_averaged(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        """Write the symmetric part of x y into ``out`` (n x n), exactly symmetric."""
        self.matmul(out, x, y)
        self.symmetrize(out)

    def symmetrize(self, out: Matrix) -> None:
        """Replace ``out`` (n x n) by its symmetric part, exactly symmetric."""
        check_out(out, None, [])
        type_letter(out=out)
        check_square("out", out)
        tiles.average_with_transpose(out)

    def inverse_spd(self, out: Matrix, x: Matrix) -> None:
        """Write the Cholesky inverse of ``x`` (n x n, lower triangle read) into ``out``.

        Exactly symmetric; IndefiniteMatrixError if x is not positive definite to working
        precision, NonFiniteError if it holds NaN or infinity.
        """
        info = self._factorize(out, x)
        if info > 0:
            raise IndefiniteMatrixError(
                f"x is not positive definite: its leading minor of order {info} is not; "
                "shift it by a multiple of the identity or pass a definite matrix"
            )
        # OpenBLAS lets NaN through with info = 0; any in a row reaches the diagonal of the factor.
        if not np.isfinite(out.diagonal()).all():
            raise NonFiniteError("x holds NaN or infinity, or overflows: pass finite elements")
        info = blas.potri(out)
        if info > 0 or not np.isfinite(out.diagonal()).all():
            raise IndefiniteMatrixError(
                "x is singular to working precision: shift it by a multiple of the identity"
            )
        tiles.mirror_lower(out)

    def spectral_function(
        self, out: Matrix, x: Matrix, function: Callable[[Matrix], Matrix]
    ) -> None:
        """Write V f(w) V^T into ``out`` for symmetric x = V diag(w) V^T, exactly symmetric.

        ``function`` maps the 1-D ascending eigenvalues (dtype of x) to as many real values and may
        raise; NonFiniteError if ``x`` holds NaN or infinity, ConvergenceError if LAPACK gives up.
        """
        self._check_same_square(out, x)
        if not all_finite(x):
            raise NonFiniteError("x holds NaN or infinity: pass a finite matrix")
        vectors = np.array(x, order="C")
        eigenvalues = blas.syevd(vectors)
        values = np.asarray(function(eigenvalues))
        if values.shape != eigenvalues.shape or values.dtype.kind == "c":
            raise InputError(
                f"function returned {values.dtype} of shape {values.shape}: "
                f"it must return {eigenvalues.size} real values"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = vectors * values.astype(x.dtype)[:, None]
        self.matmul_hermitian(out, vectors.T, scaled)

    def cholesky(self, out: Matrix, x: Matrix) -> bool:
        """Write the lower Cholesky factor of ``x`` (n x n, lower triangle read) into ``out``.

        Returns False, with undefined content in ``out``, if x is not positive definite or finite.
        """
        if self._factorize(out, x) > 0 or not np.isfinite(out.diagonal()).all():
            return False
        tiles.zero_upper(out)
        return True

    def solve_triangular(self, factor: Matrix, b: Matrix, transpose: bool) -> Matrix:
        """Return L^-1 b, or L^-T b if ``transpose``, for lower L (n x n) and b (n x s).

        InputError if the diagonal of ``factor`` holds a zero or the shapes or dtypes do not fit.
        """
        check_square("factor", factor)
        if not factor.diagonal().all():
            raise InputError("factor has a zero on its diagonal: pass a regular factor")
        solution = np.array(b, order="C")
        rows = factor if is_row_contiguous(factor) else np.ascontiguousarray(factor)
        blas.trsm(solution, rows, transpose=transpose)
        return solution

    def norms(self, x: Matrix) -> MatrixNorms:
        """Return the norms of ``x``, accumulated in float64; NaN if ``x`` holds NaN."""
        check_matrix("x", x)
        return matrix_norms(x)

    def asymmetry(self, x: Matrix) -> float:
        """Return the largest modulus in x - x^T for square ``x``; NaN if ``x`` holds NaN."""
        check_square("x", x)
        return tiles.largest_asymmetry(x)

    def is_finite(self, x: Matrix) -> bool:
        """Return whether every element of ``x`` (2-D) is finite."""
        check_matrix("x", x)
        return all_finite(x)

    def _check_product(self, out: Matrix, x: Matrix, y: Matrix) -> None:
        check_matrix("x", x)
        check_matrix("y", y)
        check_out(out, (x.shape[0], y.shape[1]), [x, y])

    def _check_same_square(self, out: Matrix, x: Matrix) -> None:
        check_square("x", x)
        check_out(out, x.shape, [x])
        if out.dtype != x.dtype:
            raise InputError(f"out has dtype {out.dtype}, x {x.dtype}: pass arrays of one dtype")

    def _factorize(self, out: Matrix, x: Matrix) -> int:
        self._check_same_square(out, x)
        np.copyto(out, x)
        return blas.potrf(out)


# Annotated so that the type checker holds the class to the protocol.
numpy_backend: Backend = NumpyBackend()
