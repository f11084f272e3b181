"""Plans to start from, where ranges do not tell the error: those of the range that encloses it.

A schedule that is within the tolerance on a whole range is so on samples of it, and in a measure
that weighs no eigenvalue more than once. On a range the search is a thousand times as fast. Two
ranges are searched: the safe domain, and the range of the samples alone. Plans of the latter need
not be safe beyond it as they are; each of their steps is then tried in the ways the problem itself
offers: by its rule, for the range the samples have, and fitted to them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matrl.core.measure import Measure
from matrl.discovery.actions.variations import HULL, hull_of
from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.rounding.refinement import fitted_name
from matrl.discovery.states.state import Action, ScheduleState
from matrl.search import search

__all__ = ["SeedPlans", "followed", "near_misses", "seed_plans"]

SHARE = 0.2
"""Of the seconds and nodes, what each of the two searches may take."""
MOST_SECONDS = 2.0
MOST_NODES = 40_000
FINALISTS = 4
BEAM = 12
NEAR = (0.9, 0.8, 0.7, 0.6, 0.5)
"""Powers of the tolerance that searches for near misses ask for."""
NEAR_FINALISTS = 12

Plans = list[tuple[Action, ...]]


class SeedPlans:
    """Plans by their actions, and the steps simulated and seconds taken to find them."""

    def __init__(self) -> None:
        self.plans: Plans = []
        self.nodes = 0
        self.seconds = 0.0
        self.interrupted = False


def seed_plans(
    environment: ScheduleEnvironment,
    measure: Measure,
    *,
    seconds: float,
    nodes: float,
    seed: int = 0,
) -> SeedPlans:
    """Return plans to start a search of samples, or in a weighted measure, from.

    There are none where ranges tell the error. The search that follows has ``seconds`` and
    ``nodes``; a fifth of them, or 2 s and 40,000, are spent on each of the ranges.
    """
    found = SeedPlans()
    for index, one in enumerate(_ranges(environment)):
        result = search(
            _enclosing(environment, measure, one, environment.tol),
            seed=seed,
            time_limit=min(SHARE * seconds, MOST_SECONDS),
            node_limit=min(SHARE * nodes, MOST_NODES),
            finalists=FINALISTS,
        )
        found.nodes += result.nodes
        found.seconds += result.seconds
        found.interrupted = found.interrupted or result.interrupted
        for _, actions in result.finalists:
            if index == 0:  # as safe as the problem asks
                found.plans.append(actions)
            found.plans += transferred(environment, actions)
    found.plans = list(dict.fromkeys(found.plans))
    return found


def near_misses(
    environment: ScheduleEnvironment,
    measure: Measure,
    *,
    seconds: float,
    nodes: float,
    seed: int = 0,
) -> Plans:
    """Return cheap schedules of the samples' range that miss the tolerance by more and more.

    What such structures have of an error, coefficients optimised together may take from them.
    Each of the searches may take ``seconds`` and ``nodes``.
    """
    plans: Plans = []
    for one in _ranges(environment)[-1:]:
        for power in NEAR:
            near = _enclosing(environment, measure, one, environment.tol**power)
            limits = {"time_limit": seconds, "node_limit": nodes, "finalists": NEAR_FINALISTS}
            result = search(near, seed=seed, **limits)
            plans += [actions for _, actions in result.finalists]
            if result.interrupted:
                raise KeyboardInterrupt
    return list(dict.fromkeys(plans))


def _ranges(environment: ScheduleEnvironment) -> list[list[ScaledDomain]]:
    """Return the safe domains as ranges, then those of the samples alone where they are others."""
    if all(domain.is_exact for domain in environment.domains):
        return []
    wide = [replace(domain, is_exact=True) for domain in environment.domains]
    tight = [replace(domain, upper=_upper_of(domain)) for domain in wide]
    same = all(a.upper <= b.upper for a, b in zip(wide, tight, strict=True))
    return [wide] if same else [wide, tight]


def _enclosing(
    environment: ScheduleEnvironment, measure: Measure, domains: list[ScaledDomain], tol: float
) -> ScheduleEnvironment:
    plain = Measure("eigenvalue", measure.function)
    return environment.enclosing(domains, plain, _tolerance_of(plain, measure, tol))


def _tolerance_of(plain: Measure, measure: Measure, tol: float) -> float:
    """Return up to which error of one measure that of another, unweighted, is within ``tol``."""
    q = measure.power
    distance = min((1.0 + tol) ** (1.0 / q) - 1.0, 1.0 - (1.0 - tol) ** (1.0 / q))
    return max(plain.of_range(1.0 - distance, 1.0 + distance), 1e-300)


def _upper_of(domain: ScaledDomain) -> float:
    return min(float(domain.sampled.max()), domain.upper)


def transferred(environment: ScheduleEnvironment, actions: Sequence[Action]) -> Plans:
    """Return a schedule of the same steps that arrives by other coefficients, if one is seen."""
    states = followed(environment, actions)
    if not states or not environment.done(states[0]):
        return []
    scaling = tuple(actions[:1]) if actions[0].domain >= 0 else ()
    return [(*scaling, *states[0].actions)]


def followed(
    environment: ScheduleEnvironment, actions: Sequence[Action], opening: int | None = None
) -> list[ScheduleState]:
    """Return states that steps lead to, each by its rule, on the samples' range or fitted.

    The first step is of the variation ``opening``, if that is given.

    Of those that differ in this the few narrowest ranges are followed. The first to arrive come
    first, perhaps with fewer steps; else the least error does.
    """
    beam = [environment.root()]
    for action in actions:
        reached: dict[object, ScheduleState] = {}
        for state in beam:
            choices = _choices(environment, action)
            if opening is not None and not state.actions and action.domain < 0:
                choices = [replace(action, variation=opening)]
            for choice in choices:
                following = environment.child(state, choice)
                if following is not None:
                    reached.setdefault(environment.key(following), following)
        arrived = [state for state in reached.values() if environment.done(state)]
        if arrived:
            return sorted(arrived, key=lambda state: state.error)
        beam = sorted(reached.values(), key=_width)[:BEAM]
    return sorted(beam, key=lambda state: state.error)


def _choices(environment: ScheduleEnvironment, action: Action) -> list[Action]:
    if action.domain >= 0 or action.form == "direct":
        return [action]
    choices = [action, replace(action, variation=HULL)]
    if action.name.startswith("minimax-") and fitted_name(action.name) in environment.updates:
        choices.append(replace(action, name=fitted_name(action.name)))
    return choices


def _width(state: ScheduleState) -> float:
    """Return how wide the range of the samples is, in the logarithm."""
    if state.points is None:
        return 0.0
    lower, upper = hull_of(state)
    return float(np.log(upper / lower))
