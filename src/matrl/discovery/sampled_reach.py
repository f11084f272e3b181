"""Where each update leads from points: all maps of a state at once, and all maps of all of those.

Coefficients that depend on a range come from a table, to rounding. Those fitted to the points are
not worked out: of a fitted map its least error is known, from a least-squares problem without the
safety rule, and where that keeps the rule also about where it leads. What a planner goes on with
is computed exactly; this is for choosing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matrl.core.measure import Measure
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.first_fits import FirstFits
from matrl.discovery.iterates import FARTHEST, FARTHEST_PRODUCT, LEAST_PROGRESS
from matrl.discovery.map_table import LARGEST_SPREAD
from matrl.discovery.map_blocks import MapBlocks, is_fitted
from matrl.discovery.outcomes import slack_of
from matrl.discovery.reach import Further, Reach, ReachedRanges
from matrl.discovery.state import ScheduleState
from matrl.discovery.thinned import Thinned
from matrl.iterations import Update

__all__ = ["SampledReach"]

GAP, BELOW = 8, (0.3, 0.01)
"""Points between the samples and the end of the safe domain, and below them (in units of their
lower end), where a fit is looked at."""
AT_ONCE = 8
"""How many states go through the maps together: their values should stay in the cache."""
DOUBT = 2.0
"""By how much errors after a fit for the greatest error may be less than after Lawson's."""


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
        self._is_fit = np.array([is_fitted(update) for update, _ in self.maps], dtype=bool)
        polynomial = np.array([u.kind == "polynomial" for u, _ in self.maps], dtype=bool)
        pole = np.array([u.has_pole_at_zero for u, _ in self.maps], dtype=bool)
        self._follows = ~(pole[:, None] & polynomial)

    def of(self, state: ScheduleState) -> ReachedRanges | None:
        """Return where the maps lead from a state; ``None`` for a range too wide for the table."""
        assert state.points is not None
        if state.spread > LARGEST_SPREAD - 2.0:
            return None
        domain = self._domains[state.domain]
        points = state.points[domain.chosen] / state.upper
        ends = np.array([state.lower / state.upper]), np.array([state.upper])
        sight = self._seen(domain, points[None], *ends, np.array([state.error]), with_fits=True)
        simulated = int(np.isfinite(sight.error).sum())
        going = sight.legal[0, :-1] & sight.goes_on & ~(sight.error[0, :-1] <= self._tol)
        going &= sight.spread[0, :-1] < LARGEST_SPREAD - 2.0
        further, more = self._further(domain, sight, np.flatnonzero(going))
        return ReachedRanges(
            sight.lower,
            sight.upper,
            sight.spread,
            sight.error,
            sight.legal,
            simulated + more,
            further,
        )

    def _further(
        self, domain: Thinned, sight: _Sight, going: np.ndarray
    ) -> tuple[Further, int]:
        """Return where maps lead from these maps, and how many steps were simulated for it."""
        row = np.full(len(self.maps) + 1, -1)
        row[going] = np.arange(len(going))
        error, legal = np.full((2, len(going), len(self.maps) + 1), math.nan)
        for start in range(0, len(going), AT_ONCE):
            some = going[start : start + AT_ONCE]
            lower, upper = sight.lower[0, some], sight.upper[0, some]
            points = sight.values[self._place[some], : len(domain.chosen)] / upper[:, None]
            one = self._seen(domain, points, lower / upper, upper, sight.error[0, some])
            error[start : start + AT_ONCE] = one.error
            legal[start : start + AT_ONCE] = one.legal
        # Of fits only a bound is known here, and no polynomial follows a pole.
        counted = np.isfinite(error[:, :-1]) & ~self._is_fit & self._follows[going]
        doubt = np.where(self._is_fit[going] & domain.greatest, DOUBT, 1.0)
        return Further(row, error, legal > 0.0, doubt), int(counted.sum())

    def _seen(
        self,
        domain: Thinned,
        points: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        before: np.ndarray,
        *,
        with_fits: bool = False,
    ) -> _Sight:
        """Return what the maps make of points (b, q) and ranges [lower, 1], in units of upper.

        Fits are worked out, unsafe ones apart, if there is one state; elsewhere only bounded.
        """
        count, ends = points.shape[1], [lower, np.ones_like(lower), np.sqrt(lower)]
        inside, others = count + 3, np.empty((len(lower), 0))
        if with_fits:
            gap = np.geomspace(points.max(axis=1), 1.0, GAP, axis=1)
            ends += [*gap.T]
            inside += GAP
            others = lower[:, None] * np.array(BELOW)
        x = np.concatenate([points, np.stack(ends, axis=1), others], axis=1)
        values = self._blocks.values(x, lower, upper, count, domain.density)
        within = values[:, :, domain.first : inside]
        least, most = within.min(axis=2), within.max(axis=2)
        # An equioscillating map has its extremes at the ends of the range.
        level = np.abs(values[:, :, count : count + 2] - 1.0).max(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            least = np.where(self._blocks.oscillates, 1.0 - level, least)
            most = np.where(self._blocks.oscillates, 1.0 + level, most)
            error = self._measure.of_many(
                values[:, :, :count], domain.weights, domain.measured
            )
        goes_on = np.ones(self._blocks.size + len(self._references), dtype=bool)
        if len(self._references):
            misses = 1.0 - values[:, self._references]
            if with_fits:
                bounds, fits, safe = self._fits.fitted(
                    x[0], misses[0], domain.shares, greatest=domain.greatest
                )
                fits = np.where(safe[:, None], fits, math.nan)
                values = np.concatenate([values, fits[None]], axis=1)
                goes_on[self._blocks.size :] = safe
                bounds = bounds[None]
                inner = fits[None, :, domain.first : inside]
                # Of an unsafe fit nothing is known but its bound: it may lead anywhere.
                low = np.where(safe, inner.min(axis=2), 1.0 - np.minimum(bounds, 0.5))
                high = np.where(safe, inner.max(axis=2), 1.0)
            else:
                shares = domain.shares / count if domain.greatest else domain.shares
                bounds = self._fits.least(points, misses[:, :, :count], shares)
                low = high = np.ones_like(bounds)
            least, most = np.concatenate([least, low], axis=1), np.concatenate([most, high], axis=1)
            error = np.concatenate([error, bounds], axis=1)
        return self._judged(least, most, error, lower, before, values[0], goes_on)

    def _judged(
        self,
        least: np.ndarray,
        most: np.ndarray,
        error: np.ndarray,
        lower: np.ndarray,
        before: np.ndarray,
        values: np.ndarray,
        goes_on: np.ndarray,
    ) -> _Sight:
        """Return the sight by maps, with what is legal: within the usable numbers, and progress."""
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
