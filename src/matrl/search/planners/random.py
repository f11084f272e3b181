"""Random walks to the goal, for comparison: what does guidance gain?"""

import numpy as np

from matrl.search.nodes import Edge, Node, Path
from matrl.search.planners.planner import Setting, back_up, finish

__all__ = ["RandomWalk"]


class RandomWalk:
    """Takes any action that may still beat the incumbent, all with the same probability."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def iterate(self) -> bool:
        """Walk from the root until the goal or a dead end."""
        graph, root = self._setting.graph, self._setting.graph.root
        if root.done or not self._setting.is_worth(root.lower):
            return False
        path: Path = []
        node, price = root, 0.0
        seen = {node}
        while not node.done:
            while graph.widen(node):
                pass
            edge = self._any(node, price)
            if edge is None:
                break
            path.append((node, edge))
            price, node = price + edge.price, edge.child
            if node in seen:
                break
            seen.add(node)
        if node.done:
            finish(self._setting, path, node, price)
        back_up(path, node)
        return True

    def _any(self, node: Node, price: float) -> Edge | None:
        random, setting = self._setting.random, self._setting
        while True:
            waiting = node.waiting
            new = [
                i
                for i in np.flatnonzero(waiting.open).tolist()
                if setting.is_worth(price + float(waiting.totals[i]))
            ]
            tried = [e for e in node.edges if setting.is_worth(price + e.price + e.child.lower)]
            if not new and not tried:
                return None
            choice = int(random.integers(len(new) + len(tried)))
            if choice >= len(new):
                return tried[choice - len(new)]
            edge = setting.graph.try_child(node, new[choice])
            if edge is not None and setting.is_worth(price + edge.price + edge.child.lower):
                return edge
