"""Which actions a schedule may take at its start and after each form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matrl.core.function import MatrixFunction
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.state import Action
from matrl.iterations import FORMS, DirectMethod, Update
from matrl.iterations.schedule import DIRECT, forms_of

__all__ = ["ActionTable"]


@dataclass(frozen=True)
class ActionTable:
    """The actions that have a price: the ``first`` ones, and the ``later`` ones by the form before.

    ``updates`` are what they name.
    """

    updates: Mapping[str, Update | DirectMethod]
    first: Sequence[Action]
    later: Mapping[str, Sequence[Action]]

    @classmethod
    def of(
        cls,
        function: MatrixFunction,
        allowed: Sequence[tuple[Update | DirectMethod, str]],
        pricer: SchedulePricer,
    ) -> "ActionTable":
        """Return the actions of the allowed (update, precision)."""

        def variants(previous: str | None) -> list[Action]:
            return [
                action
                for update, precision in allowed
                for action in _variants(function, update, precision, previous)
            ]

        first = [a for a in variants(None) if math.isfinite(pricer.cost((a.structure,)))]
        later = {
            form.name: [
                one
                for action in variants(form.name)
                if math.isfinite(pricer.own(action.structure))
                for one in (action, replace(action, product="averaged"))
            ]
            for form in FORMS
        }
        return cls({update.name: update for update, _ in allowed}, first, later)

    @property
    def iterative(self) -> list[Update]:
        """The updates that are no direct methods."""
        return [u for u in self.updates.values() if not isinstance(u, DirectMethod)]

    @property
    def mirrored_later(self) -> list[Action]:
        """The later actions, each once, without their averaged variants."""
        every = (action for actions in self.later.values() for action in actions)
        return list(dict.fromkeys(action for action in every if action.product == "mirrored"))

    @property
    def can_repair(self) -> bool:
        """Whether a later step may forget the rounding of earlier ones."""
        return any(not FORMS.get(action.form).keeps_rounding for action in self.mirrored_later)

    @property
    def uses_samples(self) -> bool:
        """Whether a rule looks at more of the spectrum than its range."""
        return any(update.uses_samples for update in self.iterative)


def _variants(
    function: MatrixFunction, update: Update | DirectMethod, precision: str, previous: str | None
) -> list[Action]:
    """Return the actions of an update after a step of the form ``previous``."""
    if isinstance(update, DirectMethod):
        return [Action(update.name, DIRECT, precision)] if previous is None else []
    forms = forms_of(update, function, previous)
    return [Action(update.name, form.name, precision) for form in forms]
