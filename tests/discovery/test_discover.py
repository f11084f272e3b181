"""Searches: what they promise, what restricts them, and what they refuse, by name."""

import math

import numpy as np
import pytest

from matrl import Problem, Spectrum, discover
from matrl.errors import InputError

N = 512
FUNCTION_NAMES = ["inv", "sqrt", "invsqrt"]


@pytest.fixture(scope="session")
def solve(make_profile, prices):
    """Return a search with given prices (those of ``prices`` by default)."""

    def solve(function="invsqrt", spectrum=None, tol=1e-4, prices=prices, **options):
        spectrum = spectrum or Spectrum.interval(1e-2, 1)
        problem = Problem(function, spectrum, tol=tol, shape=(N, N))
        return discover(problem, profile=make_profile(prices), **options)

    return solve


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize(
    ("kappa", "tol"), [(10.0, 1e-8), (1e2, 1e-2), (1e4, 1e-8), (1e4, 1e-2), (10.0, 1e-6)]
)
def test_found_plans_keep_their_promises(solve, function, kappa, tol):
    found = solve(function, Spectrum.interval(1 / kappa, 1), tol)
    assert found.optimal
    assert not found.interrupted
    assert found.error + found.plan.predicted.rounding <= tol
    costs = [plan.predicted.cost for plan in found.finalists]
    assert costs == sorted(costs)
    assert found.plan == found.finalists[0]
    assert found.plan.provenance.optimal


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_where_everything_is_free_the_cost_is_zero(solve, prices, function):
    found = solve(function, prices=dict.fromkeys(prices, 0.0))
    assert found.cost == 0.0
    assert found.optimal


def test_free_products_leave_only_polynomials(solve, prices):
    free = {**prices, "matmul": 0.0, "matmul_herm": 0.0}
    found = solve(prices=free)
    assert found.cost == 0.0
    kinds = {step.name.partition("-")[0] for step in found.plan.steps}
    assert kinds <= {"minimax", "series", "fitted"}


@pytest.mark.parametrize(
    ("allow", "names"),
    [
        ("minimax-3", {"minimax-3"}),
        ("minimax-[35]", {"minimax-3", "minimax-5"}),
        ("newton, eigh", {"newton", "eigh"}),
        (["series-*"], {f"series-{d}" for d in range(2, 10)}),
        (["zolotarev-2", "halley"], {"zolotarev-2", "halley"}),
    ],
)
def test_allow_filters_the_actions(solve, allow, names):
    assert {step.name for step in solve(allow=allow).plan.steps} <= names


@pytest.mark.parametrize("precision", ["float32", "float64", ["float32", "float64"]])
def test_precision_filters_the_steps(make_profile, precision):
    problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-2, shape=(N, N))
    table = make_profile(dtypes=("float32", "float64"))
    steps = discover(problem, profile=table, precision=precision).plan.steps
    assert {step.precision for step in steps} <= set(np.atleast_1d(precision).tolist())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_at_most_so_many_steps(solve, count):
    assert len(solve(steps=count).plan.steps) <= count


def test_fewer_steps_never_cost_less(solve):
    costs = [solve(allow="minimax-*", steps=count).cost for count in (3, 4, 8)]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("nodes", [30, 100, 400])
def test_node_limits_and_seeds_are_deterministic(solve, nodes):
    spectrum = Spectrum.interval(1e-5, 1)
    first, second = (solve("sqrt", spectrum, 1e-8, seed=7, nodes=nodes) for _ in range(2))
    assert first.plan.steps == second.plan.steps
    assert (first.cost, first.nodes, first.optimal) == (second.cost, second.nodes, second.optimal)
    assert first.plan.id == second.plan.id
    assert first.plan.provenance.seed == 7


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"nodes": 0}, "nodes"),
        ({"nodes": "many"}, "nodes"),
        ({"time_limit": 0.0}, "time_limit"),
        ({"time_limit": -1.0}, "time_limit"),
        ({"time_limit": math.nan}, "time_limit"),
        ({"seed": -1}, "seed"),
        ({"precision": "float16"}, "precision"),
        ({"precision": "float8"}, "precision"),
        ({"precision": ""}, "precision"),
        ({"allow": "cholesky"}, "allow"),
        ({"allow": "minimax-4"}, "allow"),
    ],
)
def test_bad_arguments_are_named(solve, options, name):
    with pytest.raises(InputError, match=rf"^{name}:"):
        solve(**options)


@pytest.mark.parametrize("allow", ["", "nothing-*", []])
def test_patterns_that_match_nothing(solve, allow):
    with pytest.raises(InputError):
        solve(allow=allow)
