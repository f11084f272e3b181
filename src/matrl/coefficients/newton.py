"""Optimally scaled Newton step for the square root index."""

import math

from matrl.coefficients._arguments import check_scaled, checked_interval


def newton_scaling(lower: float, upper: float) -> tuple[float, float]:
    """Return (mu, centre) of the scaled Newton update p(m) = centre (mu + 1/(mu m))/2.

    The map x p(x^2) = centre (mu x + 1/(mu x))/2 takes [lower, upper] to [centre, 2 - centre],
    and no other mu gives a narrower image. The scaling is mu = 1/sqrt(lower upper).

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.

    Raises:
        InputError: not 0 < lower <= upper, both finite, or upper too far from 1 for floats.

    Source: Higham, Functions of Matrices, SIAM 2008, sections 5.5 and 8.6,
    doi:10.1137/1.9780898717778.

    >>> newton_scaling(0.25, 4.0)
    (1.0, 0.64)
    """
    lower, upper = checked_interval(lower, upper)
    root_lower, root_upper = math.sqrt(lower), math.sqrt(upper)
    scaling = 1.0 / root_lower / root_upper
    check_scaled((scaling,), upper)
    greatest = (root_upper / root_lower + root_lower / root_upper) / 2.0
    return scaling, 2.0 / (1.0 + greatest)
