"""One step further than a child: what its own children would cost at least.

All of them are tried at once, from the table; so a child's bound knows that steps are whole, which
the degree still missing does not.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matrl.discovery.action_list import ActionList
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.reach import ReachedRanges, TabulatedReach

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
        reach: TabulatedReach,
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
        if len(going_on) == 0:
            return bounds, 0
        distinct, place = np.unique(maps[going_on], return_inverse=True)
        further = self._reach.of(reached.spread[0, distinct])
        missing = self._bounds.missing(further.spread)
        done = further.error <= self._tol
        by_form: dict[str, list[int]] = {}
        for position, child in enumerate(going_on.tolist()):
            by_form.setdefault(forms[child], []).append(position)
        for form, positions in by_form.items():
            chosen = np.array(positions)
            rows, children = place[chosen], going_on[chosen]
            bounds[children] = self._of_form(
                self._usual[form], further, missing, done, rows, distinct[rows], pending[children]
            )
        return bounds, further.simulated

    def _of_form(
        self,
        later: ActionList,
        further: ReachedRanges,
        missing: np.ndarray,
        done: np.ndarray,
        rows: np.ndarray,
        maps: np.ndarray,
        pending: np.ndarray,
    ) -> np.ndarray:
        """Return the bounds of the children of one form: the cheapest of their own children."""
        if not later.actions:
            return np.full(len(rows), math.inf)
        at = np.ix_(rows, later.maps)
        rest = self._bounds.after(missing[at], later.pending(False), later.needs_residual)
        rest = np.where(done[at], 0.0, rest)
        price = later.own + np.where(later.needs_residual, pending[:, None], 0.0)
        legal = further.legal[at] & ~(self._pole[maps][:, None] & later.is_polynomial)
        return np.where(legal, price + rest, math.inf).min(axis=1)
