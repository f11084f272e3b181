"""Taylor coefficients of the inverse root."""

import functools
import math
from fractions import Fraction

from matrl.coefficients._arguments import checked_integer


def series_coefficients(root_index: int, degree: int) -> tuple[float, ...]:
    """Return c_0..c_d, by powers of m, of the Taylor polynomial of m^(-1/k) at m = 1.

    Computed in exact rational arithmetic and rounded once.

    Args:
        root_index: k, at least 1.
        degree: d, at least 0.

    Raises:
        InputError: root_index or degree is not an integer in its range.

    Source: binomial series; as an update for k = 2, Bjorck & Bowie (1971), doi:10.1137/0708036.

    >>> series_coefficients(1, 1)
    (2.0, -1.0)
    >>> series_coefficients(2, 2)
    (1.875, -1.25, 0.375)
    """
    root_index = checked_integer("root_index", root_index, 1)
    degree = checked_integer("degree", degree, 0)
    return _rounded(root_index, degree)


@functools.lru_cache(maxsize=256)
def _rounded(root_index: int, degree: int) -> tuple[float, ...]:
    powers = [Fraction(0)] * (degree + 1)
    binomial = Fraction(1)  # binomial(-1/k, n), the coefficient of (m - 1)^n
    for order in range(degree + 1):
        for index in range(order + 1):
            powers[index] += binomial * math.comb(order, index) * (-1) ** (order - index)
        binomial *= (Fraction(-1, root_index) - order) / (order + 1)
    return tuple(float(power) for power in powers)
