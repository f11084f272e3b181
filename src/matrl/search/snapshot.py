"""A search as columns of numbers, and back: all that has been evaluated, but not the states.

Nodes are numbered in the order in which they were made, edges and waiting children stand in the
order of their nodes, and actions are kept once each.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from matrl.search.archive import Archive, Elite
from matrl.search.environment import Children
from matrl.search.graph import Edge, Graph, Node, Waiting
from matrl.search.resumable import Resumable
from matrl.search.unmade import BYTES, Digest, Unmade

__all__ = ["Snapshot", "restored_graph", "taken"]

CONFIRMED, DEAD, DONE = 1, 2, 4
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
WAITING = {"action": WHOLE, "price": FLOAT, "bound": FLOAT, "done": FLAG, "quality": FLOAT}

Columns = dict[str, bytes]


class Snapshot(msgspec.Struct, forbid_unknown_fields=True):
    """A search between two iterations; ``looks`` and ``memory`` are the environment's."""

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
    elites: list[tuple[float, float, Any, list[int]]]
    memory: Any


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
            CONFIRMED * node.confirmed + DEAD * node.dead + DONE * node.done,
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
        elites=elites,
        actions=[environment.dump_action(action) for action in number.every],
        memory=environment.dump_memory(),
    )


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


def restored_graph(
    snapshot: Snapshot, environment: Resumable[Any], graph: Graph, *, merged: bool
) -> tuple[Archive, np.random.Generator]:
    """Fill a new graph from a snapshot; return the archive and the source of randomness.

    States are left to be made. Raises ``ValueError`` for what no search has left: nothing has been
    changed then but what the environment remembers.
    """
    environment.load_memory(snapshot.memory)
    actions = [environment.load_action(data) for data in snapshot.actions]
    nodes = _nodes(snapshot, environment, actions, merged)
    archive = Archive()
    for cost, quality, label, numbers in snapshot.elites:
        chosen = tuple(actions[i] for i in _places(numbers, len(actions)))
        archive.add(Elite(cost, quality, _hashable(label), chosen))
    random = _generator(snapshot.random)
    if snapshot.steps < 0 or not snapshot.seconds >= 0.0:
        raise ValueError("a search of negative length")
    graph.restore(nodes, snapshot.steps, snapshot.best_quality)
    return archive, random


def _nodes(
    snapshot: Snapshot, environment: Resumable[Any], actions: list[Any], merged: bool
) -> list[Node]:
    count = len(snapshot.looks)
    if count == 0 or len(snapshot.digests) != BYTES * count:
        raise ValueError("nodes and their keys differ in number")
    rows = _read(NODES, snapshot.nodes, count)
    parents = rows["origin"]
    if parents[0] != -1 or any(not 0 <= parents[i] < i for i in range(1, count)):
        raise ValueError("a node that comes of none before it")
    _places(rows["origin_action"][1:], len(actions))
    nodes: list[Node] = []
    for i in range(count):
        node = Node(None, bool(rows["flags"][i] & DONE), rows["bound"][i])
        node.digest = snapshot.digests[BYTES * i : BYTES * (i + 1)]
        node.unmade = Unmade(environment, snapshot.looks[i], node.digest if merged else None)
        node.origin = (nodes[parents[i]], actions[rows["origin_action"][i]]) if i else None
        node.confirmed = bool(rows["flags"][i] & CONFIRMED)
        node.dead = bool(rows["flags"][i] & DEAD)
        node.bound, node.lower, node.best = rows["bound"][i], rows["lower"][i], rows["best"][i]
        node.visits, node.width = rows["visits"][i], rows["width"][i]
        nodes.append(node)
    _add_edges(nodes, rows, snapshot, actions)
    _add_waiting(nodes, rows["waiting"], snapshot, actions)
    return nodes


def _add_edges(
    nodes: list[Node], rows: dict[str, list[Any]], snapshot: Snapshot, actions: list[Any]
) -> None:
    total = _total(rows["edges"])
    columns = _read(EDGES, snapshot.edges, total)
    _places(columns["action"], len(actions))
    _places(columns["child"], len(nodes))
    edges = []
    for values in zip(*columns.values(), strict=True):
        action, child, price, compared, visits, total_reward = values
        edge = Edge(actions[action], price, nodes[child])
        edge.compared, edge.visits, edge.total_reward = bool(compared), visits, total_reward
        edges.append(edge)
    at = 0
    for node, length, best in zip(nodes, rows["edges"], rows["best_edge"], strict=True):
        node.edges = edges[at : at + length]
        at += length
        if best != -1:
            node.best_edge = node.edges[_places([best], length)[0]]


def _add_waiting(
    nodes: list[Node], lengths: list[int], snapshot: Snapshot, actions: list[Any]
) -> None:
    columns = _arrays(WAITING, snapshot.waiting, _total(lengths))
    every = [actions[i] for i in _places(columns["action"].tolist(), len(actions))]
    at = 0
    for node, length in zip(nodes, lengths, strict=True):
        if length:
            here = slice(at, at + length)
            node.waiting = Waiting(
                Children(
                    every[here],
                    columns["price"][here],
                    columns["bound"][here],
                    columns["done"][here].astype(bool),
                    columns["quality"][here],
                )
            )
            at += length


def _total(lengths: list[int]) -> int:
    if min(lengths) < 0:
        raise ValueError("a negative number of children")
    return sum(lengths)


def _places(numbers: list[int], count: int) -> list[int]:
    if any(not 0 <= number < count for number in numbers):
        raise ValueError("a number that stands for nothing")
    return numbers


def _arrays(kinds: dict[str, str], columns: Columns, count: int) -> dict[str, np.ndarray]:
    if columns.keys() != kinds.keys():
        raise ValueError(f"columns {', '.join(columns)}")
    found = {name: np.frombuffer(columns[name], kind) for name, kind in kinds.items()}
    for name, values in found.items():
        if len(values) != count or (values.dtype.kind == "f" and np.isnan(values).any()):
            raise ValueError(f"the column {name}")
    return found


def _read(kinds: dict[str, str], columns: Columns, count: int) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in _arrays(kinds, columns, count).items()}


def _hashable(data: Any) -> Any:
    return tuple(_hashable(one) for one in data) if isinstance(data, list | tuple) else data


def _generator(state: dict[str, Any]) -> np.random.Generator:
    random = np.random.default_rng(0)
    try:
        random.bit_generator.state = _from_text(state)
    except (TypeError, KeyError, OverflowError, AttributeError) as error:
        raise ValueError(f"a generator of random numbers ({error})") from None
    return random


def _from_text(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _from_text(value)
        if isinstance(value, dict)
        else value
        if name == "bit_generator"
        else int(value)
        for name, value in state.items()
    }
