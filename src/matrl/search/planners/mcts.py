"""Single-player Monte-Carlo tree search with branch-and-bound on a graph of states.

Selection follows an upper-confidence rule on rewards normalised by the incumbent, mixed from the
mean and the best so far (Schadd et al. 2012, doi:10.1016/j.knosys.2011.08.008); equal states share
a node. The children of a node are tried in the order of their price and bound, as many as its
visits allow, and further batches of them, variations, are asked for as visits go on (progressive
widening, Couetoux et al. 2011, doi:10.1007/978-3-642-25566-3_32). A rollout follows price and
bound with some noise and finishes with the best tail known from the state it meets. Where the
environment guesses, by experience, what children will cost, its guesses take the place of bounds in
all this, and every other iteration is a rollout from the root: much of what looks cheap is illegal
for one reason, which a few plans show. A branch whose price so far plus lower bound does not beat
the incumbent is not visited.
"""

import math
from typing import Any

import msgspec
import numpy as np

from matrl.search.nodes import Edge, Node, Path
from matrl.search.planners.planner import Setting, back_up, finish, take_least

__all__ = ["MonteCarlo"]

EXPLORATION = 0.7
WIDENING = 0.6
"""A node visited v times has up to 1 + 2 v^WIDENING children."""
BATCH_VISITS = 16
"""Visits after which the first batch of variations is asked for, doubling with each."""
VISITS_TO_CONFIRM = 4
"""A state met that often is confirmed even if no plan through it would be the best."""
NOISE = 0.5
"""Of scores in rollouts; of those from the root, at most, and mostly less."""
CAUTION = 4
"""Every so many rollouts from the root are cautious."""
CANDIDATES = 32
"""How many children a rollout chooses from."""


class MonteCarlo:
    """See the module."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._graph = setting.graph
        self._guided = False
        """Whether the environment has given hints so far."""
        self._count = 0
        self._noise = NOISE
        self._cautious = False

    def dump(self) -> tuple[int, bool]:
        """Return how many iterations there have been, and whether there have been hints."""
        return self._count, self._guided

    def load(self, data: Any) -> None:
        """Go on from there."""
        self._count, self._guided = msgspec.convert(data, tuple[int, bool])

    def iterate(self) -> bool:
        """Select, expand, roll out and back up once."""
        root = self._graph.root
        if root.done or not self._setting.is_worth(root.lower):
            return False
        path: Path = []
        node, price = root, 0.0
        seen = {node}
        self._count += 1
        # Every other time all of the way is a rollout, for what has been learned since.
        diving = self._guided and self._count % 2 == 0
        expanded = diving
        self._cautious = expanded and self._count // 2 % CAUTION == 1
        self._noise = NOISE * float(self._setting.random.random()) ** 2 if self._guided else NOISE
        while not node.done:
            if not node.is_open:
                self._graph.widen(node)
            self._guided = self._guided or node.waiting.hints is not None
            edge = self._rolled(node, price) if expanded else self._selected(node, price)
            if edge is None:
                break
            path.append((node, edge))
            if self._should_confirm(edge, expanded) and not self._graph.confirm(path):
                if not edge.child.dead:
                    node = edge.child
                    break  # a state before it was illegal, and all of this is out of reach
                path.pop()
                node.refresh()
                continue
            price += edge.price
            expanded = expanded or edge.visits == 0
            node = edge.child
            if (expanded and not diving and node.best < math.inf) or node in seen:
                break  # a plan that comes back to a state is never the cheapest
            seen.add(node)
        total = finish(self._setting, path, node, price)
        reward = self._reward(total)
        node.visits += 1
        for parent, edge in path:
            parent.visits += 1
            edge.visits += 1
            edge.total_reward += reward
        back_up(path, node)
        return True

    def _should_confirm(self, edge: Edge, expanded: bool) -> bool:
        """Whether to have a closer look before going on: elsewhere it may never be needed."""
        setting = self._setting
        if setting.environment.confirms_early or math.isinf(setting.incumbent.cost):
            return True
        return not expanded and edge.visits == VISITS_TO_CONFIRM

    def _selected(self, node: Node, price: float) -> Edge | None:
        """Return the edge to follow in the tree: a new one while visits allow, else the best."""
        if node.visits >= BATCH_VISITS * 2.0**node.width:
            self._graph.widen(node)
        if len(node.edges) < 1.0 + 2.0 * node.visits**WIDENING:
            edge = take_least(self._setting, node, price)
            if edge is not None:
                return edge
        worthy = self._worthy(node, price)
        if worthy:
            visits = 1 + sum(edge.visits for edge in worthy)
            return max(worthy, key=lambda edge: self._score(edge, price, visits))
        while True:
            edge = take_least(self._setting, node, price)
            if edge is not None or not self._setting.is_worth(price + node.bound):
                return edge
            if not self._graph.widen(node):
                return None

    def _worthy(self, node: Node, price: float) -> list[Edge]:
        return [
            edge
            for edge in node.edges
            if self._setting.is_worth(price + edge.price + edge.child.lower)
        ]

    def _score(self, edge: Edge, price: float, visits: int) -> float:
        mean = edge.total_reward / edge.visits if edge.visits else 1.0
        best = self._reward(price + edge.price + edge.child.best)
        explore = math.sqrt(math.log(visits) / (1 + edge.visits))
        return 0.5 * (mean + best) + EXPLORATION * explore

    def _reward(self, total: float) -> float:
        """Return a reward in [0, 1] that does not change its meaning when the incumbent does."""
        scale = self._setting.incumbent.scale
        if math.isinf(total):
            return 0.0
        return 1.0 / (1.0 + total / scale) if scale > 0.0 else 1.0

    @staticmethod
    def _rank(scores: np.ndarray) -> np.ndarray | float:
        """Return the places of the choices, best quality first, where prices do not tell them."""
        free = len(scores) > 0 and float(scores.max()) < math.inf and float(scores.min()) == 0.0
        return np.arange(1.0, len(scores) + 1.0) ** 0.5 if free else 0.0

    def _rolled(self, node: Node, price: float) -> Edge | None:
        """Return the edge a rollout follows: the least of price plus bound, up to noise.

        The cheapest child that reaches the goal is taken at once where nothing else could be
        cheaper, and half of the time where something could.
        """
        random, setting = self._setting.random, self._setting
        while True:
            waiting = node.waiting
            open_ = np.flatnonzero(waiting.open[waiting.first :]) + waiting.first
            if waiting.hints is None:
                open_ = open_[:CANDIDATES]
            totals = setting.expected(waiting, open_, cautious=self._cautious)
            ends = np.flatnonzero(waiting.open & waiting.done)[:1]
            if waiting.hints is not None:
                ends = ends[:0]  # guesses know what ends are worth
            edges = self._worthy(node, price)
            choices = setting.expected_of(edges, cautious=self._cautious)
            scores = np.concatenate([totals, choices])
            scores = (scores + self._rank(scores)) * random.uniform(
                1.0, 1.0 + self._noise, len(scores)
            )
            if len(scores) == 0:
                return None
            if len(ends) and (totals.min() >= waiting.totals[ends[0]] or random.random() < 0.5):
                index = int(ends[0])
            else:
                best = int(np.argmin(scores))
                if best >= len(totals):
                    return edges[best - len(totals)]
                index = int(open_[best])
            if not setting.is_worth(price + float(waiting.totals[index])):
                if not edges:
                    return None
                return edges[int(np.argmin(scores[len(totals) :]))]
            edge = self._graph.try_child(node, index)
            if edge is not None and setting.is_worth(price + edge.price + edge.child.lower):
                return edge
