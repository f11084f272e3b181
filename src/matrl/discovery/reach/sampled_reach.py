"""Where each update leads from points: all maps of a state at once, and all maps of all of those.

Coefficients that depend on a range come from a table, to rounding. Those fitted to the points are
not worked out: of a fitted map its least error is known, from a least-squares problem without the
safety rule, and where that keeps the rule also about where it leads. What a planner goes on with
is computed exactly; this is for choosing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matrl.core.measure import Measure
from matrl.core.safety import slack_of
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.reach.first_fits import FirstFits
from matrl.discovery.reach.map_blocks import MapBlocks, is_fitted
from matrl.discovery.reach.map_table import WIDEST
from matrl.discovery.reach.reach import Further, Reach, ReachedRanges
from matrl.discovery.reach.thinned import Thinned
from matrl.discovery.states.iterates import FARTHEST, FARTHEST_PRODUCT, LEAST_PROGRESS
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import Update

__all__ = ["SampledReach"]

GAP, BELOW = 8, (0.3, 0.01)
"""Points between the samples and the end of the safe domain, and below them (in units of their
lower end), where a fit is looked at."""
AT_ONCE = 24
"""How many states go through the maps together: their values should stay in the cache."""
MOST = WIDEST - 1.0
"""The largest k log(u/l) a state may have; slack widens it."""
CANCELLATION = 1e-8
"""What a polynomial by powers of m may be off by, at most, where it is written for wide ranges."""
DOUBT = 8.0
"""By how much errors after a fit for the greatest error may be less than after Lawson's."""


@dataclass(frozen=True, eq=False)
class _Places:
    """States of one domain: points (b, q) and ranges [lower, 1] in units of the upper ends.

    ``polynomials`` says whether polynomials may follow, ``alone`` that there is one state only.
    """

    points: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    error: np.ndarray
    polynomials: bool
    alone: bool = False


def _with_probes(places: _Places) -> tuple[np.ndarray, int]:
    """Return points (b, places) and what else is looked at, and how many lie in the range.

    After the points come the ends of the range, its middle, and where fits are looked at.
    """
    points, lower = places.points, places.lower
    ends = [lower, np.ones_like(lower), np.sqrt(lower)]
    inside = points.shape[1] + len(ends)
    others = np.empty((len(lower), 0))
    if places.alone:
        ends += list(np.geomspace(points.max(axis=1), 1.0, GAP))
        inside += GAP
        others = lower[:, None] * np.array(BELOW)
    return np.concatenate([points, np.stack(ends, axis=1), others], axis=1), inside


@dataclass(frozen=True, eq=False)
class _Sight:
    """What is seen of maps from some states, (b, maps + 1) each, and their values if wanted."""

    lower: np.ndarray
    upper: np.ndarray
    spread: np.ndarray
    error: np.ndarray
    legal: np.ndarray
    values: np.ndarray
    """Of the points after each column of the blocks and each fit; of one state only."""
    goes_on: np.ndarray
    """Whether the values are known."""


class SampledReach(Reach):
    """Maps of updates at the points of a state, and one step further.

    Where an error of ``tol`` or less is reached, nothing is looked at further.
    """

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Sequence[Update],
        precisions: Sequence[str],
        *,
        n: int,
        tol: float,
    ) -> None:
        super().__init__(updates, precisions)
        self._measure, self._k, self._tol = measure, measure.function.root_index, tol
        self._domains = [Thinned.of(domain, measure) for domain in domains]
        slacks = {kind: slack_of(kind, n) for kind in precisions}
        self._blocks = MapBlocks(self.maps, self._k, slacks)
        fits = [one for one in self.maps if is_fitted(one[0])]
        self._fits = FirstFits(self._k, [one[0].order(self._k) for one in fits])
        self._references = np.array([self._blocks.sibling(*one) for one in fits], dtype=int)
        columns: Mapping[tuple[Update, str], int] = {
            **self._blocks.columns,
            **{one: self._blocks.size + i for i, one in enumerate(fits)},
        }
        self._place = np.array([columns[one] for one in self.maps], dtype=int)
        self.is_fit = np.array([is_fitted(update) for update, _ in self.maps], dtype=bool)
        self._has_pole = np.array([u.has_pole_at_zero for u, _ in self.maps], dtype=bool)

    def of(self, state: ScheduleState) -> ReachedRanges | None:
        """Return where the maps lead from a state; ``None`` for a range too wide for the table."""
        assert state.points is not None
        if self._k * math.log(state.upper / state.lower) > MOST:
            return None
        domain = self._domains[state.domain]
        points = state.points[domain.chosen] / state.upper
        places = _Places(
            points[None],
            np.array([state.lower / state.upper]),
            np.array([state.upper]),
            np.array([state.error]),
            polynomials=not state.overshoots,
            alone=True,
        )
        sight = self._seen(domain, places)
        going = sight.legal[0, :-1] & sight.goes_on & ~(sight.error[0, :-1] <= self._tol)
        with np.errstate(divide="ignore", invalid="ignore"):
            going &= self._k * np.log(sight.upper[0, :-1] / sight.lower[0, :-1]) < MOST
        further, more = self._further(domain, sight, np.flatnonzero(going), state.overshoots)
        simulated = int(np.isfinite(sight.error).sum()) + more
        ends = (sight.lower, sight.upper, sight.spread)
        return ReachedRanges(*ends, sight.error, sight.legal, simulated, further)

    def _further(
        self, domain: Thinned, sight: _Sight, going: np.ndarray, overshoots: bool
    ) -> tuple[Further, int]:
        """Return where maps lead from these maps, and how many steps were simulated for it."""
        row = np.full(len(self.maps) + 1, -1)
        row[going] = np.arange(len(going))
        error = np.full((len(going), len(self.maps) + 1), math.nan)
        legal = np.zeros(error.shape, dtype=bool)
        over = self._has_pole[going] | overshoots
        for polynomials in (False, True):
            rows = np.flatnonzero(over != polynomials)
            for start in range(0, len(rows), AT_ONCE):
                some = rows[start : start + AT_ONCE]
                maps = going[some]
                lower, upper = sight.lower[0, maps], sight.upper[0, maps]
                points = sight.values[self._place[maps], : len(domain.chosen)] / upper[:, None]
                before = sight.error[0, maps]
                places = _Places(points, lower / upper, upper, before, polynomials)
                one = self._seen(domain, places)
                error[some], legal[some] = one.error, one.legal
        # Of fits only a bound is known here.
        counted = np.isfinite(error[:, :-1]) & ~self.is_fit
        doubt = np.where(self.is_fit[going] & domain.greatest, DOUBT, 1.0)
        return Further(row, error, legal, doubt), int(counted.sum())

    def _seen(self, domain: Thinned, places: _Places) -> _Sight:
        """Return what the maps make of some states.

        Of one state alone, fits are worked out where they are safe; elsewhere only bounded.
        """
        lower, points = places.lower, places.points
        count = points.shape[1]
        x, inside = _with_probes(places)
        start = 0 if places.polynomials else self._blocks.polynomials
        values = self._blocks.values(x, lower, places.upper, count, domain.density, start=start)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            least, most, error = self._summed_up(domain, values, lower, inside, start)
            goes_on = np.ones(self._blocks.size + len(self._references), dtype=bool)
            if places.polynomials and len(self._references):
                misses = 1.0 - values[:, self._references]
                if places.alone:
                    fits, low, high, bounds, safe = self._fitted(domain, x[0], misses[0], inside)
                    values = np.concatenate([values, fits[None]], axis=1)
                    goes_on[self._blocks.size :] = safe
                else:
                    shares = domain.shares / count if domain.greatest else domain.shares
                    bounds = self._fits.least(points, misses[:, :, :count], shares)
                    low = high = np.ones_like(bounds)
                least = np.concatenate([least, low], axis=1)
                most = np.concatenate([most, high], axis=1)
                error = np.concatenate([error, bounds], axis=1)
        if start:
            before, after = (len(lower), start), (len(lower), len(self._references))
            least, most, error = (
                np.concatenate([np.full(before, math.nan), one, np.full(after, math.nan)], axis=1)
                for one in (least, most, error)
            )
            if places.alone:
                values = np.concatenate([np.full((1, start, x.shape[1]), math.nan), values], axis=1)
        error /= domain.doubt
        return self._judged(least, most, error, places, values[0], goes_on)

    def _summed_up(
        self,
        domain: Thinned,
        values: np.ndarray,
        lower: np.ndarray,
        inside: int,
        start: int,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the ends of the images (b, columns) and the errors."""
        count = len(domain.chosen)
        points = values[:, :, domain.first : count]
        lowest, highest = points.min(axis=2), points.max(axis=2)
        probes = values[:, :, count:inside]
        least = np.minimum(lowest, probes.min(axis=2))
        most = np.maximum(highest, probes.max(axis=2))
        # An equioscillating map has its extremes at the ends of the range.
        level = np.abs(probes[:, :, :2] - 1.0).max(axis=2)
        oscillates = self._blocks.oscillates[start:]
        least = np.where(oscillates, 1.0 - level, least)
        most = np.where(oscillates, 1.0 + level, most)
        # On wide ranges rounding may hide that the lower end rises.
        risen = 1.01 * lower[:, None] * most
        least = np.where((np.abs(least) < CANCELLATION) & (least < risen), risen, least)
        if self._measure.is_weighted or domain.first:
            given = values[:, :, :count]
            return least, most, self._measure.of_many(given, domain.weights, domain.measured)
        ends = np.stack([lowest, highest], axis=-1)
        return least, most, self._measure.of_many(ends, domain.weights, domain.measured)

    def _fitted(
        self, domain: Thinned, x: np.ndarray, misses: np.ndarray, inside: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the fits' values, the ends of their images, their errors at least, the safe."""
        bounds, fits, safe = self._fits.fitted(x, misses, domain.shares, greatest=domain.greatest)
        fits = np.where(safe[:, None], fits, math.nan)
        inner = fits[:, domain.first : inside]
        # Of an unsafe fit nothing is known but its bound: it may lead anywhere.
        low = np.where(safe, inner.min(axis=1), 1.0 - np.minimum(bounds, 0.5))
        high = np.where(safe, inner.max(axis=1), 1.0)
        return fits, low[None], high[None], bounds[None], safe

    def _judged(
        self,
        least: np.ndarray,
        most: np.ndarray,
        error: np.ndarray,
        places: _Places,
        values: np.ndarray,
        goes_on: np.ndarray,
    ) -> _Sight:
        """Return the sight by maps, with what is legal: within the usable numbers, and progress."""
        lower, before = places.lower, places.error
        wide = (len(lower), len(self.maps) + 1)
        low, high, size = (np.full(wide, math.nan) for _ in range(3))
        low[:, :-1], high[:, :-1] = least[:, self._place], most[:, self._place]
        size[:, :-1] = error[:, self._place]
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.log(high / low - 1.0)
            legal = np.isfinite(size) & (low > 0.0) & (high < FARTHEST)
            if self._k > 8:
                legal &= np.abs(self._k * np.log(high)) < math.log(FARTHEST_PRODUCT)
            closer = low / high > (1.0 + LEAST_PROGRESS) * lower[:, None]
            legal &= closer | (size < 0.9 * before[:, None])
        return _Sight(low, high, spread, size, legal, values, goes_on[self._place])
