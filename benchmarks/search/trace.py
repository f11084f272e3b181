"""Cost against search time."""

import bisect
import math
import time
from dataclasses import dataclass
from typing import Any

from matrl.search import Environment, Limits, Search, SearchResult

__all__ = ["Trace", "ratio", "trace"]

STEP = 0.01
GROWTH = 1.02
"""The search is looked at every ``STEP`` seconds, later whenever its time has grown by this."""


@dataclass(frozen=True)
class Trace:
    """The improvements of a search: ``costs`` known after ``seconds``; and what it returned."""

    seconds: tuple[float, ...]
    costs: tuple[float, ...]
    result: SearchResult

    def cost_at(self, seconds: float) -> float:
        """Return the cost known then, infinity without a plan."""
        known = bisect.bisect_right(self.seconds, seconds)
        return self.costs[known - 1] if known else math.inf

    def seconds_to(self, cost: float) -> float:
        """Return when a cost was reached, infinity if it never was."""
        reached = (s for s, c in zip(self.seconds, self.costs, strict=True) if c <= cost)
        return next(reached, math.inf)

    @property
    def claim(self) -> float:
        """The cost no plan can be below, by what the search says: its own if that is optimal."""
        return self.result.cost if self.result.optimal else self.result.bound

    def to_dict(self) -> dict[str, Any]:
        """Return what was found, and how, as data."""
        return {
            "cost": self.result.cost,
            "bound": self.result.bound,
            "optimal": self.result.optimal,
            "seconds": self.result.seconds,
            "nodes": self.result.nodes,
            "steps": [f"{a.name}/{a.form}/{a.precision}/{a.product}" for a in self.result.actions],
            "trace": list(zip(self.seconds, self.costs, strict=True)),
        }


def trace(environment: Environment[Any], seconds: float, **options: Any) -> Trace:
    """Search for so long, or until the plan is proved, with the options of ``Search``.

    The callback for progress comes ten times a second, which is too coarse here.
    """
    search = Search(environment, **options)
    times: list[float] = []
    costs: list[float] = []
    limit = spent = 0.0
    reason = "time"
    while reason == "time" and limit < seconds:
        # An iteration may have taken longer than asked for: the next limit lies beyond it.
        limit = min(max(spent + STEP, spent * GROWTH), seconds)
        started = time.perf_counter()
        reason = search.advance(Limits(seconds=limit))
        spent += time.perf_counter() - started
        if search.incumbent < (costs[-1] if costs else math.inf):
            times.append(spent)
            costs.append(search.incumbent)
    if reason == "interrupted":
        raise KeyboardInterrupt
    return Trace(tuple(times), tuple(costs), search.result(reason, finalists=1))


def ratio(cost: float, reference: float) -> float:
    """Return cost over reference; infinity without a plan, or without anything to compare with."""
    return cost / reference if math.isfinite(cost) and reference > 0.0 else math.inf
