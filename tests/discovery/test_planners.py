"""Planners on schedules: the same optimum, the front, and when searching no longer pays."""

import pytest

from matrl import Problem, Spectrum, discover
from matrl.errors import InputError, UnknownNameError

N = 512


@pytest.fixture
def solve(make_profile):
    def solve(function="invsqrt", kappa=1e2, tol=1e-4, **options):
        problem = Problem(function, Spectrum.interval(1 / kappa, 1), tol=tol, shape=(N, N))
        return discover(problem, profile=make_profile(), **options)

    return solve


@pytest.mark.parametrize("planner", ["mcts", "beam", "random"])
@pytest.mark.parametrize(
    ("function", "kappa", "tol"),
    [("invsqrt", 1e3, 1e-5), ("sqrt", 1e2, 1e-8), ("inv", 1e2, 1e-6), ("polar", 1e2, 1e-4)],
)
def test_every_planner_agrees_with_uniform_cost(solve, planner, function, kappa, tol):
    known = solve(function, kappa, tol, planner="exhaustive")
    assert known.reason == "optimal"
    found = solve(function, kappa, tol, planner=planner)
    assert found.optimal
    assert found.cost == pytest.approx(known.cost, rel=1e-9)


def test_the_front_holds_what_it_says(solve):
    found = solve(kappa=1e4, tol=1e-8)
    costs = [plan.predicted.cost for plan in found.front]
    errors = [plan.predicted.error + plan.predicted.rounding for plan in found.front]
    assert len(found.front) >= 3
    assert costs == sorted(costs)
    assert errors == sorted(errors, reverse=True)
    # Everything that reaches the tolerance costs at least the plan, which is on the front itself.
    reaching = [cost for cost, error in zip(costs, errors, strict=True) if error <= 1e-8]
    assert reaching[0] == pytest.approx(found.cost, rel=1e-12)
    assert [row["cost"] for row in found.to_dict()["front"]] == costs


def test_a_search_ends_where_it_costs_more_than_it_can_save(solve):
    """Prices of a second make a call dear, so that few calls pay for a long search."""
    few = solve(kappa=1e4, tol=1e-8, expected_calls=1e-6)
    assert few.reason == "break-even"
    assert not few.optimal
    many = solve(kappa=1e4, tol=1e-8, expected_calls=1e9)
    assert many.optimal
    assert many.cost <= few.cost


def test_a_planner_there_is_not(solve):
    with pytest.raises(UnknownNameError, match=r"planner: there is no 'astar'; .*mcts, exhaustive"):
        solve(planner="astar")


@pytest.mark.parametrize("calls", [0, -1.0, float("nan")])
def test_calls_that_make_no_sense(solve, calls):
    with pytest.raises(InputError, match="expected_calls: must be a positive number"):
        solve(expected_calls=calls)


def test_a_direct_method_that_is_too_coarse_does_not_hide_another(make_profile):
    """eigh of A* A squares the condition, svd does not: one being illegal says nothing of both."""
    problem = Problem("polar", Spectrum.interval(1e-6, 1), tol=1e-6, shape=(N, N))
    prices = {"matmul": 1.0, "add": 0.0, "eigh": 9.0, "svd": 21.0}
    options = {"profile": make_profile(prices), "precision": "float64"}
    known = discover(problem, allow="svd", **options)
    assert [step.name for step in known.plan.steps] == ["svd"]
    found = discover(problem, allow="eigh,svd", **options)
    assert found.cost == pytest.approx(known.cost)
