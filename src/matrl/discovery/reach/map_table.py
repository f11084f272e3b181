"""Coefficients of updates that look at a range only, from a table over the width of the range.

On [l, u] such a rule has the coefficients it has on [l/u, 1], scaled. Those are smooth in the
spread log((u/l)^k - 1) of m: their logarithms are interpolated through ten rows an eighth apart,
which gives rational maps to about 1e-12, polynomials on wide ranges to about 1e-10. As numerator
and denominator by powers of m they serve :func:`~matrl.readings.maps.apply_maps`.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

import numpy as np

from matrl.errors import InputError
from matrl.iterations import Update
from matrl.readings.maps import as_ratio

__all__ = ["WIDEST", "MapTable", "is_fixed_above_one", "is_scale_free", "map_table"]

STEP = 0.125
LEAST, LARGEST = -18.0, 120.0
"""Narrower ranges have the coefficients of the narrowest: any update of order 2 ends there."""
WIDEST = LARGEST - 2.0
"""The largest k log(u/l) there are coefficients for."""
MARGIN = 6
POINTS = 10
TINIEST = 1e-290
"""Coefficients below have lost digits, and are not known."""


class MapTable:
    """The maps of some updates, all of them polynomials or none, on [l/u, 1] of any spread.

    ``terms`` is the largest number of coefficients of a numerator or denominator.
    """

    def __init__(self, updates: Sequence[Update], root_index: int) -> None:
        self._updates, self._k = tuple(updates), root_index
        known = [self._row_of(update, 0.5) for update in self._updates]
        self.terms = max(numerator.size for numerator, _ in known)
        self.is_polynomial = known[0][1] is None
        halves = 1 if self.is_polynomial else 2
        self._shape = (len(self._updates), halves, self.terms)
        self._signs = np.zeros(self._shape)
        for index, halves_of in enumerate(known):
            for half, values in enumerate(halves_of):
                if values is not None:
                    self._signs[index, half, : values.size] = np.sign(values)
        rows = round((LARGEST - LEAST) / STEP) + 2 * MARGIN + 1
        self._logs = np.full((rows, self._signs.size), math.nan)
        self._filled = np.zeros(rows, dtype=bool)
        self._offsets = np.arange(POINTS) - (POINTS // 2 - 1)
        # Barycentric weights of equidistant points.
        self._weights = np.array([(-1.0) ** i * math.comb(POINTS - 1, i) for i in range(POINTS)])

    def at(self, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return N and D (b, updates, terms) by powers of m for ranges of these log(u/l) >= 0 (b,).

        NaN where a rule does not reach. k log(u/l) is at most ``WIDEST``.
        """
        lengths = self._k * lengths
        with np.errstate(divide="ignore"):  # log(exp(length) - 1), without overflow
            spreads = lengths + np.log(-np.expm1(-lengths))
        place = (np.maximum(spreads, LEAST) - LEAST) / STEP + MARGIN
        base = np.floor(place).astype(int)
        rows = base[:, None] + self._offsets
        if not self._filled[rows].all():
            self._fill(rows)
        distance = (place - base)[:, None] - self._offsets
        on_a_row = np.abs(distance) < 1e-12
        weights = self._weights / np.where(on_a_row, 1.0, distance)
        weights = np.where(np.any(on_a_row, axis=1)[:, np.newaxis], on_a_row, weights)
        weights /= weights.sum(axis=1)[:, None]
        logs = np.matmul(weights[:, None, :], self._logs[rows])[:, 0]
        values = self._signs * np.exp(logs).reshape(len(lengths), *self._shape)
        return values[:, :, 0], None if self.is_polynomial else values[:, :, 1]

    def _fill(self, rows: np.ndarray) -> None:
        new = np.unique(rows[~self._filled[rows]])
        ratios = np.exp(-np.logaddexp(0.0, LEAST + STEP * (new - MARGIN)) / self._k)
        logs = np.full((len(new), *self._shape), math.nan)
        for index, update in enumerate(self._updates):
            logs[:, index] = self._logs_of(update, ratios, self._signs[index])
        self._logs[new] = logs.reshape(len(new), -1)
        self._filled[new] = True

    def _logs_of(self, update: Update, ratios: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """Return the logarithms of the coefficients' sizes, NaN for ranges where all is not well.

        0 where a coefficient is none or 0.
        """
        count = update.coefficient_count(self._k)
        coefficients = np.full((len(ratios), count), math.nan)
        for row, ratio in enumerate(ratios.tolist()):
            # Beyond the rule, NaN it stays.
            with suppress(InputError):
                coefficients[row] = update.coefficients(self._k, ratio, 1.0)
        found = np.zeros((len(ratios), *signs.shape))
        bad = np.zeros(len(ratios), dtype=bool)
        for half, values in enumerate(as_ratio(update, coefficients, self._k)):
            if values is None:
                continue
            size, wanted = np.abs(values), signs[half, : values.shape[-1]]
            bad |= ((np.sign(values) != wanted) | ((size < TINIEST) & (wanted != 0.0))).any(axis=1)
            found[:, half, : values.shape[-1]] = np.log(np.where(wanted != 0.0, size, 1.0))
        found[bad] = math.nan
        return found

    def _row_of(self, update: Update, ratio: float) -> tuple[np.ndarray, np.ndarray | None]:
        return as_ratio(update, np.array(update.coefficients(self._k, ratio, 1.0)), self._k)


def is_scale_free(update: Update, root_index: int) -> bool:
    """Return whether coefficients on [l, u] are those on [l/u, 1], scaled.

    >>> from matrl.iterations import UPDATES
    >>> [is_scale_free(UPDATES.get(name), 2) for name in ("minimax-5", "newton", "series-5")]
    [True, True, False]
    """
    return _agrees(update, root_index, 2.0)


def is_fixed_above_one(update: Update, root_index: int) -> bool:
    """Return whether coefficients are scaled like that for u up to 1, and beyond those for u = 1.

    >>> from matrl.iterations import UPDATES
    >>> is_fixed_above_one(UPDATES.get("series-5"), 2)
    True
    """
    ratio = _RATIO
    fixed = np.array_equal(
        np.array(update.coefficients(root_index, 2.0 * ratio, 2.0)),
        np.array(update.coefficients(root_index, ratio, 1.0)),
    )
    return fixed and _agrees(update, root_index, 0.5)


_RATIO = 0.75


def _agrees(update: Update, root_index: int, upper: float) -> bool:
    at_one = update.coefficients(root_index, _RATIO, 1.0)
    scaled = update.coefficients(root_index, _RATIO * upper, upper)
    x = np.linspace(_RATIO, 1.0, 5)
    return bool(
        np.allclose(
            _applied(update, root_index, at_one, x),
            _applied(update, root_index, scaled, upper * x),
            rtol=1e-9,
        )
    )


def _applied(
    update: Update, root_index: int, coefficients: Sequence[float], x: np.ndarray
) -> np.ndarray:
    numerator, denominator = as_ratio(update, np.array(coefficients), root_index)
    m = x**root_index
    p = np.polyval(numerator[::-1], m)
    return x * (p if denominator is None else p / np.polyval(denominator[::-1], m))


@lru_cache(maxsize=64)
def map_table(updates: tuple[Update, ...], root_index: int) -> MapTable:
    """Return the table of some updates, the same one every time it is asked for."""
    return MapTable(updates, root_index)
