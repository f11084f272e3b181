"""Taking actions: the state that a scaling or a step leads to."""

from collections.abc import Sequence
from dataclasses import replace

from matrl.core.safety import slack_precision
from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.actions.variations import VariedOutcomes
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.reach.reaches import Reaches
from matrl.discovery.rounding.confirmation import Confirmations
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import DirectMethod

__all__ = ["Transitions"]


class Transitions:
    """The states that actions of a table lead to, in range or samples, error and price to come.

    Where maps are tabulated, ranges are interpolated; otherwise, and after repairs, they are exact.
    """

    def __init__(
        self,
        domains: Sequence[ScaledDomain],
        table: ActionTable,
        pricer: SchedulePricer,
        reaches: Reaches,
        varied: VariedOutcomes,
        confirmations: Confirmations,
    ) -> None:
        self._domains, self._table, self._pricer = domains, table, pricer
        self._reaches, self._varied, self._confirmations = reaches, varied, confirmations

    def root(self) -> ScheduleState:
        """Return the empty schedule; scaled already where there is no choice of scaling."""
        if len(self._domains) == 1:
            return self.scaled(0)
        return ScheduleState()

    def scaled(self, index: int) -> ScheduleState:
        """Return the schedule that has only chosen the scaling to a domain."""
        domain = self._domains[index]
        wanted = not domain.is_exact or self._table.uses_samples
        return ScheduleState(
            domain=index,
            lower=domain.lower,
            upper=domain.upper,
            is_exact=domain.is_exact,
            points=domain.sampled if wanted else None,
        )

    def after(self, state: ScheduleState, action: Action) -> ScheduleState | None:
        """Take an action that was legal at first sight; ``None`` where it is not after all."""
        if action.domain >= 0:
            return self.scaled(action.domain)
        update = self._table.updates[action.name]
        actions = (*state.actions, action)
        if isinstance(update, DirectMethod):
            return replace(state, error=0.0, actions=actions, before=state)
        following = replace(
            state,
            actions=actions,
            pending=self._pricer.pending(action.structure, not state.actions),
            overshoots=state.overshoots or update.has_pole_at_zero,
            before=state,
        )
        precision = slack_precision(action.precision, state.precision)
        tabulated = self._reaches.tabulated
        if tabulated is None or update.kind == "repair":
            exact = state if tabulated is None else self._confirmations.of(state).exact
            outcome = self._varied.of(action.name, precision, exact, action.variation)
            if outcome is None:
                return None
            one = outcome.iterates
            return replace(
                following, lower=one.lower, upper=one.upper, points=one.points, error=one.error
            )
        reached = self._reaches.of(state)
        i = tabulated.index_of(action.name, precision)
        ends = float(reached.lower[0, i]), float(reached.upper[0, i])
        return replace(following, lower=ends[0], upper=ends[1], error=float(reached.error[0, i]))

    def along(self, actions: Sequence[Action]) -> ScheduleState:
        """Return the state legal actions lead to from the root; ``ValueError`` if one is not."""
        state = self.root()
        for action in actions:
            following = self.after(state, action)
            if following is None:
                raise ValueError(f"{action} is not legal here")
            state = following
        return state
