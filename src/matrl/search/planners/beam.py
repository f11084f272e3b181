"""Beam search with a growing beam, for comparison: what does the tree gain?"""

import math

from matrl.search.nodes import Node, Path
from matrl.search.planners.planner import Setting, back_up, finish

__all__ = ["Beam"]

FIRST_WIDTH = 4


class Beam:
    """Keeps the states of one depth that promise the cheapest plans, and doubles their number.

    Once a beam dies out, the next begins at the root with twice its width, until one has left
    nothing out.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._width = FIRST_WIDTH
        self._left_out = False
        self._beam: list[tuple[float, Node, Path]] = [(0.0, setting.graph.root, [])]
        self._paid: dict[Node, float] = {}

    def iterate(self) -> bool:
        """Go one level deeper, or start again."""
        root = self._setting.graph.root
        if root.done or not self._setting.is_worth(root.lower):
            return False
        if not self._beam:
            if not self._left_out:
                return False
            self._width *= 2
            self._left_out = False
            self._paid = {}
            self._beam = [(0.0, root, [])]
        self._beam = self._selected(self._next_level())
        return True

    def _next_level(self) -> list[tuple[float, Node, Path]]:
        graph, setting = self._setting.graph, self._setting
        found: dict[Node, tuple[float, Node, Path]] = {}
        for price, node, path in self._beam:
            if not graph.confirm(path):
                back_up(path, node)
                self._left_out = True  # what opened beside it
                continue
            while graph.widen(node):
                pass
            tried = 0
            while tried < self._width and setting.is_worth(price + node.waiting.least()):
                graph.try_child(node, node.waiting.first)
                tried += 1
            self._left_out |= setting.is_worth(price + node.waiting.least())
            for edge in list(node.edges):
                paid, longer = price + edge.price, [*path, (node, edge)]
                if not setting.is_worth(paid + edge.child.lower):
                    continue
                if edge.child.done:
                    finish(setting, longer, edge.child, paid)
                if edge.child.done or edge.child.dead:
                    continue
                if paid < self._paid.get(edge.child, math.inf):
                    self._paid[edge.child] = paid
                    found[edge.child] = (paid, edge.child, longer)
            back_up(path, node)
        return list(found.values())

    def _selected(self, level: list[tuple[float, Node, Path]]) -> list[tuple[float, Node, Path]]:
        level = [one for one in level if self._setting.is_worth(one[0] + one[1].lower)]
        level.sort(key=lambda one: one[0] + one[1].lower)
        self._left_out |= len(level) > self._width
        return level[: self._width]
