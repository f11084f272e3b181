"""What a search found."""

from dataclasses import dataclass
from typing import Any

from matrl.search.archive import Elite
from matrl.search.limits import Reason

__all__ = ["SearchResult"]


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    ``actions`` are those of the best plan; ``finalists`` are the cheapest complete plans met, the
    best first, each a pair (cost, actions). ``bound`` is a proved lower bound on the cost of any
    plan, ``optimal`` says that it is met, ``reason`` why the search ended, and ``front`` the plans
    no other beats in price and quality both. ``best_quality`` is the least error of any state met.
    """

    cost: float
    actions: tuple[Any, ...]
    finalists: tuple[tuple[float, tuple[Any, ...]], ...]
    nodes: int
    seconds: float
    bound: float
    optimal: bool
    reason: Reason
    best_quality: float
    front: tuple[Elite, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search."""
        return self.reason == "interrupted"
