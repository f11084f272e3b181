"""The best plan so far, and what it rules out."""

import math

import numpy as np

from matrl.search.graph import Graph
from matrl.search.nodes import Node

__all__ = ["GAIN", "Incumbent"]

GAIN = 1e-9
"""An improvement smaller than this fraction of the incumbent is not looked for."""


class Incumbent:
    """The least cost known."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.cost = graph.root.best
        self.scale = math.inf
        """The first cost found, which rewards are measured by."""

    def offer(self, cost: float) -> None:
        """Take note of a plan of this cost."""
        if cost < self.cost:
            self.cost = cost
        if math.isinf(self.scale):
            self.scale = cost

    def is_beaten_by(self, total: float) -> bool:
        """Whether a plan of this total, or whatever bound, would be an improvement."""
        if not math.isfinite(total):
            return False
        return math.isinf(self.cost) or total < self.cost * (1.0 - GAIN)

    def are_beaten_by(self, totals: np.ndarray) -> np.ndarray:
        """Return the same for several totals."""
        if math.isinf(self.cost):
            return np.isfinite(totals)
        return totals < self.cost * (1.0 - GAIN)

    @property
    def is_proved(self) -> bool:
        """Whether nothing better exists: the root's lower bound has met the cost."""
        return not self.is_beaten_by(self._graph.root.lower)

    @property
    def node(self) -> Node | None:
        """The done node of the best plan, ``None`` while there is none."""
        node = self._graph.root
        while not node.done:
            if node.best_edge is None:
                return None
            node = node.best_edge.child
        return node
