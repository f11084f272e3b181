"""Where each update leads from a range of x: for all updates, and many ranges, at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from matrl.core.measure import Measure
from matrl.core.safety import slack_of
from matrl.discovery.reach.range_table import range_table
from matrl.discovery.states.iterates import LEAST_PROGRESS
from matrl.discovery.states.outcomes import Outcome
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import Update

__all__ = ["ExactReach", "Further", "Reach", "ReachedRanges", "TabulatedReach"]


@dataclass(frozen=True, eq=False)
class Further:
    """Where maps lead from where maps have led, (r, maps + 1) each.

    ``row`` (maps + 1,) is which of the rows goes on from a map, -1 where none does. ``doubt`` (r,)
    is by what factor errors may be less than they look.
    """

    row: np.ndarray
    error: np.ndarray
    legal: np.ndarray
    doubt: np.ndarray


@dataclass(frozen=True, eq=False)
class ReachedRanges:
    """Ranges after each map, (b, maps + 1) each, with their spread and the error they mean.

    The last column stands for what is no map, and is never legal. ``legal`` says which maps are
    safe and make progress; ``simulated`` how many were computed. ``further`` is one step more, of
    one state, where that is computed along with it.
    """

    lower: np.ndarray
    upper: np.ndarray
    spread: np.ndarray
    error: np.ndarray
    legal: np.ndarray
    simulated: int
    further: Further | None = None


class Reach:
    """The maps of some updates: a polynomial has one for each precision, for its widened end."""

    def __init__(self, updates: Sequence[Update], precisions: Sequence[str]) -> None:
        self.maps: list[tuple[Update, str]] = []
        for update in updates:
            kinds = precisions if update.kind == "polynomial" else ("",)
            self.maps += [(update, kind) for kind in kinds]
        self._index = {(update.name, kind): i for i, (update, kind) in enumerate(self.maps)}

    def index_of(self, name: str, precision: str) -> int:
        """Return the map of an update in a precision; -1 where there is none."""
        return self._index.get((name, ""), self._index.get((name, precision), -1))


class Outcomes(Protocol):
    """What steps do, by name and precision, and how many were worked out for it."""

    @property
    def simulated(self) -> int:
        """How many so far."""
        ...

    def of(self, name: str, precision: str, state: ScheduleState) -> Outcome | None:
        """Return what a step does; ``None`` where it is not legal."""
        ...


class ExactReach(Reach):
    """Maps worked out one by one, on the range or the samples of a state."""

    def __init__(
        self, table: Outcomes, updates: Sequence[Update], precisions: Sequence[str]
    ) -> None:
        super().__init__(updates, precisions)
        self._table = table

    def of(self, state: ScheduleState) -> ReachedRanges:
        """Return where the maps lead from one state."""
        before = self._table.simulated
        lower, upper, error = (np.full((1, len(self.maps) + 1), math.nan) for _ in range(3))
        for i, (update, precision) in enumerate(self.maps):
            outcome = self._table.of(update.name, precision, state)
            if outcome is not None:
                one = outcome.iterates
                lower[0, i], upper[0, i], error[0, i] = one.lower, one.upper, one.error
        with np.errstate(divide="ignore"):
            spread = np.log(upper / lower - 1.0)
        simulated = self._table.simulated - before
        return ReachedRanges(lower, upper, spread, error, np.isfinite(error), simulated)


class TabulatedReach(Reach):
    """Maps of equioscillating updates, from the table of what they make of a spread."""

    def __init__(
        self, measure: Measure, updates: Sequence[Update], precisions: Sequence[str], n: int
    ) -> None:
        super().__init__(updates, precisions)
        self._power = measure.power
        self._table = range_table(tuple(updates), measure.function.root_index)
        self._columns: list[tuple[float, list[int], list[int]]] = []
        place = {update: i for i, update in enumerate(updates)}
        for kind in dict.fromkeys(kind for _, kind in self.maps):
            mine = [i for i, (_, other) in enumerate(self.maps) if other == kind]
            slack = slack_of(kind, n) if kind else 0.0
            self._columns.append((slack, mine, [place[self.maps[i][0]] for i in mine]))

    def of(self, spreads: np.ndarray, *, at_start: bool = False) -> ReachedRanges:
        """Return where the maps lead from ranges of these spreads (b,), NaN for none.

        ``at_start`` any step is one forward, also from a range that is one point.
        """
        logit = np.full((len(spreads), len(self.maps) + 1), math.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            for slack, mine, columns in self._columns:
                # (u (1 + slack) - l)/l
                wide = spreads
                if slack > 0.0:
                    wide = np.logaddexp(spreads + math.log1p(slack), math.log(slack))
                logit[:, mine] = self._table.after(wide)[:, columns]
            gap = 1.0 / (1.0 + np.exp(logit))
            after = math.log(2.0) - logit
            error = np.expm1(self._power * np.log1p(gap))
            if self._power > 1:
                below = np.log1p(-np.minimum(gap, 1.0 - 1e-16))
                error = np.maximum(error, -np.expm1(self._power * below))
            legal = np.isfinite(logit)
            if not at_start:
                legal &= after < spreads[:, None] - LEAST_PROGRESS
        lower = np.where(legal, 1.0 - gap, math.nan)
        return ReachedRanges(lower, 1.0 + gap, after, error, legal, int(legal.sum()))
