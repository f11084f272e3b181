"""How small an error a set of actions can reach, found by a short search for the least error."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matrl.core.plan import StepRecord
from matrl.core.safety import OVERSHOOT
from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.phases.assembly import environment_for, replayed
from matrl.discovery.phases.finalists import Schedule
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.problem.problem import Problem
from matrl.discovery.rounding.confirmation import Confirmation
from matrl.discovery.rounding.goal import Goal
from matrl.iterations import DirectMethod, Update
from matrl.profile import Profile
from matrl.search import Budgeted, Environment, Reason, SearchResult, search
from matrl.search.limits import GRACE

__all__ = ["Deadline", "Question", "Reached", "least_error", "reaches"]

NODES = 1_000
"""Steps simulated in one search for the least error."""
LIMITS = (2_000, 16_000)
"""Steps after which a search for a tolerance gives up, at first, and where all have failed."""
LEAST_SECONDS = 0.1
SHARE = 0.2
"""No search may take more than this part of the time that is left."""
PLANNERS = ("mcts", "beam")
FACTORS = (0.5, 0.9)
"""What is asked for next, in units of the least error known."""
CLOSE = 0.01
"""Where the tolerance decides about the spectrum, the least one is found to this fraction."""


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

    It is infinite where no schedule ends. ``reason`` says how the search ended, ``needed`` the
    tolerance the schedule takes if that is more than its error: its map may go further above 1, and
    in a weighted measure the tolerance says how much of the spectrum its coefficients are for.
    """

    error: float
    rounding: float
    reason: Reason
    steps: tuple[StepRecord, ...] = ()
    domain: ScaledDomain | None = None
    needed: float = 0.0

    @property
    def total(self) -> float:
        """The least tolerance the schedule is for: its error with rounding, or what it takes."""
        return max(self.error + self.rounding, self.needed)


def reaches(question: Question, tol: float, deadline: Deadline, nodes: int = LIMITS[0]) -> Reached:
    """Return the schedule a short search for this tolerance finds, of infinite error if none.

    It ends when there is one, or after simulating ``nodes`` steps.
    """
    problem = replace(question.problem, tol=tol)
    environment = environment_for(
        problem, question.profile, question.updates, question.precisions, steps=question.steps
    )
    # With a plan it has passed its limit already, without one it has the steps of grace left.
    result = _search(environment, question, deadline, "mcts", nodes - GRACE)
    return _best_of(environment, question, result.finalists, tol, result.reason)


def least_error(question: Question, deadline: Deadline) -> Reached:
    """Return the least error found, with rounding.

    First two planners minimise the error; then searches for less and less of a tolerance go on
    from there until one fails, which is what "out of reach" means.
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
    best = _descended(question, deadline, best)
    problem = question.problem
    if problem.measure.is_weighted and problem.spectrum.kind != "samples" and best.total < 1.0:
        return _held(question, deadline, best)
    return best


def _held(question: Question, deadline: Deadline, best: Reached) -> Reached:
    """Return the best for the least tolerance at which it, or a better one, is found again."""
    low, high = best.total, 1.0
    tol = min(low * (1.0 + CLOSE), 0.999)
    while not deadline.has_passed:
        found = reaches(question, tol, deadline.part(SHARE))
        if math.isfinite(found.total):
            best, high = replace(found, needed=max(found.needed, tol / (1.0 + CLOSE))), tol
        else:
            low = tol
        if high <= low * (1.0 + 2.0 * CLOSE):
            break
        tol = math.sqrt(low * high)
    return best


def _descended(question: Question, deadline: Deadline, best: Reached) -> Reached:
    """Return what searches for less and less of a tolerance find, the last ones longer."""
    rounds = [(factor, nodes) for nodes in LIMITS for factor in FACTORS]
    while rounds and not deadline.has_passed:
        factor, nodes = rounds[0]
        tol = factor * min(best.total, 1.0)
        if tol < question.problem.least_tol:
            break
        found = reaches(question, tol, deadline.part(SHARE), nodes)
        if found.total < best.total:
            best = found
            continue
        rounds = rounds[1:]
        if found.reason == "exhausted":  # nothing is left to try, however long
            rounds = [one for one in rounds if one[0] > factor]
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
    """Return the schedule that is for the least tolerance, of at most ``tol``.

    Schedules may be less accurate than a search took them for (see ``Assembler.standing``), and
    while errors are minimised a map may go further above 1 than for a tolerance.
    """
    best = Reached(math.inf, 0.0, reason)
    for _, actions in schedules:
        known = replayed(environment, actions)
        if known is None:
            continue
        domain, found = known
        needed = _overshoot(question.problem, found)
        one = Reached(found.error, found.rounding, reason, found.steps, domain, needed)
        if one.total <= tol and one.total < min(best.total, 1.0):
            best = one
    return best


def _overshoot(problem: Problem, found: Confirmation) -> float:
    """Return the tolerance that the map of a schedule alone needs, 0 if any will do."""
    most = float(Goal(problem.measure, OVERSHOOT).highest(0.0)) - 1.0
    over = OVERSHOOT * (found.exact.upper - 1.0) / most
    return 0.0 if found.exact.is_direct or over <= OVERSHOOT else over
