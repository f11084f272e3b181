"""The least error for a budget: searching for it, and what is made of what was found."""

import logging
import math
from dataclasses import dataclass, replace

from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.found import Found
from matrl.discovery.phases.assembly import GREATEST_TOL, Assembler, replayed
from matrl.discovery.phases.finalists import FINALISTS, Schedule, distinct
from matrl.discovery.problem.problem import Problem
from matrl.discovery.race.race import RaceEntry, race, with_measurements
from matrl.errors import UnreachableError
from matrl.plan import Plan
from matrl.search import Budgeted, SearchResult
from matrl.search.progress import Callback

__all__ = ["BudgetGoal", "budgeted", "found_for_budget", "in_errors"]

logger = logging.getLogger(__name__)

REACHED_MARGIN = 1.1
"""The tolerance of a plan made for a budget, over its predicted error."""


CHEAPER = 0.75
"""One of the plans that race costs no more than this part of the budget: prices may be off."""


@dataclass(frozen=True)
class BudgetGoal:
    """The largest cost, ``None`` without a limit, and whether prices are this machine's."""

    budget: float | None = None
    is_raced: bool = False


def budgeted(
    environment: ScheduleEnvironment, budget: float | None, enough: float | None = None
) -> Budgeted:
    """Return the environment in which errors are prices, without a limit of cost if ``None``.

    An error ``enough`` ends the search.
    """
    return Budgeted(environment, math.inf if budget is None else budget, enough or 0.0)


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
    goal: BudgetGoal = BudgetGoal(),
) -> Found:
    """Return what was found for a budget: its tolerance is what it reaches, and a little.

    The coefficients of polynomial schedules are optimised together where that helps. If it is
    raced, the least measured error wins among what is measured to fit into the budget. Raises
    :class:`~matrl.errors.UnreachableError` where nothing fits into the budget.
    """
    plans = []
    chosen = [
        (cost, actions, known)
        for cost, actions in _finalists(result, goal.budget, problem.tol or 0.0)
        if (known := replayed(environment, actions)) is not None
    ]
    least = min((found.error for _, _, (_, found) in chosen), default=math.inf)
    for cost, actions, (domain, found) in chosen:
        found = environment.refined(environment.state_of(actions), seed, least=least) or found
        tol = _tolerance(problem, found.total_error)
        plans.append(assembler.plan_of(domain, found, cost, tol))
    if not plans:
        raise UnreachableError(
            "budget: no schedule of the allowed actions fits into it and has an error below 1; "
            "allow more steps, a larger budget, or more actions"
        )
    enough = problem.tol or 0.0
    plans.sort(key=lambda plan: (max(_total_error(plan), enough), plan.predicted.cost))
    if _total_error(plans[0]) <= enough:  # a smaller error was not looked for
        plans = [replace(one, provenance=replace(one.provenance, optimal=False)) for one in plans]
    best = plans[0]
    entries: tuple[RaceEntry, ...] = ()
    if goal.is_raced:
        entries = _raced(plans, problem, seed, goal.budget)
    if entries:
        winner = entries[0]
        optimal = best.provenance.optimal and winner.plan == best
        best = with_measurements(winner, optimal=optimal)
        best = replace(best, tol=max(best.tol, _tolerance(problem, winner.error)))
        entries = (replace(winner, plan=best), *entries[1:])
    front = assembler.front(
        (Budgeted.actions_of(elite.actions), Budgeted.spent_by(elite.actions))
        for elite in result.front
    )
    return Found.of(best, result, plans, race=entries, front=front, minimized="error")


def _total_error(plan: Plan) -> float:
    return plan.predicted.error + plan.predicted.rounding


def _tolerance(problem: Problem, reached: float) -> float:
    """Return the tolerance of a plan with this error."""
    most = max(reached * REACHED_MARGIN, problem.least_tol, problem.tol or 0.0)
    return min(most, GREATEST_TOL)


def _finalists(result: SearchResult, budget: float | None, enough: float) -> list[Schedule]:
    """Return schedules of different structures with their costs, those of the least error first.

    But where an error is ``enough``, first the cheapest that reaches it.
    """
    cheapest = [elite.actions for elite in result.front if elite.quality <= enough][:1]
    known = distinct(
        (Budgeted.spent_by(paid), Budgeted.actions_of(paid))
        for paid in (*cheapest, *(paid for _, paid in result.finalists))
    )
    chosen = known[:FINALISTS]
    if budget is not None and all(cost > CHEAPER * budget for cost, _ in chosen):
        cheaper = [one for one in known[FINALISTS:] if one[0] <= CHEAPER * budget]
        chosen[FINALISTS - 1 :] = cheaper[:1] or chosen[FINALISTS - 1 :]
    return chosen


def _raced(
    plans: list[Plan], problem: Problem, seed: int, budget: float | None
) -> tuple[RaceEntry, ...]:
    entries = race(plans, problem, seed, minimizes_error=True, budget=budget)
    if entries and entries[0].status == "dropped":
        raise UnreachableError(
            "budget: of the schedules that fit into it none has a measured error below 1: "
            f"{entries[0].reason}; allow more steps, a larger budget, or more actions"
        )
    if entries and budget is not None:
        seconds = entries[0].seconds or 0.0
        if seconds > budget:
            logger.warning(
                "budget: %.3g s was measured for the fastest schedule, more than the %.3g s asked "
                "for",
                seconds,
                budget,
            )
    return tuple(entries)
