"""One result from those of all workers."""

import itertools
import math
from typing import Any

from matrl.search.archive import front_of
from matrl.search.limits import Reason
from matrl.search.parallel.team import Member, Team
from matrl.search.result import SearchResult

__all__ = ["merged"]


def merged(team: Team, reason: Reason, seconds: float, finalists: int) -> SearchResult:
    """Return what all workers have found together; of one without a result, what it reported."""
    every = list(itertools.chain.from_iterable(_plans(member) for member in team.members))
    plans: dict[tuple[Any, ...], float] = {}
    for cost, actions in sorted(every, key=lambda plan: plan[0]):
        plans.setdefault(actions, cost)
    best = [(cost, actions) for actions, cost in plans.items()][:finalists]
    cost = best[0][0] if best else math.inf
    results = [member.result for member in team.members if member.result is not None]
    return SearchResult(
        cost=cost,
        actions=best[0][1] if best else (),
        finalists=tuple(best),
        nodes=team.nodes,
        seconds=seconds,
        bound=min(team.lower, cost),
        optimal=math.isfinite(cost) and team.proves(cost),
        reason=reason,
        best_quality=min(
            [m.best_quality for m in team.members] + [one.best_quality for one in results]
        ),
        front=front_of(
            itertools.chain.from_iterable(
                m.plans if m.result is None else m.result.front for m in team.members
            )
        ),
    )


def _plans(member: Member) -> list[tuple[float, tuple[Any, ...]]]:
    """Return the complete plans of a worker."""
    if member.result is not None:
        return list(member.result.finalists)
    return [(cost, plan.actions) for cost, plan in member.complete]
