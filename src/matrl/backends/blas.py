"""BLAS and LAPACK kernels on row-major blocks, without the copies f2py wrappers make.

A row-major array with leading dimension ``ld`` is its transpose in column-major storage, so
C = A B becomes C^T = B^T A^T and a lower triangle becomes an upper one. Every function takes
float32 or float64 arrays whose rows are contiguous, with any distance between rows, and
raises InputError before calling C when a dtype, shape or stride does not fit.
"""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matrl.backends.capsules import blas_function, lapack_function
from matrl.backends.layout import (
    LARGEST_INT,
    check_square,
    check_writeable,
    leading_dimension,
    type_letter,
)
from matrl.backends.protocol import Matrix
from matrl.errors import ConvergenceError, InputError

__all__ = [
    "axpy",
    "gemm",
    "potrf",
    "potri",
    "syevd",
    "syrk",
    "trsm",
]


_SCALARS = {"s": ctypes.c_float, "d": ctypes.c_double}


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _scalar(prefix: str, value: float) -> Any:
    return ctypes.byref(_SCALARS[prefix](value))


def gemm(
    out: Matrix,
    a: Matrix,
    b: Matrix,
    alpha: float = 1.0,
    beta: float = 0.0,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> None:
    """Write alpha op(a) op(b) + beta out into ``out`` (m x n), which must not overlap a or b.

    op(a) is m x k and op(b) k x n, each the array or its transpose; with beta = 0 the old content
    of ``out`` is not read.
    """
    prefix = type_letter(out=out, a=a, b=b)
    check_writeable("out", out)
    rows, inner = a.shape[::-1] if transpose_a else a.shape
    inner_b, columns = b.shape[::-1] if transpose_b else b.shape
    if inner != inner_b or out.shape != (rows, columns):
        raise InputError(
            f"out has shape {out.shape}, but op(a) is {rows} x {inner} and op(b) "
            f"{inner_b} x {columns}: pass matching shapes"
        )
    blas_function(prefix + "gemm")(
        b"T" if transpose_b else b"N",
        b"T" if transpose_a else b"N",
        _int(columns),
        _int(rows),
        _int(inner),
        _scalar(prefix, alpha),
        b.ctypes.data,
        _int(leading_dimension(b)),
        a.ctypes.data,
        _int(leading_dimension(a)),
        _scalar(prefix, beta),
        out.ctypes.data,
        _int(leading_dimension(out)),
    )


def syrk(
    out: Matrix, a: Matrix, alpha: float = 1.0, beta: float = 0.0, *, transpose: bool = False
) -> None:
    """Write the lower triangle of alpha a a^T + beta out (a^T a if ``transpose``) into ``out``.

    The strictly upper triangle of ``out`` (n x n) keeps its content.
    """
    prefix = type_letter(out=out, a=a)
    check_writeable("out", out)
    order, inner = a.shape[::-1] if transpose else a.shape
    if out.shape != (order, order):
        raise InputError(f"out has shape {out.shape}: pass one of shape {(order, order)}")
    blas_function(prefix + "syrk")(
        b"U",
        b"N" if transpose else b"T",
        _int(order),
        _int(inner),
        _scalar(prefix, alpha),
        a.ctypes.data,
        _int(leading_dimension(a)),
        _scalar(prefix, beta),
        out.ctypes.data,
        _int(leading_dimension(out)),
    )


def axpy(out: Matrix, alpha: float, x: Matrix) -> None:
    """Add alpha x to ``out``; both C-contiguous 2-D arrays of one shape and dtype."""
    prefix = type_letter(out=out, x=x)
    check_writeable("out", out)
    if out.shape != x.shape or not (out.flags.c_contiguous and x.flags.c_contiguous):
        raise InputError("x and out differ in shape or are not contiguous: pass contiguous twins")
    if x.size > LARGEST_INT:
        raise InputError(f"x has {x.size} elements, too many for 32-bit BLAS: pass row blocks")
    blas_function(prefix + "axpy")(
        _int(x.size), _scalar(prefix, alpha), x.ctypes.data, _int(1), out.ctypes.data, _int(1)
    )


def trsm(right: Matrix, factor: Matrix, *, transpose: bool = False) -> None:
    """Overwrite ``right`` (n x s) by L^-1 right, or L^-T right, for the lower triangular factor L.

    ``factor`` is n x n; its strictly upper triangle is not read. A zero on the diagonal divides
    by zero.
    """
    prefix = type_letter(right=right, factor=factor)
    check_writeable("right", right)
    check_square("factor", factor)
    order, columns = right.shape
    if factor.shape[0] != order:
        raise InputError(f"right has {order} rows: the factor needs {factor.shape[0]}")
    blas_function(prefix + "trsm")(
        b"R",
        b"U",
        b"T" if transpose else b"N",
        b"N",
        _int(columns),
        _int(order),
        _scalar(prefix, 1.0),
        factor.ctypes.data,
        _int(leading_dimension(factor)),
        right.ctypes.data,
        _int(leading_dimension(right)),
    )


def _triangle_routine(routine: str, matrix: Matrix) -> int:
    prefix = type_letter(matrix=matrix)
    check_writeable("matrix", matrix)
    check_square("matrix", matrix)
    info = ctypes.c_int(0)
    lapack_function(prefix + routine)(
        b"U",
        _int(matrix.shape[0]),
        matrix.ctypes.data,
        _int(leading_dimension(matrix)),
        ctypes.byref(info),
    )
    return info.value


def potrf(matrix: Matrix) -> int:
    """Overwrite the lower triangle (n x n) by its Cholesky factor; return LAPACK's info.

    0 means success, k > 0 that the leading minor of order k is not positive definite. The strictly
    upper triangle is neither read nor written.
    """
    return _triangle_routine("potrf", matrix)


def potri(matrix: Matrix) -> int:
    """Overwrite a lower Cholesky factor by the lower triangle of the inverse; return info.

    0 means success, k > 0 that diagonal element k of the factor is zero.
    """
    return _triangle_routine("potri", matrix)


def syevd(matrix: Matrix) -> NDArray[Any]:
    """Overwrite a symmetric matrix by its eigenvectors, one per row; return the n eigenvalues.

    Divide and conquer on the lower triangle, in the dtype of the matrix, eigenvalues ascending;
    ConvergenceError if LAPACK gives up.
    """
    prefix = type_letter(matrix=matrix)
    check_writeable("matrix", matrix)
    check_square("matrix", matrix)
    order = matrix.shape[0]
    eigenvalues = np.empty(order, matrix.dtype)
    work = np.empty(1 + 6 * order + 2 * order * order, matrix.dtype)
    integers = np.empty(3 + 5 * order, np.intc)
    if work.size > LARGEST_INT:
        raise InputError(f"matrix has order {order}, too large for 32-bit LAPACK: split it")
    info = ctypes.c_int(0)
    lapack_function(prefix + "syevd")(
        b"V",
        b"U",
        _int(order),
        matrix.ctypes.data,
        _int(leading_dimension(matrix)),
        eigenvalues.ctypes.data,
        work.ctypes.data,
        _int(work.size),
        integers.ctypes.data,
        _int(integers.size),
        ctypes.byref(info),
    )
    if info.value:
        raise ConvergenceError(
            f"the eigensolver gave up (info {info.value}): check the matrix, or use float64"
        )
    return eigenvalues
