"""Products of matrices: general, known to be Hermitian, and of a matrix with an adjoint.

Each writes ``alpha`` times the product plus ``beta_i C_i`` for every pair in ``addends`` plus
``shift`` times the identity. One C_i may be ``out`` itself. ``alpha``, ``beta_i`` and ``shift`` are
real. Where the product is known to be Hermitian, so must be every C_i.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matrl.backends import blas, tiles
from matrl.backends.elementwise import add_to_diagonal, check_terms, linear
from matrl.backends.layout import (
    check_matrix,
    check_out,
    check_square,
    is_complex,
    is_row_contiguous,
    type_letter,
)
from matrl.backends.protocol import Addend, Matrix
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


@dataclass(frozen=True, slots=True)
class _Combination:
    """What is to be made of a product: alpha times it + beta out + the addends + shift I."""

    alpha: float
    beta: float
    addends: tuple[Addend, ...]
    shift: float


def _combination(
    out: Matrix, alpha: float, addends: Sequence[Addend], shift: float
) -> _Combination:
    check_terms(out, (alpha, *(beta for beta, _ in addends)), [c for _, c in addends], shift)
    own = sum(beta for beta, c in addends if c is out)
    others = tuple(
        (beta, c if is_row_contiguous(c) else np.ascontiguousarray(c))
        for beta, c in addends
        if c is not out and beta != 0.0
    )
    return _Combination(alpha, own, others, shift)


def _multiply(out: Matrix, x: _Operand, y: _Operand, of: _Combination) -> None:
    blas.gemm(out, x.array, y.array, of.alpha, of.beta, form_a=x.form, form_b=y.form)


def _multiply_lower(out: Matrix, x: _Operand, y: _Operand, of: _Combination, levels: int) -> None:
    """Write at least the lower triangle of alpha x y + beta out into ``out``."""
    if levels == 0:
        _multiply(out, x, y, of)
        return
    half = (out.shape[0] // 2 + _SPLIT_MULTIPLE - 1) // _SPLIT_MULTIPLE * _SPLIT_MULTIPLE
    upper, lower = slice(None, half), slice(half, None)
    _multiply(out[lower, upper], x.rows(lower), y.columns(upper), of)
    _multiply_lower(out[upper, upper], x.rows(upper), y.columns(upper), of, levels - 1)
    _multiply_lower(out[lower, lower], x.rows(lower), y.columns(lower), of, levels - 1)


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


def _multiply_hermitian(out: Matrix, x: _Operand, y: _Operand, of: _Combination) -> Matrix:
    check_square("out", out)
    levels = sum(out.shape[0] >= order for order in _SPLIT_ORDERS)
    _multiply_lower(out, x, y, of, levels)
    return _finish(out, of)


def _finish(out: Matrix, of: _Combination) -> Matrix:
    """Add the rest of the combination to a lower triangle, and mirror it."""
    tiles.mirror_lower(out, of.addends)
    add_to_diagonal(out, of.shift)
    return out


def matmul(
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
    """Write x y into ``out`` (m x n), for ``x`` of m x k and ``y`` of k x n, and return it.

    A factor whose ``adjoint`` flag is set enters as its conjugate transpose. No copy is made of an
    array with contiguous rows, nor of the transpose of one (except for its complex adjoint).
    InputError if shapes or dtypes do not fit.

    >>> x, out = np.array([[1.0, 2j]]), np.empty((1, 1), complex)
    >>> print(matmul(out, x, x, adjoint_y=True, alpha=2.0, shift=1.0))
    [[11.+0.j]]
    """
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    of = _combination(out, alpha, addends, shift)
    if of.addends:
        # gemm adds to what is there: one pass less than adding afterwards.
        own = ((of.beta, out),) if of.beta != 0.0 else ()
        betas, arrays = zip(*own, *of.addends, strict=True)
        linear(out, betas, arrays, 0.0)
        of = _Combination(alpha, 1.0, (), shift)
    _multiply(out, left, right, of)
    add_to_diagonal(out, of.shift)
    return out


def matmul_hermitian(
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
    """Write x y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian.

    Only blocks on and below the diagonal are computed and then mirrored, for about two thirds
    of the price of a product at large n; ``x`` is n x k and ``y`` k x n. The flags and errors are
    those of ``matmul``.

    >>> x, out = np.array([[2.0, 1j], [-1j, 2.0]]), np.empty((2, 2), complex)
    >>> print(matmul_hermitian(out, x, x))
    [[5.+0.j 0.+4.j]
     [0.-4.j 5.+0.j]]
    """
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    return _multiply_hermitian(out, left, right, _combination(out, alpha, addends, shift))


def matmul_averaged(
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
    """Write the Hermitian part of x y into ``out`` (n x n), exactly Hermitian.

    The flags and errors are those of ``matmul``.

    >>> out = np.empty((2, 2))
    >>> print(matmul_averaged(out, np.array([[1.0, 2.0], [0.0, 1.0]]), np.eye(2)))
    [[1. 1.]
     [1. 1.]]
    """
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    check_square("out", out)
    of = _combination(out, alpha, addends, shift)
    _multiply(out, left, right, of)
    tiles.average_with_transpose(out, of.addends)
    add_to_diagonal(out, of.shift)
    return out


def gram(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write x^* y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian.

    ``x`` and ``y`` are m x n; passing one array for both is cheaper (about 0.6 of a product).
    InputError if shapes or dtypes do not fit.

    >>> x, out = np.array([[1.0, 1j], [0.0, 1.0]]), np.empty((2, 2), complex)
    >>> print(gram(out, x, x))
    [[1.+0.j 0.+1.j]
     [0.-1.j 2.+0.j]]
    """
    return _adjoint_product(out, x, y, _combination(out, alpha, addends, shift), left=True)


def outer_gram(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write x y^*, known to be Hermitian, into ``out`` (m x m), exactly Hermitian.

    ``x`` and ``y`` are m x n; passing one array for both is cheaper, as for ``gram``.
    InputError if shapes or dtypes do not fit.

    >>> x, out = np.array([[3.0, 4.0]]), np.empty((1, 1))
    >>> print(outer_gram(out, x, x))
    [[25.]]
    """
    return _adjoint_product(out, x, y, _combination(out, alpha, addends, shift), left=False)


def gram_averaged(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write the Hermitian part of x^* y into ``out`` (n x n), exactly Hermitian.

    ``x`` and ``y`` are m x n; the whole product is computed. InputError if shapes or dtypes do not
    fit.

    >>> out = np.empty((1, 1), complex)
    >>> print(gram_averaged(out, np.array([[1.0 + 0j]]), np.array([[2.0 + 1j]])))
    [[2.+0.j]]
    """
    return matmul_averaged(out, x, y, adjoint_x=True, alpha=alpha, addends=addends, shift=shift)


def symmetrize(out: Matrix) -> Matrix:
    """Replace ``out`` (n x n) by its Hermitian part, exactly Hermitian, and return it.

    >>> print(symmetrize(np.array([[1.0, 2.0], [4.0, 1.0]])))
    [[1. 3.]
     [3. 1.]]
    """
    check_out(out, None, [])
    type_letter(out=out)
    check_square("out", out)
    tiles.average_with_transpose(out)
    return out


def _adjoint_product(out: Matrix, x: Matrix, y: Matrix, of: _Combination, *, left: bool) -> Matrix:
    if x is not y:
        return _multiply_hermitian(out, *_checked(out, x, y, left, not left), of)
    check_matrix("x", x)
    order = x.shape[1 if left else 0]
    check_out(out, (order, order), [x])
    operand = _operand(x, False)
    if operand.form == "T" and is_complex(x):
        operand = _Operand(np.ascontiguousarray(x), "N")
    # With p = x^T real, x^T x is p p^T.
    adjoint = left == (operand.form == "N")
    blas.herk(out, operand.array, of.alpha, of.beta, adjoint=adjoint)
    return _finish(out, of)
