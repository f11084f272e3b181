"""The children that states of schedules have: steps by rule, variations, and what repairs them."""

from dataclasses import replace

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.environment.description import Description
from matrl.discovery.environment.open_actions import OpenActions
from matrl.discovery.environment.widening import Widening
from matrl.discovery.reach.reaches import Reaches
from matrl.discovery.rounding.confirmation import Confirmations
from matrl.discovery.rounding.standing import Standing
from matrl.discovery.states.state import Action, ScheduleState
from matrl.search import NO_CHILDREN, Children

__all__ = ["ScheduleChildren"]


class ScheduleChildren:
    """The open actions of a state, described: always, and where a closer look asks for more.

    ``widening`` has the variations of steps, ``None`` where there are none.
    """

    def __init__(
        self,
        actions: OpenActions,
        reaches: Reaches,
        description: Description,
        widening: Widening | None,
        standing: Standing,
        confirmations: Confirmations,
    ) -> None:
        self._open, self._reaches, self._description = actions, reaches, description
        self._widening, self._standing, self._confirmations = widening, standing, confirmations

    def batch(self, state: ScheduleState, width: int) -> Children | None:
        """Return direct methods and updates by rule, and their variations from width 1."""
        if width > 0:
            if self._widening is None:
                return None  # the rules' coefficients are the best there are
            return self._widening.children(state, width, self._description)
        if not state.actions:
            return self._described(state, self._open.first)
        assert state.form is not None
        return self._described(state, self._open.usual[state.form])

    def repairs(self, state: ScheduleState) -> Children:
        """Return the steps that forget the rounding of those before them."""
        assert state.form is not None
        repairs, pure = self._open.repairs[state.form], self._open.pure_repairs[state.form]
        mixed = self._described(state, repairs) if repairs.actions else NO_CHILDREN
        if not pure.actions:
            return mixed
        return mixed.joined(self._purely_repaired(state, pure))

    def averaged(self, state: ScheduleState, action: Action, child: ScheduleState) -> Children:
        """Return the averaged product where the mirrored one rounds much of the tolerance.

        First products are exactly symmetric anyway, and general products know no difference.
        """
        if not child.actions or child.is_direct or action.product != "mirrored":
            return NO_CHILDREN
        if not state.actions or not self._open.has_averaged(action):
            return NO_CHILDREN
        if not self._standing.rounds_noticeably(child):
            return NO_CHILDREN
        averaged = replace(action, product="averaged")
        if self._open.is_pure(action):
            return self._purely_repaired(state, self._open.of_repairs([averaged]))
        if action.variation and self._widening is not None:
            return self._widening.of(state, averaged, self._description)
        return self._described(state, self._open.alone(averaged))

    def _described(self, state: ScheduleState, actions: ActionList) -> Children:
        is_spoiled = self._standing.is_spoiled(state)
        return self._description.of(state, actions, self._reaches.of(state), is_spoiled=is_spoiled)

    def _purely_repaired(self, state: ScheduleState, actions: ActionList) -> Children:
        reached = self._reaches.of_repairs.of(self._confirmations.of(state).exact)
        return self._description.of(state, actions, reached)
