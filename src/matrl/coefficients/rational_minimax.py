"""Best rational updates on an interval, for any root index."""

import math

from matrl.coefficients._alternation import alternation
from matrl.coefficients._arguments import (
    check_scaled,
    checked_integer,
    checked_interval,
    relative_gap,
)
from matrl.coefficients.zolotarev import PartialFractions
from matrl.errors import InputError

_GREATEST_ROOT_INDEX = 64
_GREATEST_POLES = 4
_LEAST_RATIO = 1e-8


def rational_minimax(root_index: int, poles: int, lower: float, upper: float) -> PartialFractions:
    """Return the p of type (r, r) in m for which x p(x^k) stays closest to 1.

    On [lower, upper] the map equioscillates between 1 - E and 1 + E at 2r + 2 points, starting at
    1 - E in lower and ending at 1 + E in upper. All weights and shifts are positive. For k = 2 it
    is the map of ``zolotarev``; at lower == upper the Padé approximant.

    The values at the 2r + 2 points agree to about 1e-11 E or 1e-14, whichever is more.

    Args:
        root_index: k, in 2..64.
        poles: r, in 1..4.
        lower: least x, positive and at least 1e-8 of upper.
        upper: greatest x, at least lower.

    Raises:
        InputError: an argument is out of its range, or the range too far from 1 for floats.

    Source: Gawlik, Rational minimax iterations for computing the matrix pth root (2021),
    arXiv:1903.06268; for k = 2 Gawlik (2018), arXiv:1804.11000; compositions, Gawlik & Nakatsukasa
    (2021), arXiv:1906.11326. Newton's method on the alternation in log x is ours.

    >>> p = rational_minimax(3, 2, 1e-2, 1.0)
    >>> x = 0.01
    >>> h = x * (p.constant + sum(w / (x**3 + s) for w, s in zip(p.weights, p.shifts)))
    >>> round(1.0 - h, 6)  # E
    0.166243
    """
    root_index = checked_integer("root_index", root_index, 2, _GREATEST_ROOT_INDEX)
    poles = checked_integer("poles", poles, 1, _GREATEST_POLES)
    lower, upper = checked_interval(lower, upper)
    if lower / upper < _LEAST_RATIO:
        raise InputError(
            f"lower is {lower!r}, less than {_LEAST_RATIO} of upper = {upper!r}; raise lower"
        )
    gap = relative_gap(lower, upper)
    width = -math.log1p(-gap) if gap < 0.5 else -math.log(lower / upper)
    logarithms, level = alternation(root_index, poles, root_index * width / 2.0)
    if math.isnan(level):
        raise InputError(
            f"lower is {lower!r}, too far from upper = {upper!r} for the best map to be found; "
            "raise lower"
        )
    middle = math.sqrt(lower) * math.sqrt(upper)
    try:
        unit = middle**root_index
    except OverflowError:
        unit = math.inf  # reported below
    factor = 1.0 / (middle * math.cosh(level))  # centres [e^-level, e^level]
    weights: list[float] = []
    for index, a in enumerate(logarithms):
        weight = -2.0 * math.exp(a) * math.sinh(a)
        for other, b in enumerate(logarithms):
            if other != index:
                weight *= math.sinh((a + b) / 2.0) / math.sinh((a - b) / 2.0)
        weights.append(weight * factor * unit)
    constant = math.exp(math.fsum(logarithms)) * factor
    shifts = tuple(math.exp(a) * unit for a in logarithms)
    check_scaled((constant, *weights, *shifts), upper)
    return PartialFractions(constant=constant, weights=tuple(weights), shifts=shifts)
