"""What a state is worth: its error and whether it has arrived, by a closer look where known."""

import math

from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.rounding.confirmation import Confirmations
from matrl.discovery.rounding.goal import Goal
from matrl.discovery.states.state import ScheduleState

__all__ = ["Standing"]


class Standing:
    """States before a goal, as they look at first sight until a confirmation is known."""

    def __init__(self, goal: Goal, confirmations: Confirmations, table: ActionTable) -> None:
        self._goal, self._confirmations, self._table = goal, confirmations, table

    def is_done(self, state: ScheduleState) -> bool:
        """Whether the goal is met, at a closer look if there has been one."""
        if not state.actions:
            return False
        known = self._confirmations.known(state)
        if known is None:
            if self.is_spoiled(state):
                return False
            return state.is_direct or bool(self._goal.seems_met(state.error, state.upper))
        return self._goal.is_met(known, state.is_direct)

    def quality(self, state: ScheduleState) -> float:
        """Return the predicted error if the schedule ended here."""
        if not state.actions:
            return math.inf
        known = self._confirmations.known(state)
        return state.error if known is None else known.total_error

    def is_spoiled(self, state: ScheduleState) -> bool:
        """Whether a closer look has shown that it rounds too much, and no step since repairs it."""
        if not self._table.can_repair or not state.actions or state.is_direct:
            return False
        known = self._confirmations.known(state)
        if known is not None:
            return known.rounding > self._goal.tol
        assert state.before is not None
        return state.keeps_rounding and self.is_spoiled(state.before)

    def rounds_noticeably(self, state: ScheduleState) -> bool:
        """Whether rounding is known to take much of the tolerance."""
        return self._goal.is_noticeable(self._confirmations.known(state))
