"""The cheapest schedule for a tolerance: seeds, the search itself, and what polishing makes of it.

On ranges that is the search alone. On samples and in weighted measures the plans of the enclosing
range are its first, and a share of the time is left to optimise coefficients together at the end.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from matrl.core.measure import Measure
from matrl.discovery.assembly import Assembler
from matrl.discovery.environment import ScheduleEnvironment
from matrl.discovery.polish import Polishing, polish
from matrl.discovery.seeding import seed_plans
from matrl.discovery.state import Action
from matrl.plan import Plan
from matrl.search import SearchResult

__all__ = ["Run", "front_with", "polished_plans", "searched"]

POLISH_SHARE = 0.2
"""Of the time, what is kept for polishing where ranges do not tell the error."""
LEAST_SECONDS = 1e-3

Run = Callable[[float, float, Sequence[Sequence[Action]]], SearchResult]
"""A search for so many seconds and nodes, that starts from some plans."""


def searched(
    environment: ScheduleEnvironment,
    measure: Measure,
    run: Run,
    *,
    time_limit: float,
    nodes: float = math.inf,
    seed: int = 0,
) -> tuple[SearchResult, Polishing]:
    """Return what a search finds, and the cheaper plans that come of refining it.

    Seconds, nodes and Ctrl-C are those of all three together; after Ctrl-C what is left of them is
    passed over. Where ranges tell the error this is ``run`` alone.
    """
    if all(domain.is_exact for domain in environment.domains):
        return run(time_limit, nodes, ()), Polishing()
    started = time.perf_counter()
    seeds = seed_plans(environment, measure, seconds=time_limit, nodes=nodes, seed=seed)
    spent = time.perf_counter() - started
    left = 0.0 if seeds.interrupted else (1.0 - POLISH_SHARE) * time_limit - spent
    result = run(max(left, LEAST_SECONDS), max(nodes - seeds.nodes, 1.0), seeds.plans)
    result = replace(
        result,
        nodes=result.nodes + seeds.nodes,
        reason="interrupted" if seeds.interrupted else result.reason,
    )
    if result.interrupted:
        return result, Polishing()
    spent = time.perf_counter() - started
    polishing = polish(environment, result, seconds=time_limit - spent, nodes=nodes, seed=seed)
    if polishing.interrupted:
        result = replace(result, reason="interrupted")
    return replace(result, seconds=time.perf_counter() - started), polishing


def polished_plans(assembler: Assembler, polishing: Polishing) -> list[Plan]:
    """Return the plans of what polishing found, none of them proved to be optimal.

    A search proves its optimum among coefficients made by the rules, and these are cheaper.
    """
    plans = []
    for one in polishing.plans:
        plan = assembler.plan_of(one.domain, one.found, one.cost)
        plans.append(replace(plan, provenance=replace(plan.provenance, optimal=False)))
    return plans


def front_with(plans: Iterable[Plan], front: Sequence[Plan]) -> tuple[Plan, ...]:
    """Return the plans of a front and some more that no other beats in cost and error both."""
    kept: list[Plan] = []
    least = math.inf
    for plan in sorted((*front, *plans), key=lambda p: (p.predicted.cost, _error(p))):
        if _error(plan) < least:
            kept.append(plan)
            least = _error(plan)
    return tuple(kept)


def _error(plan: Plan) -> float:
    return plan.predicted.error + plan.predicted.rounding
