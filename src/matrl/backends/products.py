"""Products of matrices: general, known to be Hermitian, and of a matrix with an adjoint."""

from dataclasses import dataclass

import numpy as np

from matrl.backends import blas, tiles
from matrl.backends.layout import (
    check_matrix,
    check_out,
    check_square,
    is_complex,
    is_row_contiguous,
    type_letter,
)
from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = [
    "gram",
    "gram_averaged",
    "matmul",
    "matmul_averaged",
    "matmul_hermitian",
    "outer_gram",
    "symmetrize",
]

# Smallest order at which one more level of 2 x 2 splitting pays, measured with two threads.
_SPLIT_ORDERS = (224, 384, 704)
# A multiple keeps the blocks aligned to the register tiles of gemm.
_SPLIT_MULTIPLE = 16


@dataclass(frozen=True, slots=True)
class _Operand:
    """op(array), with contiguous rows in the array."""

    array: Matrix
    form: blas.Form

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.array.shape
        return (rows, columns) if self.form == "N" else (columns, rows)

    def rows(self, part: slice) -> "_Operand":
        array = self.array[part] if self.form == "N" else self.array[:, part]
        return _Operand(array, self.form)

    def columns(self, part: slice) -> "_Operand":
        array = self.array[:, part] if self.form == "N" else self.array[part]
        return _Operand(array, self.form)


def _operand(x: Matrix, adjoint: bool) -> _Operand:
    """Return ``x`` or x^* as an operand, copied only if BLAS can address no form of it."""
    if is_row_contiguous(x):
        return _Operand(x, "C" if adjoint else "N")
    if is_row_contiguous(x.T) and not (adjoint and is_complex(x)):
        return _Operand(x.T, "N" if adjoint else "T")
    return _Operand(np.ascontiguousarray(x), "C" if adjoint else "N")


def _multiply(out: Matrix, x: _Operand, y: _Operand) -> None:
    blas.gemm(out, x.array, y.array, form_a=x.form, form_b=y.form)


def _multiply_lower(out: Matrix, x: _Operand, y: _Operand, levels: int) -> None:
    """Write at least the lower triangle of x y into ``out``."""
    if levels == 0:
        _multiply(out, x, y)
        return
    half = (out.shape[0] // 2 + _SPLIT_MULTIPLE - 1) // _SPLIT_MULTIPLE * _SPLIT_MULTIPLE
    upper, lower = slice(None, half), slice(half, None)
    _multiply(out[lower, upper], x.rows(lower), y.columns(upper))
    _multiply_lower(out[upper, upper], x.rows(upper), y.columns(upper), levels - 1)
    _multiply_lower(out[lower, lower], x.rows(lower), y.columns(lower), levels - 1)


def _checked(
    out: Matrix, x: Matrix, y: Matrix, adjoint_x: bool, adjoint_y: bool
) -> tuple[_Operand, _Operand]:
    check_matrix("x", x)
    check_matrix("y", y)
    check_out(out, None, [x, y])
    left, right = _operand(x, adjoint_x), _operand(y, adjoint_y)
    shape = (left.shape[0], right.shape[1])
    if out.shape != shape:
        raise InputError(f"out has shape {out.shape}: pass an array of shape {shape}")
    return left, right


def _multiply_hermitian(out: Matrix, x: _Operand, y: _Operand) -> None:
    check_square("out", out)
    levels = sum(out.shape[0] >= order for order in _SPLIT_ORDERS)
    _multiply_lower(out, x, y, levels)
    tiles.mirror_lower(out)


def matmul(
    out: Matrix, x: Matrix, y: Matrix, *, adjoint_x: bool = False, adjoint_y: bool = False
) -> None:
    """Write x y into ``out`` (m x n), for ``x`` of m x k and ``y`` of k x n.

    A factor whose ``adjoint`` flag is set enters as its conjugate transpose. No copy is made of an
    array with contiguous rows, nor of the transpose of one (except for its complex adjoint).
    InputError if shapes or dtypes do not fit.

    >>> x, out = np.array([[1.0, 2j]]), np.empty((1, 1), complex)
    >>> matmul(out, x, x, adjoint_y=True)
    >>> print(out)
    [[5.+0.j]]
    """
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    _multiply(out, left, right)


def matmul_hermitian(
    out: Matrix, x: Matrix, y: Matrix, *, adjoint_x: bool = False, adjoint_y: bool = False
) -> None:
    """Write x y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian.

    Only blocks on and below the diagonal are computed and then mirrored, for about two thirds
    of the price of a product at large n; ``x`` is n x k and ``y`` k x n. The flags and errors are
    those of ``matmul``.

    >>> x, out = np.array([[2.0, 1j], [-1j, 2.0]]), np.empty((2, 2), complex)
    >>> matmul_hermitian(out, x, x)
    >>> print(out)
    [[5.+0.j 0.+4.j]
     [0.-4.j 5.+0.j]]
    """
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    _multiply_hermitian(out, left, right)


def matmul_averaged(
    out: Matrix, x: Matrix, y: Matrix, *, adjoint_x: bool = False, adjoint_y: bool = False
) -> None:
    """Write the Hermitian part of x y into ``out`` (n x n), exactly Hermitian.

    The flags and errors are those of ``matmul``.

    >>> out = np.empty((2, 2))
    >>> matmul_averaged(out, np.array([[1.0, 2.0], [0.0, 1.0]]), np.eye(2))
    >>> print(out)
    [[1. 1.]
     [1. 1.]]
    """
    matmul(out, x, y, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
    symmetrize(out)


def gram(out: Matrix, x: Matrix, y: Matrix) -> None:
    """Write x^* y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian.

    ``x`` and ``y`` are m x n; passing one array for both is cheaper (about 0.6 of a product).
    InputError if shapes or dtypes do not fit.

    >>> x, out = np.array([[1.0, 1j], [0.0, 1.0]]), np.empty((2, 2), complex)
    >>> gram(out, x, x)
    >>> print(out)
    [[1.+0.j 0.+1.j]
     [0.-1.j 2.+0.j]]
    """
    _adjoint_product(out, x, y, left=True)


def outer_gram(out: Matrix, x: Matrix, y: Matrix) -> None:
    """Write x y^*, known to be Hermitian, into ``out`` (m x m), exactly Hermitian.

    ``x`` and ``y`` are m x n; passing one array for both is cheaper, as for ``gram``.
    InputError if shapes or dtypes do not fit.

    >>> x, out = np.array([[3.0, 4.0]]), np.empty((1, 1))
    >>> outer_gram(out, x, x)
    >>> print(out)
    [[25.]]
    """
    _adjoint_product(out, x, y, left=False)


def gram_averaged(out: Matrix, x: Matrix, y: Matrix) -> None:
    """Write the Hermitian part of x^* y into ``out`` (n x n), exactly Hermitian.

    ``x`` and ``y`` are m x n; the whole product is computed. InputError if shapes or dtypes do not
    fit.

    >>> out = np.empty((1, 1), complex)
    >>> gram_averaged(out, np.array([[1.0 + 0j]]), np.array([[2.0 + 1j]]))
    >>> print(out)
    [[2.+0.j]]
    """
    matmul_averaged(out, x, y, adjoint_x=True)


def symmetrize(out: Matrix) -> None:
    """Replace ``out`` (n x n) by its Hermitian part, exactly Hermitian.

    >>> out = np.array([[1.0, 2.0], [4.0, 1.0]])
    >>> symmetrize(out)
    >>> print(out)
    [[1. 3.]
     [3. 1.]]
    """
    check_out(out, None, [])
    type_letter(out=out)
    check_square("out", out)
    tiles.average_with_transpose(out)


def _adjoint_product(out: Matrix, x: Matrix, y: Matrix, *, left: bool) -> None:
    if x is not y:
        _multiply_hermitian(out, *_checked(out, x, y, left, not left))
        return
    check_matrix("x", x)
    order = x.shape[1 if left else 0]
    check_out(out, (order, order), [x])
    operand = _operand(x, False)
    if operand.form == "T" and is_complex(x):
        operand = _Operand(np.ascontiguousarray(x), "N")
    # With p = x^T real, x^T x is p p^T.
    blas.herk(out, operand.array, adjoint=left == (operand.form == "N"))
    tiles.mirror_lower(out)
