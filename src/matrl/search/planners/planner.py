"""What a planner is, and what all of them work with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from matrl.search.archive import Archive, Elite
from matrl.search.environment import Environment
from matrl.search.graph import Graph
from matrl.search.incumbent import Incumbent
from matrl.search.nodes import Edge, Node, Path, actions_of
from matrl.search.waiting import Waiting

__all__ = [
    "Continuing",
    "Planner",
    "Setting",
    "back_up",
    "best_tail",
    "finish",
    "take_ends",
    "take_least",
]


@dataclass(frozen=True, eq=False)
class Setting:
    """The graph, the best plan so far, the others worth keeping, and the source of randomness.

    ``prune`` is off to measure what branch-and-bound is worth: then nothing is left out because it
    cannot beat the incumbent.
    """

    environment: Environment[Any]
    graph: Graph
    incumbent: Incumbent
    archive: Archive
    random: np.random.Generator
    prune: bool = True

    def is_worth(self, total: float) -> bool:
        """Whether a plan that costs at least ``total`` is worth looking at."""
        if not self.prune:
            return bool(np.isfinite(total))
        return self.incumbent.is_beaten_by(total)

    def are_worth(self, totals: np.ndarray) -> np.ndarray:
        """Return the same for several totals."""
        if not self.prune:
            return np.isfinite(totals)
        return self.incumbent.are_beaten_by(totals)

    def expected(
        self, waiting: Waiting, places: np.ndarray, *, cautious: bool = False
    ) -> np.ndarray:
        """Return what waiting children are likely to cost to the goal, with their own price."""
        if waiting.hints is None:
            return waiting.totals[places]
        return waiting.prices[places] + self.environment.guess(
            waiting.hints[places], cautious=cautious
        )

    def expected_of(self, edges: Sequence[Edge], *, cautious: bool = False) -> np.ndarray:
        """Return the same for edges."""
        totals = np.array([edge.price + edge.child.lower for edge in edges])
        hinted = [i for i, edge in enumerate(edges) if edge.hint is not None]
        if hinted:
            hints = np.array([edges[i].hint for i in hinted])
            guesses = self.environment.guess(hints, cautious=cautious)
            prices = np.array([edges[i].price for i in hinted])
            totals[hinted] = np.maximum(totals[hinted], prices + guesses)
        return totals


@runtime_checkable
class Continuing(Protocol):
    """A planner that has noted something for its next iterations, which a checkpoint must keep."""

    def dump(self) -> Any:
        """Return that as plain data."""
        ...

    def load(self, data: Any) -> None:
        """Go on from there; ``ValueError`` for what is nothing of the kind."""
        ...


class Planner(Protocol):
    """Explores the graph a little at a time."""

    def iterate(self) -> bool:
        """Explore on; ``False`` if there is nothing left to try."""
        ...


def finish(setting: Setting, path: Path, end: Node, price: float) -> float:
    """Return what the plan along a path and on from its end costs, and take note of it.

    A plan that would be the best is confirmed first; it is infinite if that fails, or if nothing
    is known to lead from the end to the goal.
    """
    _remember(setting, path)
    tail = 0.0 if end.done else end.best
    total = price + tail
    if not np.isfinite(total):
        return total
    if setting.incumbent.is_beaten_by(total):
        if not setting.graph.confirm(path):
            return float("inf")
        if not np.isfinite(end.best):
            return float("inf")  # it only seemed to be done
        setting.incumbent.offer(total)
        _remember(setting, [*path, *best_tail(end)])
    return total


def best_tail(node: Node) -> Path:
    """Return the cheapest way known from a node to the goal."""
    path: Path = []
    while node.best_edge is not None:
        path.append((node, node.best_edge))
        node = node.best_edge.child
    return path


def _remember(setting: Setting, path: Path) -> None:
    """Put the plans that end along a path into the archive, where they are wanted."""
    environment, price = setting.environment, 0.0
    for length, (_, edge) in enumerate(path, 1):
        price += edge.price
        state = edge.child.state
        label, cost = environment.label(state), environment.cost(state, price)
        if not setting.archive.wants(cost, environment.quality(state), label):
            continue
        setting.archive.add(
            Elite(cost, environment.quality(state), label, actions_of(path[:length]))
        )


def back_up(path: Path, end: Node) -> None:
    """Let the nodes of a path know what their children know."""
    end.refresh()
    for parent, _ in reversed(path):
        parent.refresh()


def take_ends(setting: Setting) -> None:
    """Try the actions that reach the goal at once, until one is legal: a first incumbent."""
    root = setting.graph.root
    if root.done:
        return
    setting.graph.widen(root)
    for index in np.flatnonzero(root.waiting.done & root.waiting.open).tolist():
        edge = setting.graph.try_child(root, index)
        if edge is None:
            continue
        path = [(root, edge)]
        finish(setting, path, edge.child, edge.price)
        back_up(path, edge.child)
        if np.isfinite(setting.incumbent.cost):
            return


def take_least(setting: Setting, node: Node, price: float) -> Edge | None:
    """Try waiting children in the order of price plus guess; ``None`` if none is worth it."""
    while setting.is_worth(price + node.waiting.least()):
        waiting = node.waiting
        index = waiting.first
        if waiting.hints is not None:
            open_ = np.flatnonzero(waiting.open)
            totals = setting.expected(waiting, open_)
            worth = setting.are_worth(price + waiting.totals[open_])
            index = int(open_[int(np.argmin(np.where(worth, totals, np.inf)))])
        edge = setting.graph.try_child(node, index)
        if edge is not None and setting.is_worth(price + edge.price + edge.child.lower):
            return edge
    return None
