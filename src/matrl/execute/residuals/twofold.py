"""Products of matrices to twice the digits of float64, by exact products of slices.

X is cut into slices of so few leading bits, row by row, and Y column by column, that products of
slices are sums of integers below 2^53 and hence exact in any order; what is left of X and Y is so
small that plain products of it do. Ozaki, Ogita, Oishi & Rump 2012, doi:10.1007/s11075-011-9478-1.
"""

import math
from collections.abc import Callable

import numpy as np

from matrl.backends.protocol import Matrix

__all__ = ["TWOFOLD_ERROR", "twofold_product"]

SLICES = 3
TWOFOLD_ERROR = 2.0**-100
"""Bound on the error of an n x n product over n ||X|| ||Y||: some n of 2^-104."""


def twofold_product(
    x: Matrix, high: Matrix, low: Matrix, times: Callable[[Matrix, Matrix], Matrix]
) -> tuple[Matrix, Matrix]:
    """Return X (H + L) as a sum of two matrices, for (n, n) float64 or complex128 matrices.

    ``low`` is to be of the size of the rounding of ``high``; ``times`` forms plain products.

    >>> x = np.array([[1.0, 2.0**-60], [0.0, 1.0]])
    >>> high, low = twofold_product(x, np.ones((2, 2)), np.zeros((2, 2)), np.matmul)
    >>> float(high[0, 0]), float(low[0, 0]) == 2.0**-60
    (1.0, True)
    """
    # Real and imaginary part of a complex product are sums of 2 n terms.
    bits = (51 - math.ceil(math.log2(2 * x.shape[0]))) // 2
    left, left_rest = _slices(x, bits, axis=1)
    right, right_rest = _slices(high, bits, axis=0)
    total = np.zeros_like(high)
    rest = times(x, low) + times(left_rest, high) + times(x - left_rest, right_rest)
    for one in left:
        for other in right:
            total, lost = _two_sum(total, times(one, other))
            rest += lost
    return _two_sum(total, rest)


def _slices(x: Matrix, bits: int, axis: int) -> tuple[list[Matrix], Matrix]:
    """Return slices of ``bits`` bits below the largest entry along the axis, and the rest."""
    slices = []
    for _ in range(SLICES):
        real, imaginary = np.real(x), np.imag(x)
        largest = np.maximum(np.abs(real), np.abs(imaginary)).max(axis=axis, keepdims=True)
        _, exponent = np.frexp(largest)
        # Adding and taking away 1.5 * 2^52 units rounds to a multiple of the unit.
        unit = np.ldexp(0.75, exponent - bits + 53)
        top = (real + unit) - unit
        if x.dtype.kind == "c":
            top = top + 1j * ((imaginary + unit) - unit)
        slices.append(top)
        x = x - top
    return slices, x


def _two_sum(a: Matrix, b: Matrix) -> tuple[Matrix, Matrix]:
    """Return a + b rounded and what rounding lost (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
