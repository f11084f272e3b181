"""The search graph: one node per state key, edges made when first tried."""

import heapq
import itertools
import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from matrl.search.environment import Children, Environment, Verdict
from matrl.search.nodes import Edge, Node, Path
from matrl.search.unmade import Digest

__all__ = ["Graph"]


class Graph:
    """All nodes of a search, found by key: equal states are one node."""

    def __init__(self, environment: Environment[Any], merge: bool = True) -> None:
        self._environment = environment
        self._merge = merge
        self._nodes: dict[Hashable, Node] = {}
        self._is_restored = False
        self.steps = 0
        self.best_quality = math.inf
        self.root = self._node(environment.root())
        self._accept(self.root)

    def restore(self, nodes: Sequence[Node], steps: int, best_quality: float) -> None:
        """Take nodes read from a checkpoint, with their digests, in place of all others."""
        self._is_restored = True
        self._nodes = {Digest(node.digest or b""): node for node in nodes}
        self.root, self.steps, self.best_quality = nodes[0], steps, best_quality

    @property
    def nodes(self) -> Iterable[tuple[Hashable, Node]]:
        """The nodes with their keys, in the order in which they were made."""
        return self._nodes.items()

    def _known(self, key: Hashable) -> Node | None:
        node = self._nodes.get(key)
        if node is None and self._is_restored:
            node = self._nodes.get(Digest.of(key))
        return node

    def _node(self, state: Any, origin: tuple[Node, Any] | None = None) -> Node:
        key: Hashable = self._environment.key(state) if self._merge else len(self._nodes)
        node = self._known(key)
        if node is None:
            node = Node(state, self._environment.done(state), self._environment.bound(state))
            node.origin = origin
            self._nodes[key] = node
            self.best_quality = min(self.best_quality, self._environment.quality(state))
        return node

    def widen(self, node: Node) -> bool:
        """Ask for the node's next batch of children; whether there was one."""
        if not math.isfinite(node.width):
            return False
        children = self._environment.expand(node.state, int(node.width))
        if children is None:
            node.width = math.inf
            node.refresh()
            return False
        self._add(node, children)
        node.width += 1
        return True

    def try_child(self, node: Node, index: int) -> Edge | None:
        """Make the ``index``-th waiting child; ``None`` if it is not legal or leads nowhere."""
        waiting = node.waiting
        action = waiting.actions[index]
        state = self._environment.child(node.state, action)
        edge = None
        if state is not None:
            child = self._node(state, (node, action))
            if child is not node and not any(
                e.child is child and e.price <= waiting.prices[index] for e in node.edges
            ):
                hint = None if waiting.hints is None else waiting.hints[index]
                edge = Edge(action, float(waiting.prices[index]), child, hint)
                node.edges.append(edge)
        waiting.take(index)  # last, so that nothing is lost where Ctrl-C comes in between
        return edge

    def confirm(self, path: Path) -> bool:
        """Have a closer look at the states of a path, from its start; whether all are legal."""
        return all(self._confirm(parent, edge) for parent, edge in path)

    def _confirm(self, parent: Node, edge: Edge) -> bool:
        node = edge.child
        if not (node.confirmed or node.dead):
            verdict = self._environment.confirm(node.state)
            if verdict.legal:
                self._accept(node)
                self._add(node, verdict.beyond)
            else:
                node.sound = verdict.sound
                node.die()
        if not edge.compared:
            edge.compared = True
            self._add(parent, self._environment.beside(parent.state, edge.action, node.state))
        return node.confirmed

    def _add(self, node: Node, children: Children) -> None:
        if len(children.actions) and not node.done:
            node.waiting = node.waiting.with_more(children)
            self.steps += children.simulated
            self.best_quality = min(self.best_quality, float(children.qualities.min()))

    def _accept(self, node: Node) -> None:
        node.confirmed = True
        if not node.done:
            node.raise_to(self._environment.bound(node.state))
            return
        if self._environment.done(node.state):
            node.best = 0.0
            return
        # Only the first look took it for the goal.
        node.done, node.width = False, 0
        node.bound = self._environment.bound(node.state)
        node.lower = node.bound

    def sound_end(self, actions: Sequence[Any]) -> Any | None:
        """Return the state that actions lead to, with a closer look at all on the way.

        ``None`` if one of them is not even sound. States that are no nodes any more are made anew.
        """
        environment = self._environment
        node: Node | None = self.root
        state = self.root.state
        for action in actions:
            edges = [] if node is None else node.edges
            edge = next((edge for edge in edges if edge.action == action), None)
            if node is not None and edge is not None:
                legal, node = self._confirm(node, edge), edge.child
                state = node.state
                if legal or node.sound:
                    continue
                return None
            node, state = None, environment.child(state, action)
            verdict = Verdict(False) if state is None else environment.confirm(state)
            if not (verdict.legal or verdict.sound):
                return None
        return state

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
                    if edge.child.confirmed and cost < node.best:
                        node.best, node.best_edge, changed = cost, edge, True

    def best_paths(self, count: int) -> list[tuple[float, Path]]:
        """Return up to ``count`` cheapest complete plans in what has been explored, best first."""
        order = itertools.count()
        queue: list[tuple[float, int, float, Node, Path]] = []
        if math.isfinite(self.root.best):
            queue.append((self.root.best, next(order), 0.0, self.root, []))
        found: list[tuple[float, Path]] = []
        while queue and len(found) < count:
            total, _, price, node, path = heapq.heappop(queue)
            if node.done:
                found.append((total, path))
                continue
            for edge in node.edges:
                if edge.child.confirmed and math.isfinite(edge.child.best):
                    paid = price + edge.price
                    longer = [*path, (node, edge)]
                    entry = (paid + edge.child.best, next(order), paid, edge.child, longer)
                    heapq.heappush(queue, entry)
        return found
