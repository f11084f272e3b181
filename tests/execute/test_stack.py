"""Stacks of small matrices: the values, statuses and messages of their matrices one by one."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from matrl import Plan, Problem, Profile, Spectrum, discover
from matrl.core import stacking
from matrl.errors import MatrlError
from matrl.execute.executor import Executor

N = 12
FUNCTIONS = ("inv", "sqrt", "invsqrt", "sqrt+invsqrt", "root-3", "sign", "polar", "polar-right")
DTYPES = ("float32", "float64", "complex64", "complex128")
TOLS = {"float32": 1e-3, "complex64": 1e-3}
SCHEDULES = ["series-*", "minimax-*", "zolotarev*", "newton", "newton-repair"]
"""No direct methods, which run alone."""
PRICES = {"matmul": 1, "matmul_herm": 0.7, "inv_spd": 1.5, "gram": 0.6, "add": 0.1}
PRICES |= {"eigh": 60, "svd": 90}  # so dear that they are last resorts


def profile_of(dtype: str, n: int, m: int) -> Profile:
    names = {dtype, "float64" if dtype == "float32" else dtype}
    ops = [
        {"op": op, "dtype": one, "n": n, "m": rows, "batch": 1, "seconds": seconds}
        for op, seconds in {**PRICES, "cast": 0.1}.items()
        for one in names
        for rows in {n, m}
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


def plan_for(
    function: Any, dtype: Any, *, allow: Any = "*", n: int = N, m: int = N, tol: float = 0.0
) -> Plan:
    problem = Problem(
        function,
        Spectrum.interval(0.05, 1.0),
        tol=tol or TOLS.get(dtype, 1e-8),
        dtype=dtype,
        shape=(m, n),
    )
    return discover(problem, profile=profile_of(dtype, n, m), allow=allow, nodes=300).plan


@cache
def schedule_for(function: str, dtype: str) -> Plan:
    """A plan without direct methods, found once for all tests of all files."""
    return plan_for(function, dtype, allow=SCHEDULES)


def orthonormal(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    noise = random.standard_normal(shape)
    if dtype.startswith("complex"):
        noise = noise + 1j * random.standard_normal(shape)
    return np.linalg.qr(noise)[0]


def matrices(function: str, dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Matrices of the domain, of real or complex entries."""
    random = np.random.default_rng(seed)
    n = shape[-1]
    right = orthonormal(random, (*shape[:-2], n, n), dtype)
    values = random.uniform(0.1, 0.9, (*shape[:-2], 1, n))
    adjoint = right.conj().swapaxes(-1, -2)
    if function.startswith("polar"):
        left = orthonormal(random, shape, dtype)
        return (left * values @ adjoint).astype(dtype)
    if function == "sign":
        values = values * random.choice([-1.0, 1.0], values.shape)
    a = right * values @ adjoint
    return (0.5 * (a + a.conj().swapaxes(-1, -2))).astype(dtype)


def parts_of(value: Any) -> tuple[np.ndarray, ...]:
    return value if isinstance(value, tuple) else (value,)


def relative_plan() -> Plan:
    """A plan for matrices of any size, by what they are like divided by a bound of theirs."""
    spectrum = Spectrum.of(list(matrices("inv", "float64", (3, N, N))))
    problem = Problem("inv", spectrum, tol=1e-6)
    return discover(
        problem, profile=profile_of("float64", N, N), allow=SCHEDULES[:2], nodes=200
    ).plan


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_stack_has_the_values_of_its_matrices(
    function: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacking, "CHUNK_BYTES", 1 << 14)  # so that there are several chunks
    m = N + 5 if function.startswith("polar") else N
    allow = SCHEDULES[:2] if function == "inv" else SCHEDULES  # one pole is the inverse itself
    plan = plan_for(function, dtype, allow=allow, m=m)
    a = matrices(function, dtype, (3, 7, m, N))
    before = a.copy()
    executor = plan.bind(a)
    assert executor._stack is not None
    together = executor(a)
    assert np.array_equal(a, before)
    assert together.status.shape == (3, 7)
    assert set(together.status.ravel()) == {"converged"}
    eps = float(np.finfo(dtype).eps)
    for index in np.ndindex(3, 7):
        alone = executor(a[index])
        for one, other in zip(parts_of(together.value), parts_of(alone.value), strict=True):
            assert np.abs(one[index] - other).max() <= 1e4 * N * eps * np.abs(other).max()
        assert together.residual[index] <= together.residual_bound[index]
        assert together.residual[index] == pytest.approx(alone.residual, rel=0.05, abs=1e3 * eps)


@pytest.mark.parametrize(("function", "name"), [("inv", "cholesky"), ("sqrt", "eigh")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_direct_methods_of_powers(function: str, name: str, dtype: str) -> None:
    plan = plan_for(function, dtype, allow=[name])
    a = matrices(function, dtype, (9, N, N))
    a[3] -= np.eye(N, dtype=dtype)
    executor = plan.bind(a)
    assert executor._stack is not None
    together = executor(a)
    assert list(together.status) == ["converged"] * 3 + ["refused"] + ["converged"] * 5
    for index in (0, 1, 2, 4, 5, 6, 7, 8):
        alone = executor(a[index])
        eps = float(np.finfo(dtype).eps)
        difference = np.abs(together.value[index] - alone.value).max()
        assert difference <= 1e2 * N * eps * np.abs(alone.value).max()
    with pytest.raises(MatrlError, match=r"^A: ") as refused:
        executor(a[3])
    assert str(refused.value).replace("A:", "A[3]:", 1) in together.message
    sign = plan_for("sign", dtype, allow=["eigh"])
    assert sign.bind(a)._stack is None


def test_products_alone_and_given_arrays() -> None:
    plan = plan_for("invsqrt", "float64", allow=["series-*", "minimax-*"])
    a = matrices("invsqrt", "float64", (20, N, N))
    out = np.full_like(a, np.nan)
    solution = plan.bind(a)(a, out=out)
    assert solution.value is out
    assert np.abs(out @ a @ out - np.eye(N)).max() <= 1e-6
    strided = np.asfortranarray(a)
    assert np.array_equal(plan.bind(a)(strided).value, out)


def test_one_bad_matrix_spoils_no_other_and_says_what_it_says_alone() -> None:
    plan = plan_for("invsqrt", "float64")
    good = matrices("invsqrt", "float64", (9, N, N))
    bad = good.copy()
    bad[1, 2, 3] = np.nan
    bad[2, 0, 1] += 0.5
    bad[3] = 0.0
    bad[4] -= 0.5 * np.eye(N)
    bad[5] *= 100.0
    bad[6, 0, 0] = np.inf
    executor = plan.bind(good)
    expected, solution = executor(good), executor(bad)
    for index in range(9):
        if not 1 <= index <= 6:
            assert solution.status[index] == executor(bad[index]).status == "converged"
            assert np.array_equal(solution.value[index], expected.value[index])
            continue
        with pytest.raises(MatrlError) as refused:
            executor(bad[index])
        assert solution.status[index] == "refused"
        assert np.isnan(solution.value[index]).all()
        assert str(refused.value).replace("A:", f"A[{index}]:", 1) in solution.message
    assert np.isnan(solution.residual[1:7]).all()


def test_what_a_sketch_refuses_is_run_alone_and_mended() -> None:
    plan = relative_plan()
    a = matrices("inv", "float64", (6, N, N))
    values, vectors = np.linalg.eigh(a[2])
    values[0] = 1e-3  # below the domain
    a[2] = vectors * values @ vectors.T
    solution = plan.bind(a)(a)
    assert solution.status[2] in ("fell_back", "continued")
    assert set(np.delete(solution.status, 2)) == {"converged"}
    assert np.abs(solution.value @ a - np.eye(N)).max() <= 1e-5


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_badly_scaled_matrices_beside_others(size: float) -> None:
    """Relative plans take any size; those of the extremes run alone, rescaled."""
    plan = relative_plan()
    a = matrices("inv", "float64", (4, N, N), seed=1)
    a[1] *= size
    solution = plan.bind(a)(a)
    assert set(solution.status) <= {"converged", "continued", "fell_back"}
    assert np.abs((solution.value[1] * size) @ (a[1] / size) - np.eye(N)).max() <= 1e-4


def test_unchecked_stacks() -> None:
    plan = plan_for("sign", "float64")
    a = matrices("sign", "float64", (5, N, N))
    solution = plan.bind(a, verify="off")(a)
    assert set(solution.status) == {"unchecked"}
    assert np.abs(solution.value @ solution.value - np.eye(N)).max() <= 1e-6
    assert np.isnan(solution.residual).all()


def test_what_is_not_run_together() -> None:
    plan = plan_for("inv", "float64", allow=SCHEDULES[:2])
    assert Executor(plan, N)._stack is not None
    assert Executor(plan, 97)._stack is None
    assert Executor(plan, N, verify="full")._stack is None
    assert Executor(plan, N, rank_deficient="pseudo")._stack is None


def test_empty_stacks() -> None:
    plan = plan_for("inv", "float64", allow=SCHEDULES[:2])
    solution = plan.bind(N)(np.empty((0, N, N)))
    assert solution.value.shape == (0, N, N)
    assert solution.status.shape == (0,)
