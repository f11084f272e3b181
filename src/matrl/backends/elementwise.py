"""Casts, linear combinations and exact scaling."""

from collections.abc import Sequence

import numpy as np

from matrl.backends import blas
from matrl.backends.layout import (
    check_out,
    check_square,
    check_twin,
    real_dtype,
    real_view,
    type_letter,
)
from matrl.backends.norms import row_blocks
from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = ["cast", "linear", "scale_by_power_of_two"]

# Threaded axpy wants long vectors; the block of ``out`` shall stay in the shared cache.
_LINEAR_BYTES = 1 << 22
# Beyond it every finite number becomes 0 or infinity, from the smallest to the largest float64.
_LARGEST_EXPONENT = 3000


def cast(out: Matrix, x: Matrix) -> None:
    """Copy ``x`` into ``out``, of the same shape, rounding to the dtype of ``out``.

    What overflows becomes infinity; InputError if ``x`` is complex and ``out`` real.

    >>> out = np.empty((1, 1), np.complex64)
    >>> cast(out, np.array([[1.5]]))
    >>> print(out)
    [[1.5+0.j]]
    """
    check_out(out, x.shape, [x])
    if not np.can_cast(x.dtype, out.dtype, "same_kind"):
        raise InputError(f"x has dtype {x.dtype}: pass one that casts to {out.dtype}")
    with np.errstate(over="ignore"):
        np.copyto(out, x, casting="same_kind")


def linear(
    out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
) -> None:
    """Write sum c_i X_i + shift I into ``out``, of the shape and dtype of every X_i.

    Coefficients and shift are real and rounded to the precision of ``out``, where one may vanish
    (``scale_by_power_of_two`` never rounds them); ``out`` is square unless shift is 0. InputError
    if coefficients and arrays differ in number or a number overflows the dtype.

    >>> out = np.empty((2, 2), complex)
    >>> linear(out, [2.0], [np.array([[0.0, 1j], [-1j, 0.0]])], 3.0)
    >>> print(out + 0.0)
    [[3.+0.j 0.+2.j]
     [0.-2.j 3.+0.j]]
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
    real = real_dtype(out).type
    largest = float(np.finfo(real).max)
    if not all(abs(value) <= largest for value in (*coefficients, shift)):
        raise InputError(f"coefficients or shift is not finite in {out.dtype}: rescale them")
    if shift != 0:
        check_square("out", out)
    terms = [(float(c), x) for c, x in zip(coefficients, arrays, strict=True) if c != 0]
    # Real and imaginary parts side by side: half the work of complex products by real numbers.
    wide = real_view(out)
    for rows in row_blocks(out, _LINEAR_BYTES):
        block = wide[rows]
        if not terms:
            block[...] = 0
            continue
        first, *others = terms
        np.multiply(_real_rows(first[1], rows), real(first[0]), out=block)
        for coefficient, x in others:
            blas.axpy(block, coefficient, np.ascontiguousarray(_real_rows(x, rows)))
    if shift != 0:
        out.reshape(-1)[:: out.shape[1] + 1] += real(shift)


def scale_by_power_of_two(out: Matrix, x: Matrix, exponent: int) -> None:
    """Write 2^exponent x into ``out``, of the shape and dtype of ``x`` (m x n).

    Exact for every exponent unless an element underflows (rounded once, as in IEEE 754) or
    overflows (infinity), even where 2^exponent itself is no number of the dtype. InputError if
    shapes or dtypes do not fit.

    >>> out = np.empty((1, 2), np.float32)
    >>> scale_by_power_of_two(out, np.array([[2.0**-149, 0.0]], np.float32), 200)
    >>> print(out == np.float32(2.0**51))
    [[ True False]]
    """
    check_twin(out, "x", x)
    limits = np.finfo(real_dtype(out))
    exponent = max(-_LARGEST_EXPONENT, min(exponent, _LARGEST_EXPONENT))
    normal = limits.minexp <= exponent < limits.maxexp
    wide = real_view(out)
    with np.errstate(over="ignore", under="ignore"):
        for rows in row_blocks(out, _LINEAR_BYTES):
            block = wide[rows]
            if normal:
                # One correctly rounded product gives what ldexp gives, several times faster.
                factor = np.ldexp(limits.dtype.type(1), exponent)
                np.multiply(_real_rows(x, rows), factor, out=block)
            else:
                np.ldexp(_real_rows(x, rows), exponent, out=block)


def _real_rows(x: Matrix, rows: slice) -> Matrix:
    """Return the rows with real and imaginary parts side by side; a copy if they have gaps."""
    part = x[rows]
    if part.dtype.kind != "c":
        return part
    return real_view(np.ascontiguousarray(part))
