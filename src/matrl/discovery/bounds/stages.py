"""What it costs to go on from a range, by dynamic programming over a grid of spreads.

Where ranges are tabulated and rounding is left out, all there is to know of a state is the spread
of its range, its form and whether it may lie far above: few enough to solve for once and for all.
What it costs from a narrower range is no more than from a wider one, so values at the grid point
below are lower bounds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.reach.reach import TabulatedReach
from matrl.discovery.states.state import Action
from matrl.iterations import FORMS

__all__ = ["HISTORIES", "MOST", "REPAIRS", "SPOILED", "Stages", "Style"]

Style = tuple[str, str, str]

LEAST, LARGEST = -40.0, 60.0
STEP = 0.05
MARGIN = 1e-3
"""What interpolation may get wrong of a spread, generously."""
OPTIMISM = 1e-3
"""What it may get wrong of an error."""
SWEEPS = 4
"""How often the equations are gone through for new risks: the rest is left to the next time."""
MOST = 3
"""Up to how many steps of less than full precision are told apart."""
REPAIRS = 2
"""Up to how many steps that forget rounding, and have not been enough, are told apart."""
SPOILED = MOST + 1 + REPAIRS
"""The history of what rounds too much to end before a step that forgets rounding.

Those before it are of what has been repaired, but not enough: the more rounding the later.
"""
HISTORIES = SPOILED + 1


@dataclass(frozen=True, eq=False)
class _Later:
    """Actions after a form that all need the residual before them, or all do not, (a,) each.

    ``places``, ``done`` and ``legal`` (a, g) say where they lead from the grid, ``kinds`` (2, a)
    what they are if they go on and if they end (see :meth:`Stages.kind`).
    """

    actions: Sequence[Action]
    own: np.ndarray
    last: np.ndarray
    pending: np.ndarray
    has_pole: np.ndarray
    is_polynomial: np.ndarray
    kinds: np.ndarray
    places: np.ndarray
    done: np.ndarray
    legal: np.ndarray


@dataclass(frozen=True, eq=False)
class _Task:
    """One equation of the program: costs at ``into`` from those at ``following``, (a, g).

    ``spoiled`` is where the steps lead if they round too much, ``price`` infinite where there is no
    such step, ``done`` where steps end.
    """

    into: int
    later: _Later
    history: int
    price: np.ndarray
    following: np.ndarray
    spoiled: np.ndarray
    done: np.ndarray


class Stages:
    """Costs to go from a spread, by form, history and whether eigenvalues may lie far above.

    The history is how many steps of less than the ``finest`` precision there have been since
    rounding was last forgotten, or that it is ``SPOILED``. ``later`` are the actions after each
    form, ``widest`` the largest spread of all, ``narrowest`` one from which on a schedule has
    arrived, ``tol`` the error to reach.

    Costs are kept in one array: at :meth:`start` begin those over the grid if the next step does
    not need the residual update before it, and after them those if it does, without its price.
    Both contain what the step before cost only because it might have been the last.
    """

    def __init__(
        self,
        later: Mapping[str, ActionList],
        reach: TabulatedReach,
        *,
        widest: float,
        distance: float,
        tol: float,
        finest: str,
    ) -> None:
        self._finest = finest
        narrowest = max(min(math.log(2.0 * distance), 0.0), LEAST)
        widest = min(max(widest, narrowest), LARGEST)
        count = max(math.ceil((widest - narrowest) / STEP), 0) + 2
        self.grid = narrowest + STEP * np.arange(count)
        self._kinds: dict[tuple[Style, bool], int] = {}
        self.forms = {form: i for i, form in enumerate(later)}
        self.end = len(later) * 2 * HISTORIES * 2 * count
        """Where there is nothing to pay any more."""
        reached = reach.of(self.grid)
        self.simulated = reached.simulated
        done = reached.error <= tol * (1.0 + OPTIMISM)
        places = self.places(reached.spread)
        parts: list[tuple[str, int, _Later]] = []
        for form, open_ in later.items():
            for needs in (0, 1):
                mine = np.flatnonzero(open_.needs_residual == needs)
                maps = open_.maps[mine]
                actions = [open_.actions[i] for i in mine.tolist()]
                one = _Later(
                    actions,
                    open_.own[mine],
                    open_.last[mine],
                    open_.pending(False)[mine],
                    open_.has_pole[mine],
                    open_.is_polynomial[mine],
                    self._kinds_of(actions),
                    places[:, maps].T,
                    done[:, maps].T,
                    reached.legal[:, maps].T,
                )
                parts += [(form, needs, one)] if actions else []
        with_poles = any(later.has_pole.any() for _, _, later in parts)
        self.can_repair = any(
            not FORMS.get(a.form).keeps_rounding for _, _, later in parts for a in later.actions
        )
        histories = list(range(HISTORIES if self.can_repair else MOST + 1))
        self._tasks = [
            self._task(form, needs, later, above, history)
            for history in reversed(histories)
            for above in ((1, 0) if with_poles else (0,))
            for form, needs, later in parts
        ]
        self._bounds = [task for task in self._tasks if task.history in (0, SPOILED)]

    def _task(self, form: str, needs: int, later: _Later, above: int, history: int) -> _Task:
        poles = [int(above or pole) for pole in later.has_pole.tolist()]
        each = list(zip(later.actions, poles, strict=True))
        starts = np.array(
            [self.start(a.form, p, self.after(a.form, a.precision, history)) for a, p in each]
        )
        bad = np.array(
            [self.start(a.form, p, self.spoiled_after(a.form, history)) for a, p in each]
        )
        done = later.done
        if history > MOST:
            forgets = [not FORMS.get(a.form).keeps_rounding for a in later.actions]
            done = done & np.array(forgets, dtype=bool)[:, None]
        legal = later.legal & ~(bool(above) & later.is_polynomial)[:, None]
        return _Task(
            self.start(form, above, history) + needs * len(self.grid),
            later,
            history,
            np.where(legal, later.own[:, None] + later.last[:, None] * done, math.inf),
            np.where(done, self.end, starts[:, None] + later.places),
            bad[:, None] + later.places,
            done,
        )

    @property
    def kinds(self) -> tuple[tuple[Style, bool], ...]:
        """The kinds numbered so far, in order."""
        return tuple(self._kinds)

    def kind(self, style: Style, end: bool) -> int:
        """Return the number of a style, and whether such a step seems to end."""
        return self._kinds.setdefault((style, end), len(self._kinds))

    def _kinds_of(self, actions: Sequence[Action]) -> np.ndarray:
        styles = [a.structure[1:] for a in actions]
        return np.array([[self.kind(style, end) for style in styles] for end in (False, True)])

    def is_coarse(self, precision: str) -> bool:
        """Whether a precision is less than the finest."""
        return precision != self._finest

    def start(self, form: str, above: int, history: int) -> int:
        """Return where the costs after a form begin."""
        place = (self.forms[form] * 2 + above) * HISTORIES + history
        return place * 2 * len(self.grid)

    def after(self, form: str, precision: str, history: int) -> int:
        """Return the history after one more step."""
        if not FORMS.get(form).keeps_rounding:
            history = 0
        elif history > MOST:
            return history
        return min(history + self.is_coarse(precision), MOST)

    @staticmethod
    def spoiled_after(form: str, history: int) -> int:
        """Return the history after one more step that rounds too much."""
        if history <= MOST:
            history = SPOILED
        return history if FORMS.get(form).keeps_rounding else max(history - 1, MOST + 1)

    def places(self, spreads: np.ndarray) -> np.ndarray:
        """Return the grid points below some spreads."""
        lowest, highest = self.grid[0], self.grid[-1]
        known = np.where(np.isfinite(spreads), np.clip(spreads - MARGIN, lowest, highest), lowest)
        return np.floor((known - lowest) / STEP).astype(int)

    def bounds(self) -> np.ndarray:
        """Return lower bounds on the costs to go: histories are spoiled or not, and no more."""
        values = self._nothing()
        points = len(self.grid)
        per_history = 2 * points
        while True:
            changed = False
            for task in self._bounds:
                which = (task.following // per_history) % HISTORIES
                same = np.where(which > MOST, SPOILED, 0)
                following = task.following + (same - which) * per_history
                following = np.where(task.done, task.following, following)
                changed |= self._improve(values, task, following, task.price)
            if not changed:
                break
        every = values[: self.end].reshape(-1, HISTORIES, per_history)
        every[:, 1 : MOST + 1] = every[:, :1]
        every[:, MOST + 1 : SPOILED] = every[:, SPOILED:]
        return values

    def solved(self, risks: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the costs to go where some steps are taken for dearer than they are.

        By ``risks`` (kinds, g, ``HISTORIES``); ``values`` are those of other risks, or bounds.
        """
        values = values.copy()
        prices = []
        for task in self._tasks:
            on, over = risks[task.later.kinds, :, task.history]
            prices.append(task.price + np.where(task.done, over, on))
        for _ in range(SWEEPS):
            changed = False
            for task, price in zip(self._tasks, prices, strict=True):
                changed |= self._improve(values, task, task.following, price)
            if not changed:
                break
        return values

    def careful(self) -> np.ndarray:
        """Return the costs to go without coarse steps."""
        values = self._nothing()
        risks = np.zeros((len(self._kinds), 1, HISTORIES))
        for (style, _), kind in self._kinds.items():
            risks[kind] = math.inf if self.is_coarse(style[1]) else 0.0
        changed = True
        while changed:
            values, before = self.solved(risks, values), values
            changed = not np.array_equal(values, before)
        return values

    def _nothing(self) -> np.ndarray:
        values = np.full(self.end + len(self.grid) + 1, math.inf)
        values[self.end :] = 0.0
        return values

    def _improve(
        self, values: np.ndarray, task: _Task, following: np.ndarray, price: np.ndarray
    ) -> bool:
        """Solve one equation anew; whether that changed anything."""
        points, pending = len(self.grid), task.later.pending[:, None]
        total = price + np.minimum(values[following], pending + values[following + points])
        if self.can_repair:
            rest = np.minimum(values[task.spoiled], pending + values[task.spoiled + points])
            total = np.minimum(total, task.price + rest)
        least = total.min(axis=0)
        # From a narrower range everything can be done that can be from a wider one.
        least = np.minimum.accumulate(least[::-1])[::-1]
        place = slice(task.into, task.into + points)
        changed = not np.array_equal(least, values[place])
        values[place] = least
        return changed
