"""A search from the columns of a snapshot: its graph, its archive, its source of randomness."""

from typing import Any

import numpy as np

from matrl.search.archive import Archive, Elite
from matrl.search.environment import Children
from matrl.search.graph import Graph
from matrl.search.nodes import Edge, Node
from matrl.search.resumable import Resumable
from matrl.search.snapshot import EDGES, NODES, WAITING, Columns, Flag, Snapshot
from matrl.search.unmade import BYTES, Unmade
from matrl.search.waiting import Waiting

__all__ = ["restored_graph"]


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
        node = Node(None, bool(rows["flags"][i] & Flag.DONE), rows["bound"][i])
        node.digest = snapshot.digests[BYTES * i : BYTES * (i + 1)]
        node.unmade = Unmade(environment, snapshot.looks[i], node.digest if merged else None)
        node.origin = (nodes[parents[i]], actions[rows["origin_action"][i]]) if i else None
        node.confirmed = bool(rows["flags"][i] & Flag.CONFIRMED)
        node.dead = bool(rows["flags"][i] & Flag.DEAD)
        node.sound = bool(rows["flags"][i] & Flag.SOUND)
        node.bound, node.lower, node.best = rows["bound"][i], rows["lower"][i], rows["best"][i]
        node.visits, node.width = rows["visits"][i], rows["width"][i]
        nodes.append(node)
    hints = snapshot.hints.rows(_total(rows["edges"]), _total(rows["waiting"]))
    _add_edges(nodes, rows, snapshot, actions, hints[0])
    _add_waiting(nodes, rows, snapshot, actions, hints[1])
    return nodes


def _add_edges(
    nodes: list[Node],
    rows: dict[str, list[Any]],
    snapshot: Snapshot,
    actions: list[Any],
    hints: np.ndarray,
) -> None:
    total = _total(rows["edges"])
    columns = _read(EDGES, snapshot.edges, total)
    _places(columns["action"], len(actions))
    _places(columns["child"], len(nodes))
    edges = []
    for hint, *values in zip(hints, *columns.values(), strict=True):
        action, child, price, compared, visits, total_reward = values
        edge = Edge(actions[action], price, nodes[child], _if_any(hint))
        edge.compared, edge.visits, edge.total_reward = bool(compared), visits, total_reward
        edges.append(edge)
    at = 0
    for node, length, best in zip(nodes, rows["edges"], rows["best_edge"], strict=True):
        node.edges = edges[at : at + length]
        at += length
        if best != -1:
            node.best_edge = node.edges[_places([best], length)[0]]


def _add_waiting(
    nodes: list[Node],
    rows: dict[str, list[Any]],
    snapshot: Snapshot,
    actions: list[Any],
    hints: np.ndarray,
) -> None:
    lengths = rows["waiting"]
    columns = _arrays(WAITING, snapshot.waiting, _total(lengths))
    every = [actions[i] for i in _places(columns["action"].tolist(), len(actions))]
    at = 0
    for node, length, flags in zip(nodes, lengths, rows["flags"], strict=True):
        hinted = bool(flags & Flag.HINTED)
        if length or hinted:
            here = slice(at, at + length)
            node.waiting = Waiting(
                Children(
                    every[here],
                    columns["price"][here],
                    columns["bound"][here],
                    columns["done"][here].astype(bool),
                    columns["quality"][here],
                    hints=hints[here] if hinted else None,
                )
            )
            if len(node.waiting.totals) != length:
                raise ValueError("a child of infinite price")
            node.waiting.totals = columns["total"][here]
            at += length


def _if_any(hints: np.ndarray) -> np.ndarray | None:
    return None if np.isnan(hints).any() or not len(hints) else hints


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
