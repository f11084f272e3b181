"""Norms and finiteness of a matrix in blocks of rows, without BLAS."""

import math
from collections.abc import Iterator

import numpy as np

from matrl.backends.protocol import Matrix, MatrixNorms

__all__ = ["all_finite", "matrix_norms", "row_blocks"]

_BLOCK_BYTES = 1 << 18
# Squares of float64 values in this range neither overflow nor lose digits to underflow when summed.
_SAFE_LOW, _SAFE_HIGH = 1e-140, 1e140


def row_blocks(x: Matrix, block_bytes: int = _BLOCK_BYTES) -> Iterator[slice]:
    """Yield slices of consecutive rows of a 2-D array, about ``block_bytes`` bytes each."""
    rows = max(1, block_bytes // max(1, x.shape[1] * x.itemsize))
    for start in range(0, x.shape[0], rows):
        yield slice(start, start + rows)


def _sum_of_squares(x: Matrix, scale: float) -> float:
    total = 0.0
    for rows in row_blocks(x):
        block = x[rows].astype(np.float64)
        block *= scale
        # einsum sums products in its own loop: np.vdot would call NumPy's BLAS.
        total += float(np.einsum("ij,ij->", block, block, optimize=False))
    return total


def matrix_norms(x: Matrix) -> MatrixNorms:
    """Return Frobenius, one- and maximum norm of a non-empty 2-D array, in float64.

    NaN or infinity in ``x`` shows in the norms; neither overflow nor underflow of squares does.
    """
    column_sums = np.zeros(x.shape[1])
    largest: list[float] = []
    with np.errstate(over="ignore", invalid="ignore"):
        total = 0.0
        for rows in row_blocks(x):
            block = np.abs(x[rows]).astype(np.float64, copy=False)
            largest.append(float(block.max()))
            column_sums += block.sum(axis=0)
            total += float(np.einsum("ij,ij->", block, block, optimize=False))
        max_abs = float(np.max(largest))
        one = float(column_sums.max())
        if _SAFE_LOW < max_abs < _SAFE_HIGH:
            return MatrixNorms(math.sqrt(total), one, max_abs)
        if max_abs == 0.0 or not math.isfinite(max_abs):
            return MatrixNorms(max_abs, one, max_abs)
        # A power of two scales without rounding.
        _, exponent = math.frexp(max_abs)
        exponent = max(exponent, -1000)
        root = math.sqrt(_sum_of_squares(x, math.ldexp(1.0, -exponent)))
        try:
            frobenius = math.ldexp(root, exponent)
        except OverflowError:
            frobenius = math.inf
        return MatrixNorms(frobenius, one, max_abs)


def all_finite(x: Matrix) -> bool:
    """Return whether every element of a 2-D array is finite."""
    return all(bool(np.isfinite(x[rows]).all()) for rows in row_blocks(x))
