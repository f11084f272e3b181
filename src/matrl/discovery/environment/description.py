"""Describing the children of a state: their prices, what is left to pay, whether they arrive."""

import math
from collections.abc import Callable

import numpy as np

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.bounds.bounds import DegreeBounds
from matrl.discovery.bounds.guide import Guide
from matrl.discovery.bounds.lookahead import Lookahead
from matrl.discovery.reach.reach import ReachedRanges
from matrl.discovery.rounding.goal import Goal
from matrl.discovery.states.state import ScheduleState
from matrl.search import Children

__all__ = ["Description"]


class Description:
    """Turns where updates lead into the children a planner chooses from.

    ``lookahead`` bounds them by their own children, where points are looked at; where ranges are
    tabulated, ``guide`` does by all that may follow, and guesses. No schedule has more than
    ``max_steps`` steps.
    """

    def __init__(
        self,
        goal: Goal,
        bounds: DegreeBounds,
        guide: Callable[[], Guide | None],
        lookahead: Lookahead | None,
        max_steps: int,
    ) -> None:
        self._goal, self._bounds = goal, bounds
        self._guide, self._lookahead, self._max_steps = guide, lookahead, max_steps

    def of(
        self,
        state: ScheduleState,
        open_: ActionList,
        reached: ReachedRanges,
        *,
        is_spoiled: bool = False,
    ) -> Children:
        """Return those of the actions that are legal, with price, bound and whether they end.

        ``is_spoiled`` says that the state rounds too much for the end to be near.
        """
        prices = open_.prices(state.previous, len(state.actions) == 1)
        maps = open_.maps_after(state.precision)
        legal = reached.legal[0, maps] | open_.is_direct
        if state.overshoots:
            legal &= ~open_.is_polynomial
        kept = np.flatnonzero(legal & np.isfinite(prices))
        maps = maps[kept]
        ends = open_.is_direct[kept] | self._goal.seems_met(
            reached.error[0, maps], reached.upper[0, maps]
        )
        if is_spoiled:
            ends &= open_.forgets[kept]
        pending = open_.pending(not state.actions)[kept]
        simulated = reached.simulated
        missing = np.zeros(len(kept))
        if state.is_exact:
            missing = self._bounds.missing(reached.spread[0, maps])
        bounds = self._bounds.after(missing, pending, open_.needs_residual[kept])
        guide, hints = self._guide(), None
        if guide is not None:
            above = state.overshoots | open_.has_pole[kept]
            spreads = reached.spread[0, maps]
            hints = guide.hints(state, open_, kept, spreads, ends, pending, above, is_spoiled)
            bounds = np.maximum(bounds, guide.bounds_of(hints))
        if self._lookahead is not None:
            forms = [open_.actions[i].form for i in kept.tolist()]
            lasts = open_.last[kept]
            further = self._lookahead.bounds(reached, maps, pending, lasts, forms, ends)
            bounds = np.maximum(bounds, further)
        if len(state.actions) + 1 >= self._max_steps:
            bounds = np.full(len(kept), math.inf)
        bounds = np.where(ends, 0.0, bounds)
        actions = [open_.actions[i] for i in kept.tolist()]
        errors = np.where(open_.is_direct[kept], 0.0, reached.error[0, maps])
        return Children(actions, prices[kept], bounds, ends, errors, simulated, hints)
