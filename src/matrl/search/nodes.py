"""The nodes of the search graph, the edges between them, and paths along these."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.search.environment import NO_CHILDREN
from matrl.search.unmade import Unmade, make
from matrl.search.waiting import Waiting

__all__ = ["Edge", "Node", "Path", "actions_of"]


class Edge:
    """An action tried in a node: its price and where it leads."""

    __slots__ = ("action", "child", "compared", "hint", "price", "total_reward", "visits")

    def __init__(
        self, action: Any, price: float, child: "Node", hint: np.ndarray | None = None
    ) -> None:
        self.action = action
        self.price = price
        self.child = child
        self.hint = hint
        self.compared = False
        """Whether what opens beside it has been asked for."""
        self.visits = 0
        self.total_reward = 0.0


Path = list[tuple["Node", Edge]]
"""Edges one after the other, each with the node it leaves."""


class Node:
    """A state with what is known of it.

    ``best`` is the least price to the goal found so far, through confirmed states only, ``lower`` a
    proved lower bound on it; where they meet the node is solved. Both are independent of how the
    node is reached, and of whether it is confirmed itself. ``waiting`` are the children not tried
    yet. ``origin`` is the node and the action that first led here; the state of a node read from a
    checkpoint is made from them when it is first needed.
    """

    __slots__ = (
        "_state",
        "best",
        "best_edge",
        "bound",
        "confirmed",
        "dead",
        "digest",
        "done",
        "edges",
        "lower",
        "origin",
        "sound",
        "unmade",
        "visits",
        "waiting",
        "width",
    )

    def __init__(self, state: Any, done: bool, bound: float) -> None:
        self._state = state
        self.unmade: Unmade | None = None
        self.origin: tuple[Node, Any] | None = None
        self.digest: bytes | None = None
        """That of the key, once it has been asked for."""
        self.done = done
        self.confirmed = self.dead = self.sound = False
        self.bound = 0.0 if done else bound
        self.lower = self.bound
        self.best = math.inf
        self.best_edge: Edge | None = None
        self.edges: list[Edge] = []
        self.waiting: Waiting = _NOTHING
        self.width: float = math.inf if done else 0
        """The next batch to ask for; infinite after the last."""
        self.visits = 0

    @property
    def state(self) -> Any:
        """The state."""
        if self.unmade is not None:
            make(self)
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        self._state = state

    @property
    def is_open(self) -> bool:
        """Whether its first children are known, or it can have none."""
        return self.width > 0

    def refresh(self) -> None:
        """Recompute ``best`` and ``lower`` from the children (best-so-far backup)."""
        if self.done:
            return
        lower = self.waiting.least()
        if math.isfinite(self.width):
            lower = min(lower, self.bound)
        for edge in self.edges:
            cost = edge.price + edge.child.best
            if edge.child.confirmed and cost < self.best:
                self.best, self.best_edge = cost, edge
            lower = min(lower, edge.price + edge.child.lower)
        self.lower = max(self.lower, min(lower, self.best))

    def raise_to(self, bound: float) -> None:
        """Take note of a bound that is known only now."""
        if bound > self.bound:
            self.bound = bound
            self.lower = max(self.lower, bound)
            self.waiting.raise_to(bound)

    def die(self) -> None:
        """Forget all that lies beyond: the state is not legal."""
        self.dead, self.done = True, False
        self.best, self.best_edge = math.inf, None
        self.edges, self.waiting, self.width = [], _NOTHING, math.inf
        self.lower = math.inf


_NOTHING = Waiting(NO_CHILDREN)


def actions_of(path: Sequence[tuple[Node, Edge]]) -> tuple[Any, ...]:
    """Return the actions along a path."""
    return tuple(edge.action for _, edge in path)
