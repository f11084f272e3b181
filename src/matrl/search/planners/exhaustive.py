"""Uniform-cost search: the reference optimum where a state is all there is to know.

States are taken up in the order of price so far plus lower bound (Hart, Nilsson & Raphael 1968,
doi:10.1109/TSSC.1968.300136), a state again where a cheaper way to it is found, so the first
confirmed plan whose cost nothing on the queue undercuts is optimal.
"""

import heapq
import itertools

from matrl.search.nodes import Node, Path
from matrl.search.planners.planner import Setting, back_up, finish

__all__ = ["Exhaustive"]


class Exhaustive:
    """See the module."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._order = itertools.count()
        root = setting.graph.root
        self._queue: list[tuple[float, int, float, Node, Path]] = []
        self._paid: dict[Node, float] = {root: 0.0}
        self._push(root, 0.0, [])

    def _push(self, node: Node, price: float, path: Path) -> None:
        total = price + node.lower
        if self._setting.is_worth(total):
            heapq.heappush(self._queue, (total, next(self._order), price, node, path))

    def iterate(self) -> bool:
        """Take up the state that promises the cheapest plan."""
        if not self._queue:
            return False
        total, _, price, node, path = heapq.heappop(self._queue)
        if not self._setting.is_worth(total):
            self._queue.clear()
            return False
        if price > self._paid[node]:
            return True
        if self._setting.graph.confirm(path):
            if node.done:
                finish(self._setting, path, node, price)
            else:
                self._take_up(node, price, path)
        self._again(path)
        back_up(path, node)
        return True

    def _take_up(self, node: Node, price: float, path: Path) -> None:
        graph, setting = self._setting.graph, self._setting
        while graph.widen(node):
            pass
        while setting.is_worth(price + node.waiting.least()):
            graph.try_child(node, node.waiting.first)
        for edge in node.edges:
            paid = price + edge.price
            if paid < self._paid.get(edge.child, float("inf")):
                self._paid[edge.child] = paid
                self._push(edge.child, paid, [*path, (node, edge)])

    def _again(self, path: Path) -> None:
        """Take the state before the last up again where it has got more children."""
        if not path:
            return
        parent = path[-1][0]
        if self._setting.is_worth(self._paid[parent] + parent.waiting.least()):
            self._push(parent, self._paid[parent], path[:-1])
