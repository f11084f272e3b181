"""BLAS kernels on row-major blocks, without the copies f2py wrappers make.

A row-major array with leading dimension ``ld`` is its transpose in column-major storage, so
C = A B becomes C^T = B^T A^T and a lower triangle becomes an upper one. Of a transpose, BLAS's "C"
is the conjugate; so "N", "T" and "C" mean for rows what they mean for columns. Every function takes
float32, float64, complex64 or complex128 arrays whose rows are contiguous, with any distance
between rows, and raises InputError before calling C when a dtype, shape or stride does not fit.
"""

import ctypes
from typing import Any, Literal, TypeAlias

from matrl.backends.capsules import blas_function
from matrl.backends.layout import (
    LARGEST_INT,
    check_square,
    check_writeable,
    leading_dimension,
    type_letter,
)
from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = ["Form", "axpy", "gemm", "herk", "trmm", "trsm"]

Form: TypeAlias = Literal["N", "T", "C"]
"""How an operand enters: as it is, transposed, or conjugate transposed."""

_SCALARS = {"s": ctypes.c_float, "d": ctypes.c_double, "c": ctypes.c_float, "z": ctypes.c_double}
_REAL_LETTERS = {"s": "s", "d": "d", "c": "s", "z": "d"}


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _scalar(prefix: str, value: complex) -> Any:
    kind = _SCALARS[prefix]
    if prefix in "cz":
        return ctypes.byref((kind * 2)(value.real, value.imag))
    if value.imag != 0:
        raise InputError(f"the factor {value} is complex, the arrays are real: pass a real one")
    return ctypes.byref(kind(value.real))


def _shape(x: Matrix, form: Form) -> tuple[int, int]:
    rows, columns = x.shape
    return (rows, columns) if form == "N" else (columns, rows)


def gemm(
    out: Matrix,
    a: Matrix,
    b: Matrix,
    alpha: complex = 1.0,
    beta: complex = 0.0,
    *,
    form_a: Form = "N",
    form_b: Form = "N",
) -> None:
    """Write alpha op(a) op(b) + beta out into ``out`` (m x n), which must not overlap a or b.

    op(a) is m x k and op(b) k x n, each the array, its transpose ("T") or its conjugate transpose
    ("C"); with beta = 0 the old content of ``out`` is not read.
    """
    prefix = type_letter(out=out, a=a, b=b)
    check_writeable("out", out)
    rows, inner = _shape(a, form_a)
    inner_b, columns = _shape(b, form_b)
    if inner != inner_b or out.shape != (rows, columns):
        raise InputError(
            f"out has shape {out.shape}, but op(a) is {rows} x {inner} and op(b) "
            f"{inner_b} x {columns}: pass matching shapes"
        )
    blas_function(prefix + "gemm")(
        form_b.encode(),
        form_a.encode(),
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


def herk(
    out: Matrix, a: Matrix, alpha: float = 1.0, beta: float = 0.0, *, adjoint: bool = False
) -> None:
    """Write the lower triangle of alpha a a^* + beta out (a^* a if ``adjoint``) into ``out``.

    The diagonal becomes real; the strictly upper triangle of ``out`` (n x n) keeps its content.
    """
    prefix = type_letter(out=out, a=a)
    check_writeable("out", out)
    order, inner = a.shape[::-1] if adjoint else a.shape
    if out.shape != (order, order):
        raise InputError(f"out has shape {out.shape}: pass one of shape {(order, order)}")
    real = _REAL_LETTERS[prefix]
    blas_function(prefix + ("syrk" if prefix == real else "herk"))(
        b"U",
        b"N" if adjoint else b"C",
        _int(order),
        _int(inner),
        _scalar(real, alpha),
        a.ctypes.data,
        _int(leading_dimension(a)),
        _scalar(real, beta),
        out.ctypes.data,
        _int(leading_dimension(out)),
    )


def axpy(out: Matrix, alpha: complex, x: Matrix) -> None:
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


def trmm(out: Matrix, factor: Matrix, alpha: float = 1.0, *, left: bool) -> None:
    """Overwrite ``out`` (m x s) by alpha L out, or by alpha out L, for a lower triangular L.

    The strictly upper triangle of ``factor`` is not read.
    """
    prefix = type_letter(out=out, factor=factor)
    check_writeable("out", out)
    check_square("factor", factor)
    rows, columns = out.shape
    if factor.shape[0] != (rows if left else columns):
        raise InputError(f"out has shape {out.shape}: it does not fit a factor {factor.shape}")
    blas_function(prefix + "trmm")(
        b"R" if left else b"L",
        b"U",
        b"N",
        b"N",
        _int(columns),
        _int(rows),
        _scalar(prefix, alpha),
        factor.ctypes.data,
        _int(leading_dimension(factor)),
        out.ctypes.data,
        _int(leading_dimension(out)),
    )


def trsm(right: Matrix, factor: Matrix, *, adjoint: bool = False) -> None:
    """Overwrite ``right`` (n x s) by L^-1 right, or L^-* right, for the lower triangular factor L.

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
        b"C" if adjoint else b"N",
        b"N",
        _int(columns),
        _int(order),
        _scalar(prefix, 1.0),
        factor.ctypes.data,
        _int(leading_dimension(factor)),
        right.ctypes.data,
        _int(leading_dimension(right)),
    )
