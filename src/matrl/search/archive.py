"""The plans worth remembering besides the best: a grid of elites, and the front among them.

Elites are as they look at first sight; those on the front are confirmed in the end.

One plan a cell of quality x price x label is kept, the cheapest (MAP-Elites, Mouret & Clune 2015,
arXiv:1504.04909).
"""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Archive", "Elite", "front_of"]

CELLS_PER_DECADE = 4
"""Cells of the quality; those of the price are a tenth wide."""
PRICE_CELL = math.log(1.1)


@dataclass(frozen=True)
class Elite:
    """A plan that ends where it stands: what it costs, its quality (an error), and its kind.

    ``cost`` is what :meth:`Environment.cost` says, which where errors are minimised is not what the
    search counts.
    """

    cost: float
    quality: float
    label: Hashable
    actions: tuple[Any, ...]


class Archive:
    """A grid of elites."""

    def __init__(self) -> None:
        self._cells: dict[Hashable, Elite] = {}

    def wants(self, cost: float, quality: float, label: Hashable) -> bool:
        """Whether a plan would enter: it is the cheapest of its cell."""
        if not (math.isfinite(cost) and math.isfinite(quality)):
            return False
        elite = self._cells.get(_cell(cost, quality, label))
        return elite is None or (cost, quality) < (elite.cost, elite.quality)

    def add(self, elite: Elite) -> None:
        """Let a plan enter that is wanted."""
        if self.wants(elite.cost, elite.quality, elite.label):
            self._cells[_cell(elite.cost, elite.quality, elite.label)] = elite

    @property
    def in_order(self) -> tuple[Elite, ...]:
        """All of them, in the order in which their cells were filled."""
        return tuple(self._cells.values())

    @property
    def elites(self) -> tuple[Elite, ...]:
        """All of them, the cheapest first."""
        return tuple(sorted(self._cells.values(), key=lambda e: (e.cost, e.quality)))


def _cell(cost: float, quality: float, label: Hashable) -> Hashable:
    decade = math.floor(CELLS_PER_DECADE * math.log10(max(quality, 1e-300)))
    price = math.floor(math.log(cost) / PRICE_CELL) if cost > 0.0 else -(10**6)
    return decade, price, label


def front_of(elites: Iterable[Elite]) -> tuple[Elite, ...]:
    """Return those no other beats, the cheapest first and of equals the first."""
    front: list[Elite] = []
    for elite in sorted(elites, key=lambda e: (e.cost, e.quality)):
        if not front or elite.quality < front[-1].quality:
            front.append(elite)
    return tuple(front)
