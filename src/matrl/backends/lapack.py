"""LAPACK kernels on row-major blocks, in the conventions of ``matrl.backends.blas``.

LAPACK sees the transpose of a row-major array. For a Hermitian one that is its conjugate, whose
Cholesky factor U = L^T and inverse are, seen by rows again, those of the array itself; eigenvectors
come out conjugated, which the docstring of ``heevd`` spells out.
"""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matrl.backends.capsules import lapack_function
from matrl.backends.layout import (
    LARGEST_INT,
    check_square,
    check_writeable,
    is_complex,
    leading_dimension,
    real_dtype,
    type_letter,
)
from matrl.backends.protocol import Matrix
from matrl.errors import ConvergenceError, InputError

__all__ = ["gesdd", "getrf", "getri", "heevd", "lauum", "potrf", "trtri"]


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _check_work(matrix: Matrix, size: int) -> None:
    if size > LARGEST_INT:
        raise InputError(f"matrix has shape {matrix.shape}, too large for 32-bit LAPACK: split it")


def _triangle_routine(routine: str, matrix: Matrix, *options: bytes) -> int:
    prefix = type_letter(matrix=matrix)
    check_writeable("matrix", matrix)
    check_square("matrix", matrix)
    info = ctypes.c_int(0)
    lapack_function(prefix + routine)(
        b"U",
        *options,
        _int(matrix.shape[0]),
        matrix.ctypes.data,
        _int(leading_dimension(matrix)),
        ctypes.byref(info),
    )
    return info.value


def potrf(matrix: Matrix) -> int:
    """Overwrite the lower triangle (n x n) by its Cholesky factor L, A = L L^*; return info.

    0 means success, k > 0 that the leading minor of order k is not positive definite. The strictly
    upper triangle is neither read nor written.
    """
    return _triangle_routine("potrf", matrix)


def trtri(matrix: Matrix) -> int:
    """Overwrite a lower triangular matrix (n x n) by its inverse; return info.

    0 means success, k > 0 that diagonal element k is zero. The strictly upper triangle is neither
    read nor written.
    """
    return _triangle_routine("trtri", matrix, b"N")


def lauum(matrix: Matrix) -> None:
    """Overwrite a lower triangular L (n x n) by the lower triangle of L^* L."""
    _triangle_routine("lauum", matrix)


def heevd(matrix: Matrix) -> NDArray[Any]:
    """Overwrite a Hermitian matrix (n x n) by R, return the n eigenvalues: A = R^* diag(w) R.

    The rows of R are the conjugated eigenvectors. Divide and conquer on the lower triangle, in the
    dtype of the matrix; eigenvalues real and ascending; ConvergenceError if LAPACK gives up.
    """
    prefix = type_letter(matrix=matrix)
    check_writeable("matrix", matrix)
    check_square("matrix", matrix)
    order = matrix.shape[0]
    real = real_dtype(matrix)
    complex_kind = is_complex(matrix)
    # The least sizes that LAPACK documents; and 64 columns more for heevd to transform the vectors
    # by blocks, of which its answer to a query knows nothing (467 ms without, 223 ms with them, for
    # complex128 at n = 1000).
    sizes = {
        "work": 66 * order + order * order if complex_kind else 1 + 6 * order + 2 * order * order,
        "rwork": 1 + 5 * order + 2 * order * order,
    }
    _check_work(matrix, max(sizes.values()))
    eigenvalues = np.empty(order, real)
    work = np.empty(sizes["work"], matrix.dtype)
    real_work = np.empty(sizes["rwork"] if complex_kind else 0, real)
    integers = np.empty(3 + 5 * order, np.intc)
    info = ctypes.c_int(0)
    lapack_function(prefix + ("heevd" if complex_kind else "syevd"))(
        b"V",
        b"U",
        _int(order),
        matrix.ctypes.data,
        _int(leading_dimension(matrix)),
        eigenvalues.ctypes.data,
        work.ctypes.data,
        _int(work.size),
        *((real_work.ctypes.data, _int(real_work.size)) if complex_kind else ()),
        integers.ctypes.data,
        _int(integers.size),
        ctypes.byref(info),
    )
    if info.value:
        raise ConvergenceError(
            f"the eigensolver gave up (info {info.value}): check the matrix, or use float64"
        )
    return eigenvalues


def gesdd(matrix: Matrix) -> tuple[Matrix, NDArray[Any], Matrix]:
    """Return the thin decomposition (u, s, v^*) of an m x n matrix, whose content is destroyed.

    u is m x k, v^* is k x n, k = min(m, n), A = u diag(s) v^*; s is real and descending. Divide and
    conquer; ConvergenceError if LAPACK gives up.
    """
    prefix = type_letter(matrix=matrix)
    check_writeable("matrix", matrix)
    rows, columns = matrix.shape
    least, most = min(rows, columns), max(rows, columns)
    u = np.empty((rows, least), matrix.dtype)
    values = np.empty(least, real_dtype(matrix))
    v_adjoint = np.empty((least, columns), matrix.dtype)
    real_size = 5 * least * least + 5 * least
    if most < 2 * least:  # otherwise LAPACK takes a QR factorisation first and needs no more
        real_size = max(real_size, 2 * most * least + 2 * least * least + least)
    _check_work(matrix, real_size)
    real_work = np.empty(real_size if is_complex(matrix) else 0, real_dtype(matrix))
    integers = np.empty(8 * least, np.intc)
    info = ctypes.c_int(0)

    def call(work: NDArray[Any], size: int) -> None:
        # A^T = (v^*)^T diag(s) u^T: seen by rows, LAPACK's "VT" is u and its "U" is v^*.
        lapack_function(prefix + "gesdd")(
            b"S",
            _int(columns),
            _int(rows),
            matrix.ctypes.data,
            _int(leading_dimension(matrix)),
            values.ctypes.data,
            v_adjoint.ctypes.data,
            _int(columns),
            u.ctypes.data,
            _int(least),
            work.ctypes.data,
            _int(size),
            *((real_work.ctypes.data,) if is_complex(matrix) else ()),
            integers.ctypes.data,
            ctypes.byref(info),
        )

    work = np.empty(1, matrix.dtype)
    call(work, -1)
    # LAPACK reports the size as a float, which float32 may have rounded down.
    size = int(np.ceil(float(work[0].real) * (1 + 2 * np.finfo(work.dtype).eps)))
    _check_work(matrix, size)
    call(np.empty(size, matrix.dtype), size)
    if info.value:
        raise ConvergenceError(
            f"the singular value decomposition gave up (info {info.value}): check that the matrix "
            "is finite, or use float64"
        )
    return u, values, v_adjoint


def getrf(matrix: Matrix) -> tuple[NDArray[np.intc], int]:
    """Overwrite a matrix (n x n) by its triangular factors with pivoting; return (pivots, info).

    What is factorised is the transpose, for ``getri`` to undo; info = k > 0 means that pivot k is
    exactly zero: the matrix is singular.
    """
    prefix = type_letter(matrix=matrix)
    check_writeable("matrix", matrix)
    check_square("matrix", matrix)
    order = matrix.shape[0]
    pivots = np.empty(order, np.intc)
    info = ctypes.c_int(0)
    lapack_function(prefix + "getrf")(
        _int(order),
        _int(order),
        matrix.ctypes.data,
        _int(leading_dimension(matrix)),
        pivots.ctypes.data,
        ctypes.byref(info),
    )
    return pivots, info.value


def getri(factors: Matrix, pivots: NDArray[np.intc]) -> int:
    """Overwrite what ``getrf`` made by the inverse (n x n); return info, k > 0 for zero pivot k."""
    prefix = type_letter(factors=factors)
    check_writeable("factors", factors)
    check_square("factors", factors)
    order = factors.shape[0]
    # Columns of the blocked algorithm, as in LAPACK's ilaenv.
    work = np.empty(64 * order, factors.dtype)
    _check_work(factors, work.size)
    info = ctypes.c_int(0)
    lapack_function(prefix + "getri")(
        _int(order),
        factors.ctypes.data,
        _int(leading_dimension(factors)),
        pivots.ctypes.data,
        work.ctypes.data,
        _int(work.size),
        ctypes.byref(info),
    )
    return info.value
