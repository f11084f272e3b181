"""What the search and its workers tell each other."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from matrl.search.archive import Elite
from matrl.search.environment import Environment
from matrl.search.parallel.record import Record
from matrl.search.result import SearchResult

__all__ = [
    "Answer",
    "Assignment",
    "Crew",
    "Finish",
    "Lost",
    "Order",
    "Ready",
    "Report",
    "Request",
]


@dataclass(frozen=True)
class Assignment:
    """What a worker is started with; all of it can be pickled.

    ``options`` are further ones of :class:`~matrl.search.Search`. It is the worker of this
    ``index`` of ``size``, and writes down its search if there is a ``record``.
    """

    make: Callable[[], Environment[Any]]
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    index: int = 0
    size: int = 1
    record: Record | None = None


@dataclass(frozen=True)
class Order:
    """Search until so many steps are simulated in all, for some seconds at most.

    A worker returns early when it finds a better plan. ``heard`` is the least cost known, and
    ``grace`` how many steps more there may be to find a first plan.
    """

    seconds: float
    nodes: float
    heard: float = math.inf
    grace: float = 0.0


@dataclass(frozen=True)
class Finish:
    """Return what was found, with up to so many complete plans."""

    finalists: int


@dataclass(frozen=True)
class Ready:
    """The environment is made."""


@dataclass(frozen=True)
class Report:
    """Where a worker stands: steps so far, the least cost of its own plans, and a lower bound.

    ``plans`` are given where its best plan is new, that one last, after those that end along it;
    ``proved`` is a cost it has proved no plan to be below.
    """

    nodes: int
    cost: float
    lower: float
    best_quality: float
    plans: tuple[Elite, ...] = ()
    proved: float | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Lost:
    """A worker has come to an end it was not asked for."""

    why: str


Request = Order | Finish
Answer = Ready | Report | SearchResult | Lost


class Crew(Protocol):
    """Workers wherever they are, by number."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def send(self, index: int, request: Request) -> None:
        """Send a request, without waiting for the answer."""
        ...

    def receive(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come, after waiting for the first for so long at most."""
        ...

    def drop(self, index: int) -> None:
        """End a worker."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
