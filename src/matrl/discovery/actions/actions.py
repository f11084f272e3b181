"""Which actions a schedule may take at its start and after each form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action
from matrl.iterations import FORMS, DirectMethod, Update
from matrl.iterations.schedule import DIRECT, forms_of

__all__ = ["ActionTable", "undominated"]


@dataclass(frozen=True)
class ActionTable:
    """The actions that have a price: the ``first`` ones, and later ones by the form before.

    Of those, ``usual`` are always worth trying, and ``repairs`` forget the rounding of steps before
    them. All of them mirror products; ``updates`` are what they name.
    """

    updates: Mapping[str, Update | DirectMethod]
    first: Sequence[Action]
    usual: Mapping[str, Sequence[Action]]
    repairs: Mapping[str, Sequence[Action]]

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
            form.name: [a for a in variants(form.name) if math.isfinite(pricer.own(a.structure))]
            for form in FORMS
        }
        usual = {name: [a for a in one if not _repairs(a)] for name, one in later.items()}
        repairs = {name: [a for a in one if _repairs(a)] for name, one in later.items()}
        return cls({update.name: update for update, _ in allowed}, first, usual, repairs)

    @property
    def iterative(self) -> list[Update]:
        """The updates that are no direct methods."""
        return [u for u in self.updates.values() if not isinstance(u, DirectMethod)]

    @property
    def mirrored_later(self) -> list[Action]:
        """The later actions, each once."""
        every = (*self.usual.values(), *self.repairs.values())
        return list(dict.fromkeys(action for actions in every for action in actions))

    @property
    def later(self) -> dict[str, list[Action]]:
        """All later actions by the form before, for the forms a schedule may have."""
        forms = [action.form for action in self.first if action.form != DIRECT]
        found: dict[str, list[Action]] = {}
        for form in forms:
            if form not in found:
                found[form] = [*self.usual[form], *self.repairs[form]]
                forms += [action.form for action in found[form]]
        return found

    @property
    def can_repair(self) -> bool:
        """Whether a later step may forget the rounding of earlier ones."""
        return any(self.repairs.values())

    @property
    def uses_samples(self) -> bool:
        """Whether a rule looks at more of the spectrum than its range."""
        return any(update.uses_samples for update in self.iterative)


def _repairs(action: Action) -> bool:
    return not FORMS.get(action.form).keeps_rounding


def _variants(
    function: MatrixFunction, update: Update | DirectMethod, precision: str, previous: str | None
) -> list[Action]:
    """Return the actions of an update after a step of the form ``previous``."""
    if isinstance(update, DirectMethod):
        return [Action(update.name, DIRECT, precision)] if previous is None else []
    forms = forms_of(update, function, previous)
    return [Action(update.name, form.name, precision) for form in forms]


def undominated(
    actions: Sequence[tuple[Update | DirectMethod, str]], root_index: int
) -> list[tuple[Update | DirectMethod, str]]:
    """Return the actions but those another one, equally cheap, beats on every range."""
    names = {update.name for update, _ in actions}

    def stays(update: Update | DirectMethod) -> bool:
        if isinstance(update, DirectMethod):
            return True
        better = update.dominated_by(root_index)
        return better == update.name or better not in names

    return [(update, precision) for update, precision in actions if stays(update)]
