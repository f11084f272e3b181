"""Which actions are open where: at the start, after each form, for repairs, beside others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matrl.core.function import MatrixFunction
from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.reach.reaches import Reaches
from matrl.discovery.rounding.goal import Goal
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action
from matrl.iterations import FORMS, DirectMethod
from matrl.iterations.schedule import DIRECT

__all__ = ["OpenActions"]


class OpenActions:
    """The actions of a table as lists, without those whose precision rules the goal out.

    ``first`` are open at the start; by the form before, ``usual`` always, ``repairs`` where much
    has been rounded, and so ``pure_repairs``, which do nothing else and have a reach of their own.
    """

    def __init__(
        self,
        function: MatrixFunction,
        table: ActionTable,
        goal: Goal,
        reaches: Reaches,
        pricer: SchedulePricer,
    ) -> None:
        self._function, self._table, self._goal = function, table, goal
        self._reaches, self._pricer = reaches, pricer
        self.first = self._list(table.first)
        self.usual: Mapping[str, ActionList] = {
            form: self._list(actions) for form, actions in table.usual.items()
        }
        self.repairs: Mapping[str, ActionList] = {
            form: self._list(actions) for form, actions in table.repairs.items()
        }
        self.pure_repairs: Mapping[str, ActionList] = {
            form: self.of_repairs([a for a in actions if self.is_pure(a)])
            for form, actions in table.repairs.items()
        }
        self._alone: dict[Action, ActionList] = {}

    def _list(self, actions: Sequence[Action]) -> ActionList:
        kept = [a for a in actions if not (self._is_too_coarse(a) or self.is_pure(a))]
        return ActionList(kept, self._reaches.of_usual, self._pricer)

    def of_repairs(self, actions: Sequence[Action]) -> ActionList:
        """Return the list of some actions that do nothing but repair."""
        return ActionList(actions, self._reaches.of_repairs, self._pricer)

    def alone(self, action: Action) -> ActionList:
        """Return the list of a single action, made once."""
        if action not in self._alone:
            self._alone[action] = self._list([action])
        return self._alone[action]

    def later(self) -> dict[str, ActionList]:
        """Return all that may ever follow a form, averaged products too."""
        return {
            form: self._list([*actions, *self._averaged(actions)])
            for form, actions in self._table.later.items()
        }

    def is_pure(self, action: Action) -> bool:
        """Whether the step does nothing but repair, and no table knows it."""
        update = self._table.updates[action.name]
        return not isinstance(update, DirectMethod) and update.kind == "repair"

    def has_averaged(self, action: Action) -> bool:
        """Whether a later step may average its products instead."""
        is_square = self._function.structure != "rectangular" or action.form == "gram"
        return is_square and FORMS.get(action.form).chooses_product

    def _averaged(self, actions: Sequence[Action]) -> list[Action]:
        return [replace(a, product="averaged") for a in actions if self.has_averaged(a)]

    def _is_too_coarse(self, action: Action) -> bool:
        """Whether the step's precision alone rules the tolerance out, without a closer look."""
        if action.form == DIRECT or self._table.can_repair:
            return False
        keeps = FORMS.get(action.form).keeps_rounding
        return keeps and self._goal.is_out_of_reach_of(action.precision)
