"""Cheaper plans by coefficients optimised together: steps dropped or made cheaper, then refined.

The rules choose the coefficients of a step by what it sees. Where ranges do not tell the error, all
coefficients of a schedule together do better, so a schedule that misses the tolerance by a little
may meet it, and one that meets it may do so with less: a step fewer, a lower degree, a lower
precision. Here such structures, cheaper than the best plan, are tried, those that come nearest to
the tolerance first. What is found has been confirmed: its exact error, on the finer grid too, and
its rounding. It is no part of what a search proves: that is about coefficients made by the rules.
"""

import heapq
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from matrl.discovery.actions.variations import RAISED
from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.phases.seeding import followed, near_misses
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.rounding.confirmation import Confirmation
from matrl.discovery.rounding.refinement import kinds_of
from matrl.discovery.states.state import Action, ScheduleState
from matrl.search import SearchResult

__all__ = ["Polished", "polish"]

MOST = 32
"""How many structures are refined."""
NODES_EACH = 500
"""With a limit of nodes, one structure for so many."""
GAIN = 1e-9
NEAREST = {"rms": 0.4, "max": 0.85}
"""A structure whose error is above tol to this power is not refined.

Where the greatest error counts, and samples are many, the rules leave little to gain.
"""
NEAR_SHARE, NEAR_NODES = 0.15, 20_000
"""What each search for near misses may take, of the time there is."""
STARTS = 4
"""Starts of a refinement, which runs for many structures."""
MOST_ROUNDING = 0.95
MOST_STARTS = 2
ROOM = 0.995
"""How near to the tolerance an optimisation goes before it counts as there."""


@dataclass(frozen=True, eq=False)
class Polished:
    """A plan of refined coefficients: its domain, its steps confirmed, and its cost."""

    domain: ScaledDomain
    found: Confirmation
    cost: float
    actions: tuple[Action, ...]


class Polishing:
    """What was found, and what it took; ``interrupted`` by Ctrl-C."""

    def __init__(self) -> None:
        self.plans: list[Polished] = []
        self.refinements = 0
        self.interrupted = False


def polish(
    environment: ScheduleEnvironment,
    result: SearchResult,
    *,
    seconds: float,
    nodes: float = math.inf,
    seed: int = 0,
) -> Polishing:
    """Return plans cheaper than the best one found, the cheapest first, with refined coefficients.

    Structures come from the front and the finalists of a search, in a mean square also from the
    enclosing range for larger tolerances, and from each plan found by leaving out a step or taking
    a cheaper one. It ends when none is left, after ``MOST`` (or one
    for each 500 of ``nodes``) refinements, or after ``seconds``; deterministic but for those.
    Where the search found no plan, any schedule within the tolerance is cheaper.
    Nothing is tried where ranges tell the error, where the rules' coefficients are the best.
    """
    polishing = Polishing()
    if all(domain.is_exact for domain in environment.domains):
        return polishing
    most = MOST if math.isinf(nodes) else max(1, min(MOST, int(nodes) // NODES_EACH))
    until = time.perf_counter() + seconds
    try:
        _run(environment, result, polishing, most, until, seed)
    except KeyboardInterrupt:
        polishing.interrupted = True
    polishing.plans.sort(key=lambda plan: plan.cost)
    return polishing


def _run(
    environment: ScheduleEnvironment,
    result: SearchResult,
    polishing: Polishing,
    most: int,
    until: float,
    seed: int,
) -> None:
    best = result.cost
    order = itertools.count()
    queue: list[tuple[float, int, float, tuple[Action, ...]]] = []
    seen: set[tuple[object, ...]] = set()

    def push(actions: Sequence[Action]) -> None:
        """Queue a structure that is new and cheaper than the best, by how near it comes."""
        key = tuple((a.domain, *a.structure) for a in actions)
        if key in seen or time.perf_counter() > until:
            return
        seen.add(key)
        cheapest = environment.cheapest_forms(actions)
        if cheapest is None or not cheapest[1] < best * (1.0 - GAIN):
            return
        steps, cost = cheapest
        if not kinds_of(action.name for action in steps if action.domain < 0):
            return
        states = followed(environment, steps)
        if not states:
            return
        log_tol = math.log(environment.tol)
        missing = 1.0 - math.log(max(states[0].error, 1e-300)) / log_tol
        if missing <= 1.0 - NEAREST[environment.measure.aggregate]:
            heapq.heappush(queue, (missing, next(order), cost, tuple(steps)))

    near: list[tuple[Action, ...]] = []
    if environment.measure.aggregate == "rms":
        limits = {"seconds": NEAR_SHARE * (until - time.perf_counter()), "nodes": NEAR_NODES}
        near = near_misses(environment, environment.measure, seed=seed, **limits)
    for actions in near:
        push(actions)
    for _, actions in result.finalists:
        for neighbour in neighbours(environment, actions):
            push(neighbour)
    for elite in result.front:
        push(elite.actions)
        for neighbour in neighbours(environment, elite.actions):
            push(neighbour)
    while queue and polishing.refinements < most and time.perf_counter() < until:
        _, _, cost, actions = heapq.heappop(queue)
        if not cost < best * (1.0 - GAIN):
            continue
        starts = _starts(environment, actions)
        if not starts:
            for other in in_other_precisions(environment, actions):
                push(other)
            continue
        found = None
        for state in starts:
            polishing.refinements += 1
            found = _within(environment, state, environment.look(state), seed)
            if found is not None:
                break
        if found is None:
            continue
        state = starts[0]
        best = cost
        polishing.plans.append(Polished(environment.domains[state.domain], found, cost, actions))
        for neighbour in neighbours(environment, actions):
            push(neighbour)


def _starts(environment: ScheduleEnvironment, actions: Sequence[Action]) -> list[ScheduleState]:
    """Return where a structure may start: schedules whose rounding leaves room for an error.

    A first step made for the whole range amplifies rounding at its lower end. Where the mean square
    counts few eigenvalues there, one made for less of it may do.
    """
    openings: tuple[int | None, ...] = (None,)
    if environment.measure.aggregate == "rms":
        openings = (None, *RAISED)
    found: list[ScheduleState] = []
    for opening in openings:
        states = followed(environment, actions, opening)
        if states and environment.look(states[0]).rounding < MOST_ROUNDING * environment.tol:
            found.append(states[0])
    return found[:MOST_STARTS]


def _within(
    environment: ScheduleEnvironment, state: ScheduleState, found: Confirmation, seed: int
) -> Confirmation | None:
    """Return a schedule of these steps within the tolerance, ``None`` if none is found."""
    if environment.is_met(found):
        return found
    enough = ROOM * (environment.tol - found.rounding)
    better = environment.refined(state, seed, starts=STARTS, enough=enough)
    return better if better is not None and environment.is_met(better) else None


def in_other_precisions(
    environment: ScheduleEnvironment, actions: Sequence[Action]
) -> Iterator[tuple[Action, ...]]:
    """Yield the schedules with one step in another precision."""
    for index, action in enumerate(actions):
        for precision in environment.precisions if action.domain < 0 else ():
            if precision != action.precision:
                other = replace(action, precision=precision)
                yield (*actions[:index], other, *actions[index + 1 :])


def neighbours(
    environment: ScheduleEnvironment, actions: Sequence[Action]
) -> Iterator[tuple[Action, ...]]:
    """Yield schedules with a step less, a step of a lower degree or one of another precision.

    Their forms need not fit: :meth:`ScheduleEnvironment.cheapest_forms` finds some that do.
    """
    for index, action in enumerate(actions):
        if action.domain >= 0:
            continue
        before, after = tuple(actions[:index]), tuple(actions[index + 1 :])
        if len(before) + len(after) > sum(a.domain >= 0 for a in actions):
            yield (*before, *after)
        for name in _cheaper_names(environment, action.name):
            yield (*before, replace(action, name=name, variation=0), *after)
    yield from in_other_precisions(environment, actions)


def _cheaper_names(environment: ScheduleEnvironment, name: str) -> list[str]:
    """Return the updates of the same family with the next lower degrees or numbers of poles."""
    family, _, size = name.rpartition("-")
    if not size.isdigit():
        return []
    lower = [
        (int(other.rpartition("-")[2]), other)
        for other in environment.updates
        if other.rpartition("-")[0] == family and other.rpartition("-")[2].isdigit()
    ]
    smaller = sorted(one for one in lower if one[0] < int(size))
    return [other for _, other in reversed(smaller)][:2]
