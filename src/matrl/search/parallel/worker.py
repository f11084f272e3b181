"""A worker: one search, taken on a turn at a time."""

import math

import numpy as np

from matrl.search.archive import Elite
from matrl.search.limits import Limits, Reason
from matrl.search.parallel.messages import Assignment, Finish, Order, Report, Request
from matrl.search.parallel.record import Turns
from matrl.search.result import SearchResult
from matrl.search.searching import begun

__all__ = ["Worker", "seeds_of"]

STEP = 0.005
"""A turn is looked at this often: a better plan is reported after so many seconds at most."""


def seeds_of(seed: int, workers: int) -> list[int]:
    """Return a seed for each worker, for the first that of the search itself.

    >>> seeds_of(7, 1), len(set(seeds_of(7, 100)))
    ([7], 100)
    """
    states = (np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(1, workers))
    return [seed, *(int(state.generate_state(1, np.uint64)[0]) for state in states)]


class Worker:
    """A search in a process of its own, or anywhere."""

    def __init__(self, assignment: Assignment) -> None:
        record = assignment.record
        self._journal = None if record is None else record.opened(assignment.index, assignment.size)
        self._search = begun(
            assignment.make(), self._journal, seed=assignment.seed, **assignment.options
        )
        self._reason: Reason = "time"
        self._reported = math.inf

    def answer(self, request: Request) -> Report | SearchResult:
        """Do what is asked."""
        if isinstance(request, Finish):
            return self._finished(request.finalists)
        return self._searched(request)

    def _finished(self, finalists: int) -> SearchResult:
        journal, search = self._journal, self._search
        if journal is not None:
            journal.stop(search, between_iterations=True)
        result = search.result(self._reason, finalists)
        if journal is not None:
            journal.end(search, result)
        return result

    def close(self) -> None:
        """Close the log; the worker answers no more."""
        if self._journal is not None:
            self._journal.close()

    def _searched(self, order: Order) -> Report:
        search = self._search
        search.hear(order.heard)
        end = search.seconds + order.seconds
        notes = None if self._journal is None else Turns(self._journal)
        while True:
            limits = Limits(min(search.seconds + STEP, end), order.nodes, grace=order.grace)
            self._reason = search.advance(limits, journal=notes)
            if self._reason != "time" or search.cost < self._reported or search.seconds > end:
                break
        plans: tuple[Elite, ...] = ()
        if search.cost < self._reported:
            self._reported, plans = search.best_plan()
        return Report(
            nodes=search.nodes,
            cost=self._reported,
            lower=search.lower,
            best_quality=search.best_quality,
            plans=plans,
            proved=search.incumbent if self._reason in ("optimal", "exhausted") else None,
            interrupted=self._reason == "interrupted",
        )
