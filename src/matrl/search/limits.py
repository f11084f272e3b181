"""When a search ends."""

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["Limits", "Reason"]

GRACE = 5_000
"""How many steps beyond its limit a search may take to find a first plan."""

Reason = Literal["optimal", "exhausted", "nodes", "time", "break-even", "interrupted", "lost"]
"""Why a search ended.

It proved its plan, had nothing left to try, met a limit or Ctrl-C, or lost all of its workers.
"""


@dataclass(frozen=True)
class Limits:
    """Seconds and simulated steps a search may take, and how often its plan will be called.

    Steps are only counted against the limit once there is a plan, or ``grace`` more are taken.

    Where calls are counted, prices must be in seconds: the search ends once it has taken longer
    than all calls together can still gain by a better plan, going by the proved lower bound.
    """

    seconds: float = math.inf
    nodes: float = math.inf
    expected_calls: float = math.inf
    grace: float = GRACE

    def met(self, seconds: float, nodes: int, gain: float) -> Reason | None:
        """Return which limit is met, where a better plan could still save ``gain`` a call."""
        without_plan = math.isinf(gain)
        if nodes >= self.most_nodes(without_plan):
            return "nodes"
        if seconds > self.seconds:
            return "time"
        if math.isfinite(self.expected_calls) and seconds > self.expected_calls * gain:
            return "break-even"
        return None

    def most_nodes(self, without_plan: bool) -> float:
        """Return how many steps may be taken, with a plan or without one."""
        return self.nodes + (self.grace if without_plan else 0)
