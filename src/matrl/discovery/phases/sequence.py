"""The cheapest schedule for a tolerance: seeds, the search itself, variations, and polishing.

On ranges that is the search alone. On samples and in weighted measures the plans of the enclosing
range are its first. The search then chooses among the coefficients the rules make, which is what it
proves; another tries variations of them for as long, and in the end coefficients are optimised
together.
"""

import itertools
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from matrl.core.measure import Measure
from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.phases.assembly import Assembler
from matrl.discovery.phases.polish import Polishing, polish
from matrl.discovery.phases.seeding import SeedPlans, seed_plans
from matrl.discovery.states.state import Action
from matrl.plan import Plan
from matrl.search import SearchResult, front_of

__all__ = ["Run", "front_with", "polished_plans", "searched", "together"]

POLISH_SHARE, WIDENING_SHARE = 0.2, 0.2
"""Of the time, what is kept for polishing and for variations where ranges do not tell the error."""
LEAST_SECONDS = 1e-3
VARIED_NODES = 20_000
"""How many steps with variations are simulated, where steps are limited."""
LEAST_SHARE = 0.03
"""Of the time, what variations take at least: the search may have ended at once."""

Plans = Sequence[Sequence[Action]]


class Run(Protocol):
    """A search for so many seconds and nodes, that starts from some plans.

    ``widens`` says whether variations of steps are tried too.
    """

    def __call__(
        self, seconds: float, nodes: float, seeds: Plans, *, widens: bool = False
    ) -> SearchResult:
        """Return what is found."""
        ...


@dataclass
class _Clock:
    """Seconds from when it was made."""

    def __post_init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def spent(self) -> float:
        return time.perf_counter() - self._started


def searched(
    environment: ScheduleEnvironment,
    measure: Measure,
    run: Run,
    *,
    time_limit: float,
    nodes: float = math.inf,
    seed: int = 0,
    resumes: bool = False,
) -> tuple[SearchResult, Polishing]:
    """Return what a search finds, and the cheaper plans that come of refining it.

    Seconds, nodes and Ctrl-C are those of all together; after Ctrl-C what is left of them is
    passed over. Where ranges tell the error this is ``run`` alone. A search that ``resumes``
    another has had its seeds.
    """
    if all(domain.is_exact for domain in environment.domains):
        return run(time_limit, nodes, ()), Polishing()
    clock = _Clock()
    seeds = SeedPlans()
    if not resumes:
        seeds = seed_plans(environment, measure, seconds=time_limit, nodes=nodes, seed=seed)
    until = (1.0 - POLISH_SHARE - WIDENING_SHARE) * time_limit
    left = 0.0 if seeds.interrupted else until - clock.spent
    most = max((1.0 - WIDENING_SHARE) * nodes - seeds.nodes, 1.0)
    result = run(max(left, LEAST_SECONDS), most, seeds.plans)
    used = result.nodes + seeds.nodes
    if seeds.interrupted:
        result = replace(result, reason="interrupted")
    if not result.interrupted:
        # Seeds with variations are no plans of the search by rules.
        plans = [*(actions for _, actions in result.finalists), *seeds.plans]
        seconds = (1.0 - POLISH_SHARE) * time_limit - clock.spent
        if math.isfinite(nodes):
            more = min(VARIED_NODES, nodes - used)
        else:
            # As long as the search took, so that an easy one stays short.
            more, seconds = math.inf, min(seconds, max(clock.spent, LEAST_SHARE * time_limit))
        if more > 0.0 and seconds > 0.0:
            result = together(result, run(seconds, more, plans, widens=True))
    result = replace(result, nodes=result.nodes + seeds.nodes)
    if result.interrupted:
        return result, Polishing()
    left = time_limit - clock.spent
    polishing = polish(environment, result, seconds=left, nodes=nodes, seed=seed)
    if polishing.interrupted:
        result = replace(result, reason="interrupted")
    return replace(result, seconds=clock.spent), polishing


def together(first: SearchResult, second: SearchResult) -> SearchResult:
    """Return what two searches have found, of which the second tried variations as well.

    What the first has proved is about coefficients made by the rules: nothing, if a variation is
    cheaper.
    """
    plans: dict[tuple[Action, ...], float] = {}
    for cost, actions in sorted((*first.finalists, *second.finalists), key=lambda one: one[0]):
        plans.setdefault(actions, cost)
    count = max(len(first.finalists), len(second.finalists))
    best = [(cost, actions) for actions, cost in itertools.islice(plans.items(), count)]
    is_better = second.cost < first.cost
    return replace(
        first,
        cost=min(first.cost, second.cost),
        actions=best[0][1] if best else (),
        finalists=tuple(best),
        nodes=first.nodes + second.nodes,
        seconds=first.seconds + second.seconds,
        bound=min(first.bound, second.cost),
        optimal=first.optimal and not is_better,
        reason=second.reason if second.interrupted or is_better else first.reason,
        best_quality=min(first.best_quality, second.best_quality),
        front=front_of((*first.front, *second.front)),
    )


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
