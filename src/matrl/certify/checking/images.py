"""What a map takes an interval to, by branch and bound.

Where the slope keeps its sign the ends decide. Elsewhere a map f is within f(c) + f'(X)(X - c), the
mean-value form, which exceeds the true image by the square of the width; cells that might hold an
extreme value beyond those seen are halved. Source: Moore, Kearfott & Cloud, *Introduction to
Interval Analysis*, SIAM 2009, doi:10.1137/1.9780898717716.
"""

from dataclasses import dataclass
from math import isqrt

from matrl.certify.checking.fixed import Interval, plus
from matrl.certify.checking.maps import Map

__all__ = ["Image", "image"]

CLOSE = 72
"""Extremes are found to a relative 2^-72, far below the rounding of the numbers in a file."""
_MOST_LEVELS = 400


@dataclass(frozen=True)
class Image:
    """All values are in ``outer``; ``reached``: some are no greater, some no less than these."""

    outer: Interval
    reached: Interval


def image(map_: Map, x: Interval, enough: Interval | None = None) -> Image:
    """Return the image of an interval x >= 0.

    With ``enough``, only as tight as to tell whether it is within that interval; if some value
    certainly is not, ``outer`` is of no use and ``reached`` shows it.
    """
    # The values at both ends of every cell are among those seen: where a map is monotone they do.
    seen = _Seen(map_.value(x[0]), enough)
    seen.add(map_.value(x[1]))
    cells = [x] if x[0] < x[1] else []
    one = map_.fixed.one[0]
    if x[0] < one < x[1]:  # many maps have an extreme value exactly there
        seen.add(map_.value(one))
        cells = [(x[0], one), (one, x[1])]
    for level in range(_MOST_LEVELS):
        if not cells or seen.refutes:
            break
        last = level == _MOST_LEVELS - 1
        halves = []
        for low, high in cells:
            enclosure, slope = map_.over((low, high))
            if slope[0] >= 0 or slope[1] <= 0:
                continue
            # Ends of very different size are halved by their ratio.
            middle = isqrt(low * high) if high > 4 * low > 0 else (low + high) >> 1
            at_middle = map_.value(middle)
            seen.add(at_middle)
            off = (low - middle, high - middle)
            around = plus(at_middle, map_.fixed.times(slope, off))
            if enclosure is not None:
                around = max(around[0], enclosure[0]), min(around[1], enclosure[1])
            if last or high - low < 2 or seen.covers(around):
                seen.allow(around)
            else:
                halves += [(low, middle), (middle, high)]
        cells = halves
    return seen.image()


class _Seen:
    """The values seen and enclosed so far."""

    def __init__(self, value: Interval, enough: Interval | None) -> None:
        self._low, self._high = value
        self._reached_low, self._reached_high = value[1], value[0]
        self._outer_low, self._outer_high = value
        self._enough = enough

    def add(self, value: Interval) -> None:
        """Count a value that is taken."""
        self._low, self._high = min(self._low, value[0]), max(self._high, value[1])
        self._reached_low = min(self._reached_low, value[1])
        self._reached_high = max(self._reached_high, value[0])

    def allow(self, values: Interval) -> None:
        """Count values that may be taken."""
        self._outer_low = min(self._outer_low, values[0])
        self._outer_high = max(self._outer_high, values[1])

    def covers(self, values: Interval) -> bool:
        """Whether values that may be taken change nothing that matters."""
        low = self._low - (abs(self._low) >> CLOSE)
        high = self._high + (abs(self._high) >> CLOSE)
        if self._enough is not None:
            low, high = min(low, self._enough[0]), max(high, self._enough[1])
        return low <= values[0] and values[1] <= high

    @property
    def refutes(self) -> bool:
        """Whether a value is certainly beyond ``enough``."""
        if self._enough is None:
            return False
        return self._reached_low < self._enough[0] or self._reached_high > self._enough[1]

    def image(self) -> Image:
        outer = min(self._low, self._outer_low), max(self._high, self._outer_high)
        return Image(outer, (self._reached_low, self._reached_high))
