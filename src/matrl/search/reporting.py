"""Telling the caller now and then how far a search is."""

import math
from typing import Any

from matrl.search.environment import Environment
from matrl.search.incumbent import Incumbent
from matrl.search.limits import Limits
from matrl.search.progress import Callback, Progress

__all__ = ["PROGRESS_SECONDS", "Reporting"]

PROGRESS_SECONDS = 0.1


class Reporting:
    """The progress of one search, reported at most every ``PROGRESS_SECONDS`` and in the end.

    ``since`` is how many seconds had been spent when it began.
    """

    def __init__(self, environment: Environment[Any], since: float = 0.0) -> None:
        self._environment = environment
        self._reported = since
        self._reported_cost = math.inf
        self._quality = math.inf

    def report(
        self,
        progress: Callback,
        limits: Limits,
        incumbent: Incumbent,
        *,
        nodes: int,
        seconds: float,
        last: bool = False,
    ) -> None:
        """Report if it is time to, or this is the ``last`` report."""
        if seconds - self._reported < PROGRESS_SECONDS and not last:
            return
        self._reported = seconds
        if incumbent.cost < self._reported_cost:
            self._reported_cost = incumbent.cost
            node = incumbent.node
            if node is not None:
                self._quality = self._environment.quality(node.state)
        left = max(limits.seconds - seconds, 0.0)
        progress(Progress(incumbent.cost, self._quality, nodes, seconds, left))
