"""Describing the children of a state: their prices, what is left to pay, whether they arrive."""

import math

import numpy as np

from matrl.discovery.action_list import ActionList
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.goal import Goal
from matrl.discovery.lookahead import Lookahead
from matrl.discovery.reach import ReachedRanges
from matrl.discovery.state import ScheduleState
from matrl.search import Children

__all__ = ["Description"]


class Description:
    """Turns where updates lead into the children a planner chooses from.

    ``lookahead`` bounds them by their own children, where those are known. No schedule has
    more than ``max_steps`` steps.
    """

    def __init__(
        self, goal: Goal, bounds: DegreeBounds, lookahead: Lookahead | None, max_steps: int
    ) -> None:
        self._goal, self._bounds = goal, bounds
        self._lookahead, self._max_steps = lookahead, max_steps

    def of(self, state: ScheduleState, open_: ActionList, reached: ReachedRanges) -> Children:
        """Return those of the actions that are legal, with price, bound and whether they end."""
        prices = open_.prices(state.previous, len(state.actions) == 1)
        maps = open_.maps
        legal = reached.legal[0, maps] | open_.is_direct
        if state.overshoots:
            legal &= ~open_.is_polynomial
        kept = np.flatnonzero(legal & np.isfinite(prices))
        maps = maps[kept]
        ends = open_.is_direct[kept] | self._goal.seems_met(
            reached.error[0, maps], reached.upper[0, maps]
        )
        pending = open_.pending(not state.actions)[kept]
        simulated = reached.simulated
        missing = np.zeros(len(kept))
        if state.is_exact:
            missing = self._bounds.missing(reached.spread[0, maps])
        bounds = self._bounds.after(missing, pending, open_.needs_residual[kept])
        if self._lookahead is not None and len(state.actions) + 1 < self._max_steps:
            further, more = self._lookahead.bounds(
                reached, maps, pending, [open_.actions[i].form for i in kept.tolist()], ends
            )
            bounds = np.maximum(bounds, further)
            simulated += more
        elif len(state.actions) + 1 >= self._max_steps:
            bounds = np.full(len(kept), math.inf)
        bounds = np.where(ends, 0.0, bounds)
        actions = [open_.actions[i] for i in kept.tolist()]
        errors = np.where(open_.is_direct[kept], 0.0, reached.error[0, maps])
        return Children(actions, prices[kept], bounds, ends, errors, simulated)
