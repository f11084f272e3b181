"""The same search by several workers: trees of their own, one least cost (root-parallel).

Each worker is a whole search with its own seed; of the others it hears only the least cost
(root parallelisation: Chaslot, Winands & van den Herik 2008, doi:10.1007/978-3-540-87608-3_6).
"""

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from matrl.errors import InputError
from matrl.search.environment import Environment
from matrl.search.interrupts import deferred_interrupts
from matrl.search.limits import Limits
from matrl.search.parallel.conductor import Conductor
from matrl.search.parallel.exchange import AtOnce, InRounds
from matrl.search.parallel.messages import Assignment, Crew
from matrl.search.parallel.on_ray import Actors, Cluster
from matrl.search.parallel.processes import Processes
from matrl.search.parallel.record import Record
from matrl.search.parallel.worker import seeds_of
from matrl.search.planners import PLANNERS
from matrl.search.progress import Callback
from matrl.search.result import SearchResult

__all__ = ["Record", "search_in_parallel"]

logger = logging.getLogger(__name__)

UNSEEDED = frozenset({"exhaustive", "beam"})
"""Planners that draw nothing."""


def search_in_parallel(
    make: Callable[[], Environment[Any]],
    *,
    workers: int | None = None,
    ray: str | None = None,
    deterministic: bool = False,
    planner: str = "mcts",
    seed: int = 0,
    time_limit: float = math.inf,
    node_limit: float = math.inf,
    expected_calls: float = math.inf,
    finalists: int = 8,
    merge: bool = True,
    prune: bool = True,
    seeds: Sequence[Sequence[Any]] = (),
    progress: Callback | None = None,
    record: Record | None = None,
) -> SearchResult:
    """Return the cheapest plan that several searches of the same environment find together.

    ``make`` returns the environment; it is pickled, and called once in each of ``workers``
    processes, or actors of a Ray cluster where ``ray`` names one: an address, or ``"local"`` to
    start Ray on this machine. Without ``workers`` there is one, or with Ray one a core. The first
    worker has the seed of :func:`~matrl.search.search`, the others seeds made from it. Limits of
    time count from when the first worker is ready, the limit of nodes is for all together.

    ``seeds`` are plans that every worker starts from. With a ``record`` every worker keeps a log
    and a checkpoint, on its own machine, or goes on from them: then limits of time are what may be
    added, and the limit of nodes counts from the start.

    Workers hear of the least cost known ten times a second, or, ``deterministic``, each time all
    of them have simulated equally many steps: then the result depends on the seed, the limit of
    nodes and the number of workers alone, as long as no time limit cuts it short. A worker that
    is lost costs its share only: a warning is logged, the plans it reported are kept. Ctrl-C ends
    the search with the best so far.

    Raises :class:`~matrl.errors.InputError` for ``make`` that cannot be sent, a cluster that does
    not answer and a log that is there already, :class:`~matrl.errors.ArtifactError` for one that
    cannot be gone on with, :class:`~matrl.errors.MissingExtraError` without Ray, and
    :class:`~matrl.errors.WorkersLostError` if all workers are lost before any reports a plan.
    """
    if workers is not None and workers < 1:
        raise InputError(f"workers: must be an integer >= 1, got {workers!r}")
    PLANNERS[planner]  # a name that is none is refused here, not by every worker
    limits = Limits(time_limit, node_limit, expected_calls)
    exchange = InRounds() if deterministic else AtOnce()

    def assignments(count: int) -> list[Assignment]:
        if count > 1 and planner in UNSEEDED:
            logger.warning("planner %r draws nothing: all workers search alike", planner)
        plans = tuple(tuple(plan) for plan in seeds)
        options = {"planner": planner, "merge": merge, "prune": prune, "seeds": plans}
        if record is not None:
            record.check(count)
        return [
            Assignment(make, one, options, index, count, record)
            for index, one in enumerate(seeds_of(seed, count))
        ]

    def led(crew: Crew) -> SearchResult:
        with closing(crew), deferred_interrupts() as interrupted:
            return Conductor(crew, exchange, limits, progress).run(interrupted, finalists)

    if ray is None:
        return led(Processes(assignments(workers or 1)))
    with closing(Cluster(ray, workers)) as cluster:
        return led(Actors(cluster, assignments(workers or cluster.cores)))
