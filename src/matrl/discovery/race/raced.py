"""From finalists to what is found: the race decides, where the prices are this machine's."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.phases.assembly import Assembler
from matrl.discovery.phases.finalists import FINALISTS, Schedule, race_margin, restrictions, varied
from matrl.discovery.problem.problem import Problem
from matrl.discovery.race.race import RaceEntry, race
from matrl.discovery.states.state import Action
from matrl.errors import UnreachableError
from matrl.iterations import DirectMethod, Update
from matrl.plan import Plan
from matrl.search import SearchResult, search

__all__ = ["JUST_MISSED", "Alternatives", "finalists_to_race", "raced", "standing"]

NODES = 2_000
"""Steps simulated to find the best schedule of a smaller set of actions."""
SHARE = 0.05
"""The largest part of the time limit that one such search may take."""

SLACK = 1e-4
"""Where no schedule found meets the tolerance to the last digit, so much more may be the error."""

JUST_MISSED = (
    "tol: was just missed, at a closer look, by all schedules found; allow more nodes or time, "
    "try another seed, or ask for a slightly larger tol"
)

Making = Callable[[Sequence[Update | DirectMethod], Sequence[str]], ScheduleEnvironment]


@dataclass(frozen=True)
class Alternatives:
    """How to search for schedules that differ from the best: smaller sets of its actions.

    ``environment_of`` makes the environment of some of the ``updates`` and ``precisions``.
    """

    environment_of: Making
    updates: Sequence[Update | DirectMethod]
    precisions: Sequence[str]
    seed: int
    time_limit: float

    def found(
        self, most: Callable[[Sequence[Action]], float]
    ) -> list[tuple[Schedule, ScheduleEnvironment]]:
        """Return the best schedule of each, with its environment, if it costs ``most`` at most."""
        schedules = []
        for updates, precisions in restrictions(self.updates, self.precisions):
            environment = self.environment_of(updates, precisions)
            result = search(
                environment, seed=self.seed, node_limit=NODES, time_limit=SHARE * self.time_limit
            )
            if result.actions and result.cost <= most(result.actions):
                schedules.append(((result.cost, result.actions), environment))
            if result.interrupted:
                break
        return schedules


def finalists_to_race(
    problem: Problem, assembler: Assembler, result: SearchResult, alternatives: Alternatives
) -> list[Plan]:
    """Return the plans to race, the cheapest first: of different structures, within the margin."""

    def most(actions: Sequence[Action]) -> float:
        return result.cost * race_margin(_precisions(actions), _precisions(result.actions))

    others = [] if result.interrupted else alternatives.found(most)
    met = [(cost, tuple(actions)) for cost, actions in result.finalists if cost <= most(actions)]
    chosen = varied([*met, *(schedule for schedule, _ in others)], problem.m)
    return standing(assembler, chosen, dict(others))


def _precisions(actions: Sequence[Action]) -> list[str]:
    return [action.precision for action in actions if action.domain < 0]


def standing(
    assembler: Assembler,
    schedules: Sequence[Schedule],
    environments: Mapping[Schedule, ScheduleEnvironment] = MappingProxyType({}),
) -> list[Plan]:
    """Return the plans of the first schedules that stand a closer look, eight at most.

    Raises :class:`~matrl.errors.UnreachableError` where none does.
    """
    for slack in (0.0, SLACK):
        plans: list[Plan] = []
        for schedule in schedules:
            environment = environments.get(schedule)
            plan = assembler.standing(schedule[1], schedule[0], environment, slack=slack)
            if plan is not None:
                plans.append(plan)
            if len(plans) == FINALISTS:
                break
        if plans:
            return plans
    raise UnreachableError(JUST_MISSED)


def raced(
    plans: Sequence[Plan], problem: Problem, assembler: Assembler, seed: int
) -> tuple[RaceEntry, ...]:
    """Return how the plans did, the winner first; empty where there are no matrices to run on.

    Raises :class:`~matrl.errors.UnreachableError` where none of them meets the tolerance, nor an
    eigendecomposition.
    """
    entries = race(plans, problem, seed)
    if entries and entries[0].status == "dropped":
        # Safe havens, in case every iteration misses the tolerance on the real matrices.
        entries = [*race(assembler.direct_plans(), problem, seed), *entries]
    if entries and entries[0].status == "dropped":
        best = min(entry.error for entry in entries)
        measured = f"the least measured error is {best:.3g}" if math.isfinite(best) else "all fail"
        raise UnreachableError(
            f"tol: {problem.tolerance:g} was predicted to be reachable, but no finalist met it on "
            f"the matrices: {measured}; ask for a larger tol or dtype='float64'"
        )
    return tuple(entries)
