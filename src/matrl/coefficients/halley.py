"""Dynamically weighted Halley step for the square root index."""

import math

from matrl.coefficients._arguments import check_scaled, checked_interval, relative_gap
from matrl.coefficients.zolotarev import PartialFractions


def dynamically_weighted_halley(lower: float, upper: float) -> PartialFractions:
    """Return the dynamically weighted Halley (QDWH) update p(m) = (a + b m)/(1 + c m).

    With l = lower/upper and x scaled by upper, a = h(l), b = (a - 1)^2/4 and c = a + b - 1; the
    map x p(x^2) takes upper to 1 and [lower, upper] into [h(lower), 1], so unlike ``zolotarev`` it
    is not centred at 1. At lower == upper it is Halley's (3, 1, 3).

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.

    Raises:
        InputError: not 0 < lower <= upper, both finite, or upper too far from 1 for floats.

    Source: Nakatsukasa, Bai & Gygi (2010), doi:10.1137/090774999.

    >>> p = dynamically_weighted_halley(1.0, 1.0)  # (3 + m)/(1 + 3 m)
    >>> [round(number, 12) for number in (p.constant, *p.weights, *p.shifts)]
    [0.333333333333, 0.888888888889, 0.333333333333]
    """
    lower, upper = checked_interval(lower, upper)
    ratio = lower / upper
    gap = relative_gap(lower, upper) * (1.0 + ratio)  # 1 - l^2
    # gamma = (4 (1 - l^2)/l^4)^(1/3), every power of l kept as a power of l^(2/3)
    scale = math.cbrt(ratio) ** 2
    cube = math.cbrt(4.0 * gap)
    root = math.sqrt(scale * scale + cube)
    inner = 8.0 * scale * scale - 4.0 * cube + 8.0 * (1.0 + gap) / root
    a = (root + math.sqrt(inner) / 2.0) / scale
    b = ((a - 1.0) / 2.0) ** 2
    c = a + b - 1.0
    # (a + b m)/(1 + c m) = b/c + ((a - 1)(a + b)/c^2)/(m + 1/c)
    constant = b / c / upper
    weight = ((a - 1.0) / c) * ((a + b) / c) * upper
    shift = upper / c * upper
    check_scaled((constant, weight, shift), upper)
    return PartialFractions(constant=constant, weights=(weight,), shifts=(shift,))
