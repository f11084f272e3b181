"""Further batches of a state's children: variations of the steps that are always worth trying."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.actions.variations import BATCHES, OneVariation, VariedOutcomes
from matrl.discovery.environment.description import Description
from matrl.discovery.reach.reach import ExactReach
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import Update
from matrl.iterations.schedule import DIRECT
from matrl.search import Children

__all__ = ["Widening"]


class Widening:
    """The variations of the ``first`` actions, and of the ``later`` ones by the form before."""

    def __init__(
        self,
        outcomes: VariedOutcomes,
        updates: Sequence[Update],
        precisions: Sequence[str],
        first: Sequence[Action],
        later: Mapping[str, Sequence[Action]],
        pricer: SchedulePricer,
    ) -> None:
        self._pricer = pricer
        self._actions = {None: first, **later}
        self._reaches = {
            variation: ExactReach(OneVariation(outcomes, variation), updates, precisions)
            for batch in BATCHES
            for variation in batch
        }
        self._lists: dict[tuple[str | None, int], ActionList] = {}

    def children(
        self, state: ScheduleState, width: int, description: Description
    ) -> Children | None:
        """Return the ``width``-th batch of variations, from 1; ``None`` after the last."""
        if width > len(BATCHES) or state.points is None:
            return None
        found = [
            description.of(
                state, self._list(state.form, variation), self._reaches[variation].of(state)
            )
            for variation in BATCHES[width - 1]
        ]
        children = found[0]
        for more in found[1:]:
            children = children.joined(more)
        return children

    def of(self, state: ScheduleState, action: Action, description: Description) -> Children:
        """Return the description of one varied step alone."""
        reach = self._reaches[action.variation]
        return description.of(state, ActionList([action], reach, self._pricer), reach.of(state))

    def _list(self, form: str | None, variation: int) -> ActionList:
        key = (form, variation)
        if key not in self._lists:
            actions = [
                replace(action, variation=variation)
                for action in self._actions[form]
                if action.form != DIRECT
            ]
            self._lists[key] = ActionList(actions, self._reaches[variation], self._pricer)
        return self._lists[key]
