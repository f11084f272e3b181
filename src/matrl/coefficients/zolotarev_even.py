"""Zolotarev's best rational maps of even degree for the square root index."""

import math

from matrl.coefficients._arguments import (
    check_scaled,
    checked_integer,
    checked_interval,
    relative_gap,
)
from matrl.coefficients._theta import elliptic_nodes, stationary_points
from matrl.coefficients.zolotarev import PartialFractions

_GREATEST_POLES = 8


def zolotarev_even(lower: float, upper: float, poles: int) -> PartialFractions:
    """Return the p for which the odd map x p(x^2) of type (2r, 2r-1) stays closest to 1.

    On [lower, upper] the map equioscillates between 1 - E and 1 + E at 2r + 1 points, with 1 + E
    at both ends. The first shift is exactly 0.0, so the map has a pole at x = 0 and grows below
    ``lower`` as Newton's does; one pole is optimally scaled, centred Newton.

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.
        poles: r, in 1..8, counting the one at 0.

    Raises:
        InputError: not 0 < lower <= upper, both finite, poles not an integer in 1..8, or upper too
            far from 1 for floats.

    Source: Nakatsukasa & Freund (2016), doi:10.1137/140990334, whose dn(N u) we take for even N;
    theta series of sn/cn, DLMF 22.2, https://dlmf.nist.gov/22.2.

    >>> p = zolotarev_even(0.25, 4.0, 1)  # centre (m + 1)/(2 m)
    >>> [round(number, 12) for number in (p.constant, *p.weights, *p.shifts)]
    [0.32, 0.32, 0.0]
    """
    lower, upper = checked_interval(lower, upper)
    poles = checked_integer("poles", poles, 1, _GREATEST_POLES)
    ratio = lower / upper
    nodes = elliptic_nodes(ratio, relative_gap(lower, upper), 2 * poles)
    zeros, shifts = nodes[0::2], (0.0, *nodes[1::2])

    def uncentred(x: float) -> float:
        """Return prod (m + zeros)/prod (m + shifts) times x, factor by factor."""
        m = x * x
        factors = zip(zeros, shifts, strict=True)
        return x * math.prod((m + zero) / (m + shift) for zero, shift in factors)

    # Greatest in both ends, least in the first critical point dn(K'/2r)
    least = uncentred(stationary_points(ratio, 1.0, nodes)[-1])
    centre = 2.0 / (uncentred(1.0) + least)
    weights: list[float] = []
    for index, shift in enumerate(shifts):
        weight = centre * (zeros[index] - shift)
        for other in range(poles):
            if other != index:
                weight *= (zeros[other] - shift) / (shifts[other] - shift)
        weights.append(weight * upper)
    constant = centre / upper
    scaled = tuple(shift * upper * upper for shift in shifts)
    check_scaled((constant, *weights, *scaled[1:]), upper)
    return PartialFractions(constant=constant, weights=tuple(weights), shifts=scaled)


def zolotarev_even_critical_points(lower: float, upper: float, poles: int) -> tuple[float, ...]:
    """Return the 2r-1 interior x, increasing, where the map of ``zolotarev_even`` is stationary.

    They are upper dn(i K'/(2r)) for i = 2r-1..1; with lower and upper they are the points of
    equioscillation. At lower == upper all of them are that one point.

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.
        poles: r, in 1..8.

    Raises:
        InputError: not 0 < lower <= upper, both finite, or poles not an integer in 1..8.

    Source: Nakatsukasa & Freund (2016), doi:10.1137/140990334.

    >>> [round(x, 12) for x in zolotarev_even_critical_points(0.25, 4.0, 1)]
    [1.0]
    """
    lower, upper = checked_interval(lower, upper)
    poles = checked_integer("poles", poles, 1, _GREATEST_POLES)
    nodes = elliptic_nodes(lower / upper, relative_gap(lower, upper), 2 * poles)
    return stationary_points(lower, upper, nodes)
