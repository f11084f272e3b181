"""The closer look at a state of the search: its steps worked out, their rounding, their error.

A search may go by interpolated ranges; here every step gets its coefficients and its exact range.
Rounding is followed by the noisy reading, which costs more than all else in a step. So a closer
look is had only at schedules that would be the best if it changed nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.core.precision import is_half
from matrl.core.safety import slack_precision
from matrl.discovery.actions.variations import VariedOutcomes
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.rounding.rounded_step import Noise, RoundedStep
from matrl.discovery.rounding.rounding import RoundingModel, dips_of
from matrl.discovery.states.iterates import Iterates, fine_error
from matrl.discovery.states.outcomes import Outcome
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import FORMS, UPDATES, DirectMethod, Update
from matrl.readings.scalar import apply_update, is_positive

__all__ = ["Confirmation", "Confirmations"]

HALF_MARGIN = 1.5
"""How far above its predicted level the rounding of half precisions may be."""


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What is known of a state once it has been looked at: its rounding and its error.

    ``exact`` is the state with its range as it really is, ``nodes`` the iterates of the domain's
    nodes, ``rounded`` the last step, and ``steps`` the schedule with its coefficients.
    The rounding is infinite for what cannot be carried out.
    """

    exact: ScheduleState
    rounding: float
    error: float
    nodes: np.ndarray
    steps: tuple[StepRecord, ...] = ()
    rounded: RoundedStep | None = None

    @property
    def noise(self) -> Mapping[str, Noise]:
        """The live registers' errors."""
        return {} if self.rounded is None else self.rounded.noise

    @property
    def total_error(self) -> float:
        """Worst error in exact arithmetic plus the predicted rounding level.

        The level is a typical one. In half precisions it is often most of the error, so that what
        runs show beyond it is added.
        """
        uses_half = any(is_half(step.precision) for step in self.steps)
        return self.error + self.rounding * (HALF_MARGIN if uses_half else 1.0)


class Confirmations:
    """Confirmations of states, each made once, those of the states before it first."""

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Mapping[str, Update | DirectMethod],
        outcomes: VariedOutcomes,
        rounding: RoundingModel,
        tol: float,
    ) -> None:
        self._measure, self._domains, self._updates = measure, domains, updates
        self._outcomes, self._rounding, self._tol = outcomes, rounding, tol
        self._known: dict[ScheduleState, Confirmation] = {}
        self._recalled: dict[ScheduleState, Confirmation] = {}
        """What an earlier look showed, without its noise."""

    def known(self, state: ScheduleState) -> Confirmation | None:
        """Return what is known of a state, ``None`` if it has not been looked at."""
        return self._known.get(state) or self._recalled.get(state)

    def recall(self, state: ScheduleState, shown: Confirmation) -> None:
        """Take note of what an earlier look at a state has shown."""
        self._recalled[state] = shown

    def of(self, state: ScheduleState) -> Confirmation:
        """Return what a closer look at a state says."""
        if state not in self._known:
            self._known[state] = self._look(state)
        return self._known[state]

    def with_coefficients(
        self,
        start: ScheduleState,
        actions: Sequence[Action],
        coefficients: Sequence[tuple[float, ...]],
    ) -> Confirmation | None:
        """Return what a closer look at polynomial steps with these coefficients says."""
        found = self.of(start)
        for action, chosen in zip(actions, coefficients, strict=True):
            update = self._updates.get(action.name) or UPDATES.get(action.name)
            assert not isinstance(update, DirectMethod)
            before, domain = found.exact, self._domains[start.domain]
            after = Iterates.after(self._measure, domain, before, update, chosen)
            if after is None or not is_positive(
                update, self._measure.function.root_index, chosen, before.upper
            ):
                return None
            state = replace(before, actions=(*before.actions, action), before=before)
            found = self._taken(state, found, update, action, Outcome(chosen, after))
        return found

    def _look(self, state: ScheduleState) -> Confirmation:
        if not state.actions:
            nodes = self._measure.function.iterate(self._domains[state.domain].nodes)
            return Confirmation(state, 0.0, state.error, nodes)
        assert state.before is not None
        before, action = self.of(state.before), state.actions[-1]
        update = self._updates[action.name]
        if isinstance(update, DirectMethod):
            return self._direct(state, before, update, action)
        if not math.isfinite(before.rounding):
            return replace(before, error=math.inf)
        precision = slack_precision(action.precision, before.exact.precision)
        outcome = self._outcomes.of(action.name, precision, before.exact, action.variation)
        if outcome is None:
            return replace(before, rounding=math.inf, error=math.inf)
        return self._taken(state, before, update, action, outcome)

    def _direct(
        self, state: ScheduleState, before: Confirmation, method: DirectMethod, action: Action
    ) -> Confirmation:
        domain = self._domains[state.domain]
        rounding = self._rounding.of_direct(
            domain.nodes, domain.node_density, method, action.precision
        )
        return Confirmation(state, rounding, 0.0, before.nodes, (_record(action),))

    def _taken(
        self,
        state: ScheduleState,
        before: Confirmation,
        update: Update,
        action: Action,
        outcome: Outcome,
    ) -> Confirmation:
        """Return the confirmation of one more step."""
        k, domain = self._measure.function.root_index, self._domains[state.domain]
        start, after, coefficients = before.exact, outcome.iterates, outcome.coefficients
        record = replace(_record(action), coefficients=coefficients, error=after.error)
        nodes = apply_update(update, k, coefficients, before.nodes)
        if not self._rounding.keeps_zero(
            domain.nodes, domain.node_density, before.noise, update, record
        ):
            return replace(before, rounding=math.inf, error=math.inf)
        ends = (start.lower, start.upper)
        dips = dips_of(update, coefficients, k, ends, before.nodes, nodes, after.lower)
        rounded, level = self._rounding.after_step(
            domain.nodes,
            domain.node_density,
            before.noise,
            before.steps[-1] if before.steps else None,
            record,
            dips,
        )
        # Relative errors of the carried matrix are permanent, but for the forms that repair them.
        if FORMS.get(action.form).keeps_rounding:
            level = max(before.rounding, level)
        steps = (*before.steps, record)
        error = self._error_between(after.error, domain, steps)
        exact = replace(
            state, lower=after.lower, upper=after.upper, points=after.points, error=error
        )
        steps = (*before.steps, replace(record, error=error))
        return Confirmation(exact, level, error, nodes, steps, rounded)

    def _error_between(
        self, error: float, domain: ScaledDomain, steps: Sequence[StepRecord]
    ) -> float:
        """Return the error, where it looks small enough also between the points."""
        on_a_grid = domain.domain.kind != "samples" and not domain.is_exact
        if not on_a_grid or error > self._tol:
            return error
        return max(error, fine_error(self._measure, domain, self._updates, steps))


def _record(action: Action) -> StepRecord:
    return StepRecord(
        action.name,
        action.form,
        action.precision,  # type: ignore[arg-type]
        product=action.product,  # type: ignore[arg-type]
    )
