"""One step further than a child: what its own children would cost at least.

All of them are looked at along with the child; so a child's bound knows that steps are whole.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.bounds.bounds import DegreeBounds
from matrl.discovery.reach.reach import Further, Reach, ReachedRanges

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
        lasts: np.ndarray,
        forms: Sequence[str],
        ends: np.ndarray,
    ) -> np.ndarray:
        """Return a lower bound for each child (c,).

        The children are the ``maps`` of ``reached``, in ``forms``, with what their residual update
        would cost ``pending``, and what they cost only because they might be the last ``lasts``;
        those that ``ends`` marks are left alone.
        """
        bounds = np.zeros(len(maps))
        further = reached.further
        if further is None:
            return bounds
        # Where nothing further is known, nor is a bound.
        going_on = np.flatnonzero(~ends & (further.row[maps] >= 0))
        done = further.error <= self._tol * further.doubt[:, None]
        by_form: dict[str, list[int]] = {}
        for child in going_on.tolist():
            by_form.setdefault(forms[child], []).append(child)
        for form, children in by_form.items():
            bounds[children] = self._of_form(
                self._usual[form], further, done, maps[children], pending[children], lasts[children]
            )
        return bounds

    def _of_form(
        self,
        later: ActionList,
        further: Further,
        done: np.ndarray,
        maps: np.ndarray,
        pending: np.ndarray,
        lasts: np.ndarray,
    ) -> np.ndarray:
        """Return the bounds of the children of one form: the cheapest of their own children."""
        if not later.actions:
            return np.full(len(maps), math.inf)
        at = np.ix_(further.row[maps], later.maps)
        nothing = np.zeros((len(maps), len(later.maps)))
        rest = self._bounds.after(nothing, later.pending(False), later.needs_residual)
        rest = np.where(done[at], 0.0, rest)
        price = later.own + np.where(later.needs_residual, pending[:, None], 0.0)
        price = price - np.maximum(lasts[:, None] - later.last, 0.0)
        legal = further.legal[at] & ~(self._pole[maps][:, None] & later.is_polynomial)
        return np.where(legal, price + rest, math.inf).min(axis=1)
