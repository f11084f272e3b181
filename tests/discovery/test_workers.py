"""Discoveries by several workers find what one finds."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matrl import Problem, Profile, Spectrum, discover
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.workers import Recipe
from matrl.errors import InputError, UnreachableError
from matrl.search import search
from matrl.search.parallel.logs import read_logs

EASY = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512))


def recipe_of(problem: Problem, profile: Profile, **options: Any) -> Recipe:
    updates = tuple(allowed_updates(problem, "*"))
    return Recipe(problem, profile, updates, ("float64",), **options)


def test_two_workers_find_the_optimum_and_prove_it(make_profile: Callable[..., Profile]):
    alone = discover(EASY, profile=make_profile(), time_limit=60)
    found = discover(EASY, profile=make_profile(), time_limit=60, workers=2)
    assert alone.optimal
    assert found.optimal
    assert found.cost == pytest.approx(alone.cost, rel=1e-9)
    assert found.reason == "optimal"
    assert found.plan.provenance.seed == 0
    assert found.front


def test_the_same_number_of_workers_finds_the_same_plan_where_that_is_asked_for(
    make_profile: Callable[..., Profile],
):
    problem = Problem("sign", Spectrum.interval(1e-3, 1), tol=1e-6, shape=(512, 512))

    def once() -> tuple[object, ...]:
        one = discover(
            problem,
            profile=make_profile(),
            time_limit=300,
            nodes=3000,
            workers=2,
            deterministic=True,
        )
        return one.plan.steps, one.cost, one.nodes, [p.id for p in one.finalists], one.reason

    assert once() == once()


def test_the_least_error_for_given_matrices(make_profile: Callable[..., Profile]):
    """Spectra of matrices, scalings to choose from, and prices that are errors."""
    matrices = np.diag(np.geomspace(0.05, 2.0, 24))
    problem = Problem("inv", Spectrum.of([matrices]))
    profile = make_profile(n=24)
    options: dict[str, Any] = {"steps": 3, "allow": "minimax-[1-2]", "nodes": 2000}
    options |= {"minimize": "error", "profile": profile, "time_limit": 300}
    alone = discover(problem, **options)
    found = discover(problem, workers=2, **options)
    assert found.minimized == "error"
    assert found.error == pytest.approx(alone.error, rel=1e-6)
    assert len(found.plan.steps) <= 3


def test_workers_that_are_written_down_go_on_with_the_prices_they_had(
    make_profile: Callable[..., Profile], tmp_path: Path
):
    log = tmp_path / "search.jsonl"
    options: dict[str, Any] = {"profile": make_profile(), "workers": 2, "log": log}
    options["allow"] = ["series-*", "minimax-*"]
    problem = Problem("inv", Spectrum.interval(1e-5, 1), tol=1e-9, shape=(512, 512))
    first = discover(problem, nodes=300, time_limit=300, **options)
    with pytest.raises(InputError, match="exists already"):
        discover(problem, nodes=300, **options)
    second = discover(problem, nodes=2000, time_limit=300, resume=True, **options)
    assert second.nodes > first.nodes
    assert second.cost <= first.cost
    logs = read_logs(log)
    assert [one.sittings for one in logs] == [2, 2]
    costs = [line.cost for one in logs for line in one.improvements]
    assert min(costs) == pytest.approx(second.cost)


def test_no_plan_is_the_same_error(make_profile: Callable[..., Profile]):
    with pytest.raises(UnreachableError, match=r"tol: 0.0001 is out of reach"):
        discover(EASY, profile=make_profile(), allow="newton", steps=1, workers=2)


@pytest.mark.parametrize(
    "spectrum",
    [
        Spectrum.interval(1e-2, 1),
        Spectrum.samples(np.linspace(0.1, 1.0, 7)),
        Spectrum.of([np.diag([1.0, 2.0, 30.0])]),
    ],
)
@pytest.mark.parametrize("options", [{}, {"minimizes_error": True, "steps": 2, "budget": 9.0}])
def test_a_recipe_can_be_sent_and_makes_the_same_environment(
    spectrum: Spectrum, options: dict[str, Any], make_profile: Callable[..., Profile]
):
    problem = Problem("inv", spectrum, tol=1e-3, shape=(3, 3))
    recipe = recipe_of(problem, make_profile(n=3), **options)
    sent = pickle.loads(pickle.dumps(recipe.without_matrices()))
    assert sent.problem.spectrum.matrices == ()
    assert sent.problem.spectrum.points == spectrum.points
    here, there = (search(one(), node_limit=200) for one in (recipe, sent))
    assert (here.cost, here.actions, here.nodes) == (there.cost, there.actions, there.nodes)


def test_matrices_stay_at_home(make_profile: Callable[..., Profile]):
    random = np.random.default_rng(0).standard_normal((300, 300))
    problem = Problem("polar", Spectrum.of(random))
    recipe = recipe_of(problem, make_profile(n=300)).without_matrices()
    assert len(pickle.dumps(recipe)) < random.nbytes / 10
    assert len(problem.spectrum.matrices) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers: must be an integer >= 1, got 0"),
        ({"workers": 1.5}, "workers: must be an integer >= 1"),
        ({"workers": True}, "workers: must be an integer >= 1"),
        ({"ray": " "}, "ray: must be the address"),
        ({"ray": 1}, "ray: must be the address"),
        ({"ray": "10.0.0.1:6379", "workers": 2, "log": "x"}, "log: is written where the workers"),
        ({"ray": "local", "log": "x"}, "log: is written where the workers are"),
        ({"deterministic": True, "workers": 2}, "deterministic: needs a limit of nodes"),
    ],
)
def test_workers_that_cannot_be_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        discover(EASY, **options)
