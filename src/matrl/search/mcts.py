"""Single-player Monte-Carlo tree search with branch-and-bound on a graph of states.

Selection follows an upper-confidence rule on rewards normalised by the incumbent, mixed from the
mean and the best so far (Schadd et al. 2012, doi:10.1016/j.knosys.2011.08.008); equal states share
a node; a rollout finishes with the best tail known from the state it meets; a branch whose price
so far plus lower bound does not beat the incumbent is not visited. When the root's lower bound
meets the incumbent, the incumbent is optimal among the environment's actions and the search ends.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from matrl.search.environment import Environment
from matrl.search.progress import Callback, Progress
from matrl.search.tree import Edge, Graph, Node

__all__ = ["SearchResult", "search"]

EXPLORATION = 0.7
GAIN = 1e-9
"""An improvement smaller than this fraction of the incumbent is not looked for."""
PROGRESS_SECONDS = 0.1


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    ``actions`` are those of the best plan; ``finalists`` are the cheapest complete plans met, the
    best first, each a pair (cost, actions).
    ``optimal`` says that nothing cheaper exists; ``interrupted`` that Ctrl-C ended the search.
    """

    cost: float
    actions: tuple[Any, ...]
    finalists: tuple[tuple[float, tuple[Any, ...]], ...]
    nodes: int
    seconds: float
    optimal: bool
    interrupted: bool
    best_quality: float


class _Search:
    def __init__(
        self,
        environment: Environment[Any, Any],
        seed: int,
        time_limit: float,
        progress: Callback | None,
    ) -> None:
        self._environment = environment
        self._random = np.random.default_rng(seed)
        self._graph = Graph(environment)
        self._incumbent = math.inf
        self._incumbent_error = math.inf
        self._scale = math.inf
        self._started = self._reported = time.perf_counter()
        self._time_limit = time_limit
        self._progress = progress

    # One iteration -------------------------------------------------------------------------

    def iterate(self) -> None:
        """Select, expand, roll out and back up once."""
        path: list[tuple[Node, Edge]] = []
        node, price = self._graph.root, 0.0
        seen = {node}
        expanded = False
        while not node.done:
            edge = self._next_edge(node, price, rollout=expanded)
            if edge is None:
                break
            expanded = expanded or edge.visits == 0
            path.append((node, edge))
            price += edge.price
            node = edge.child
            if (expanded and node.best < math.inf) or node in seen:
                break  # a plan that comes back to a state is never the cheapest
            seen.add(node)
        total = price + node.best
        if total < math.inf:
            self._record(node, total)
        reward = self._reward(total)
        node.refresh()
        for parent, edge in reversed(path):
            edge.visits += 1
            edge.total_reward += reward
            parent.refresh()

    def _worth(self, price: float, lower: float) -> bool:
        if not math.isfinite(lower):
            return False
        return price + lower < self._incumbent * (1.0 - GAIN) or math.isinf(self._incumbent)

    def _next_edge(self, node: Node, price: float, rollout: bool) -> Edge | None:
        """Return the edge to follow: a new one while there are any, else the most promising."""
        while node.untried and self._worth(price, node.bound):
            edge = self._graph.try_next(node)
            if edge is None or not self._worth(price + edge.price, edge.child.lower):
                continue
            if not rollout or edge.child.done:
                return edge
        worthy = [e for e in node.edges if self._worth(price + e.price, e.child.lower)]
        if not worthy:
            return None
        if rollout:
            # Greedy on price plus bound, with some noise so that rollouts differ.
            noise = self._random.uniform(1.0, 1.5, len(worthy))
            scores = [(e.price + e.child.lower) * x for e, x in zip(worthy, noise, strict=True)]
            return worthy[int(np.argmin(scores))]
        visits = 1 + sum(e.visits for e in worthy)
        return max(worthy, key=lambda e: self._score(e, price, visits))

    def _score(self, edge: Edge, price: float, visits: int) -> float:
        mean = edge.total_reward / edge.visits if edge.visits else 1.0
        best = self._reward(price + edge.price + edge.child.best)
        explore = math.sqrt(math.log(visits) / (1 + edge.visits))
        return 0.5 * (mean + best) + EXPLORATION * explore

    def _reward(self, total: float) -> float:
        """Return a reward in [0, 1] that does not change its meaning when the incumbent does."""
        if math.isinf(total):
            return 0.0
        if math.isinf(self._scale):
            self._scale = total
        return 1.0 / (1.0 + total / self._scale) if self._scale > 0.0 else 1.0

    def _record(self, node: Node, total: float) -> None:
        if total < self._incumbent:
            self._incumbent = total
            while not node.done:
                assert node.best_edge is not None
                node = node.best_edge.child
            self._incumbent_error = self._environment.quality(node.state)

    # The whole search ----------------------------------------------------------------------

    def run(self, node_limit: float, finalists: int) -> SearchResult:
        """Iterate until solved, exhausted, out of time or interrupted."""
        interrupted = False
        root = self._graph.root
        try:
            while self._graph.steps < node_limit and not self._out_of_time():
                if not self._worth(0.0, root.lower):
                    break
                self.iterate()
                self._report()
        except KeyboardInterrupt:
            interrupted = True
        self._graph.settle()
        if root.best < self._incumbent:
            self._record(root, root.best)
        self._report(last=True)
        best = tuple(
            (cost, tuple(edge.action for edge in path))
            for cost, path in self._graph.best_paths(finalists)
        )
        return SearchResult(
            cost=root.best,
            actions=best[0][1] if best else (),
            finalists=best,
            nodes=self._graph.steps,
            seconds=time.perf_counter() - self._started,
            optimal=not self._worth(0.0, root.lower) and math.isfinite(root.best),
            interrupted=interrupted,
            best_quality=self._graph.best_quality,
        )

    def _out_of_time(self) -> bool:
        return time.perf_counter() - self._started > self._time_limit

    def _report(self, last: bool = False) -> None:
        now = time.perf_counter()
        if self._progress is None or (now - self._reported < PROGRESS_SECONDS and not last):
            return
        self._reported = now
        seconds = now - self._started
        self._progress(
            Progress(
                self._incumbent,
                self._incumbent_error,
                self._graph.steps,
                seconds,
                max(self._time_limit - seconds, 0.0),
            )
        )


def search(
    environment: Environment[Any, Any],
    *,
    seed: int = 0,
    time_limit: float = math.inf,
    node_limit: float = math.inf,
    finalists: int = 8,
    progress: Callback | None = None,
) -> SearchResult:
    """Return the cheapest plan found from the environment's root to a done state.

    Deterministic for a seed and a node limit; a time limit may only cut the search short.
    Ctrl-C ends it with the best so far. ``cost`` is infinite if no plan was found. ``finalists``
    bounds how many complete plans are kept. The search always ends where actions are finitely many
    and every loop of states is refused by the environment.
    """
    return _Search(environment, seed, time_limit, progress).run(node_limit, finalists)
