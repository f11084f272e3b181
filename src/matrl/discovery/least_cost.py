"""The least cost for a tolerance: what is made of what a search and refinement have found."""

from collections.abc import Sequence
from dataclasses import replace

from matrl.discovery.found import Found
from matrl.discovery.phases.assembly import Assembler
from matrl.discovery.phases.finalists import distinct, race_margin
from matrl.discovery.phases.sequence import front_with
from matrl.discovery.problem.problem import Problem
from matrl.discovery.race.race import RaceEntry, with_measurements
from matrl.discovery.race.raced import (
    JUST_MISSED,
    Alternatives,
    finalists_to_race,
    raced,
    standing,
)
from matrl.errors import UnreachableError
from matrl.plan import Plan
from matrl.search import SearchResult

__all__ = ["found_for_tolerance"]

SAME = 1e-9
"""Costs that differ by less than this fraction are the same."""


def _within_margin(plans: Sequence[Plan], least: float) -> list[Plan]:
    """Return the plans that cost little enough to race."""
    if not plans:
        return []
    cheapest = min(plans, key=lambda plan: plan.predicted.cost)
    best = [step.precision for step in cheapest.steps]
    return [
        plan
        for plan in plans
        if plan.predicted.cost <= least * race_margin([s.precision for s in plan.steps], best)
    ]


def found_for_tolerance(
    problem: Problem,
    assembler: Assembler,
    result: SearchResult,
    polished: Sequence[Plan],
    seed: int,
    alternatives: Alternatives | None = None,
) -> Found:
    """Return the cheapest of the plans found, or the fastest on matrices where they race.

    ``polished`` are refined plans, the cheapest first. Plans race where prices are this machine's:
    then ``alternatives`` says how to search for more of them. Raises
    :class:`~matrl.errors.UnreachableError` where none stands a closer look, or the race.
    """
    least = min([result.cost, *(plan.predicted.cost for plan in polished)])
    plans = [plan for plan in polished if assembler.is_certain(plan, problem.tolerance)]
    entries: tuple[RaceEntry, ...] = ()
    if alternatives is None:
        if result.actions:
            plans += standing(assembler, distinct(result.finalists))
    else:
        if result.actions:
            plans += finalists_to_race(problem, assembler, result, alternatives)
        plans = _within_margin(plans, least)
    if not plans:
        raise UnreachableError(JUST_MISSED)
    if alternatives is not None:
        entries = raced(plans, problem, assembler, seed)
    best = plans[0]
    if entries:
        winner = entries[0]
        cheapest = winner.plan.predicted.cost <= least * (1.0 + SAME)
        best = with_measurements(winner, optimal=winner.plan.provenance.optimal and cheapest)
        entries = (replace(winner, plan=best), *entries[1:])
    front = assembler.front((elite.actions, elite.cost) for elite in result.front)
    return Found.of(
        best,
        result,
        plans,
        race=entries,
        front=front_with(polished, front),
        refined=best.id in {plan.id for plan in polished},
    )
