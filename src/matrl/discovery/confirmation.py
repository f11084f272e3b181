"""The closer look at a state of the search: the rounding of its schedule, the error in between.

Rounding is followed by the noisy reading, which costs more than all else in a step. So it is asked
only for schedules that would be the best if it were no trouble.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.iterates import fine_error
from matrl.discovery.rounding import Noise, RoundingModel, dips_of
from matrl.discovery.state import ScheduleState
from matrl.iterations import FORMS, DirectMethod, Update

__all__ = ["Confirmation", "Confirmations"]


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What is known of a state once it has been looked at: its rounding and its error.

    ``noise`` are the live registers' errors.
    """

    rounding: float
    error: float
    noise: Mapping[str, Noise] = field(default_factory=dict)

    @property
    def total_error(self) -> float:
        """Worst error in exact arithmetic plus the predicted rounding level."""
        return self.error + self.rounding


class Confirmations:
    """Confirmations of states, each made once, those of the states before it first."""

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Mapping[str, Update | DirectMethod],
        rounding: RoundingModel,
        tol: float,
    ) -> None:
        self._measure, self._domains, self._updates = measure, domains, updates
        self._rounding, self._tol = rounding, tol
        self._known: dict[ScheduleState, Confirmation] = {}

    def known(self, state: ScheduleState) -> Confirmation | None:
        """Return what is known of a state, ``None`` if it has not been looked at."""
        return self._known.get(state)

    def of(self, state: ScheduleState) -> Confirmation:
        """Return what a closer look at a state says; the rounding may be infinite."""
        if state not in self._known:
            self._known[state] = self._look(state)
        return self._known[state]

    def _look(self, state: ScheduleState) -> Confirmation:
        if not state.steps:
            return Confirmation(0.0, state.error)
        assert state.before is not None
        record = state.steps[-1]
        domain, update = self._domains[state.domain], self._updates[record.name]
        if isinstance(update, DirectMethod):
            rounding = self._rounding.of_direct(
                domain.nodes, domain.node_density, update, record.precision
            )
            return Confirmation(rounding, 0.0)
        before = self.of(state.before)
        if not math.isfinite(before.rounding):
            return Confirmation(math.inf, state.error)
        level, noise = self._followed(state.before, before, record, update, state)
        # Relative errors of the carried matrix are permanent, but for the forms that repair them.
        if FORMS.get(record.form).keeps_rounding:
            level = max(before.rounding, level)
        return Confirmation(level, self._error_between(state, domain), noise)

    def _followed(
        self,
        start: ScheduleState,
        before: Confirmation,
        record: StepRecord,
        update: Update,
        state: ScheduleState,
    ) -> tuple[float, Mapping[str, Noise]]:
        k, domain = self._measure.function.root_index, self._domains[state.domain]
        nodes, after = start.nodes, state.nodes
        assert nodes is not None
        assert after is not None
        ends = (start.lower, start.upper)
        dips = dips_of(update, record.coefficients, k, ends, nodes, after, state.lower)
        noise, level = self._rounding.after_step(
            domain.nodes,
            domain.node_density,
            before.noise,
            start.steps[-1] if start.steps else None,
            record,
            dips,
        )
        return level, noise

    def _error_between(self, state: ScheduleState, domain: ScaledDomain) -> float:
        """Return the error, where it looks small enough also between the points."""
        on_a_grid = domain.domain.kind != "samples" and not domain.is_exact
        if not on_a_grid or state.error > self._tol:
            return state.error
        return max(state.error, fine_error(self._measure, domain, self._updates, state.steps))

    def steps_of(self, state: ScheduleState) -> tuple[StepRecord, ...]:
        """Return the steps of a state, with the last error as it was confirmed."""
        last = replace(state.steps[-1], error=self.of(state).error)
        return (*state.steps[:-1], last)
