"""Zolotarev's best rational maps towards 1 for the square root index."""

import math
from dataclasses import dataclass

from matrl.coefficients._arguments import (
    check_scaled,
    checked_integer,
    checked_interval,
    checked_tolerance,
    relative_gap,
)
from matrl.coefficients._theta import elliptic_nodes, log_nome, stationary_points

_GREATEST_POLES = 8


@dataclass(frozen=True, slots=True)
class PartialFractions:
    """The rational function p(m) = constant + sum_j weights_j/(m + shifts_j).

    Args:
        constant: value at infinity.
        weights: residues, one per pole.
        shifts: poles with their sign changed, one per weight.

    >>> PartialFractions(constant=1.0, weights=(2.0,), shifts=(3.0,)).weights
    (2.0,)
    """

    constant: float
    weights: tuple[float, ...]
    shifts: tuple[float, ...]


def zolotarev(lower: float, upper: float, poles: int) -> PartialFractions:
    """Return the p for which the odd map x p(x^2) of type (2r+1, 2r) stays closest to 1.

    On [lower, upper] the map equioscillates between 1 - E and 1 + E at 2r + 2 points, starting at
    1 - E in lower and ending at 1 + E in upper.

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.
        poles: r, in 1..8.

    Raises:
        InputError: not 0 < lower <= upper, both finite, poles not an integer in 1..8, or upper too
            far from 1 for floats.

    Source: Nakatsukasa & Freund (2016), doi:10.1137/140990334; theta series of sn/cn, DLMF 22.2
    and 20.2, https://dlmf.nist.gov/22.2.

    >>> p = zolotarev(1e-3, 1.0, 2)
    >>> x = 0.37
    >>> h = x * (p.constant + sum(w / (x * x + s) for w, s in zip(p.weights, p.shifts)))
    >>> abs(h - 1.0) < 0.26
    True
    """
    lower, upper = checked_interval(lower, upper)
    poles = checked_integer("poles", poles, 1, _GREATEST_POLES)
    ratio = lower / upper
    nodes = elliptic_nodes(ratio, relative_gap(lower, upper), 2 * poles + 1)
    odd, even = nodes[0::2], nodes[1::2]
    # The uncentred map x prod (m + even)/(m + odd) has its least value at l, its greatest at 1;
    # nodes_i nodes_(2r+1-i) = l^2 turns their product into l prod even/odd.
    greatest = math.prod((1.0 + e) / (1.0 + o) for e, o in zip(even, odd, strict=True))
    product = ratio * math.prod(e / o for e, o in zip(even, odd, strict=True))
    centre = 2.0 / (greatest + product / greatest)
    weights: list[float] = []
    for index, pole in enumerate(odd):
        weight = centre * (even[index] - pole)
        for other in range(poles):
            if other != index:
                weight *= (even[other] - pole) / (odd[other] - pole)
        weights.append(weight * upper)
    constant = centre / upper
    shifts = tuple(o * upper * upper for o in odd)
    check_scaled((constant, *weights, *shifts), upper)
    return PartialFractions(constant=constant, weights=tuple(weights), shifts=shifts)


def zolotarev_critical_points(lower: float, upper: float, poles: int) -> tuple[float, ...]:
    """Return the 2r interior x, increasing, where the map of ``zolotarev`` has derivative zero.

    They are upper dn(i K'/(2r+1)) for i = 2r..1; with lower and upper they are the points of
    equioscillation. At lower == upper all of them are that one point.

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.
        poles: r, in 1..8.

    Raises:
        InputError: not 0 < lower <= upper, both finite, or poles not an integer in 1..8.

    Source: Nakatsukasa & Freund (2016), doi:10.1137/140990334.

    >>> low, high = zolotarev_critical_points(0.25, 1.0, 1)
    >>> round(low, 9), round(high, 9), round(low * high, 12)  # they multiply to lower upper
    (0.356857742, 0.700559273, 0.25)
    """
    lower, upper = checked_interval(lower, upper)
    poles = checked_integer("poles", poles, 1, _GREATEST_POLES)
    nodes = elliptic_nodes(lower / upper, relative_gap(lower, upper), 2 * poles + 1)
    return stationary_points(lower, upper, nodes)


def zolotarev_degree(lower: float, upper: float, tol: float) -> float:
    """Return the real N for which the best map of degree N takes the interval to [1-tol, 1+tol].

    Degrees multiply under composition and no odd rational map of a given degree does better, so N
    is a lower bound on the product of degrees of any composition for root index 2. It is at most 1
    where the interval is already narrow enough and 0.0 at lower == upper.

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.
        tol: distance from 1 to reach after centring, between 0 and 1.

    Raises:
        InputError: not 0 < lower <= upper, both finite; as ToleranceError, tol not in (0, 1).

    Source: Nakatsukasa & Freund (2016), section 3, doi:10.1137/140990334.

    >>> zolotarev_degree(0.5, 1.0, 1.0 / 3.0)
    1.0
    """
    lower, upper = checked_interval(lower, upper)
    tol = checked_tolerance(tol)
    reached = log_nome((1.0 - tol) / (1.0 + tol), 2.0 * math.sqrt(tol) / (1.0 + tol))
    ratio = lower / upper
    complement = math.sqrt(relative_gap(lower, upper) * (1.0 + ratio))
    return 0.0 if complement == 0.0 else reached / log_nome(ratio, complement)
