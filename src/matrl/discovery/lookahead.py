"""One step further than a child: what its own children would cost at least.

All of them are tried at once, from the table or along with the child; so a child's bound knows that
steps are whole, which the degree still missing does not.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matrl.discovery.action_list import ActionList
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.reach import Further, Reach, ReachedRanges, TabulatedReach

__all__ = ["Lookahead"]

OPTIMISM = 1e-3
"""What interpolation may get wrong of an error, generously."""


class Lookahead:
    """Bounds for children from the children they would have.

    ``usual`` are the actions after each form, ``tol`` the error to reach.
    """

    def __init__(
        self,
        usual: Mapping[str, ActionList],
        bounds: DegreeBounds,
        reach: Reach,
        tol: float,
    ) -> None:
        self._usual, self._bounds, self._reach = usual, bounds, reach
        self._tol = tol * (1.0 + OPTIMISM)
        self._pole = np.array([update.has_pole_at_zero for update, _ in reach.maps], dtype=bool)

    def bounds(
        self,
        reached: ReachedRanges,
        maps: np.ndarray,
        pending: np.ndarray,
        forms: Sequence[str],
        ends: np.ndarray,
    ) -> tuple[np.ndarray, int]:
        """Return a lower bound for each child (c,), and how many steps were simulated for it.

        The children are the ``maps`` of ``reached``, in ``forms``, with what their residual update
        would cost ``pending``; those that ``ends`` marks are left alone.
        """
        bounds = np.zeros(len(maps))
        going_on = np.flatnonzero(~ends)
        looks = reached.further is not None or isinstance(self._reach, TabulatedReach)
        if len(going_on) == 0 or not looks:
            return bounds, 0
        further, missing, simulated = self._further(reached, maps[going_on])
        done = further.error <= self._tol * further.doubt[:, None]
        # Where nothing further is known, nor is a bound.
        known = further.row[maps[going_on]] >= 0
        going_on = going_on[known]
        by_form: dict[str, list[int]] = {}
        for position, child in enumerate(going_on):
            by_form.setdefault(forms[int(child)], []).append(position)
        for form, positions in by_form.items():
            chosen = np.array(positions)
            children = going_on[chosen]
            bounds[children] = self._of_form(
                self._usual[form], further, missing, done, maps[children], pending[children]
            )
        return bounds, simulated

    def _further(self, reached: ReachedRanges, maps: np.ndarray) -> tuple[Further, np.ndarray, int]:
        """Return where maps lead from these, the degree missing then, and what that took."""
        if reached.further is not None:
            known = reached.further
            return known, np.zeros(known.error.shape), 0
        assert isinstance(self._reach, TabulatedReach)
        distinct = np.unique(maps)
        row = np.full(len(self._reach.maps) + 1, -1)
        row[distinct] = np.arange(len(distinct))
        after = self._reach.of(reached.spread[0, distinct])
        further = Further(row, after.error, after.legal, np.ones(len(distinct)))
        return further, self._bounds.missing(after.spread), after.simulated

    def _of_form(
        self,
        later: ActionList,
        further: Further,
        missing: np.ndarray,
        done: np.ndarray,
        maps: np.ndarray,
        pending: np.ndarray,
    ) -> np.ndarray:
        """Return the bounds of the children of one form: the cheapest of their own children."""
        if not later.actions:
            return np.full(len(maps), math.inf)
        at = np.ix_(further.row[maps], later.maps)
        rest = self._bounds.after(missing[at], later.pending(False), later.needs_residual)
        rest = np.where(done[at], 0.0, rest)
        price = later.own + np.where(later.needs_residual, pending[:, None], 0.0)
        legal = further.legal[at] & ~(self._pole[maps][:, None] & later.is_polynomial)
        return np.where(legal, price + rest, math.inf).min(axis=1)
