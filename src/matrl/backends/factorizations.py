"""Inverses, Cholesky factorisation and triangular systems."""

import numpy as np

from matrl.backends import blas, lapack, tiles
from matrl.backends.layout import check_out, check_square, check_twin, is_row_contiguous
from matrl.backends.norms import all_finite
from matrl.backends.protocol import Matrix
from matrl.errors import DomainError, IndefiniteMatrixError, InputError, NonFiniteError

__all__ = ["cholesky", "inverse", "inverse_spd", "solve_triangular"]

_LAPACK_ORDER = 64
"""Up to this order a call of LAPACK inverts a triangle fastest, measured from 32 to 256."""
_MULTIPLE = 16


def inverse_spd(out: Matrix, x: Matrix) -> Matrix:
    """Write the Cholesky inverse of Hermitian ``x`` (n x n, lower triangle read) into ``out``.

    Exactly Hermitian; IndefiniteMatrixError if x is not positive definite to working precision,
    NonFiniteError if it holds NaN or infinity. Source: LAPACK ``potrf`` and ``lauum``.

    >>> out = np.empty((2, 2), complex)
    >>> print(inverse_spd(out, np.array([[2.0, 1j], [-1j, 1.0]])).round(12) + 0.0)
    [[1.+0.j 0.-1.j]
     [0.+1.j 2.+0.j]]
    """
    info = _factorize(out, x)
    if info > 0:
        raise IndefiniteMatrixError(
            f"x is not positive definite: its leading minor of order {info} is not; "
            "shift it by a multiple of the identity or pass a definite matrix"
        )
    # OpenBLAS lets NaN through with info = 0; any in a row reaches the diagonal of the factor.
    if not np.isfinite(out.diagonal()).all():
        raise NonFiniteError("x holds NaN or infinity, or overflows: pass finite elements")
    info = _invert_lower(out)
    lapack.lauum(out)
    if info > 0 or not np.isfinite(out.diagonal()).all():
        raise IndefiniteMatrixError(
            "x is singular to working precision: shift it by a multiple of the identity"
        )
    tiles.mirror_lower(out)
    return out


def inverse(out: Matrix, x: Matrix) -> Matrix:
    """Write the inverse of a general ``x`` (n x n) into ``out``, by LU with partial pivoting.

    DomainError if x is singular (a pivot is zero, or the inverse overflows), NonFiniteError if it
    holds NaN or infinity. Source: LAPACK ``getrf`` and ``getri``.

    >>> print(inverse(np.empty((2, 2)), np.array([[0.0, 2.0], [1.0, 0.0]])) + 0.0)
    [[0.  1. ]
     [0.5 0. ]]
    """
    check_square("x", x)
    check_twin(out, "x", x)
    np.copyto(out, x)
    pivots, info = lapack.getrf(out)
    if info == 0:
        info = lapack.getri(out, pivots)
        if info == 0 and all_finite(out):
            return out
    if not all_finite(x):
        raise NonFiniteError("x holds NaN or infinity: pass finite elements")
    raise DomainError(
        "x is singular to working precision and has no inverse: "
        "shift it by a multiple of the identity"
    )


def cholesky(out: Matrix, x: Matrix) -> bool:
    """Write the lower Cholesky factor of ``x`` (n x n, lower triangle read) into ``out``.

    ``x`` may be ``out`` itself, which takes no second matrix. Returns False, with undefined content
    in ``out``, if x is not positive definite or finite.
    Source: LAPACK ``potrf``.

    >>> out = np.empty((2, 2), complex)
    >>> cholesky(out, np.array([[1.0, -1j], [1j, 5.0]]))
    True
    >>> print(out)
    [[1.+0.j 0.+0.j]
     [0.+1.j 2.+0.j]]
    """
    if _factorize(out, x) > 0 or not np.isfinite(out.diagonal()).all():
        return False
    tiles.zero_upper(out)
    return True


def solve_triangular(factor: Matrix, b: Matrix, transpose: bool) -> Matrix:
    """Return L^-1 b, or L^-* b if ``transpose``, for lower L (n x n) and b (n x s).

    For complex L "transpose" means the conjugate transpose. InputError if the diagonal of
    ``factor`` holds a zero or the shapes or dtypes do not fit.

    >>> print(solve_triangular(np.array([[2j]]), np.array([[4.0 + 0j]]), True))
    [[0.+2.j]]
    """
    check_square("factor", factor)
    if not factor.diagonal().all():
        raise InputError("factor has a zero on its diagonal: pass a regular factor")
    solution = np.array(b, order="C")
    rows = factor if is_row_contiguous(factor) else np.ascontiguousarray(factor)
    blas.trsm(solution, rows, adjoint=transpose)
    return solution


def _invert_lower(factor: Matrix) -> int:
    """Overwrite a lower triangular factor by its inverse; return info > 0 if it is singular.

    By halves, so that most of the work is products, which makes the inverse 1.3 to 1.9 times as
    fast as ``potri`` by one thread. Source:
    Du Croz and Higham, doi:10.1093/imanum/12.1.1, for the stability of such methods.
    """
    order = factor.shape[0]
    if order <= _LAPACK_ORDER:
        return lapack.trtri(factor)
    half = order // 2 // _MULTIPLE * _MULTIPLE
    first, below, last = factor[:half, :half], factor[half:, :half], factor[half:, half:]
    info = _invert_lower(first)
    if info == 0 and (info := _invert_lower(last)) > 0:
        info += half
    blas.trmm(below, last, -1.0, left=True)
    blas.trmm(below, first, left=False)
    return info


def _factorize(out: Matrix, x: Matrix) -> int:
    check_square("x", x)
    if out is x:
        check_out(out, None, [])
    else:
        check_twin(out, "x", x)
        np.copyto(out, x)
    return lapack.potrf(out)
