"""How small an error a set of actions can reach, found by a short search for the least error."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from matrl.core.plan import StepRecord
from matrl.discovery.assembly import environment_for, replayed
from matrl.discovery.confirmation import Confirmation
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.environment import ScheduleEnvironment
from matrl.discovery.goal import Goal
from matrl.discovery.problem import Problem
from matrl.iterations import DirectMethod, Update
from matrl.profile import Profile
from matrl.search import Budgeted, Reason, search

__all__ = ["Deadline", "Question", "Reached", "least_error"]

NODES = 2_000
"""Steps simulated in one search."""
LEAST_SECONDS = 0.1
ROUNDS = 3
"""In a weighted measure the tolerance says what of the spectrum counts: so often it is adapted."""


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


def least_error(question: Question, deadline: Deadline, enough: float = 0.0) -> Reached:
    """Return the least error found; an error of at most ``enough`` ends the search.

    It is one a search for a tolerance a little above it can find, the limits of which on maps of
    schedules are those of the tolerance.
    """
    best = _searched(question, deadline, enough)
    measure = question.problem.measure
    if not measure.is_weighted or question.problem.spectrum.kind == "samples":
        return best
    for _ in range(ROUNDS - 1):
        if not question.problem.tolerance < best.total < 1.0:
            break
        wider = replace(question, problem=replace(question.problem, tol=best.total))
        other = _searched(wider, deadline, enough)
        if not other.total < 0.99 * best.total:
            break
        best = other
    return best


def _searched(question: Question, deadline: Deadline, enough: float) -> Reached:
    environment = question.environment()
    result = search(
        Budgeted(environment, enough=enough),
        seed=question.seed,
        node_limit=NODES,
        time_limit=deadline.seconds,
        finalists=16,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    best = Reached(math.inf, 0.0, result.reason)
    for _, paid in result.finalists:
        actions = Budgeted.actions_of(paid)
        known = replayed(environment, actions)
        if known is None:
            continue
        domain, found = known
        if found.total_error < best.total and _is_reached(question.problem, found):
            best = Reached(found.error, found.rounding, result.reason, found.steps, domain)
    return best


def _is_reached(problem: Problem, found: Confirmation) -> bool:
    """Return whether a schedule would do for its own error as the tolerance."""
    tol = found.total_error * (1.0 + 1e-9)
    return tol < 1.0 and Goal(problem.measure, tol).is_met(found, found.exact.is_direct)
