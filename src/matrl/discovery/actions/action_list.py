"""A list of actions with what their prices and bounds need, as arrays."""

from collections.abc import Sequence

import numpy as np

from matrl.core.safety import slack_precision
from matrl.discovery.reach.reach import Reach
from matrl.discovery.states.pricing import SchedulePricer, Structure
from matrl.discovery.states.state import Action
from matrl.iterations import FORMS, UPDATES, DirectMethod
from matrl.iterations.schedule import DIRECT

__all__ = ["ActionList"]


class ActionList:
    """Actions open in the same place, (c,), with their maps.

    ``maps`` are places in the reach, -1 for direct methods, as wide as the step's own precision
    asks for; ``needs_residual`` says what their form needs, ``forgets`` whether that forgets
    rounding, ``is_polynomial`` and ``has_pole`` what kind of map the update is, ``style`` which of
    ``styles`` the action has, what its rounding depends on (see
    :attr:`ScheduleState.structure`).
    """

    def __init__(self, actions: Sequence[Action], reach: Reach, pricer: SchedulePricer) -> None:
        self.actions = tuple(actions)
        self._pricer, self._reach = pricer, reach
        self._maps: dict[str | None, np.ndarray] = {}
        self.maps = self.maps_after(None)
        self.is_direct = np.array([a.form == DIRECT for a in self.actions], dtype=bool)
        forms = [None if a.form == DIRECT else FORMS.get(a.form) for a in self.actions]
        self.needs_residual = np.array([f is not None and f.needs_residual for f in forms], bool)
        self.forgets = np.array([f is not None and not f.keeps_rounding for f in forms], bool)
        updates = [UPDATES.get(a.name) for a in self.actions]
        self.is_polynomial = np.array(
            [not isinstance(u, DirectMethod) and u.kind == "polynomial" for u in updates],
            dtype=bool,
        )
        styles = [(a.name if a.form == DIRECT else a.form, *a.structure[2:]) for a in self.actions]
        self.styles = tuple(dict.fromkeys(styles))
        self.style = np.array([self.styles.index(style) for style in styles], dtype=int)
        self.has_pole = np.array(
            [not isinstance(u, DirectMethod) and u.has_pole_at_zero for u in updates], dtype=bool
        )
        self._prices: dict[tuple[Structure | None, bool], np.ndarray] = {}
        self._pending: dict[bool, np.ndarray] = {}
        self._last: np.ndarray | None = None
        self._own: np.ndarray | None = None

    def maps_after(self, previous: str | None) -> np.ndarray:
        """Return the places of the maps after a step in a precision, ``None`` at the start."""
        if previous not in self._maps:
            wanted = [slack_precision(a.precision, previous) for a in self.actions]
            self._maps[previous] = np.array(
                [
                    -1 if a.form == DIRECT else self._reach.index_of(a.name, precision)
                    for a, precision in zip(self.actions, wanted, strict=True)
                ],
                dtype=int,
            )
        return self._maps[previous]

    def prices(self, previous: Structure | None, previous_is_first: bool) -> np.ndarray:
        """Return the prices of the actions after a step."""
        key = (previous, previous_is_first)
        if key not in self._prices:
            price = self._pricer.step_price
            self._prices[key] = np.array(
                [price(a.structure, previous, previous_is_first) for a in self.actions]
            )
        return self._prices[key]

    def pending(self, is_first: bool) -> np.ndarray:
        """Return what the residual update of each action will cost if a step needs it."""
        if is_first not in self._pending:
            self._pending[is_first] = np.array(
                [
                    0.0 if a.form == DIRECT else self._pricer.pending(a.structure, is_first)
                    for a in self.actions
                ]
            )
        return self._pending[is_first]

    @property
    def last(self) -> np.ndarray:
        """What each action costs only because it might be the last."""
        if self._last is None:
            self._last = np.array([self._pricer.last(a.structure) for a in self.actions])
        return self._last

    @property
    def own(self) -> np.ndarray:
        """The least price of each action as a later step, without the residual update before."""
        if self._own is None:
            self._own = np.array([self._pricer.own(a.structure) for a in self.actions])
        return self._own
