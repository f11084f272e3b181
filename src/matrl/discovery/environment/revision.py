"""What lets a schedule that was found be looked at closely and made better."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from matrl.core.measure import Measure
from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.actions.structures import cheapest_forms
from matrl.discovery.environment.open_actions import OpenActions
from matrl.discovery.environment.transitions import Transitions
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.rounding.confirmation import Confirmation, Confirmations
from matrl.discovery.rounding.goal import Goal
from matrl.discovery.rounding.refinement import fitted_name, is_better, keeps_safety, refined
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import DirectMethod, Update
from matrl.iterations.schedule import DIRECT

__all__ = ["RevisableSchedules"]


class RevisableSchedules:
    """The part of an environment of schedules that works over what a planner has found."""

    _measure: Measure
    _domains: tuple[ScaledDomain, ...]
    _n: int
    _max_steps: int
    _scaling_price: Callable[[ScaledDomain], float]
    _pricer: SchedulePricer
    _table: ActionTable
    _goal: Goal
    _open: OpenActions
    _confirmations: Confirmations
    _transitions: Transitions
    _precisions: tuple[str, ...]

    @property
    def domains(self) -> tuple[ScaledDomain, ...]:
        """The scaled domains to choose from."""
        return self._domains

    @property
    def updates(self) -> Mapping[str, Update | DirectMethod]:
        """What the actions name."""
        return self._table.updates

    @property
    def precisions(self) -> tuple[str, ...]:
        """What steps may work in."""
        return self._precisions

    @property
    def tol(self) -> float:
        """The largest error a schedule may end with."""
        return self._goal.tol

    @property
    def measure(self) -> Measure:
        """The error measure."""
        return self._measure

    def cost_of_direct(self, name: str, precision: str) -> float | None:
        """Return the cost of a direct method, ``None`` where it has no price or is not allowed."""
        action = Action(name, DIRECT, precision)
        return self._pricer.cost((action.structure,)) if action in self._table.first else None

    def state_of(self, actions: Sequence[Action]) -> ScheduleState:
        """Return the state legal actions lead to."""
        return self._transitions.along(actions)

    def replay(self, actions: Sequence[Action]) -> tuple[ScaledDomain, Confirmation]:
        """Return the domain of a schedule, and what a closer look at it says."""
        state = self.state_of(actions)
        return self._domains[state.domain], self.look(state)

    def look(self, state: ScheduleState) -> Confirmation:
        """Return what a closer look at a state says."""
        return self._confirmations.of(state)

    def refined(
        self,
        state: ScheduleState,
        seed: int = 0,
        *,
        starts: int = 8,
        enough: float = 0.0,
        least: float = math.inf,
    ) -> Confirmation | None:
        """Return the schedule of a state with better coefficients, ``None`` if none are found.

        They are optimised together, from several ``starts``, until the error is ``enough``. The map
        may go as far above 1 as one with an error of ``least`` may, if that is less than its own.
        """
        domain, found = self._domains[state.domain], self.look(state)
        ceiling = float(self._goal.highest(min(found.error, least)))
        better = refined(
            self._measure, domain, found, self._n, ceiling, seed, starts=starts, enough=enough
        )
        if better is None:
            return None
        steps = [replace(a, name=fitted_name(a.name), variation=0) for a in state.actions]
        new = self._confirmations.with_coefficients(
            self._transitions.scaled(state.domain), steps, better
        )
        k = self._measure.function.root_index
        if new is None or not keeps_safety(domain, new.steps, k, self._n):
            return None
        if self.is_met(new):
            return new if not self.is_met(found) or is_better(new, found) else None
        return new if is_better(new, found) else None

    def is_met(self, known: Confirmation) -> bool:
        """Whether an iterative schedule that has been looked at is within the tolerance."""
        return self._goal.is_met(known, False)

    def cheapest_forms(self, actions: Sequence[Action]) -> tuple[tuple[Action, ...], float] | None:
        """Return the same updates, precisions and products in the cheapest forms, with the cost.

        ``None`` where there are no forms for them, or no prices.
        """
        scaling = tuple(action for action in actions if action.domain >= 0)
        steps = [action for action in actions if action.domain < 0]
        if len(steps) > self._max_steps or len(scaling) != (len(self._domains) > 1):
            return None
        found = cheapest_forms(steps, self._open.first, self._open.usual, self._pricer)
        if found is None:
            return None
        paid = sum(self._scaling_price(self._domains[action.domain]) for action in scaling)
        return (*scaling, *found[0]), paid + found[1]
