"""Running plans: right values, refusals with reasons, and inputs left alone."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from matrl import Plan, Problem, Profile, Spectrum, discover
from matrl.errors import (
    DomainError,
    IndefiniteMatrixError,
    InputError,
    NonFiniteError,
    NotHermitianError,
)
from matrl.execute.accuracy import eigenvalue_error
from matrl.functions import FUNCTIONS

N = 40
NODES = 200  # good plans are found early; what the rest of a search proves is not tested here


def profile():
    prices = {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "add": 0.0}
    ops = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": seconds}
        for op, seconds in prices.items()
        for dtype in ("float32", "float64")
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


def matrix(eigenvalues, seed=0, dtype="float64"):
    random = np.random.default_rng(seed)
    vectors, _ = np.linalg.qr(random.standard_normal((len(eigenvalues),) * 2))
    a = (vectors * eigenvalues) @ vectors.T
    return (0.5 * (a + a.T)).astype(dtype)


@cache
def plan(function="invsqrt", allow="*", lower=0.01, upper=1.0, tol=1e-5):
    problem = Problem(function, Spectrum.interval(lower, upper), tol=tol, shape=(N, N))
    return discover(problem, profile=profile(), allow=allow, precision="float64", nodes=NODES).plan


INSIDE = np.geomspace(0.011, 0.99, N)


@cache
def relative_plan(tol):
    problem = Problem("invsqrt", Spectrum.of(matrix(INSIDE)), tol=tol)
    allow = "zolotarev-*,minimax-*"
    return discover(problem, profile=profile(), allow=allow, nodes=NODES).plan


@pytest.mark.parametrize("function", ["inv", "sqrt", "invsqrt"])
@pytest.mark.parametrize("allow", ["*", "minimax-*", "zolotarev-*,newton,halley", "series-*"])
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_values_are_within_the_tolerance(function, allow, verify):
    if function == "inv" and allow.startswith("zolotarev"):
        allow = "cholesky"
    made = plan(function, allow)
    a = matrix(INSIDE)
    before = a.copy()
    solution = made.run(a, verify=verify)
    assert solution.status == ("unchecked" if verify == "off" else "converged")
    error = eigenvalue_error(FUNCTIONS.get(function), a, solution.value)
    assert error <= 1e-5
    assert np.array_equal(solution.value, solution.value.T)
    assert np.array_equal(a, before)
    if verify == "full":
        assert error <= solution.error_bound * (1 + 1e-6) + 1e-12


def nan_matrix():
    a = matrix(INSIDE)
    a[3, 4] = a[4, 3] = np.nan
    return a


def lopsided():
    a = matrix(INSIDE)
    a[0, 1] += 1e-6
    return a


REFUSALS = {
    "NaN": (nan_matrix, NonFiniteError),
    "infinite": (lambda: matrix(INSIDE) * np.inf, NonFiniteError),
    "not symmetric": (lopsided, NotHermitianError),
    "not square": (lambda: np.zeros((3, 4)), InputError),
    "vector": (lambda: np.zeros(3), InputError),
    "scalar": (lambda: np.float64(3.0), InputError),
    "0-d": (lambda: np.array(3.0), InputError),
    "integer": (lambda: np.eye(N, dtype=int), InputError),
    "object": (lambda: np.eye(N).astype(object), InputError),
    "complex": (lambda: np.eye(N).astype(complex), InputError),
    "float32 for a float64 plan": (lambda: matrix(INSIDE, dtype="float32"), InputError),
    "list": (lambda: [[1.0]], InputError),
    "zero": (lambda: np.zeros((N, N)), IndefiniteMatrixError),
    "indefinite": (lambda: matrix(np.append(INSIDE[1:], -0.3)), IndefiniteMatrixError),
    "slightly indefinite": (lambda: matrix(np.append(INSIDE[1:], -1e-7)), IndefiniteMatrixError),
    "singular": (lambda: matrix(np.append(INSIDE[1:], 0.0)), IndefiniteMatrixError),
    "above the domain": (lambda: matrix(np.append(INSIDE[1:], 1.05)), DomainError),
    "slightly above": (lambda: matrix(np.append(INSIDE[1:], 1.0 + 1e-9)), DomainError),
    "below the domain": (lambda: matrix(np.append(INSIDE[1:], 1e-4)), DomainError),
}


@pytest.mark.parametrize("allow", ["minimax-*", "zolotarev-*", "eigh"])
@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_wrong_input_is_refused_by_name(allow, case, verify):
    make, error = REFUSALS[case]
    if case == "below the domain" and allow == "eigh":
        pytest.skip("a direct method is right there too, and the residual says so")
    if case == "slightly above" and allow != "minimax-*":
        pytest.skip("an estimate serves where nothing can flip")
    with pytest.raises(error, match=r"^A[:\[]"):
        plan(allow=allow).run(make(), verify=verify)


def test_a_stack_keeps_its_good_matrices():
    good = [matrix(INSIDE, seed) for seed in range(3)]
    stack = np.stack([good[0], nan_matrix(), good[1], good[2]]).reshape(2, 2, N, N)
    solution = plan().run(stack)
    assert solution.status.tolist() == [["converged", "refused"], ["converged", "converged"]]
    assert "A[0, 1]" in solution.message
    assert np.isnan(solution.value[0, 1]).all()
    for index, a in (((0, 0), good[0]), ((1, 0), good[1]), ((1, 1), good[2])):
        assert eigenvalue_error(FUNCTIONS.get("invsqrt"), a, solution.value[index]) <= 1e-5


def test_relative_plans_fall_back_where_the_lower_end_is_missed():
    solution = relative_plan(1e-4).run(matrix(np.append(INSIDE[1:], 1e-7)))
    assert solution.status == "fell_back"
    assert solution.message


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1.0, 1e30, 1e150])
def test_relative_plans_do_not_mind_the_scale(scale):
    a = matrix(INSIDE, 5)
    solution = relative_plan(1e-6).run(a * scale)
    assert solution.status == "converged"
    error = eigenvalue_error(FUNCTIONS.get("invsqrt"), a, solution.value * np.sqrt(scale))
    assert error <= 1e-6


@pytest.mark.parametrize("n", [1, 2, 3])
def test_small_orders(n):
    a = matrix(np.linspace(0.2, 0.9, n))
    value = plan().run(a).value
    assert eigenvalue_error(FUNCTIONS.get("invsqrt"), a, value) <= 1e-5


def test_strided_and_read_only_input():
    a = matrix(INSIDE)
    padded = np.zeros((2 * N, 2 * N))
    padded[::2, ::2] = a
    view = padded[::2, ::2]
    view.flags.writeable = False
    made = plan()
    assert np.array_equal(made.run(view).value, made.run(a).value)


def test_out_receives_the_value_and_must_fit():
    a, made = matrix(INSIDE), plan()
    executor = made.bind(a)
    out = np.empty_like(a)
    assert executor(a, out=out).value is out
    fresh = executor(a).value
    assert np.array_equal(fresh, out)
    assert executor(a).value is not fresh
    for wrong in (np.empty((3, 3)), out.astype("float32"), out.T[::-1], a):
        with pytest.raises(InputError, match=r"^out:"):
            executor(a, out=wrong)


def test_threads_share_an_executor():
    matrices = [matrix(INSIDE, seed) for seed in range(8)]
    executor = plan().bind(N)
    expected = [executor(a).value for a in matrices]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda a: executor(a).value, matrices))
    assert all(np.array_equal(x, y) for x, y in zip(found, expected, strict=True))


def test_plans_and_executors_pickle():
    made, a = plan(), matrix(INSIDE)
    assert pickle.loads(pickle.dumps(made)) == made
    executor = pickle.loads(pickle.dumps(made.bind(a)))
    assert np.array_equal(executor(a).value, made.run(a).value)


def test_saved_plans_run_the_same(tmp_path):
    made, a = plan(), matrix(INSIDE)
    made.save(tmp_path / "plan.json")
    loaded = Plan.load(tmp_path / "plan.json")
    assert loaded == made
    assert np.array_equal(loaded.run(a).value, made.run(a).value)


def test_an_unknown_level_of_verification_is_refused():
    with pytest.raises(InputError, match=r"^verify:"):
        plan().run(matrix(INSIDE), verify="maybe")  # type: ignore[arg-type]
