"""What an environment needs besides, for its searches to be logged, stopped and taken up again."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from matrl.search.environment import Environment

__all__ = ["Resumable"]

State = TypeVar("State")


class Resumable(Environment[State], Protocol[State]):
    """An environment whose actions, and what it has found out, can be written down.

    States are not: they are made again by :meth:`Environment.child`, when they are first needed,
    from the state and the action they were made of. That must give the same state every time.
    "Plain data" are numbers, strings, bytes, booleans, ``None``, and lists and dicts of those.
    Actions are hashable, and keys of states are tuples of plain data, of the same types where they
    are equal.
    """

    def dump_action(self, action: Any) -> Any:
        """Return an action as plain data, without bytes."""
        ...

    def load_action(self, data: Any) -> Any:
        """Return the action of plain data; ``ValueError`` if it is none."""
        ...

    def describe(self, action: Any) -> str:
        """Return an action in words; empty where there is nothing to say."""
        ...

    def price_of(self, actions: Sequence[Any], cost: float) -> float:
        """Return what it costs to carry out a plan, where a search counts it as ``cost``."""
        ...

    def dump_look(self, state: State) -> Any:
        """Return what a closer look at a state has shown, as plain data; ``None`` if none was had.

        It is what :meth:`Environment.done`, ``quality`` and ``confirm`` go by.
        """
        ...

    def load_look(self, state: State, data: Any) -> None:
        """Take note of what a closer look at a state has shown; ``ValueError`` if that is none."""
        ...

    def dump_memory(self) -> Any:
        """Return, as plain data, what has been computed and would be counted as simulated."""
        ...

    def load_memory(self, data: Any) -> None:
        """Take note of what has been computed; ``ValueError`` if this is nothing of the kind."""
        ...
