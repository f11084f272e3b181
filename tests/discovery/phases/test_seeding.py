"""Searches of samples start from the plans of the ranges that enclose them."""

import numpy as np
import pytest

from matrl import Problem, Spectrum, discover
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.phases.seeding import seed_plans
from matrl.discovery.problem.arguments import allowed_updates
from matrl.search import search

N = 128


@pytest.fixture
def environment(make_profile):
    def environment(problem):
        profile = make_profile(n=N, dtypes=("float32", "float64"))
        return environment_for(problem, profile, allowed_updates(problem, "*"))

    return environment


def seeds(environment, problem, **options):
    return seed_plans(environment, problem.measure, seconds=20.0, nodes=20_000, **options)


def wishart(n=N, seed=1):
    g = np.random.default_rng(seed).standard_normal((n, 2 * n))
    return np.linalg.svd(g, compute_uv=False) ** 2 / (2 * n)


@pytest.mark.parametrize("norm", ["eigenvalue", "frobenius", "spectral"])
def test_a_plan_is_known_at_once_and_costs_no_more_than_that_of_the_range(environment, norm):
    problem = Problem("invsqrt", Spectrum.samples(wishart()), tol=1e-4, shape=(N, N), norm=norm)
    one = environment(problem)
    found = seeds(one, problem)
    assert found.plans
    result = search(one, seeds=found.plans, node_limit=1)
    wide = Problem("invsqrt", Spectrum.interval(wishart().min(), 1.44 * wishart().max()), tol=1e-4,
                   shape=(N, N))  # fmt: skip
    enclosing = search(environment(wide))
    assert enclosing.optimal
    assert result.cost <= enclosing.cost * (1.0 + 1e-9)


@pytest.mark.parametrize("function", ["invsqrt", "polar", "inv"])
def test_no_dearer_than_the_interval_without_a_safety_factor(make_profile, function):
    values = wishart()
    profile = make_profile(n=N, dtypes=("float32", "float64"))
    costs = [
        discover(
            Problem(function, spectrum, tol=1e-4, shape=(N, N)), profile=profile, nodes=4000
        ).cost
        for spectrum in (
            Spectrum.samples(values),
            Spectrum.interval(values.min(), values.max()),
        )
    ]
    assert costs[0] <= costs[1] * (1.0 + 1e-9)


def test_ranges_that_tell_the_error_have_no_seeds(environment):
    problem = Problem("invsqrt", Spectrum.interval(1e-3, 1.0), tol=1e-4, shape=(N, N))
    found = seeds(environment(problem), problem)
    assert (found.plans, found.nodes) == ([], 0)


def test_the_same_seed_and_nodes_the_same_plans(environment):
    problem = Problem("polar", Spectrum.samples(wishart()), tol=1e-4, shape=(N, N))
    first, second = (seeds(environment(problem), problem, seed=3) for _ in range(2))
    assert (first.plans, first.nodes) == (second.plans, second.nodes)


def test_relative_plans_of_weighted_measures_choose_a_scaling(environment):
    random = np.random.default_rng(0)
    q = np.linalg.qr(random.standard_normal((N, N)))[0]
    a = (q * np.geomspace(1e-3, 1.0, N)) @ q.T
    problem = Problem("sqrt", Spectrum.of(a), tol=1e-4, norm="frobenius")
    one = environment(problem)
    found = seeds(one, problem)
    assert found.plans
    assert all(actions[0].domain >= 0 for actions in found.plans)
    result = search(one, seeds=found.plans, node_limit=1)
    assert np.isfinite(result.cost)
