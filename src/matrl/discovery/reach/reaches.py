"""How it is found out where maps lead from a state, for one problem."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from matrl.core.measure import Measure
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.reach.map_blocks import can_be_sampled
from matrl.discovery.reach.reach import ExactReach, Reach, ReachedRanges, TabulatedReach
from matrl.discovery.reach.sampled_reach import SampledReach
from matrl.discovery.states.memory import ReachMemory
from matrl.discovery.states.outcomes import OutcomeTable
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import Update

__all__ = ["Reaches"]


class Reaches:
    """Where maps lead: ``tabulated``, ``sampled`` or one by one, computed once for equal states.

    Where ranges tell the error and all updates equioscillate, maps are tabulated; from samples they
    are computed together where all can be. ``usual`` are the updates that do more than repair:
    those are always worked out one by one. ``firsts`` is from which states it has been asked.
    """

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Sequence[Update],
        precisions: Sequence[str],
        outcomes: OutcomeTable,
        *,
        n: int,
        tol: float,
    ) -> None:
        usual = [update for update in updates if update.kind != "repair"]
        pure = [update for update in updates if update.kind == "repair"]
        self.usual = usual
        exact = all(domain.is_exact for domain in domains)
        self.tabulated: TabulatedReach | None = None
        if exact and all(update.equioscillates for update in usual):
            self.tabulated = TabulatedReach(measure, usual, precisions, n)
        self.sampled: SampledReach | None = None
        k = measure.function.root_index
        if not exact and usual and all(can_be_sampled(update, k) for update in usual):
            self.sampled = SampledReach(measure, domains, usual, precisions, n=n, tol=tol)
        self._exact = ExactReach(outcomes, usual, precisions)
        self.of_repairs = ExactReach(outcomes, pure, precisions)
        self.firsts = ReachMemory()
        self._reached: dict[Hashable, ReachedRanges] = {}

    @property
    def interpolates(self) -> bool:
        """Whether errors are not known exactly before a closer look."""
        return (self.tabulated or self.sampled) is not None

    @property
    def of_usual(self) -> Reach:
        """The maps of the updates that do more than repair."""
        return self.tabulated or self.sampled or self._exact

    def of(self, state: ScheduleState) -> ReachedRanges:
        """Return where the maps lead from a state, computed once for equal states."""
        key = state.range_key
        if key not in self._reached:
            first, at_start, is_new = self.firsts.of(state)
            if self.tabulated is None:
                seen = None if self.sampled is None else self.sampled.of(first)
                one = seen or self._exact.of(first)
            else:
                one = self.tabulated.of(np.array([first.spread]), at_start=at_start)
            self._reached[key] = one
            if is_new:
                return one
        return replace(self._reached[key], simulated=0)
