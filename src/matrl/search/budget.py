"""The least error for a given price, as an environment for the same planners.

A plan may end wherever the environment within would be done; to end there is an action whose price
grows with the error, and steps are free as long as the budget lasts.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matrl.search.environment import NO_CHILDREN, Children, Environment, Verdict

__all__ = ["Budgeted", "End"]

TOLERANCE = 1e-9
"""A budget may be overrun by this fraction: prices are sums of floats."""


@dataclass(frozen=True)
class End:
    """End here, with this quality at most."""

    quality: float


@dataclass(frozen=True)
class Paid:
    """An action of the environment within, and what it takes of the budget."""

    action: Any
    price: float


@dataclass(frozen=True, eq=False)
class _State:
    inner: Any
    spent: float = 0.0
    end: End | None = None
    least: float = 0.0
    """A lower bound on what any end costs: only the root says it, to end the search by."""


class Budgeted:
    """Plans of an environment that cost no more than ``budget``, at the price of their error.

    Of the environment within, ``done`` says where a plan may end, and its prices count against the
    budget. What is minimised is ``quality``; see :meth:`quality_of` for what a cost stands for.
    Qualities up to ``enough`` cost the same, so that a search ends when it has reached that.
    """

    def __init__(
        self, environment: Environment[Any], budget: float = math.inf, enough: float = 0.0
    ) -> None:
        self._inner: Any = environment
        self._budget = budget * (1.0 + TOLERANCE)
        self._enough = enough

    @staticmethod
    def cost_of(quality: float) -> float:
        """Return the price of ending with an error: decades of it count alike.

        >>> [round(Budgeted.cost_of(error), 3) for error in (1.0, 1e-1, 1e-8)]
        [1.0, 0.303, 0.051]
        """
        if quality >= 1.0:
            return quality
        return 1.0 / (1.0 - math.log(max(quality, 1e-300)))

    @staticmethod
    def quality_of(cost: float) -> float:
        """Return the error a cost stands for.

        >>> round(Budgeted.quality_of(Budgeted.cost_of(2.5e-4)), 12)
        0.00025
        """
        return cost if cost >= 1.0 else math.exp(1.0 - 1.0 / cost)

    @staticmethod
    def actions_of(actions: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the actions of the environment within."""
        return tuple(one.action for one in actions if isinstance(one, Paid))

    @staticmethod
    def spent_by(actions: tuple[Any, ...]) -> float:
        """Return what a plan takes of the budget."""
        return sum(one.price for one in actions if isinstance(one, Paid))

    @property
    def confirms_early(self) -> bool:
        """As within."""
        return self._inner.confirms_early

    def root(self) -> _State:
        """As within."""
        least = self.cost_of(self._enough) if self._enough > 0.0 else 0.0
        return _State(self._inner.root(), least=least)

    def expand(self, state: _State, width: int) -> Children | None:
        """Return what the budget allows, and with the first batch the end."""
        if state.end is not None:
            return None
        children = self._inner.expand(state.inner, width)
        if children is None:
            return None
        affordable = self._affordable(state, children)
        return affordable.joined(self._end(state)) if width == 0 else affordable

    def _affordable(self, state: _State, children: Children) -> Children:
        kept = np.flatnonzero(state.spent + children.prices <= self._budget)
        nothing = np.zeros(len(kept))
        return Children(
            [Paid(children.actions[i], float(children.prices[i])) for i in kept.tolist()],
            nothing,
            nothing,
            np.zeros(len(kept), dtype=bool),
            children.qualities[kept],
            children.simulated,
        )

    def _end(self, state: _State) -> Children:
        if not self._inner.done(state.inner):
            return NO_CHILDREN
        quality = self._inner.quality(state.inner)
        price = np.array([self.cost_of(max(quality, self._enough))])
        return Children(
            [End(quality)], price, np.zeros(1), np.zeros(1, dtype=bool), np.array([quality])
        )

    def child(self, state: _State, action: Any) -> _State | None:
        """As within; at the end the same state."""
        if isinstance(action, End):
            return _State(state.inner, state.spent, action)
        following = self._inner.child(state.inner, action.action)
        return None if following is None else _State(following, state.spent + action.price)

    def confirm(self, state: _State) -> Verdict:
        """As within; an end is legal if the error is no more than it was taken for."""
        if state.end is not None:
            quality = self._inner.quality(state.inner)
            return Verdict(self._inner.done(state.inner) and quality <= state.end.quality)
        verdict = self._inner.confirm(state.inner)
        return Verdict(verdict.legal, self._affordable(state, verdict.beyond))

    def beside(self, state: _State, action: Any, child: _State) -> Children:
        """As within; instead of an end at too low a price, one at the right one."""
        if isinstance(action, End):
            end = self._end(state)
            same = any(one == action for one in end.actions)
            return NO_CHILDREN if same else end
        return self._affordable(state, self._inner.beside(state.inner, action.action, child.inner))

    def done(self, state: _State) -> bool:
        """Whether the plan has ended."""
        return state.end is not None

    def bound(self, state: _State) -> float:
        """Return 0, for any error might still be reached; at the root the price of enough."""
        return state.least

    def quality(self, state: _State) -> float:
        """As within."""
        return self._inner.quality(state.inner)

    def cost(self, state: _State, paid: float) -> float:
        """Return what has been taken of the budget."""
        return self._inner.cost(state.inner, state.spent)

    def label(self, state: _State) -> Hashable:
        """As within."""
        return self._inner.label(state.inner)

    def guess(self, hints: np.ndarray, *, cautious: bool = False) -> np.ndarray:
        """Return nothing worth knowing: children come without hints."""
        return np.zeros(len(hints))

    def key(self, state: _State) -> Hashable:
        """Return the key within, what has been spent, and whether and how the plan has ended."""
        return (self._inner.key(state.inner), f"{state.spent:.12g}", state.end)

    # To be logged and resumed, see resumable.py ---------------------------------------------

    def dump_action(self, action: Any) -> Any:
        """Return an action as plain data: what it takes of the budget with that within."""
        if isinstance(action, End):
            return {"end": action.quality}
        return {"paid": action.price, "action": self._inner.dump_action(action.action)}

    def load_action(self, data: Any) -> Any:
        """Return the action of plain data; ``ValueError`` if it is none."""
        match data:
            case {"end": float(quality)}:
                return End(quality)
            case {"paid": float(price), "action": inner}:
                return Paid(self._inner.load_action(inner), price)
        raise ValueError("an action that is none")

    def describe(self, action: Any) -> str:
        """As within; an end goes without saying."""
        return "" if isinstance(action, End) else self._inner.describe(action.action)

    def price_of(self, actions: Sequence[Any], cost: float) -> float:
        """Return what a plan takes of the budget."""
        return self.spent_by(tuple(actions))

    def dump_look(self, state: _State) -> Any:
        """As within."""
        return self._inner.dump_look(state.inner)

    def load_look(self, state: _State, data: Any) -> None:
        """As within."""
        self._inner.load_look(state.inner, data)

    def dump_memory(self) -> Any:
        """As within."""
        return self._inner.dump_memory()

    def load_memory(self, data: Any) -> None:
        """As within."""
        self._inner.load_memory(data)
