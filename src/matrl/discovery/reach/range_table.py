"""How updates narrow a range of x, from a table: quick enough to try thousands of schedules.

An equioscillating update takes [l, u] to [1 - E, 1 + E], and E depends on l/u alone. With the
spread s = log(u/l - 1) of a range, log of (1 - E)/E is a smooth function of s, all but linear at
both ends. Here it is interpolated; whatever a search finds with it is worked out exactly before it
is believed.
"""

import math
from functools import lru_cache

import numpy as np

from matrl.errors import InputError
from matrl.iterations import Update
from matrl.readings.scalar import image

__all__ = ["RangeTable", "range_table"]

STEP = 0.25
LEAST, LARGEST = -40.0, 60.0
POINTS = 8
LEAST_GAP = 1e-10
"""Below this E the table goes on by the order of convergence: it could not be measured."""


class RangeTable:
    """What some equioscillating updates make of any spread."""

    def __init__(self, updates: tuple[Update, ...], root_index: int) -> None:
        self._updates, self._root_index = updates, root_index
        rows = round((LARGEST - LEAST) / STEP) + 1
        self._values = np.full((rows, len(updates)), np.nan)
        self._filled = np.zeros(rows, dtype=bool)
        self._anchors: list[tuple[float, float] | None] = [None] * len(updates)
        offsets = np.arange(POINTS) - (POINTS // 2 - 1)
        self._offsets = offsets
        # Barycentric weights of equidistant points.
        self._weights = np.array([(-1.0) ** i * math.comb(POINTS - 1, i) for i in range(POINTS)])

    def after(self, spreads: np.ndarray) -> np.ndarray:
        """Return log((1 - E)/E) (b, updates) of spreads (b,); NaN where a rule does not reach."""
        known = np.where(np.isnan(spreads), LEAST, spreads)
        place = np.clip((known - LEAST) / STEP, POINTS, len(self._values) - 1 - POINTS)
        base = np.floor(place).astype(int)
        rows = base[:, None] + self._offsets
        needed = np.unique(rows)
        for row in [row for row in needed.tolist() if not self._filled[row]]:
            self._values[row] = self._row(LEAST + STEP * row)
            self._filled[row] = True
        distance = (place - base)[:, None] - self._offsets
        on_a_point = np.abs(distance) < 1e-12
        weights = self._weights / np.where(on_a_point, 1.0, distance)
        weights = np.where(np.any(on_a_point, axis=1)[:, np.newaxis], on_a_point, weights)
        weights /= weights.sum(axis=1)[:, None]
        values = np.einsum("bp,bpu->bu", weights, self._values[rows])
        return np.where(np.isnan(spreads)[:, None], math.nan, values)

    def _row(self, spread: float) -> np.ndarray:
        ratio = 1.0 / (1.0 + math.exp(spread))
        return np.array([self._value(i, spread, ratio) for i in range(len(self._updates))])

    def _value(self, index: int, spread: float, ratio: float) -> float:
        update = self._updates[index]
        order = update.order(self._root_index)
        at, known = self._anchor(index, order)
        if spread < at:
            return known + order * (_distance(at) - _distance(spread))
        return self._measured(update, ratio)

    def _anchor(self, index: int, order: int) -> tuple[float, float]:
        """Return the narrowest spread, but for a step or two, at which E can be measured."""
        anchor = self._anchors[index]
        if anchor is None:
            at = max(math.log(LEAST_GAP) / order, LEAST)
            value = math.nan
            while not value < -math.log(LEAST_GAP) and at < 0.0:
                at += 2.0 * STEP
                value = self._measured(self._updates[index], 1.0 / (1.0 + math.exp(at)))
            anchor = self._anchors[index] = at, value
        return anchor

    def _measured(self, update: Update, ratio: float) -> float:
        k = self._root_index
        try:
            coefficients = tuple(update.coefficients(k, ratio, 1.0))
        except InputError:
            return math.nan
        lower, upper = image(update, k, coefficients, ratio, 1.0)
        gap = 0.5 * (upper - lower)
        least = max(1.0 - gap, lower)
        return math.log(least / gap) if least > 0.0 and gap > 0.0 else math.nan


def _distance(spread: float) -> float:
    """Return log((1 - l^(1/2))/(1 + l^(1/2))), of which E is all but a power."""
    root = math.exp(-0.5 * math.log1p(math.exp(spread)))
    return spread + 2.0 * math.log(root) - 2.0 * math.log1p(root)


@lru_cache(maxsize=32)
def range_table(updates: tuple[Update, ...], root_index: int) -> RangeTable:
    """Return the table of some updates, the same one every time it is asked for."""
    return RangeTable(updates, root_index)
