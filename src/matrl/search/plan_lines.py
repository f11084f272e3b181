"""What the log of a search says of a plan."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matrl.search.nodes import Path, actions_of
from matrl.search.resumable import Resumable

if TYPE_CHECKING:
    from matrl.search.driver import Search

__all__ = ["finite", "line_of", "plan_of"]


def line_of(search: "Search", path: Path) -> dict[str, Any]:
    """Return what a log says of a plan in the graph of a search."""
    cost = sum(edge.price for _, edge in path)
    return plan_of(search, actions_of(path), cost, search.quality_of(path))


def plan_of(search: "Search", actions: Sequence[Any], cost: float, error: float) -> dict[str, Any]:
    """Return what a log says of a plan of this cost, that ends with this error."""
    environment: Resumable[Any] = search.environment
    words = [environment.describe(action) for action in actions]
    return {
        "cost": finite(cost),
        "price": finite(environment.price_of(actions, cost)),
        "error": finite(error),
        "steps": [word for word in words if word],
        "actions": [environment.dump_action(action) for action in actions],
    }


def finite(number: float) -> float | None:
    """Return a number as JSON has it: ``None`` for infinity."""
    return float(number) if math.isfinite(number) else None
