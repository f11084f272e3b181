"""The least error for a budget: searching for it, and what is made of what was found."""

import math
from dataclasses import replace

from matrl.discovery.assembly import GREATEST_TOL, Assembler
from matrl.discovery.environment import ScheduleEnvironment
from matrl.discovery.found import Found
from matrl.discovery.problem import Problem
from matrl.errors import UnreachableError
from matrl.search import Budgeted, SearchResult
from matrl.search.progress import Callback

__all__ = ["budgeted", "found_for_budget", "in_errors"]

REACHED_MARGIN = 1.1
"""The tolerance of a plan made for a budget, over its predicted error."""


def budgeted(environment: ScheduleEnvironment, budget: float | None) -> Budgeted:
    """Return the environment in which errors are prices, without a limit of cost if ``None``."""
    return Budgeted(environment, math.inf if budget is None else budget)


def in_errors(progress: Callback | None) -> Callback | None:
    """Return a callback that is told errors where the search counts their prices."""
    if progress is None:
        return None
    return lambda one: progress(replace(one, cost=one.error))


def found_for_budget(
    problem: Problem,
    environment: ScheduleEnvironment,
    assembler: Assembler,
    result: SearchResult,
    seed: int,
) -> Found:
    """Return what was found for a budget: its tolerance is what it reaches, and a little.

    The coefficients of polynomial schedules are optimised together where that helps. Raises
    :class:`~matrl.errors.UnreachableError` where nothing fits into the budget.
    """
    plans = []
    schedules = [(Budgeted.actions_of(p), Budgeted.spent_by(p)) for _, p in result.finalists]
    least = min((environment.replay(a)[1].error for a, _ in schedules), default=math.inf)
    for actions, cost in schedules:
        domain, found = environment.replay(actions)
        found = environment.refined(environment.state_of(actions), seed, least=least) or found
        reached = max(found.total_error * REACHED_MARGIN, problem.least_tol)
        plans.append(assembler.plan_of(domain, found, cost, min(reached, GREATEST_TOL)))
    if not plans:
        raise UnreachableError(
            "budget: no schedule of the allowed actions fits into it and has an error below 1; "
            "allow more steps, a larger budget, or more actions"
        )
    plans.sort(key=lambda plan: plan.predicted.error + plan.predicted.rounding)
    return Found(
        plan=plans[0],
        cost=plans[0].predicted.cost,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=result.optimal,
        interrupted=result.interrupted,
        reason=result.reason,
        minimized="error",
        finalists=tuple(plans),
        front=assembler.front(
            (Budgeted.actions_of(elite.actions), Budgeted.spent_by(elite.actions))
            for elite in result.front
        ),
    )
