"""The range of a map over intervals, by branch and bound: enclosed, and as tight as asked.

Between its ends a map is extreme where its derivative vanishes. A cell on which the enclosed
derivative has one sign has its extremes at its ends; the others are halved until what they could
add does not matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from matrl.certify.exact.intervals import Interval, meet, point
from matrl.certify.exact.maps import StepMap

__all__ = [
    "FLOOR",
    "LARGEST",
    "MOST_CELLS",
    "Final",
    "Range",
    "cells_of",
    "enclose",
    "halved",
    "image",
    "joined",
]

FLOOR = 2.0**-52
"""How much wider than the true range an enclosure may be at each end, relative to its upper end.

The next step may magnify that: polynomials grow steeply beyond the range they are made for.
"""
LARGEST = 1e300
"""Ends beyond are no bound: the width of such a range may be none of float64."""
ROUNDS = 60
CELLS = 16
MOST_CELLS = 1 << 15


@dataclass(frozen=True)
class Range:
    """A closed interval of real numbers."""

    lower: float
    upper: float

    @property
    def is_bounded(self) -> bool:
        """Whether it has two ends, and not so large that its width overflows."""
        return max(abs(self.lower), abs(self.upper)) < LARGEST


def enclose(step: StepMap, x: Interval, slope: Interval | None = None) -> Interval:
    """Return enclosures of the range of a map over every one of narrow intervals.

    ``slope`` is an enclosure of the derivative there, where it is known.
    """
    slope = step.derivative(x) if slope is None else slope
    low, high = step.value(point(x.lower)), step.value(point(x.upper))
    middle = point(x.middle)
    around = meet(step.value(x), step.value(middle) + slope * (x - middle))
    rising, falling = slope.lower >= 0.0, slope.upper <= 0.0
    ends = Interval(
        np.where(falling, high.lower, low.lower), np.where(falling, low.upper, high.upper)
    )
    is_monotone = rising | falling
    return Interval(
        np.where(is_monotone, ends.lower, around.lower),
        np.where(is_monotone, ends.upper, around.upper),
    )


Final = Callable[[StepMap, Interval], Range]
"""What encloses a map over its last cells once more, and sharper: the result is the meet."""


def image(step: StepMap, over: Range, final: Final | None = None, *, slack: float = FLOOR) -> Range:
    """Return an interval that contains h(x) for every x in ``over``, hardly wider than needed.

    At each end by ``slack`` at most, relative to the upper end, but for rounding. Infinite ends
    where h has a pole there.

    >>> from matrl.certify.exact.maps import PolynomialMap
    >>> found = image(PolynomialMap(2, (1.5, -0.5)), Range(0.5, 1.2))
    >>> round(found.lower, 9), round(found.upper, 9)
    (0.6875, 1.0)
    """
    cells = cells_of(over)
    reached = Range(np.inf, -np.inf)  # by points, hence surely in the range
    outside = Range(np.inf, -np.inf)  # of what is done with
    last: list[Interval] = []
    for _ in range(ROUNDS):
        at_ends = step.value(point(np.append(cells.lower, cells.upper[-1:])))
        reached = Range(
            min(reached.lower, float(at_ends.upper.min())),
            max(reached.upper, float(at_ends.lower.max())),
        )
        slope = step.derivative(cells)
        found = enclose(step, cells, slope)
        is_monotone = (slope.lower >= 0.0) | (slope.upper <= 0.0)
        # Nor is there more to be gained than what points themselves are enclosed to.
        noise = float((at_ends.upper - at_ends.lower).max())
        room = slack * max(abs(reached.lower), abs(reached.upper)) + noise
        matters = (found.upper > reached.upper + room) | (found.lower < reached.lower - room)
        middle = cells.middle
        splits = matters & ~is_monotone & (cells.lower < middle) & (middle < cells.upper)
        if splits.sum() > MOST_CELLS:
            splits[:] = False
        outside = _hull(outside, found[~splits])
        last.append(cells[~splits])
        if not splits.any():
            return outside if final is None else _sharpened(outside, final, step, last)
        cells = halved(cells[splits])
    outside = _hull(outside, enclose(step, cells))
    return outside if final is None else _sharpened(outside, final, step, [*last, cells])


def _sharpened(outside: Range, final: Final, step: StepMap, last: list[Interval]) -> Range:
    cells = Interval(
        np.concatenate([c.lower for c in last]), np.concatenate([c.upper for c in last])
    )
    found = final(step, cells)
    return Range(max(outside.lower, found.lower), min(outside.upper, found.upper))


def joined(ranges: Sequence[Range]) -> list[Range]:
    """Return the union of intervals as disjoint intervals, rising.

    >>> joined([Range(2.0, 3.0), Range(0.0, 1.0), Range(0.5, 1.5)])
    [Range(lower=0.0, upper=1.5), Range(lower=2.0, upper=3.0)]
    """
    union: list[Range] = []
    for one in sorted(ranges, key=lambda r: r.lower):
        if union and one.lower <= union[-1].upper:
            union[-1] = Range(union[-1].lower, max(union[-1].upper, one.upper))
        else:
            union.append(one)
    return union


def cells_of(over: Range) -> Interval:
    """Return cells that cover a range, finer towards a small lower end."""
    edges = np.linspace(over.lower, over.upper, CELLS + 1)
    if over.lower > 0.0 and over.upper > 4.0 * over.lower:
        edges = np.union1d(edges, np.geomspace(over.lower, over.upper, CELLS + 1))
    edges = np.unique(np.clip(edges, over.lower, over.upper))
    edges[0], edges[-1] = over.lower, over.upper
    if edges.size == 1:
        return point(edges)
    return Interval(edges[:-1], edges[1:])


def halved(cells: Interval) -> Interval:
    """Return both halves of every cell, rising."""
    middle = cells.middle
    order = np.argsort(np.concatenate([cells.lower, middle]), kind="stable")
    lower = np.concatenate([cells.lower, middle])[order]
    upper = np.concatenate([middle, cells.upper])[order]
    return Interval(lower, upper)


def _hull(done: Range, found: Interval) -> Range:
    if found.lower.size == 0:
        return done
    return Range(
        min(done.lower, float(found.lower.min())), max(done.upper, float(found.upper.max()))
    )
