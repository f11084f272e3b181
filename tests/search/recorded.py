"""Toys that can be logged and resumed, and short ways to do it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.search.toys import Network, State, grid, random_dag

from matrl.search import Journal, Search, SearchResult, search

FACTS = {"toy": "network", "seed": 3}


class Recorded(Network):
    """A network whose searches can be resumed. What has been confirmed is its memory."""

    looks: int = 0

    def dump_action(self, action: int) -> Any:
        return action

    def load_action(self, data: Any) -> int:
        if not isinstance(data, int):
            raise ValueError(f"an arc {data!r}")
        return data

    def describe(self, action: int) -> str:
        return f"arc {action}"

    def price_of(self, actions: Sequence[int], cost: float) -> float:
        return cost

    def dump_look(self, state: State) -> Any:
        return state[0] if state[0] in self.confirmed else None

    def load_look(self, state: State, data: Any) -> None:
        assert data == state[0]
        self.looks += 1

    def dump_memory(self) -> Any:
        return sorted(self.confirmed)

    def load_memory(self, data: Any) -> None:
        if not isinstance(data, list):
            raise ValueError("a memory that is none")
        self.confirmed.update(data)


def dag(seed: int, size: int = 30, **options: Any) -> Recorded:
    return Recorded(random_dag(seed, size), {size - 1}, **options)


def square(side: int = 9, **options: Any) -> Recorded:
    return Recorded(grid(side), {side * side - 1}, **options)


def essence(result: SearchResult) -> tuple[object, ...]:
    """Return all of a result but the seconds."""
    return (
        result.cost,
        result.actions,
        result.finalists,
        result.nodes,
        result.bound,
        result.optimal,
        result.reason,
        result.best_quality,
        result.front,
    )


def everything(one: Search) -> list[object]:
    """Return all that is in the graph of a search, but the states."""
    nodes = [node for _, node in one._graph.nodes]
    place = {node: i for i, node in enumerate(nodes)}
    found: list[object] = [one.nodes, one.incumbent, one._setting.random.bit_generator.state]
    for node in nodes:
        left = node.waiting.left()
        found.append((node.visits, node.best, node.lower, node.bound, node.width))
        found.append((node.confirmed, node.dead, node.done))
        found.append([(e.action, place[e.child], e.price, e.compared) for e in node.edges])
        found.append([(e.visits, e.total_reward) for e in node.edges])
        found.append(None if node.best_edge is None else node.edges.index(node.best_edge))
        found.append((left.actions, left.prices.tolist(), left.bounds.tolist()))
        found.append((left.done.tolist(), left.qualities.tolist()))
    return [*found, one._archive.in_order]


def logged(
    environment: Recorded, log: Path, *, resume: bool = False, facts: Any = FACTS, **options: Any
) -> SearchResult:
    """Search with a log; ``facts`` are what a search that is resumed must agree in."""
    with Journal(log, resume=resume) as journal:
        journal.open(facts, {"note": 1}, {"kept": 2})
        return search(environment, journal=journal, **options)
