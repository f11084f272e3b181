"""A search as columns of numbers: all that has been evaluated, but not the states.

Nodes are numbered in the order in which they were made, edges and waiting children stand in the
order of their nodes, and actions are kept once each.
"""

import enum
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from matrl.search.archive import Archive
from matrl.search.graph import Graph
from matrl.search.nodes import Node
from matrl.search.resumable import Resumable
from matrl.search.unmade import Digest

__all__ = ["EDGES", "NODES", "WAITING", "Flag", "Snapshot", "taken"]

FLOAT, WHOLE, FLAG = "<f8", "<i8", "u1"

NODES = {
    "flags": FLAG,
    "visits": WHOLE,
    "width": FLOAT,
    "best": FLOAT,
    "lower": FLOAT,
    "bound": FLOAT,
    "origin": WHOLE,
    "origin_action": WHOLE,
    "edges": WHOLE,
    "best_edge": WHOLE,
    "waiting": WHOLE,
}
EDGES = {
    "action": WHOLE,
    "child": WHOLE,
    "price": FLOAT,
    "compared": FLAG,
    "visits": WHOLE,
    "total_reward": FLOAT,
}
WAITING = {
    "action": WHOLE,
    "price": FLOAT,
    "bound": FLOAT,
    "done": FLAG,
    "quality": FLOAT,
    "total": FLOAT,
}

Columns = dict[str, bytes]


class Flag(enum.IntFlag):
    """What is known of a node."""

    CONFIRMED, DEAD, DONE, HINTED, SOUND = 1, 2, 4, 8, 16


class Hints(msgspec.Struct, forbid_unknown_fields=True):
    """What guesses need of edges and of waiting children, in rows; NaN where there is nothing."""

    width: int
    edges: bytes
    waiting: bytes

    @classmethod
    def of(cls, edges: Sequence[Any], waiting: Sequence[tuple[int, Any]]) -> "Hints":
        """Return the hints of edges, one or ``None`` each, and of so many children each."""
        known = [
            one.shape[-1] for one in (*edges, *(hint for _, hint in waiting)) if one is not None
        ]
        width = known[0] if known else 0
        nothing = np.full(width, np.nan)
        rows = [nothing if one is None else one for one in edges]
        blocks = [np.full((n, width), np.nan) if one is None else one for n, one in waiting]
        return cls(width, *(np.array(x, FLOAT).tobytes() for x in (rows, np.concatenate(blocks))))

    def rows(self, edges: int, waiting: int) -> tuple[np.ndarray, np.ndarray]:
        """Return those of so many edges and children; ``ValueError`` if there are not so many."""
        if not 0 <= self.width < 1000:
            raise ValueError("hints of no width")
        found = (np.frombuffer(data, FLOAT) for data in (self.edges, self.waiting))
        one, other = (
            values.reshape(count, self.width)
            for values, count in zip(found, (edges, waiting), strict=True)
        )
        return one, other


class Snapshot(msgspec.Struct, forbid_unknown_fields=True):
    """A search between two iterations.

    ``looks`` and ``memory`` are the environment's, ``planner`` what a planner has noted itself.
    """

    steps: int
    seconds: float
    best_quality: float
    incumbent: float
    scale: float
    random: dict[str, Any]
    actions: list[Any]
    nodes: Columns
    digests: bytes
    looks: list[Any]
    edges: Columns
    waiting: Columns
    hints: Hints
    elites: list[tuple[float, float, Any, list[int]]]
    memory: Any
    planner: Any = None


class _Actions:
    """Numbers for actions, equal ones having the same."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._by_identity: dict[int, int] = {}  # hashing them takes longer

    def __call__(self, action: Any) -> int:
        number = self._by_identity.get(id(action))
        if number is None:
            number = self._numbers.setdefault(action, len(self._numbers))
            self._by_identity[id(action)] = number
        return number

    @property
    def every(self) -> list[Any]:
        return list(self._numbers)


def taken(
    environment: Resumable[Any],
    graph: Graph,
    archive: Archive,
    random: np.random.Generator,
    *,
    seconds: float,
    incumbent: float,
    scale: float,
    planner: Any = None,
) -> Snapshot:
    """Return the snapshot of a search; ``TypeError`` where keys or actions are no plain data."""
    number = _Actions()
    keyed = list(graph.nodes)
    nodes = [node for _, node in keyed]
    place = {node: i for i, node in enumerate(nodes)}
    for key, node in keyed:
        if node.digest is None:
            node.digest = (key if isinstance(key, Digest) else Digest.of(key)).value
    edges = [edge for node in nodes for edge in node.edges]
    waiting = [node.waiting.left() for node in nodes]
    node_rows = [
        (
            _flags(node),
            node.visits,
            node.width,
            node.best,
            node.lower,
            node.bound,
            -1 if node.origin is None else place[node.origin[0]],
            -1 if node.origin is None else number(node.origin[1]),
            len(node.edges),
            -1 if node.best_edge is None else node.edges.index(node.best_edge),
            len(left.actions),
        )
        for node, left in zip(nodes, waiting, strict=True)
    ]
    edge_rows = [
        (number(e.action), place[e.child], e.price, e.compared, e.visits, e.total_reward)
        for e in edges
    ]
    arrays = [
        [number(action) for left in waiting for action in left.actions],
        *(
            np.concatenate([getattr(left, name) for left in waiting])
            for name in ("prices", "bounds", "done", "qualities")
        ),
        np.concatenate([node.waiting.totals[node.waiting.open] for node in nodes]),
    ]
    elites = [
        (e.cost, e.quality, e.label, [number(action) for action in e.actions])
        for e in archive.in_order
    ]
    return Snapshot(
        steps=graph.steps,
        seconds=seconds,
        best_quality=graph.best_quality,
        incumbent=incumbent,
        scale=scale,
        random=_as_text(random.bit_generator.state),
        nodes=_columns(NODES, list(zip(*node_rows, strict=True))),
        digests=b"".join(node.digest or b"" for node in nodes),
        looks=[_look(environment, node) for node in nodes],
        edges=_columns(EDGES, list(zip(*edge_rows, strict=True)) or [()] * len(EDGES)),
        waiting=_columns(WAITING, arrays),
        hints=Hints.of([e.hint for e in edges], [(len(w.actions), w.hints) for w in waiting]),
        elites=elites,
        actions=[environment.dump_action(action) for action in number.every],
        memory=environment.dump_memory(),
        planner=planner,
    )


def _flags(node: Node) -> int:
    hinted = node.waiting.hints is not None
    flags = (Flag.CONFIRMED, Flag.DEAD, Flag.DONE, Flag.HINTED, Flag.SOUND)
    known = (node.confirmed, node.dead, node.done, hinted, node.sound)
    named = zip(flags, known, strict=True)
    return sum(int(flag) for flag, is_set in named if is_set)


def _look(environment: Resumable[Any], node: Node) -> Any:
    if node.unmade is not None:
        return node.unmade.look
    return environment.dump_look(node.state)


def _columns(kinds: dict[str, str], columns: Sequence[Any]) -> Columns:
    return {
        name: np.asarray(column, dtype=kind).tobytes()
        for (name, kind), column in zip(kinds.items(), columns, strict=True)
    }


def _as_text(state: Any) -> Any:
    """Return the state of a generator, whose integers have up to 128 bits, as plain data."""
    if isinstance(state, dict):
        return {str(name): _as_text(value) for name, value in state.items()}
    return str(state)
