"""Errors of a whole composition at each point of the spectrum, for measures that weigh them.

Where the weight depends on the eigenvalue, the ranges of the steps do not tell the error: the same
x has to be followed from its start. So the composition is enclosed over cells of the first iterate,
by the mean value of its derivative, and the cells that may hold the maximum are halved.
Source: Neumaier, *Interval Methods for Systems of Equations*, 1990, chapter 2 (mean value form).
"""

from collections.abc import Sequence

import numpy as np

from matrl.certify.exact.intervals import Interval, meet, point
from matrl.certify.exact.maps import StepMap
from matrl.certify.exact.ranges import Range, cells_of, enclose, halved

__all__ = ["compose", "largest_weighted_error"]

SLACK = 2e-3
"""How far above the true maximum the bound may be, relative to it."""
FLOOR = 1e-16
ROUNDS = 64
MOST_CELLS = 1 << 14


def compose(maps: Sequence[StepMap], x: Interval) -> Interval:
    """Return enclosures of the composition of the maps over narrow intervals of x >= 0.

    They are unbounded where an iterate may be negative: no error is told of those.
    """
    value, slope = x, point(np.ones_like(x.lower))
    middle = at_middle = point(x.middle)
    is_negative = np.zeros(x.lower.shape, dtype=bool)
    for step in maps:
        slope = slope * step.derivative(value)
        # Thin as it is, the middle's enclosure would swell where h is flat: so its slope, too.
        value, at_middle = enclose(step, value), enclose(step, at_middle)
        value = meet(value, at_middle + slope * (x - middle))
        is_negative |= value.lower < 0.0
    return Interval(
        np.where(is_negative, -np.inf, value.lower), np.where(is_negative, np.inf, value.upper)
    )


def largest_weighted_error(
    maps: Sequence[StepMap], over: Sequence[Range], power: int, exponents: Sequence[int]
) -> float:
    """Return an upper bound on max w(x) |h(x)^power - 1| for x in the ranges, h the composition.

    The weight is the largest, over the exponents s, of (x/u)^s for s > 0, (l/x)^-s for s < 0, and
    1 for s = 0, where l and u are the ends of all ranges. At most 0.2 % above the maximum, but for
    rounding; infinity where there is no bound.

    >>> from matrl.certify.exact.maps import PolynomialMap
    >>> newton_schulz = PolynomialMap(2, (1.5, -0.5))
    >>> bound = largest_weighted_error([newton_schulz], [Range(0.5, 1.0)], 1, [1])
    >>> 0.15625 <= bound < 0.1566  # at x = 1/2
    True
    """
    ends = Range(min(r.lower for r in over), max(r.upper for r in over))
    parts = [cells_of(r) for r in over]
    cells = Interval(
        np.concatenate([c.lower for c in parts]), np.concatenate([c.upper for c in parts])
    )
    reached, bound = 0.0, 0.0
    for _ in range(ROUNDS):
        at_middle = point(cells.middle)
        value = compose(maps, at_middle)
        low, high = _errors(value, at_middle, ends, power, exponents)
        reached = max(reached, float(low.max()))
        most = _errors(compose(maps, cells), cells, ends, power, exponents)[1]
        middle = cells.middle
        # Nor is there more to be gained where the middle by itself is enclosed no better.
        splits = (most > reached * (1.0 + SLACK) + FLOOR) & (most > high + 2.0 * (high - low))
        splits &= cells.lower < middle
        splits &= middle < cells.upper
        bound = max(bound, float(most[~splits].max(initial=0.0)))
        if not splits.any():
            return bound
        if splits.sum() > MOST_CELLS:
            return max(bound, float(most[splits].max()))
        cells = halved(cells[splits])
    return max(bound, float(_errors(compose(maps, cells), cells, ends, power, exponents)[1].max()))


def _errors(
    value: Interval, x: Interval, ends: Range, power: int, exponents: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds of the weighted errors."""
    difference = value**power - 1.0
    inner = np.maximum(np.maximum(difference.lower, -difference.upper), 0.0)
    weights = [_weight(x, ends, exponent) for exponent in exponents]
    least = np.max([weight.lower for weight in weights], axis=0)
    most = np.max([weight.upper for weight in weights], axis=0)
    with np.errstate(invalid="ignore"):
        low, high = inner * least, difference.magnitude * np.minimum(most, 1.0)
    # 0 times infinity: no bound.
    high = np.where(np.isnan(high), np.inf, np.nextafter(high, np.inf))
    return np.where(np.isnan(low), 0.0, np.nextafter(low, -np.inf)), high


def _weight(x: Interval, ends: Range, exponent: int) -> Interval:
    if exponent > 0:
        return (x / ends.upper) ** exponent
    if exponent < 0:
        return (ends.lower / x) ** -exponent
    return point(np.ones_like(x.lower))
