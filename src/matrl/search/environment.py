"""What a planner needs to know of a problem."""

from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

__all__ = ["Environment"]

State = TypeVar("State")
Action = TypeVar("Action")


class Environment(Protocol[State, Action]):
    """A deterministic shortest-path problem: reach a done state at the least total price."""

    def root(self) -> State:
        """Return the state in which every plan starts."""
        ...

    def actions(self, state: State) -> Sequence[Action]:
        """Return the actions to try in a state, the most promising first; none in a dead end."""
        ...

    def step(self, state: State, action: Action) -> tuple[State, float] | None:
        """Return the next state and the price, >= 0, of an action; ``None`` if it is not legal."""
        ...

    def done(self, state: State) -> bool:
        """Whether the goal is reached."""
        ...

    def bound(self, state: State) -> float:
        """Return a lower bound, >= 0, on the price still to pay from a state."""
        ...

    def key(self, state: State) -> Hashable:
        """Return what makes a state: states of equal keys are one node, however reached."""
        ...

    def quality(self, state: State) -> float:
        """Return how far a state is from the goal (its error), for progress and failure reports."""
        ...
