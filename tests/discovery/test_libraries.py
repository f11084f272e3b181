"""Plans for tensors and JAX arrays: priced and raced with what they will run with."""

import importlib
from functools import partial

import pytest

from matrl import Plan, Problem, Profile, Spectrum, discover
from matrl.core.precision import PRECISIONS, is_half
from matrl.discovery.problem.precisions import usable_precisions
from matrl.discovery.race.race import race
from matrl.errors import InputError
from matrl.profile import cache, chosen, load_cached

N = 24
INTERVAL = Spectrum.interval(0.1, 1.0)
LIBRARIES = [
    pytest.param("torch", marks=pytest.mark.torch),
    pytest.param("jax", marks=pytest.mark.jax),
]


def problem_of(library: str, **options) -> Problem:
    defaults = {"tol": 1e-2, "dtype": "float32", "shape": (N, N), "library": library}
    return Problem("polar", INTERVAL, **(defaults | options))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_plan_is_priced_and_raced_with_the_kernels_of_its_library(
    library, batch, monkeypatch, tmp_path
):
    pytest.importorskip(library)
    monkeypatch.setenv("MATRL_HOME", str(tmp_path))
    # However busy the machine is: prices that took too long would not be kept.
    monkeypatch.setattr(chosen, "measure_for", partial(chosen.measure_for, budget=300.0))
    problem = problem_of(library, batch=batch)
    found = discover(problem, time_limit=2.0, nodes=300)
    assert library in found.plan.predicted.profile
    provenance = found.plan.provenance
    assert provenance.measured_seconds is not None
    assert provenance.measured_error is not None
    assert provenance.measured_seconds > 0.0
    assert provenance.measured_error <= 1e-2
    kept = load_cached(problem.array_library)
    assert kept is not None
    assert {"bfloat16", "float16"} < {entry.dtype for entry in kept.entries}
    assert load_cached() is None
    assert cache.cached_profile_path() != cache.cached_profile_path(problem.array_library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_steps_in_half_precisions_race_on_the_arrays_of_the_library(library, make_profile):
    pytest.importorskip(library)
    prices = make_profile(n=N, dtypes=("bfloat16", "float32"))
    problem = problem_of(library, tol=0.1, norm="frobenius")
    plan = discover(problem, profile=prices, precision="bfloat16", allow="minimax-*").plan
    (entry,) = race([plan], problem, 0)
    assert (entry.plan, entry.status) == (plan, "won")
    assert isinstance(plan, Plan)


@pytest.mark.parametrize("library", LIBRARIES)
def test_half_precisions_are_usable_where_they_are_more_than_emulated(library):
    pytest.importorskip(library)
    kernels = problem_of(library).array_library
    assert usable_precisions(PRECISIONS, "float32", None, kernels) == PRECISIONS
    assert usable_precisions(PRECISIONS, "complex64", None, kernels) == ("float32", "float64")
    assert usable_precisions(PRECISIONS, "float32", None) == ("float32", "float64")


def test_other_libraries_are_refused():
    with pytest.raises(InputError, match=r"^library: must be one of numpy, torch, jax, got 'cupy'"):
        problem_of("cupy")
    assert problem_of("numpy").array_library is None


@pytest.mark.jax
def test_dtypes_that_jax_has_not_as_it_is_set_are_refused(make_profile):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False):
        with pytest.raises(InputError, match=r"^dtype: JAX has no float64 as it is set; call jax"):
            problem_of("jax", dtype="float64")
        kernels = problem_of("jax").array_library
        assert "float64" not in usable_precisions(PRECISIONS, "float32", None, kernels)
        prices = make_profile(n=N, dtypes=("float32", "float64"))
        assert usable_precisions(PRECISIONS, "float32", prices, kernels) == ("float32",)
        assert usable_precisions(PRECISIONS, "complex64", prices, kernels) == ("float32",)
        for profile in (None, prices):
            with pytest.raises(InputError, match=r"^precision: JAX has no float64 as it is set; c"):
                discover(problem_of("jax"), precision="float32,float64", profile=profile)


@pytest.mark.torch
def test_where_half_steps_seem_best_a_plan_without_races_too(make_profile, monkeypatch):
    """Or a price of half steps that is far too low would never be found out."""
    pytest.importorskip("torch")
    module = importlib.import_module("matrl.discovery.discover")
    cheap = make_profile({"matmul": 0.3, "matmul_herm": 0.3, "add": 0.0}, n=N, dtypes=("bfloat16",))
    full = make_profile(n=N, dtypes=("float32",))
    prices = Profile("unit", (*cheap.entries, *full.entries))
    monkeypatch.setattr(module, "profile_for", lambda *_, **__: prices)
    problem = problem_of("torch", tol=0.1, norm="frobenius")
    found = discover(problem, allow="minimax-*", precision="bfloat16,float32", nodes=300)
    kinds = {tuple(is_half(step.precision) for step in entry.plan.steps) for entry in found.race}
    assert any(all(kind) for kind in kinds)
    assert any(not any(kind) for kind in kinds)
