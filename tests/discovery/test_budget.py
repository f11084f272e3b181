"""The least error for a number of steps or a price."""

import itertools

import numpy as np
import pytest

from matrl import Plan, Problem, Spectrum, discover
from matrl.coefficients import minimax_coefficients
from matrl.core.measure import Norm
from matrl.errors import InputError, UnreachableError

N = 256


@pytest.fixture
def solve(make_profile):
    def solve(function="polar", spectrum=None, norm: Norm = "eigenvalue", tol=None, **options):
        spectrum = spectrum or Spectrum.interval(1e-3, 1)
        problem = Problem(function, spectrum, tol=tol, shape=(N, N), norm=norm)
        options = {"minimize": "error", "profile": make_profile(n=N), **options}
        return discover(problem, **options)

    return solve


def test_five_quintic_steps_are_the_greedy_minimax_composition(solve):
    """Which is optimal among compositions of fixed degrees (arXiv:2505.16932)."""
    found = solve(steps=5, allow="minimax-5")
    assert found.optimal
    lower, upper = 1e-3, 1.0 * (1 + 8 * N * 2.0**-52)
    for step in found.plan.steps:
        c = np.array(minimax_coefficients(2, 2, lower, upper))
        x = np.geomspace(lower, upper, 200_001)
        h = x * np.polynomial.polynomial.polyval(x * x, c)
        lower, upper = float(h.min()), float(h.max())
        assert step.error == pytest.approx(max(1 - lower, upper - 1), rel=1e-6)
    assert found.error == pytest.approx(1 - lower, rel=1e-6)
    assert found.plan.tol == pytest.approx(1.1 * found.error, rel=1e-6)


@pytest.mark.parametrize("budget", [3.0, 4.5, 7.0])
def test_no_plan_of_the_budget_is_better(solve, budget):
    """Against all schedules of up to three steps, by ranges."""
    found = solve("invsqrt", Spectrum.interval(1e-2, 1), budget=budget, allow="minimax-[35]")
    assert found.cost <= budget * (1 + 1e-9)
    assert found.optimal
    total = found.error + found.plan.predicted.rounding
    for count in (1, 2, 3):
        for degrees in itertools.product((1, 2), repeat=count):
            allow = ",".join(sorted({f"minimax-{2 * d + 1}" for d in degrees}))
            try:
                other = solve(
                    "invsqrt", Spectrum.interval(1e-2, 1), budget=budget, steps=count, allow=allow
                )
            except UnreachableError:
                continue
            assert total <= (other.error + other.plan.predicted.rounding) * (1 + 1e-9)


def test_more_of_the_budget_is_no_worse(solve):
    errors = [
        found.error + found.plan.predicted.rounding
        for found in (solve("sqrt", budget=budget, nodes=20_000) for budget in (3.0, 5.0, 8.0))
    ]
    assert errors == sorted(errors, reverse=True)


def test_the_plan_runs_within_the_tolerance_it_reached(solve):
    random = np.random.default_rng(0)
    left, right = (np.linalg.qr(random.standard_normal((N, N)))[0] for _ in range(2))
    a = left * np.geomspace(1.1e-3, 0.99, N) @ right
    found = solve(steps=6, allow="minimax-5,zolotarev-1")
    solution = Plan.from_json(found.plan.to_json()).run(a, verify="full")
    assert solution.status == "converged"
    assert np.linalg.norm(solution.value - left @ right, 2) <= found.plan.tol


def test_weighted_measures_and_samples(solve):
    spectrum = Spectrum.samples(np.geomspace(0.01, 1.0, 40))
    three, four = (
        solve(spectrum=spectrum, norm="frobenius", steps=k, allow="fitted-5,minimax-5")
        for k in (3, 4)
    )
    assert four.error < three.error < 0.3
    assert len(three.plan.steps) == 3


@pytest.mark.parametrize("tol", [1e-2, 1e-5])
def test_a_tolerance_is_an_error_small_enough(solve, tol):
    """The search ends there, and the plan is judged by it; without one it goes on."""
    # Ended by its nodes, long before any time limit: no clock decides.
    options = {"steps": 8, "allow": "minimax-5,zolotarev-[12]", "nodes": 150, "time_limit": 60.0}
    least = solve(**options)
    found = solve(tol=tol, **options)
    total = found.error + found.plan.predicted.rounding
    assert least.error + least.plan.predicted.rounding < total <= tol
    assert found.plan.tol == pytest.approx(max(tol, 1.1 * total))
    assert not found.optimal  # a smaller error was not looked for
    assert found.nodes < least.nodes
    # Of those that are good enough the cheapest is taken.
    good = [p for p in found.finalists if p.predicted.error + p.predicted.rounding <= tol]
    assert found.cost == min(plan.predicted.cost for plan in good)


def test_a_tolerance_that_is_not_reached_changes_nothing(solve):
    options = {"steps": 2, "allow": "minimax-5"}
    assert solve(tol=1e-9, **options).plan.steps == solve(**options).plan.steps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "minimize: 'error' needs a budget or a largest number of steps"),
        ({"minimize": "time", "steps": 3}, "minimize: must be 'cost' or 'error'"),
        ({"minimize": "cost", "budget": 1.0}, "budget: is for minimize='error'"),
        ({"budget": 0.0}, "budget: must be a positive cost"),
        ({"steps": 3, "expected_calls": 10.0}, "expected_calls: is for minimize='cost'"),
    ],
)
def test_goals_that_are_none(solve, options, message):
    with pytest.raises(InputError, match=message):
        solve(**options)


def test_a_budget_too_small_for_anything(solve):
    with pytest.raises(UnreachableError, match="budget: no schedule of the allowed actions"):
        solve(budget=0.1, allow="minimax-5")


def test_coefficients_are_optimised_together_on_samples(solve):
    """Each step fits what it sees; together they do better, and stay safe."""
    x = np.linalg.svd(np.random.default_rng(0).standard_normal((96, 96)), compute_uv=False)
    x /= np.linalg.norm(x)
    options = {"norm": "frobenius", "steps": 4, "allow": "minimax-5,fitted-5"}
    found = solve(spectrum=Spectrum.samples(x), **options)
    assert {step.name for step in found.plan.steps} == {"fitted-5"}
    greedy = found.front[-1]  # as the steps came out one by one
    assert found.error < 0.95 * greedy.predicted.error
    value = x * found.plan.scaling.factor
    grid = np.linspace(0.0, 1.2 * value.max(), 20_001)[1:]
    for step in found.plan.steps:
        value = value * np.polynomial.polynomial.polyval(value**2, step.coefficients)
        grid = grid * np.polynomial.polynomial.polyval(grid**2, step.coefficients)
        assert grid.min() > 0.0
    assert np.sqrt(np.mean((value - 1.0) ** 2)) == pytest.approx(found.error, rel=1e-6)
    assert grid.max() <= 1.0 + max(3.0 * greedy.predicted.error, 0.05) * (1 + 1e-6)
