"""A whole search in one call, new or taken up again from a checkpoint."""

import math
from collections.abc import Sequence
from typing import Any, cast

from matrl.search.driver import Search
from matrl.search.environment import Environment
from matrl.search.journal import Journal
from matrl.search.limits import Limits
from matrl.search.progress import Callback
from matrl.search.result import SearchResult
from matrl.search.resumable import Resumable

__all__ = ["begun", "search"]


def begun(
    environment: Environment[Any],
    journal: Journal | None,
    *,
    planner: str = "mcts",
    seed: int = 0,
    merge: bool = True,
    prune: bool = True,
    seeds: Sequence[Sequence[Any]] = (),
) -> Search:
    """Return a search that has not been taken on yet, new or as the journal's checkpoint left it.

    The arguments are those of :func:`search`; the journal takes note that it begins.
    """
    if journal is None or journal.checkpoint is None:
        one = Search(environment, planner=planner, seed=seed, merge=merge, prune=prune, seeds=seeds)
    else:
        one = Search.restored(
            cast("Resumable[Any]", environment),
            journal.snapshot(),
            planner=planner,
            merge=merge,
            prune=prune,
            source=journal.source,
        )
    if journal is not None:
        journal.begin(one)
    return one


def search(
    environment: Environment[Any],
    *,
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
    journal: Journal | None = None,
) -> SearchResult:
    """Return the cheapest plan found from the environment's root to a done state.

    Deterministic for a seed and a node limit; a time limit may only cut the search short.
    Ctrl-C ends it with the best so far. ``cost`` is infinite if no plan was found. ``finalists``
    bounds how many complete plans are kept. ``planner`` is one of
    :data:`~matrl.search.planners.PLANNERS`; ``merge`` makes equal states one node and ``prune``
    leaves out what cannot beat the best plan: both are there to be switched off for comparison.
    ``seeds`` are plans to start from, each by its actions; what is not legal among them is passed
    over.
    A ``journal``, opened, logs the search and keeps a checkpoint, or goes on from one: then
    ``time_limit`` is what may be added to the seconds already spent, and ``node_limit`` counts from
    the start.
    """
    one = begun(
        environment, journal, planner=planner, seed=seed, merge=merge, prune=prune, seeds=seeds
    )
    limits = Limits(one.seconds + time_limit, node_limit, expected_calls)
    result = one.result(one.advance(limits, progress, journal), finalists)
    if journal is not None:
        journal.end(one, result)
    return result
