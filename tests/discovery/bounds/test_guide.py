"""Bounds and guesses by dynamic programming over ranges, and what a closer look teaches them."""

import json
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from matrl import Problem, Profile, Spectrum
from matrl.core.precision import PRECISIONS
from matrl.discovery.environment.environment import Action, ScheduleEnvironment
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.states.state import ScheduleState
from matrl.search import search

N = 512
CPU = {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "svd": 20.0, "add": 0.0}
PRODUCTS = {"matmul": 1.0, "add": 0.0}
MIXED = (
    ("sign", 1e3, 1e-3, CPU),
    ("polar", 1e2, 1e-4, CPU),
    ("invsqrt", 1e3, 1e-6, CPU),
    ("sqrt", 1e2, 1e-6, CPU),
    ("inv", 1e2, 1e-4, PRODUCTS),
    ("root(3)", 1e2, 1e-6, PRODUCTS),
)


def environment(
    function: str,
    kappa: float,
    tol: float,
    prices: dict[str, float],
    precisions: Sequence[str] = PRECISIONS,
) -> ScheduleEnvironment:
    """Return a fresh environment; float32 costs half."""
    ops = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": share * price}
        for dtype, share in (("float64", 1.0), ("float32", 0.5))
        for op, price in prices.items()
    ]
    profile = Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))
    problem = Problem(function, Spectrum.interval(1.0 / kappa, 1.0), tol=tol, shape=(N, N))
    return environment_for(problem, profile, allowed_updates(problem, "*"), precisions)


def taken(one: ScheduleEnvironment, actions: Sequence[Action]) -> list[ScheduleState]:
    """Return the states along a schedule, the root first, all confirmed."""
    states = [one.root()]
    for action in actions:
        state = one.child(states[-1], action)
        assert state is not None
        assert one.confirm(state).legal
        states.append(state)
    return states


def totals(one: ScheduleEnvironment, actions: Sequence[Action]) -> list[float]:
    """Return price so far plus bound, before each step and of each step among the children."""
    found, paid = [one.bound(one.root())], 0.0
    states = taken(one, actions)
    for state, following, action in zip(states, states[1:], actions, strict=False):
        children = one.expand(state, 0)
        assert children is not None
        if action in children.actions:
            place = list(children.actions).index(action)
            price, bound = float(children.prices[place]), float(children.bounds[place])
            found.append(paid + price + bound)
        else:  # an averaged product, or a repair
            structures = tuple(a.structure for a in actions[: len(following.actions)])
            price = one._pricer.cost(structures) - paid
        paid += price
        if following is not states[-1]:
            found.append(paid + one.bound(following))
    return [*found, paid]


@pytest.mark.parametrize(("function", "kappa", "tol", "prices"), MIXED)
def test_no_bound_exceeds_what_a_plan_costs(
    function: str, kappa: float, tol: float, prices: dict[str, float]
) -> None:
    for seed in range(1):
        plans = search(
            environment(function, kappa, tol, prices), node_limit=250, seed=seed, finalists=6
        ).finalists
        assert plans
        for _, actions in plans:
            *bounds, cost = totals(environment(function, kappa, tol, prices), actions)
            assert max(bounds) <= cost * (1.0 + 1e-9)


def test_a_step_of_less_precision_saves_of_the_step_before() -> None:
    """X Z is carried out in the precision of the step that follows, or of the last one."""
    one = environment("sign", 1e4, 1e-4, CPU)
    actions = [
        Action("zolotarev-1", "chained", "float64"),
        Action("minimax-3", "chained", "float64"),
        Action("newton", "chained", "float32"),
        Action("zolotarev-1", "gram", "float32"),
    ]
    *bounds, cost = totals(one, actions)
    assert one.done(taken(one, actions)[-1])
    assert cost == pytest.approx(5.3)
    assert max(bounds) <= cost * (1.0 + 1e-9)


@pytest.mark.parametrize(("function", "kappa", "tol", "prices"), MIXED)
def test_without_rounding_the_bound_is_the_optimum(
    function: str, kappa: float, tol: float, prices: dict[str, float]
) -> None:
    """In float64 alone rounding forbids nothing here; a grid may lose a little of a range."""
    found = search(environment(function, kappa, tol, prices, ("float64",)), node_limit=20_000)
    assert found.optimal
    one = environment(function, kappa, tol, prices, ("float64",))
    assert 0.7 * found.cost <= one.bound(one.root()) <= found.cost * (1.0 + 1e-9)


def looked_at(one: ScheduleEnvironment, name: str) -> tuple[bool, ScheduleState]:
    state = one.child(one.root(), Action(name, "chained", "float32"))
    assert state is not None
    return one.confirm(state).legal, state


def test_what_rounds_too_much_is_taken_for_dearer_from_wider_ranges() -> None:
    def guessed(one: ScheduleEnvironment, cautious: bool = False) -> Callable[[Action], float]:
        children = one.expand(one.root(), 0)
        assert children is not None
        assert children.hints is not None
        guesses = one.guess(children.hints, cautious=cautious)
        return lambda action: float(guesses[list(children.actions).index(action)])

    one = environment("sign", 1e6, 1e-6, CPU)
    coarse = Action("zolotarev-2", "chained", "float32")
    fine = Action("zolotarev-2", "chained", "float64")
    before = guessed(one)
    legal, _ = looked_at(one, "zolotarev-1")
    assert not legal
    after = guessed(one)
    assert after(coarse) > before(coarse)
    assert after(fine) >= before(fine)
    careful = guessed(one, cautious=True)
    assert math.isinf(careful(coarse))
    assert careful(fine) >= after(fine)


def test_nothing_ends_with_too_much_rounding_but_by_a_repair() -> None:
    one = environment("inv", 1e4, 1e-6, PRODUCTS)
    coarse = Action("minimax-9", "zm", "float32")
    state = one.child(one.root(), coarse)
    assert state is not None
    at_first = one.bound(state)
    verdict = one.confirm(state)
    assert verdict.legal
    assert one.look(state).rounding > 1e-6
    assert one.bound(state) >= at_first
    while True:
        children = one.expand(state, 0)
        assert children is not None
        assert not children.done.any()
        following = one.child(state, Action("minimax-9", "zm", "float32"))
        if following is None or following.error < 1e-6:
            break
        assert not one.done(following)
        state = following
    repairs = one.confirm(state).beyond
    assert repairs.done.any()


def test_states_that_round_differently_are_not_one() -> None:
    """Optimal maps commute: degrees 7 and 2 end where 2 and 7 do."""
    one = environment("inv", 1e5, 1e-2, PRODUCTS)

    def reached(first: tuple[str, str], second: tuple[str, str]) -> ScheduleState:
        state = one.root()
        for name, precision in (first, second):
            following = one.child(state, Action(name, "zm", precision))
            assert following is not None
            state = following
        return state

    late, early = (
        reached((one_, "float64"), (other, "float32"))
        for one_, other in (("minimax-7", "minimax-2"), ("minimax-2", "minimax-7"))
    )
    assert late.spread == pytest.approx(early.spread, abs=1e-5)
    assert one.look(early).rounding > 2.0 * one.look(late).rounding
    assert one.key(late) != one.key(early)
    fine = [
        reached((one_, "float64"), (other, "float64"))
        for one_, other in (("minimax-7", "minimax-2"), ("minimax-2", "minimax-7"))
    ]
    assert one.key(fine[0]) == one.key(fine[1])


def test_plans_keep_what_they_promise() -> None:
    """What was confirmed for a node holds for every way that leads to it."""
    tol = 1e-2
    found = search(environment("inv", 1e5, tol, PRODUCTS), node_limit=4_000, finalists=8)
    assert found.finalists
    for _, actions in found.finalists:
        _, known = environment("inv", 1e5, tol, PRODUCTS).replay(actions)
        assert known.total_error <= tol * 1.05
    assert np.isfinite(found.cost)
