"""The search graph: one node per state key, edges made when first tried."""

import heapq
import itertools
import math
from collections.abc import Hashable
from typing import Any

from matrl.search.environment import Environment

__all__ = ["Edge", "Graph", "Node"]


class Edge:
    """An action tried in a node: its price and where it leads."""

    __slots__ = ("action", "child", "price", "total_reward", "visits")

    def __init__(self, action: Any, price: float, child: "Node") -> None:
        self.action = action
        self.price = price
        self.child = child
        self.visits = 0
        self.total_reward = 0.0


class Node:
    """A state with what is known of it.

    ``best`` is the least price to the goal found so far, ``lower`` a proved lower bound on it;
    where they meet the node is solved. Both are independent of how the node is reached.
    """

    __slots__ = ("best", "best_edge", "bound", "done", "edges", "lower", "state", "untried")

    def __init__(self, state: Any, done: bool, bound: float, untried: list[Any]) -> None:
        self.state = state
        self.done = done
        self.bound = 0.0 if done else bound
        self.lower = self.bound
        self.best = 0.0 if done else math.inf
        self.best_edge: Edge | None = None
        self.edges: list[Edge] = []
        self.untried = untried

    def refresh(self) -> None:
        """Recompute ``best`` and ``lower`` from the children (best-so-far backup)."""
        if self.done:
            return
        lower = self.bound if self.untried else math.inf
        for edge in self.edges:
            cost = edge.price + edge.child.best
            if cost < self.best:
                self.best, self.best_edge = cost, edge
            lower = min(lower, edge.price + edge.child.lower)
        self.lower = max(self.lower, min(lower, self.best))


class Graph:
    """All nodes of a search, found by key: equal states are one node."""

    def __init__(self, environment: Environment[Any, Any]) -> None:
        self._environment = environment
        self._nodes: dict[Hashable, Node] = {}
        self.steps = 0
        self.best_quality = math.inf
        self.root = self._node(environment.root())

    def _node(self, state: Any) -> Node:
        key = self._environment.key(state)
        node = self._nodes.get(key)
        if node is None:
            done = self._environment.done(state)
            untried = [] if done else list(reversed(self._environment.actions(state)))
            node = Node(state, done, self._environment.bound(state), untried)
            self._nodes[key] = node
            self.best_quality = min(self.best_quality, self._environment.quality(state))
        return node

    def try_next(self, node: Node) -> Edge | None:
        """Try the node's next untried action; ``None`` if it is not legal."""
        action = node.untried.pop()
        self.steps += 1
        result = self._environment.step(node.state, action)
        if result is None:
            return None
        state, price = result
        edge = Edge(action, price, self._node(state))
        if edge.child is node or not math.isfinite(price):
            return None
        node.edges.append(edge)
        return edge

    def settle(self) -> None:
        """Let every node know the best its children know: a backup walks one path only.

        Lower bounds are left alone, for an action being tried when Ctrl-C came is in no list.
        """
        nodes = list(reversed(self._nodes.values()))
        changed = True
        while changed:
            changed = False
            for node in nodes:
                for edge in node.edges:
                    cost = edge.price + edge.child.best
                    if cost < node.best:
                        node.best, node.best_edge, changed = cost, edge, True

    def best_paths(self, count: int) -> list[tuple[float, list[Edge]]]:
        """Return up to ``count`` cheapest complete plans in what has been explored, best first."""
        order = itertools.count()
        queue: list[tuple[float, int, float, Node, list[Edge]]] = []
        if math.isfinite(self.root.best):
            queue.append((self.root.best, next(order), 0.0, self.root, []))
        found: list[tuple[float, list[Edge]]] = []
        while queue and len(found) < count:
            total, _, price, node, path = heapq.heappop(queue)
            if node.done:
                found.append((total, path))
                continue
            for edge in node.edges:
                if math.isfinite(edge.child.best):
                    paid = price + edge.price
                    entry = (paid + edge.child.best, next(order), paid, edge.child, [*path, edge])
                    heapq.heappush(queue, entry)
        return found
