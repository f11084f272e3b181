"""Interpolation of prices between measured sizes."""

import math
from collections.abc import Iterable, Sequence

__all__ = ["Ladder", "nearest"]


def nearest(values: Iterable[int], target: float) -> int:
    """Return the positive value with the ratio to ``target`` closest to 1, the smaller of two."""
    return min(values, key=lambda value: (abs(math.log(value / target)), value))


class Ladder:
    """Prices of one operation at increasing n, from points (n, rows, seconds).

    The price is proportional to rows / n where the measured shape has another ratio.
    """

    def __init__(self, points: Sequence[tuple[int, int, float]], exponent: int) -> None:
        """Sort the points (at least one) by n; ``exponent`` is for sizes beyond the ends."""
        self._exponent = exponent
        self._by_size: dict[int, dict[int, float]] = {}
        for n, rows, seconds in sorted(points):
            self._by_size.setdefault(n, {})[rows] = seconds

    def seconds(self, n: int, rows: int) -> float:
        """Return the price of a rows x n matrix."""
        if n in self._by_size:
            return self._at(n, rows / n)
        sizes = list(self._by_size)
        below = [size for size in sizes if size < n]
        above = [size for size in sizes if size > n]
        if not below or not above:
            end = sizes[0] if not below else sizes[-1]
            return self._at(end, rows / n) * (n / end) ** self._exponent
        left, right = below[-1], above[0]
        low, high = self._at(left, rows / n), self._at(right, rows / n)
        if low == 0 or high == 0:
            # A free size has no logarithm.
            return low + (high - low) * (n - left) / (right - left)
        weight = math.log(n / left) / math.log(right / left)
        return math.exp((1 - weight) * math.log(low) + weight * math.log(high))

    def _at(self, size: int, ratio: float) -> float:
        by_rows = self._by_size[size]
        wanted = ratio * size
        rows = nearest(by_rows, wanted)
        return by_rows[rows] if rows == wanted else by_rows[rows] * wanted / rows
