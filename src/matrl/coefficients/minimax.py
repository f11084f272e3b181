"""Best polynomial updates on an interval."""

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matrl.coefficients._arguments import (
    check_scaled,
    checked_integer,
    checked_interval,
    checked_number,
)
from matrl.coefficients._exchange import exchange
from matrl.errors import InputError


def minimax_coefficients(
    root_index: int, degree: int, lower: float, upper: float
) -> tuple[float, ...]:
    """Return c_0..c_d, by powers of m, of the p that keeps x p(x^k) closest to 1.

    p minimises E = max |x p(x^k) - 1| over x in [lower, upper]; it is positive on [0, upper^k].
    Degree 0, degree 1 and root index 1 have closed forms; the rest is an exchange of d + 2
    reference points. Written by powers of m, p is good to about 1e-16 sum |c_i| upper^(1+ki) in
    x p(x^k), which bounds how evenly the error oscillates where E is small.

    Args:
        root_index: k, at least 1.
        degree: d, in 0..16. Checked for k and d up to 8, and for d up to 4 and k up to 64.
        lower: least x, positive. Checked for lower/upper from 1e-8 to 1.
        upper: greatest x, at least lower.

    Raises:
        InputError: an argument is out of its range, or upper too far from 1 for floats.

    Source: Chebyshev alternation for the powers x^(1+ik), Cheney, Introduction to Approximation
    Theory, 1966, chapter 3; as updates for k = 2, arXiv:2505.16932 and arXiv:2506.10935.

    >>> p = minimax_coefficients(1, 1, 1.0, 3.0)  # 1 - x p(x) = T_2(2 - x)/T_2(2)
    >>> [round(7 * c, 12) for c in p]
    [8.0, -2.0]
    >>> minimax_coefficients(2, 2, 1.0, 1.0)
    (1.875, -1.25, 0.375)
    """
    root_index = checked_integer("root_index", root_index, 1)
    degree = checked_integer("degree", degree, 0, 16)
    lower, upper = checked_interval(lower, upper)
    scaled: list[float] = []
    for index, coefficient in enumerate(_unit(root_index, degree, lower / upper)):
        try:
            scaled.append(coefficient / upper ** (1 + root_index * index))
        except (OverflowError, ZeroDivisionError):
            scaled.append(math.inf)
    check_scaled(scaled, upper)
    return tuple(scaled)


def polynomial_critical_points(
    root_index: int, coefficients: Sequence[float], lower: float, upper: float
) -> tuple[float, ...]:
    """Return the x in (lower, upper), increasing, where h(x) = x p(x^k) has derivative zero.

    They are the real roots in m of sum (1 + k i) c_i m^i; a pair of complex roots counts once, by
    its real part, if the derivative there is zero to rounding.

    Args:
        root_index: k, at least 1.
        coefficients: c_0..c_d, by powers of m, at least one.
        lower: left end, positive.
        upper: right end, at least lower.

    Raises:
        InputError: an argument is out of its range, or upper too far from 1 for floats.

    Source: companion matrix, Edelman & Murakami (1995), doi:10.1090/S0025-5718-1995-1262279-2.

    >>> [round(x, 12) for x in polynomial_critical_points(2, (1.5, -0.5), 0.1, 1.5)]
    [1.0]
    """
    root_index = checked_integer("root_index", root_index, 1)
    lower, upper = checked_interval(lower, upper)
    remedy = "pass finite floats"
    values = [checked_number("coefficients", value, remedy) for value in coefficients]
    if not values:
        raise InputError("coefficients is empty; pass at least the constant one")
    derivative = np.empty(len(values))
    for index, value in enumerate(values):
        product = value * (1 + root_index * index)
        for _ in range(root_index * index):
            product *= upper
        derivative[index] = product
    if not np.isfinite(derivative).all():
        raise InputError(
            f"upper is {upper!r}, so far from 1 that p overflows; scale x so that upper is near 1"
        )
    points: set[float] = set()
    for root in _real_roots(derivative):
        point = upper * root ** (1.0 / root_index) if root > 0.0 else 0.0
        if lower < point < upper:
            points.add(point)
    return tuple(sorted(points))


def _real_roots(polynomial: NDArray[np.float64]) -> list[float]:
    """Return the roots, real to rounding, of a polynomial by rising powers."""
    size = np.abs(polynomial)
    real: list[float] = []
    for root in np.roots(polynomial[::-1]).tolist():
        value = complex(root)
        bound = 16.0 * np.finfo(float).eps * float(np.polyval(size[::-1], abs(value.real)))
        if value.imag == 0.0 or abs(float(np.polyval(polynomial[::-1], value.real))) <= bound:
            real.append(value.real)
    return real


@functools.lru_cache(maxsize=4096)
def _unit(root_index: int, degree: int, ratio: float) -> tuple[float, ...]:
    """Return the coefficients on [ratio, 1]."""
    if degree == 0:
        return (2.0 / (1.0 + ratio),)
    if root_index == 1:
        return _inverse(degree, ratio)
    if degree == 1:
        # h(x) = b x (s - m) with h(l) = h(1), so s = 1 + l + ... + l^k
        total = math.fsum(ratio**power for power in range(root_index + 1))
        peak = (total / (root_index + 1)) ** (1.0 / root_index)
        highest = total * peak * root_index / (root_index + 1)
        slope = 2.0 / (highest + (total - 1.0))
        return (slope * total, -slope)
    return exchange(root_index, degree, ratio)


def _inverse(degree: int, ratio: float) -> tuple[float, ...]:
    """Return p of 1 - x p(x) = T_n((c - x)/w)/T_n(c/w), n = d + 1, [c - w, c + w] = [ratio, 1]."""
    centre, width = (1.0 + ratio) / 2.0, (1.0 - ratio) / 2.0
    # w^n T_n((c - x)/w) by its recurrence: no overflow as w goes to 0
    before = np.array([1.0])
    after = np.array([centre, -1.0])
    for _ in range(degree):
        following = 2.0 * np.convolve(after, (centre, -1.0))
        following[: before.size] -= width * width * before
        before, after = after, following
    return tuple((-after[1:] / after[0]).tolist())
