"""The front of a search: of the elites met, those that stand a closer look."""

from dataclasses import replace
from typing import Any

from matrl.search.archive import Archive, Elite, front_of
from matrl.search.environment import Environment
from matrl.search.graph import Graph

__all__ = ["sound_front"]


def sound_front(archive: Archive, graph: Graph, environment: Environment[Any]) -> tuple[Elite, ...]:
    """Return the front of the elites that stand a closer look, had only at what is on it."""
    looked_at: dict[Elite, Elite | None] = {}
    while True:
        known = [looked_at.get(elite, elite) for elite in archive.elites]
        front = front_of([elite for elite in known if elite is not None])
        new = [elite for elite in front if elite not in looked_at.values()]
        if not new:
            return front
        for elite in new:
            state = graph.sound_end(elite.actions)
            looked_at[elite] = (
                None if state is None else replace(elite, quality=environment.quality(state))
            )
