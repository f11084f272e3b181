"""Runs at the edges: scales, conditions, orders, layouts, and failures in runs."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from matrl import Plan, Problem, Profile, Spectrum, discover
from matrl.errors import (
    ConvergenceError,
    DomainError,
    IndefiniteMatrixError,
    InputError,
    MatrlError,
    NonFiniteError,
    NotHermitianError,
)
from matrl.execute import Executor
from matrl.execute.accuracy import eigenvalue_error
from matrl.functions import FUNCTIONS

N = 24
NODES = 200  # good plans are found early; what the rest of a search proves is not tested here
PRICES = {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "add": 0.0}
FUNCTION_NAMES = ["inv", "sqrt", "invsqrt"]
ITERATIVE = "minimax-*,series-*,zolotarev-*,newton,halley"


def profile():
    ops = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": seconds}
        for op, seconds in PRICES.items()
        for dtype in ("float32", "float64")
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


def matrix(eigenvalues, seed=0, dtype="float64"):
    n = len(eigenvalues)
    vectors, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    a = (vectors * eigenvalues) @ vectors.T
    return (0.5 * (a + a.T)).astype(dtype)


@cache
def plan(
    function: str = "invsqrt",
    spectrum: Spectrum | None = None,
    allow: str = "*",
    tol: float = 1e-5,
    dtype: Any = "float64",
    n: int = N,
) -> Plan:
    spectrum = spectrum or Spectrum.interval(0.01, 1.0)
    problem = Problem(function, spectrum, tol=tol, dtype=dtype, shape=(n, n))
    precision = "float64" if dtype == "float64" else None
    return discover(problem, profile=profile(), allow=allow, precision=precision, nodes=NODES).plan


def error_of(function, a, value):
    return eigenvalue_error(FUNCTIONS.get(function), a, value)


INSIDE = np.geomspace(0.011, 0.99, N)


# Scales, conditions, orders ----------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [("float32", e) for e in (-30, -12, 0, 12, 30)]
    + [("float64", e) for e in (-150, -60, 0, 60, 150)],
)
def test_relative_plans_at_any_scale(function, dtype, exponent):
    tol = 1e-3 if dtype == "float32" else 1e-8
    made = plan(function, Spectrum.of(matrix(INSIDE, 1, dtype)), "minimax-*,series-*", tol, dtype)
    unit = matrix(INSIDE, 2)
    # A power of two near 10^exponent with an exact square root, so that scaling adds no error.
    scale = 2.0 ** (2 * round(exponent * np.log2(10) / 2))
    power = scale ** FUNCTIONS.get(function).exponent
    solution = made.run((unit * scale).astype(dtype))
    assert solution.status == "converged"
    rounded = unit.astype(dtype).astype(np.float64)
    assert error_of(function, rounded, solution.value.astype(np.float64) / power) <= tol


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("exponent", [2, 4, 6, 8, 10, 12])
def test_conditions_up_to_1e12(function, exponent):
    made = plan(function, Spectrum.interval(10.0**-exponent, 1.0), tol=1e-2)
    a = matrix(np.geomspace(2 * 10.0**-exponent, 0.9, N))
    solution = made.run(a, verify="full")
    assert solution.status in {"converged", "fell_back"}
    if exponent <= 10:
        assert error_of(function, a, solution.value) <= 1.01e-2


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_small_orders(function, n, verify):
    a = matrix(np.linspace(0.2, 0.9, n))
    solution = plan(function).run(a, verify=verify)
    assert solution.value.shape == (n, n)
    assert error_of(function, a, solution.value) <= 1e-5


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("value", [0.011, 0.3, 0.999])
@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_repeated_eigenvalues(function, value, verify):
    solution = plan(function).run(value * np.eye(N), verify=verify)
    expected = value ** FUNCTIONS.get(function).exponent
    assert solution.status == "converged"
    assert np.allclose(solution.value, expected * np.eye(N), rtol=1e-5, atol=1e-5 * expected)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_the_identity_in_a_relative_plan(function):
    made = plan(function, Spectrum.of(np.eye(N)), tol=1e-6)
    expected = 7.0 ** FUNCTIONS.get(function).exponent * np.eye(N)
    assert np.allclose(made.run(7.0 * np.eye(N)).value, expected)


# Layouts and arguments ---------------------------------------------------------------------


def layouts(a):
    wide = np.zeros((2 * N, 3 * N))
    wide[::2, ::3] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    reversed_twice = np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1]
    offset = np.zeros(N * N + 1)[1:].reshape(N, N)
    offset[...] = a
    return {
        "Fortran": np.asfortranarray(a),
        "strided": wide[::2, ::3],
        "read-only": frozen,
        "reversed": reversed_twice,
        "transposed": a.T,
        "offset": offset,
    }


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("layout", layouts(matrix(INSIDE)))
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_any_layout_works_and_is_left_alone(function, layout, verify):
    a = matrix(INSIDE)
    view = layouts(a)[layout]
    before, flags = view.tobytes(), str(view.flags)
    solution = plan(function).run(view, verify=verify)
    assert np.array_equal(solution.value, plan(function).run(a, verify=verify).value)
    assert view.tobytes() == before
    assert str(view.flags) == flags


@pytest.mark.parametrize("bad", ["indefinite", "nan", "above"])
@pytest.mark.parametrize("allow", ["minimax-*", "zolotarev-*", "eigh"])
def test_refused_input_is_left_alone(bad, allow):
    a = matrix(np.append(INSIDE[1:], {"indefinite": -0.2, "nan": 0.5, "above": 1.7}[bad]))
    if bad == "nan":
        a[2, 3] = a[3, 2] = np.nan
    before = a.tobytes()
    with pytest.raises(MatrlError, match=r"^A:"):
        plan(allow=allow).run(a)
    assert a.tobytes() == before


class Sparse:
    """Stands in for a sparse matrix of another library."""

    def toarray(self):
        return np.eye(N)


def test_sparse_matrices_are_refused_with_the_remedy():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(InputError, match=r"^A: .*toarray"):
        plan().run(sparse.eye_array(N, format="csr"))
    with pytest.raises(InputError, match=r"^A: must be a NumPy array, not Sparse"):
        plan().run(Sparse())


@pytest.mark.parametrize("order", [N - 1, N + 1, 1])
def test_an_executor_takes_its_own_order_only(order):
    with pytest.raises(InputError, match=rf"^A: has order {order}, but .* bound to {N}"):
        plan().bind(N)(np.eye(order))


@pytest.mark.parametrize("verify", ["SKETCH", "", None, True])
def test_unknown_levels_of_verification(verify):
    with pytest.raises(InputError, match=r"^verify:"):
        plan().bind(N, verify=verify)


def test_out_may_not_overlap():
    store = np.zeros((2 * N, N))
    store[:N] = matrix(INSIDE)
    executor = plan().bind(N)
    frozen = np.empty((N, N))
    frozen.flags.writeable = False
    fortran = np.empty((N, N), order="F")
    for out in (store[1 : N + 1], store[:N], frozen, fortran, [[0.0]], np.empty((1, N, N))):
        with pytest.raises(InputError, match=r"^out:"):
            executor(store[:N], out=out)  # type: ignore[arg-type]
    assert executor(store[:N], out=store[N:]).status == "converged"


def test_slightly_asymmetric_input_passes_and_more_does_not():
    a = matrix(INSIDE)
    a[0, 1] *= 1 + 1e-15
    assert plan().run(a).status == "converged"
    a[0, 1] += 1e-9
    with pytest.raises(NotHermitianError, match=r"^A: must be symmetric"):
        plan().run(a)


# Outside the domain ------------------------------------------------------------------------


WAYS = [
    (function, allow)
    for function in FUNCTION_NAMES
    for allow in ("minimax-*", "zolotarev-*", "newton,minimax-3", ITERATIVE, "eigh", "cholesky")
    if allow in {"minimax-*", ITERATIVE, "eigh"} or (allow == "cholesky") == (function == "inv")
    if (function, allow) != ("inv", "zolotarev-*")
]


@pytest.mark.parametrize(("function", "allow"), WAYS)
@pytest.mark.parametrize("verify", ["sketch", "full"])
@pytest.mark.parametrize("outlier", [1.0001, 1.1, 3.0, 1e4, 0.009, 1e-4, 1e-9])
def test_nothing_wrong_is_ever_called_converged(function, allow, verify, outlier):
    a = matrix(np.append(INSIDE[1:], outlier))
    try:
        solution = plan(function, allow=allow).run(a, verify=verify)
    except (DomainError, IndefiniteMatrixError, ConvergenceError):
        return
    assert solution.status in {"converged", "continued", "fell_back"}
    assert error_of(function, a, solution.value) <= 1e-5 * 1.01


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("verify", ["sketch", "full"])
@pytest.mark.parametrize("smallest", [1e-3, 1e-5, 1e-7])
def test_relative_plans_below_their_domain_are_never_silent(function, verify, smallest):
    made = plan(function, Spectrum.of(matrix(INSIDE)), "minimax-*")
    a = matrix(np.append(smallest, INSIDE[1:]), 4)
    solution = made.run(a, verify=verify)
    assert error_of(function, a, solution.value) <= 1e-5 * 1.01
    if smallest < 1e-4:
        assert solution.status == "fell_back"
        assert "fell back" in solution.message


def test_a_plan_that_is_wrong_falls_back():
    made = plan(allow="minimax-*")
    last = made.steps[-1]
    wrong = replace(last, coefficients=tuple(2.0 * c for c in last.coefficients))
    a = matrix(INSIDE)
    for verify in ("sketch", "full"):
        solution = replace(made, steps=(*made.steps[:-1], wrong)).run(a, verify=verify)
        assert solution.status == "fell_back"
        assert error_of("invsqrt", a, solution.value) <= 1e-5


def test_a_float32_run_beyond_its_precision_is_refused_or_right():
    made = plan("inv", Spectrum.interval(1e-2, 1.0), tol=1e-4, dtype="float32")
    made = replace(made, tol=3e-7)
    a = matrix(INSIDE, 3, "float32")
    try:
        solution = made.run(a)
    except ConvergenceError:
        return
    assert error_of("inv", a, solution.value) <= 3.1e-7


# Stacks, threads, pickles ------------------------------------------------------------------


@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_stacks_report_one_number_a_matrix(verify):
    stack = np.stack([matrix(INSIDE, seed) for seed in range(3)])
    solution = plan().run(stack, verify=verify)
    assert solution.status.shape == (3,)
    for seed in range(3):
        one = plan().run(stack[seed], verify=verify)
        assert np.array_equal(one.value, solution.value[seed])
        assert solution.status[seed] == one.status
        if verify == "full":
            assert solution.error_bound[seed] == one.error_bound


def spoiled(kind):
    a = matrix(INSIDE, 8)
    if kind == "nan":
        a[1, 2] = a[2, 1] = np.nan
    elif kind == "lopsided":
        a[1, 2] += 0.5
    elif kind == "zero":
        a[...] = 0.0
    elif kind == "indefinite":
        a -= 0.5 * np.eye(N)
    else:
        a *= 3.0
    return a


@pytest.mark.parametrize("kind", ["nan", "lopsided", "zero", "indefinite", "above"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_matrix_spoils_no_other(kind, place):
    good = [matrix(INSIDE, seed) for seed in range(2)]
    good.insert(place, spoiled(kind))
    solution = plan(allow="minimax-*").run(np.stack(good))
    expected = ["converged"] * 3
    expected[place] = "refused"
    assert solution.status.tolist() == expected
    assert solution.message.startswith(f"A[{place}]:")
    assert np.isnan(solution.value[place]).all()
    assert np.isnan(solution.residual[place])
    for index in set(range(3)) - {place}:
        assert error_of("invsqrt", good[index], solution.value[index]) <= 1e-5


def test_an_executor_survives_what_it_refuses():
    executor, a = plan().bind(N), matrix(INSIDE)
    expected = executor(a).value
    for kind in ("nan", "lopsided", "zero", "indefinite"):
        with pytest.raises((NonFiniteError, NotHermitianError, IndefiniteMatrixError)):
            executor(spoiled(kind))
        assert np.array_equal(executor(a).value, expected)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_four_threads_ten_runs_each(function):
    executor = plan(function).bind(N, verify="full")
    matrices = [matrix(INSIDE, seed) for seed in range(4)]
    expected = [executor(a).value for a in matrices]

    def ten(index):
        return [executor(matrices[index]).value for _ in range(10)]

    with ThreadPoolExecutor(4) as pool:
        for value, runs in zip(expected, pool.map(ten, range(4)), strict=True):
            assert all(np.array_equal(value, run) for run in runs)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_used_executors(protocol):
    made, a = plan("sqrt"), matrix(INSIDE)
    executor = Executor(made, N)
    expected = executor(a).value
    assert pickle.loads(pickle.dumps(made, protocol)) == made
    copy = pickle.loads(pickle.dumps(executor, protocol))
    assert np.array_equal(copy(a).value, expected)
