"""What is known of each worker, and of all together."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from matrl.search.archive import Elite
from matrl.search.incumbent import GAIN
from matrl.search.limits import Limits
from matrl.search.parallel.messages import Report
from matrl.search.result import SearchResult

__all__ = ["Member", "Team"]


@dataclass(eq=False)
class Member:
    """A worker as seen from outside.

    ``target`` is up to how many steps it was told to search. ``complete`` are the plans it has
    reported, each after what the search counts it as, ``plans`` these and what ends along them.
    """

    index: int
    state: Literal["starting", "idle", "busy", "ended", "lost"] = "starting"
    target: float = 0.0
    nodes: int = 0
    cost: float = math.inf
    lower: float = 0.0
    best_quality: float = math.inf
    proved: float | None = None
    complete: list[tuple[float, Elite]] = field(default_factory=list)
    plans: list[Elite] = field(default_factory=list)
    interrupted: bool = False
    result: SearchResult | None = None

    def take(self, report: Report) -> None:
        """Take note of a report."""
        self.nodes, self.cost = report.nodes, report.cost
        self.lower = max(self.lower, report.lower)
        self.best_quality = report.best_quality
        self.plans.extend(report.plans)
        self.complete.extend((report.cost, plan) for plan in report.plans[-1:])
        self.proved, self.interrupted = report.proved, report.interrupted
        self.state = "idle" if report.proved is None else "ended"


class Team:
    """All workers."""

    def __init__(self, size: int, limits: Limits) -> None:
        self.members = [Member(index) for index in range(size)]
        self.limits = limits

    @property
    def living(self) -> list[Member]:
        """Those not lost."""
        return [member for member in self.members if member.state != "lost"]

    def idle(self) -> Iterator[Member]:
        """Those that wait for an order."""
        return (member for member in self.members if member.state == "idle")

    @property
    def nodes(self) -> int:
        """Steps simulated by all, by what they have reported."""
        return sum(member.nodes for member in self.members)

    @property
    def cost(self) -> float:
        """The least cost known."""
        return min(member.cost for member in self.members)

    @property
    def lower(self) -> float:
        """A proved lower bound on the cost of any plan: the best any of them has."""
        return max(member.lower for member in self.members)

    @property
    def error(self) -> float:
        """The quality of the best plan known, infinity without a plan."""
        complete = [plan for member in self.members for plan in member.complete]
        best = min(complete, key=lambda plan: plan[0], default=None)
        return math.inf if best is None else best[1].quality

    @property
    def most_nodes(self) -> float:
        """How many steps all may simulate together."""
        return self.limits.most_nodes(math.isinf(self.cost))

    @property
    def is_proved(self) -> bool:
        """Whether one of them has proved that nothing is cheaper than the best known."""
        return self.proves(self.cost)

    def proves(self, cost: float) -> bool:
        """Whether one of them has proved that nothing is cheaper than a cost, known to one."""
        return any(
            member.proved is not None and (member.proved * (1.0 - GAIN) <= cost)
            for member in self.members
        )
