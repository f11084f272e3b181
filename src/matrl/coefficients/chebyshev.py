"""How high a polynomial degree the inverse takes."""

import math

from matrl.coefficients._arguments import checked_interval, checked_tolerance


def chebyshev_degree(lower: float, upper: float, tol: float) -> float:
    """Return the real D with 1/T_D((upper + lower)/(upper - lower)) = tol, for root index 1.

    A residual 1 - x p(x) of degree n on [lower, upper] is at best 1/T_n, so D is a lower bound on
    n, and on the product of degrees of any composition. At lower == upper D is 0.0.

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.
        tol: residual to reach, between 0 and 1.

    Raises:
        InputError: not 0 < lower <= upper, both finite; as ToleranceError, tol not in (0, 1).

    Source: Saad, Iterative Methods for Sparse Linear Systems, SIAM 2003, section 6.11,
    doi:10.1137/1.9780898718003.

    >>> round(chebyshev_degree(1.0, 3.0, 1.0 / 26.0), 12)  # T_3(2) = 26
    3.0
    """
    lower, upper = checked_interval(lower, upper)
    tol = checked_tolerance(tol)
    if lower == upper:
        return 0.0
    # acosh(1 + 2 s) = 2 asinh(sqrt(s)), with nothing to cancel in s
    wanted = math.asinh(math.sqrt((1.0 - tol) / 2.0) / math.sqrt(tol))
    return wanted / math.asinh(math.sqrt(lower / (upper - lower)))
