"""Starting a search from plans that are known, each followed through the graph as any other is."""

from collections.abc import Iterable, Sequence
from typing import Any

from matrl.search.graph import Graph
from matrl.search.nodes import Edge, Node, Path
from matrl.search.planners.planner import Setting, back_up, finish

__all__ = ["plant"]


def plant(setting: Setting, plans: Iterable[Sequence[Any]]) -> None:
    """Try plans, given by their actions; those that turn out to be illegal are passed over.

    A plan that would be the best is confirmed, as it would be had the planner found it.
    """
    for actions in plans:
        path, price = _followed(setting.graph, actions)
        if not path:
            continue
        end = path[-1][1].child
        finish(setting, path, end, price)
        back_up(path, end)


def _followed(graph: Graph, actions: Sequence[Any]) -> tuple[Path, float]:
    """Return the path of a plan as far as it goes, and its price."""
    node, path, price = graph.root, [], 0.0
    for action in actions:
        edge = _edge(graph, node, action)
        if edge is None:
            return [], 0.0
        path.append((node, edge))
        price += edge.price
        node = edge.child
    return path, price


def _edge(graph: Graph, node: Node, action: Any) -> Edge | None:
    """Return the edge of an action, asking for batches of children until it comes."""
    while True:
        for edge in node.edges:
            if edge.action == action:
                return edge
        waiting = node.waiting
        for index, one in enumerate(waiting.actions):
            if waiting.open[index] and one == action:
                return graph.try_child(node, index)
        if node.dead or not graph.widen(node):
            return None
