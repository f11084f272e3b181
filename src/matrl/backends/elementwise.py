"""Casts, linear combinations and exact scaling."""

from collections.abc import Sequence

import numpy as np

from matrl.backends import blas
from matrl.backends.layout import (
    check_out,
    check_twin,
    real_dtype,
    real_view,
    type_letter,
)
from matrl.backends.norms import row_blocks
from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = ["add_to_diagonal", "cast", "check_terms", "linear", "scale_by_power_of_two"]

# Threaded axpy wants long vectors; the block of ``out`` shall stay in the shared cache.
_LINEAR_BYTES = 1 << 22
# Beyond it every finite number becomes 0 or infinity, from the smallest to the largest float64.
_LARGEST_EXPONENT = 3000


def cast(out: Matrix, x: Matrix, dtype: str = "") -> Matrix:
    """Copy ``x`` into ``out``, of the same shape, rounding to the dtype of ``out``.

    What overflows becomes infinity; InputError if ``x`` is complex and ``out`` real.

    >>> print(cast(np.empty((1, 1), np.complex64), np.array([[1.5]])))
    [[1.5+0.j]]
    """
    check_out(out, x.shape, [x])
    if not np.can_cast(x.dtype, out.dtype, "same_kind"):
        raise InputError(f"x has dtype {x.dtype}: pass one that casts to {out.dtype}")
    with np.errstate(over="ignore"):
        np.copyto(out, x, casting="same_kind")
    return out


def linear(
    out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
) -> Matrix:
    """Write sum c_i X_i + shift I into ``out``, of the shape and dtype of every X_i; return it.

    Coefficients and shift are real and rounded to the precision of ``out``, where one may vanish
    (``scale_by_power_of_two`` never rounds them); ``out`` may be one of the arrays, and is square
    unless shift is 0. InputError if coefficients and arrays differ in number or a number overflows
    the dtype.

    >>> out = np.empty((2, 2), complex)
    >>> print(linear(out, [2.0], [np.array([[0.0, 1j], [-1j, 0.0]])], 3.0) + 0.0)
    [[3.+0.j 0.+2.j]
     [0.-2.j 3.+0.j]]
    """
    check_out(out, None, [])
    if len(coefficients) != len(arrays):
        raise InputError(
            f"coefficients has {len(coefficients)} elements, arrays {len(arrays)}: pass as many"
        )
    check_terms(out, coefficients, arrays, shift)
    terms = [(float(c), x) for c, x in zip(coefficients, arrays, strict=True) if c != 0]
    # What is in ``out`` already must be read before it is written.
    terms.sort(key=lambda term: term[1] is not out)
    while len(terms) > 1 and terms[1][1] is out:
        terms[:2] = [(terms[0][0] + terms[1][0], out)]
    real = real_dtype(out).type
    # Real and imaginary parts side by side: half the work of complex products by real numbers.
    wide = real_view(out)
    for rows in row_blocks(out, _LINEAR_BYTES):
        block = wide[rows]
        if not terms:
            block[...] = 0
            continue
        (coefficient, first), *others = terms
        if not (first is out and coefficient == 1.0):
            np.multiply(_real_rows(first, rows), real(coefficient), out=block)
        for coefficient, x in others:
            blas.axpy(block, coefficient, np.ascontiguousarray(_real_rows(x, rows)))
    add_to_diagonal(out, shift)
    return out


def check_terms(
    out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
) -> None:
    """Raise InputError unless sum c_i X_i + shift I can be added to ``out`` (..., m, n).

    All shapes and dtypes must be equal, ``out`` be an X_i itself or share no memory with it, and
    every number be finite in its dtype; ``out`` must be square unless shift is 0.
    """
    check_out(out, None, [x for x in arrays if x is not out])
    type_letter(out=out.reshape(-1, out.shape[-1]))
    for x in arrays:
        if x.shape != out.shape or x.dtype != out.dtype:
            raise InputError(
                f"arrays holds a {x.dtype} array of shape {x.shape}: "
                f"out is {out.dtype} of shape {out.shape}"
            )
    largest = float(np.finfo(real_dtype(out).type).max)
    if not all(abs(value) <= largest for value in (*coefficients, shift)):
        raise InputError(f"coefficients or shift is not finite in {out.dtype}: rescale them")
    if shift != 0 and out.shape[-1] != out.shape[-2]:
        raise InputError(f"out has shape {out.shape}: pass a square matrix, or no shift")


def add_to_diagonal(out: Matrix, shift: float) -> None:
    """Add ``shift`` times the identity to ``out`` (n x n, C-contiguous)."""
    if shift != 0:
        out.reshape(-1)[:: out.shape[1] + 1] += real_dtype(out).type(shift)


def scale_by_power_of_two(out: Matrix, x: Matrix, exponent: int) -> Matrix:
    """Write 2^exponent x into ``out``, of the shape and dtype of ``x`` (m x n).

    Exact for every exponent unless an element underflows (rounded once, as in IEEE 754) or
    overflows (infinity), even where 2^exponent itself is no number of the dtype. InputError if
    shapes or dtypes do not fit.

    >>> out = np.empty((1, 2), np.float32)
    >>> x = np.array([[2.0**-149, 0.0]], np.float32)
    >>> print(scale_by_power_of_two(out, x, 200) == np.float32(2.0**51))
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
    return out


def _real_rows(x: Matrix, rows: slice) -> Matrix:
    """Return the rows with real and imaginary parts side by side; a copy if they have gaps."""
    part = x[rows]
    if part.dtype.kind != "c":
        return part
    return real_view(np.ascontiguousarray(part))
