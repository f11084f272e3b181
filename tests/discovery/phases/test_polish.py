"""Refinement for a tolerance: cheaper plans, confirmed, and steps that are really dropped."""

import math
from dataclasses import replace

import numpy as np
import pytest

from matrl import Problem, Spectrum, discover
from matrl.core.measure import Norm
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.phases.polish import neighbours, polish
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.rounding.refinement import kinds_of
from matrl.discovery.states.state import Action
from matrl.search import search

N = 128


def gaussian(seed=0, n=96):
    x = np.linalg.svd(np.random.default_rng(seed).standard_normal((n, n)), compute_uv=False)
    return x / np.linalg.norm(x)


@pytest.fixture
def environment(make_profile):
    def environment(function, spectrum, tol, norm: Norm = "frobenius", allow="minimax-*,fitted-*"):
        problem = Problem(function, spectrum, tol=tol, shape=(N, N), norm=norm)
        updates = allowed_updates(problem, allow)
        return environment_for(problem, make_profile(n=N), updates)

    return environment


def result_of(environment, actions, cost):
    """Return a result as if a search had found this plan and nothing else."""
    nothing = search(environment, node_limit=1, time_limit=0.01)
    return replace(nothing, actions=actions, finalists=((cost, actions),), cost=cost, front=())


def planted(environment, names):
    actions = tuple(Action(name, precision="float64") for name in names)
    return environment.cheapest_forms(actions)


def test_a_step_too_many_is_dropped(environment):
    one = environment("polar", Spectrum.samples(gaussian()), tol=0.2)
    actions, cost = planted(one, ["minimax-5"] * 6)
    _, found = one.replay(actions)
    assert one.is_met(found)
    polishing = polish(one, result_of(one, actions, cost), seconds=60.0)
    best = polishing.plans[0]
    assert len(best.found.steps) < 5
    _, dropped = one.replay(planted(one, ["minimax-5"] * len(best.found.steps))[0])
    assert not one.is_met(dropped)  # by the rules it would not do
    assert best.cost < cost
    assert one.is_met(best.found)
    assert [plan.cost for plan in polishing.plans] == sorted(p.cost for p in polishing.plans)


def test_only_refined_coefficients_reach_it(environment):
    """Four quintic steps by the rules have an error of 0.13 and more, refined ones of less."""
    spectrum = Spectrum.samples(gaussian())
    loose = environment("polar", spectrum, tol=0.9, allow="fitted-5")
    actions, _ = planted(loose, ["fitted-5"] * 4)
    by_rule = loose.replay(actions)[1].total_error
    tol = 0.8 * by_rule
    one = environment("polar", spectrum, tol=tol, allow="fitted-5")
    longer, cost = planted(one, ["fitted-5"] * 6)
    polishing = polish(one, result_of(one, longer, cost), seconds=60.0)
    best = polishing.plans[0].found
    assert len(best.steps) <= 4
    assert best.total_error <= tol
    # As the plan would act: at the samples, and positive up to 1.2 times the largest.
    x = gaussian() * one.domains[0].scaling.factor
    grid = np.linspace(0.0, 1.2 * x.max(), 20_001)[1:]
    for step in best.steps:
        x, grid = (v * np.polyval(step.coefficients[::-1], v * v) for v in (x, grid))
        assert grid.min() > 0.0
    assert math.sqrt(np.mean((x - 1.0) ** 2)) <= tol
    assert grid.max() <= 1.0 + max(tol, 0.05) + 1e-9


def test_cost_is_never_more_and_the_claim_stays_honest(make_profile):
    problem = Problem(
        "polar", Spectrum.samples(gaussian()), tol=0.05, shape=(N, N), norm="frobenius"
    )
    options = {"profile": make_profile(n=N), "allow": "minimax-5,fitted-5", "nodes": 1000}
    found = discover(problem, **options)
    by_rule = [
        p.predicted.cost for p in found.finalists if p.provenance.optimal or not found.refined
    ]
    assert found.cost <= min([*by_rule, math.inf])
    assert found.refined
    assert not found.optimal
    assert found.cost == min(plan.predicted.cost for plan in found.finalists)
    assert found.error + found.plan.predicted.rounding <= problem.tolerance
    assert any(plan.id == found.plan.id for plan in found.front)
    again = discover(problem, **options)
    assert again.plan.steps == found.plan.steps
    assert again.nodes == found.nodes


def test_within_the_tolerance_between_the_points(environment):
    """In a weighted measure on an interval, by a grid the optimisation has not seen."""
    one = environment("sqrt", Spectrum.interval(1e-4, 1.0), tol=1e-2, norm="frobenius")
    actions, cost = planted(one, ["minimax-5"] * 5)
    polishing = polish(one, result_of(one, actions, cost), seconds=60.0)
    best = polishing.plans[0]
    assert best.cost < cost
    a = np.geomspace(1e-4, 1.0, 30_011)
    x = np.sqrt(a)
    for step in best.found.steps:
        x = x * np.polyval(step.coefficients[::-1], x * x)
    error = np.sqrt(np.mean(a * (x - 1.0) ** 2) / np.mean(a))
    assert error <= 1e-2


def test_where_ranges_tell_the_error_nothing_is_refined(environment):
    one = environment("polar", Spectrum.interval(1e-2, 1.0), tol=1e-2, norm="eigenvalue")
    result = search(one)
    polishing = polish(one, result, seconds=60.0)
    assert (polishing.plans, polishing.refinements) == ([], 0)


def test_no_time_and_few_nodes(environment):
    one = environment("polar", Spectrum.samples(gaussian()), tol=0.2)
    actions, cost = planted(one, ["fitted-5"] * 6)
    result = result_of(one, actions, cost)
    assert polish(one, result, seconds=0.0).refinements == 0
    assert polish(one, result, seconds=60.0, nodes=600).refinements <= 1


def test_ctrl_c_keeps_what_was_found(environment, monkeypatch):
    one = environment("polar", Spectrum.samples(gaussian()), tol=0.2)
    actions, cost = planted(one, ["fitted-5"] * 6)
    calls = []
    met = one.is_met

    def interrupted(found):
        calls.append(found)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return met(found)

    monkeypatch.setattr(one, "is_met", interrupted)
    polishing = polish(one, result_of(one, actions, cost), seconds=60.0)
    assert polishing.interrupted
    assert len(polishing.plans) == 1


def test_neighbours_are_shorter_lower_or_of_another_precision(environment):
    one = environment("polar", Spectrum.samples(gaussian()), tol=0.2, allow="*")
    actions = (Action("zolotarev-3", precision="float64"), Action("fitted-3", precision="float32"))
    found = {tuple((a.name, a.precision) for a in way) for way in neighbours(one, actions)}
    double, single = "float64", "float32"
    assert found == {
        (("fitted-3", single),),
        (("zolotarev-3", double),),
        (("zolotarev-2", double), ("fitted-3", single)),
        (("zolotarev-1", double), ("fitted-3", single)),
        (("zolotarev-3", single), ("fitted-3", single)),
        (("zolotarev-3", double), ("fitted-3", double)),
    }


def test_kinds_that_cannot_be_optimised():
    assert kinds_of(["minimax-5", "newton-repair"]) == ()
    assert kinds_of(["pade-1/2", "newton-norm"]) == ("rational", "newton")
