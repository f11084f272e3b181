"""Norms and finiteness of a matrix in blocks of rows, without BLAS."""

import math
from collections.abc import Iterator

import numpy as np

from matrl.backends.layout import is_complex
from matrl.backends.protocol import Matrix, MatrixNorms

__all__ = ["all_finite", "matrix_norms", "row_blocks", "stack_norms"]

_BLOCK_BYTES = 1 << 18
# Squares of float64 values in this range neither overflow nor lose digits to underflow when summed.
_SAFE_LOW, _SAFE_HIGH = 1e-140, 1e140


def row_blocks(x: Matrix, block_bytes: int = _BLOCK_BYTES) -> Iterator[slice]:
    """Yield slices of consecutive rows of a 2-D array, about ``block_bytes`` bytes each."""
    rows = max(1, block_bytes // max(1, x.shape[1] * x.itemsize))
    for start in range(0, x.shape[0], rows):
        yield slice(start, start + rows)


def _moduli(x: Matrix, scale: float = 1.0) -> Matrix:
    """Return scale |x| in float64, as a new array."""
    # The modulus of a complex64 number may overflow float32, and rounds in it.
    moduli = np.abs(x.astype(np.complex128) if is_complex(x) else x)
    moduli = moduli.astype(np.float64, copy=False)
    if scale != 1.0:
        moduli *= scale
    return moduli


def _sum_of_squares(moduli: Matrix) -> float:
    # einsum sums products in its own loop: np.vdot would call NumPy's BLAS.
    return float(np.einsum("ij,ij->", moduli, moduli, optimize=False))


def _frobenius(x: Matrix, total: float, max_abs: float) -> float:
    """Return the Frobenius norm from the plain sum of squares, or from a scaled one if unsafe."""
    if _SAFE_LOW < max_abs < _SAFE_HIGH:
        return math.sqrt(total)
    if max_abs == 0.0 or not math.isfinite(max_abs):
        return max_abs
    # A power of two scales without rounding.
    _, exponent = math.frexp(max_abs)
    exponent = max(exponent, -1000)
    scale = math.ldexp(1.0, -exponent)
    root = math.sqrt(math.fsum(_sum_of_squares(_moduli(x[r], scale)) for r in row_blocks(x)))
    try:
        return math.ldexp(root, exponent)
    except OverflowError:
        return math.inf


def matrix_norms(x: Matrix) -> MatrixNorms:
    """Return the norms of a non-empty m x n array and its Gershgorin bound, in float64.

    NaN or infinity in ``x`` shows in the norms; neither overflow nor underflow of squares does.
    Source of the bound: S. Gerschgorin, *Bull. Acad. Sci. URSS* (1931) 749-754.

    >>> found = matrix_norms(np.array([[1.0, -2.0], [-2.0, -1.0]]))
    >>> found.one, found.inf, found.max_abs, found.gershgorin
    (3.0, 3.0, 2.0, 3.0)
    """
    square = x.shape[0] == x.shape[1]
    column_sums = np.zeros(x.shape[1])
    row_sums = np.empty(x.shape[0])
    discs = np.empty(x.shape[0])
    largest: list[float] = []
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in row_blocks(x):
            block = _moduli(x[rows])
            largest.append(float(block.max()))
            column_sums += block.sum(axis=0)
            total += _sum_of_squares(block)
            if square:
                # Left out of the sum rather than subtracted from it, which would cancel.
                diagonal = block[:, rows].diagonal().copy()
                np.fill_diagonal(block[:, rows], 0.0)
                radii = block.sum(axis=1)
                row_sums[rows] = radii + diagonal
                discs[rows] = radii + np.real(x[rows, rows].diagonal())
            else:
                row_sums[rows] = block.sum(axis=1)
        max_abs = float(np.max(largest))
        return MatrixNorms(
            frobenius=_frobenius(x, total, max_abs),
            one=float(column_sums.max()),
            max_abs=max_abs,
            inf=float(row_sums.max()),
            gershgorin=float(discs.max()) if square else math.inf,
        )


def stack_norms(x: Matrix) -> MatrixNorms:
    """Return the norms of every matrix of a stack (..., m, n), as arrays (...).

    They are those of ``matrix_norms``, up to the order of the sums.

    >>> stack_norms(np.array([[[3.0]], [[-4.0]]])).gershgorin
    array([ 3., -4.])
    """
    square = x.shape[-2] == x.shape[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        moduli = _moduli(x)
        max_abs = moduli.max(axis=(-2, -1))
        one = moduli.sum(axis=-2).max(axis=-1)
        frobenius = np.sqrt(np.einsum("...ij,...ij->...", moduli, moduli, optimize=False))
        for index in np.argwhere(~((max_abs > _SAFE_LOW) & (max_abs < _SAFE_HIGH))):
            where = tuple(index)
            frobenius[where] = _frobenius(x[where], math.inf, float(max_abs[where]))
        row_sums = moduli.sum(axis=-1)
        gershgorin = np.full_like(max_abs, math.inf)
        if square:
            np.einsum("...ii->...i", moduli)[...] = 0.0
            real = np.real(np.einsum("...ii->...i", x))
            gershgorin = (moduli.sum(axis=-1) + real).max(axis=-1)
    return MatrixNorms(frobenius, one, max_abs, row_sums.max(axis=-1), gershgorin)


def all_finite(x: Matrix) -> bool:
    """Return whether every element of a 2-D array is finite."""
    return all(bool(np.isfinite(x[rows]).all()) for rows in row_blocks(x))
