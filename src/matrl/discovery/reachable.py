"""How small an error a set of actions can reach, found by a short search for the least error."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matrl.core.plan import StepRecord
from matrl.discovery.assembly import environment_for, replayed
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.environment import ScheduleEnvironment
from matrl.discovery.finalists import Schedule
from matrl.discovery.goal import Goal
from matrl.discovery.problem import Problem
from matrl.iterations import DirectMethod, Update
from matrl.profile import Profile
from matrl.search import Budgeted, Environment, Reason, SearchResult, search
from matrl.search.limits import GRACE

__all__ = ["Deadline", "Question", "Reached", "least_error", "reaches"]

NODES = 1_000
"""Steps simulated in one search for the least error."""
FIRST_PLAN = 2_000 - GRACE
"""A limit that a search for a tolerance meets at its first plan, or after 2,000 steps."""
LEAST_SECONDS = 0.1
SHARE = 0.2
"""No search may take more than this part of the time that is left."""
PLANNERS = ("mcts", "beam")
FACTORS = (0.5, 0.9)
"""What is asked for next, in units of the least error known."""


@dataclass(frozen=True)
class Question:
    """What a search was asked: a problem, prices, actions, precisions and a number of steps."""

    problem: Problem
    profile: Profile
    updates: Sequence[Update | DirectMethod]
    precisions: Sequence[str]
    steps: int | None = None
    seed: int = 0

    def environment(self) -> ScheduleEnvironment:
        """Return the environment in which errors are minimised."""
        return environment_for(
            self.problem,
            self.profile,
            self.updates,
            self.precisions,
            steps=self.steps,
            minimizes_error=True,
        )


@dataclass(frozen=True)
class Deadline:
    """When short searches are cut shorter still."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline so many seconds from now."""
        return cls(time.perf_counter() + seconds)

    def part(self, share: float) -> "Deadline":
        """Return the deadline of a part of what is left."""
        return self.after(share * self.seconds)

    @property
    def seconds(self) -> float:
        """What is left, but never nothing."""
        return max(self.at - time.perf_counter(), LEAST_SECONDS)

    @property
    def has_passed(self) -> bool:
        """Whether nothing is left."""
        return time.perf_counter() >= self.at


@dataclass(frozen=True)
class Reached:
    """The least error found, in exact arithmetic and by rounding, and the schedule that has it.

    It is infinite where no schedule ends. ``reason`` says how the search ended.
    """

    error: float
    rounding: float
    reason: Reason
    steps: tuple[StepRecord, ...] = ()
    domain: ScaledDomain | None = None

    @property
    def total(self) -> float:
        """The error with rounding."""
        return self.error + self.rounding


def reaches(question: Question, tol: float, deadline: Deadline) -> Reached:
    """Return the schedule a short search for this tolerance finds, of infinite error if none.

    It ends when there is one.
    """
    problem = replace(question.problem, tol=tol)
    environment = environment_for(
        problem, question.profile, question.updates, question.precisions, steps=question.steps
    )
    result = _search(environment, question, deadline, "mcts", FIRST_PLAN)
    return _best_of(environment, question, result.finalists, tol, result.reason)


def least_error(question: Question, deadline: Deadline) -> Reached:
    """Return the least error found, with rounding.

    First two planners minimise the error; then searches for less and less of a tolerance go on
    from there until one fails, which is what "out of reach" means. In a weighted measure that
    leaves less and less of the spectrum out.
    """
    best = Reached(math.inf, 0.0, "exhausted")
    for planner in PLANNERS:
        environment = question.environment()
        result = _search(Budgeted(environment), question, deadline.part(SHARE), planner, NODES)
        paid = [(cost, Budgeted.actions_of(actions)) for cost, actions in result.finalists]
        best = min(
            best,
            _best_of(environment, question, paid, 1.0, result.reason),
            key=lambda one: one.total,
        )
    return _descended(question, deadline, best)


def _descended(question: Question, deadline: Deadline, best: Reached) -> Reached:
    factor = FACTORS[0]
    while not deadline.has_passed:
        tol = factor * min(best.total, 1.0)
        if tol < question.problem.least_tol:
            break
        found = reaches(question, tol, deadline.part(SHARE))
        if found.total < best.total:
            best = found
        elif factor == FACTORS[-1]:
            break
        else:
            factor = FACTORS[-1]
    return best


def _search(
    environment: Environment[Any], question: Question, deadline: Deadline, planner: str, nodes: int
) -> SearchResult:
    result = search(
        environment,
        planner=planner,
        seed=question.seed,
        node_limit=nodes,
        time_limit=deadline.seconds,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _best_of(
    environment: ScheduleEnvironment,
    question: Question,
    schedules: Iterable[Schedule],
    tol: float,
    reason: Reason,
) -> Reached:
    """Return the most accurate of the schedules that would do for their own error, below ``tol``.

    Schedules may be less accurate than a search took them for (see ``Assembler.standing``), and
    while errors are minimised a map may go further above 1 than for a tolerance.
    """
    best = Reached(math.inf, 0.0, reason)
    for _, actions in schedules:
        known = replayed(environment, actions)
        if known is None:
            continue
        domain, found = known
        total = found.total_error
        goal = Goal(question.problem.measure, total * (1.0 + 1e-9))
        if (
            total <= tol
            and total < min(best.total, 1.0)
            and goal.is_met(found, found.exact.is_direct)
        ):
            best = Reached(found.error, found.rounding, reason, found.steps, domain)
    return best
