"""What a planner needs to know of a problem."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

__all__ = ["NO_CHILDREN", "Children", "Environment", "Verdict"]

State = TypeVar("State")


@dataclass(frozen=True, eq=False)
class Children:
    """The actions of a state and what is known of their outcome before it is made, (c,) each.

    ``prices`` >= 0 are those of the actions, ``bounds`` lower bounds on what remains to be paid
    after each; ``done`` says which seem to reach the goal, and ``qualities`` are those of their
    states (see :meth:`Environment.quality`). ``simulated`` is how many steps were computed to know
    this, without those known already. ``hints`` (c, h) are what :meth:`Environment.guess` wants to
    know of them.
    """

    actions: Sequence[Any]
    prices: np.ndarray
    bounds: np.ndarray
    done: np.ndarray
    qualities: np.ndarray
    simulated: int = 0
    hints: np.ndarray | None = None

    def joined(self, other: "Children") -> "Children":
        """Return these children and others."""
        return Children(
            [*self.actions, *other.actions],
            np.concatenate([self.prices, other.prices]),
            np.concatenate([self.bounds, other.bounds]),
            np.concatenate([self.done, other.done]),
            np.concatenate([self.qualities, other.qualities]),
            self.simulated + other.simulated,
            _stacked(self, other),
        )


def _stacked(one: Children, other: Children) -> np.ndarray | None:
    """Return the hints of both; none where only some children have hints."""
    known = [children.hints for children in (one, other) if len(children.actions)]
    hints = [rows for rows in known if rows is not None]
    return np.concatenate(hints) if hints and len(hints) == len(known) else None


_NONE = np.empty(0)
NO_CHILDREN = Children((), _NONE, _NONE, np.empty(0, dtype=bool), _NONE)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a closer look at a state says.

    ``beyond`` are further actions of the state that are worth trying now that this is known. A
    state that is not legal, for nothing leads from it to the goal, may still be ``sound``: to end
    there is a plan, of its quality.
    """

    legal: bool
    beyond: Children = NO_CHILDREN
    sound: bool = False


class Environment(Protocol[State]):
    """A deterministic shortest-path problem: reach a done state at the least total price.

    Children are described in batches, without making their states, for most are never visited. A
    state may turn out to be illegal when it is confirmed, which costs more than to make it and is
    asked only on the way to a plan that would be the best; until then it is taken to be legal.
    """

    @property
    def confirms_early(self) -> bool:
        """Whether a closer look at a state costs less than to expand it, and is best had first."""
        ...

    def root(self) -> State:
        """Return the state in which every plan starts."""
        ...

    def expand(self, state: State, width: int) -> Children | None:
        """Return the ``width``-th batch of actions, from 0; ``None`` after the last.

        The first has what is always worth trying, later ones variations of it.
        """
        ...

    def child(self, state: State, action: Any) -> State | None:
        """Return the state an action leads to; ``None`` if it is not legal after all."""
        ...

    def confirm(self, state: State) -> Verdict:
        """Return what a closer look says; the state before it has been confirmed already."""
        ...

    def beside(self, state: State, action: Any, child: State) -> Children:
        """Return what is worth trying instead of an action whose child has been confirmed.

        Or been found illegal. No way these lead is cheaper than the action's would have been.
        """
        ...

    def done(self, state: State) -> bool:
        """Whether the goal is reached."""
        ...

    def bound(self, state: State) -> float:
        """Return a lower bound, >= 0, on the price still to pay from a state."""
        ...

    def guess(self, hints: np.ndarray, *, cautious: bool = False) -> np.ndarray:
        """Return what children are likely to cost from their states to the goal, (c,).

        Only the order in which children are tried depends on it, so it may go by experience: where
        states like these turned out to be illegal, it may say more than a bound does. ``cautious``
        leaves out, by infinity, what often turns out to be illegal, whatever it would save.
        """
        ...

    def key(self, state: State) -> Hashable:
        """Return what makes a state: states of equal keys are one node, however reached."""
        ...

    def quality(self, state: State) -> float:
        """Return how far a state is from the goal (its error), for fronts and reports."""
        ...

    def cost(self, state: State, paid: float) -> float:
        """Return what it costs to end in a state for which so much has been paid: mostly that."""
        ...

    def label(self, state: State) -> Hashable:
        """Return what kind of plan leads to a state: of each kind the best are remembered."""
        ...
