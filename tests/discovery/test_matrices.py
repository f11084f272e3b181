"""Plans for the spectra of given matrices, run on others."""

import numpy as np
import pytest

from matrl import Problem, Spectrum, discover
from matrl.execute.accuracy import eigenvalue_error
from matrl.functions import FUNCTIONS

FUNCTION_NAMES = ["inv", "sqrt", "invsqrt"]


def matrix(eigenvalues, seed=0):
    vectors, _ = np.linalg.qr(
        np.random.default_rng(seed).standard_normal((len(eigenvalues), len(eigenvalues)))
    )
    a = (vectors * eigenvalues) @ vectors.T
    return 0.5 * (a + a.T)


SHAPES = {
    "spread": np.geomspace(1e-2, 1.0, 40),
    "one large": np.append(np.geomspace(0.01, 0.05, 39), 1.0),
    "flat": np.linspace(0.9, 1.1, 40),
}


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e5])
def test_plans_for_matrices_serve_a_matrix_not_seen(make_profile, function, shape, size):
    seen = [matrix(SHAPES[shape] * size, seed) for seed in range(2)]
    problem = Problem(function, Spectrum.of(seen), tol=1e-6)
    plan = discover(problem, profile=make_profile(n=40), allow="minimax-*,zolotarev-*").plan
    assert plan.domain.relative
    assert plan.scaling.kind in {"frobenius", "one-norm", "lanczos"}
    held_out = matrix(SHAPES[shape] * size, 9)
    solution = plan.run(held_out, verify="full")
    assert solution.status == "converged"
    assert eigenvalue_error(FUNCTIONS.get(function), held_out, solution.value) <= 1e-6


def test_the_frobenius_norm_is_tight_where_one_eigenvalue_is_large(make_profile):
    seen = matrix(SHAPES["one large"])
    found = discover(Problem("invsqrt", Spectrum.of(seen), tol=1e-6), profile=make_profile(n=40))
    assert found.optimal


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_without_a_profile_prices_are_measured(function, tmp_path, monkeypatch):
    monkeypatch.setenv("MATRL_HOME", str(tmp_path))
    eigenvalues = np.geomspace(0.011, 0.99, 16)
    problem = Problem(function, Spectrum.interval(0.01, 1), tol=1e-6, shape=(16, 16))
    found = discover(problem, time_limit=2.0)
    assert list(tmp_path.rglob("*.json"))
    assert found.plan.provenance.measured_error is not None
    assert found.plan.provenance.measured_error <= 1e-6
    a = matrix(eigenvalues, 3)
    solution = found.plan.run(a)
    assert solution.status == "converged"
    assert eigenvalue_error(FUNCTIONS.get(function), a, solution.value) <= 1e-6
