"""Powers that are in no registry: discovered, saved, run, checked, and as right as predicted."""

import json
from typing import Any

import numpy as np
import pytest

from matrl import Plan, Problem, Profile, Spectrum, discover
from matrl.backends.numpy import numpy_backend
from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.core.safety import SAFETY, safety_of
from matrl.discovery.problem.domains import scaled_domains
from matrl.discovery.states.iterates import Iterates
from matrl.discovery.states.state import ScheduleState
from matrl.errors import ArtifactError, UnknownNameError
from matrl.execute.accuracy import Reference
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES
from matrl.iterations.schedule import trace_schedule
from matrl.readings.dense import run

N = 40
PRICES = {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 30.0, "add": 0.02}
TOL = {"float32": 2e-3, "complex64": 2e-3, "float64": 1e-8, "complex128": 1e-8}
NAMES = ["power(0.3)", "power(1/9)", "power(-7/10)", "root(16)", "invroot(11)"]
NAMES += ["power(63/64)", "invroot(64)"]


def profile() -> Profile:
    ops = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": seconds}
        for op, seconds in PRICES.items()
        for dtype in TOL
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


def matrix(kappa: float, dtype: str) -> np.ndarray:
    random = np.random.default_rng(0)
    a = random.standard_normal((N, N))
    if dtype.startswith("c"):
        a = a + 1j * random.standard_normal((N, N))
    q = np.linalg.qr(a)[0]
    values = np.geomspace((1.0 + 1e-6) / kappa, 1.0 - 1e-6, N) if kappa > 1.0 else np.ones(N)
    a = (q * values) @ q.conj().T
    return (0.5 * (a + a.conj().T)).astype(dtype)


def found(name: str, kappa: float, dtype: Any, norm: Any, allow: str, tol: float = 0.0) -> Plan:
    problem = Problem(
        name,
        Spectrum.interval(1.0 / kappa, 1.0),
        tol=tol or TOL[dtype],
        dtype=dtype,
        shape=(N, N),
        norm=norm,
    )
    return discover(problem, profile=profile(), allow=allow, time_limit=60, nodes=40, seed=0).plan


CASES = [
    ("eigenvalue", "float64", 1e3, "rational-*"),
    ("eigenvalue", "float32", 10.0, "rational-*,minimax-*"),
    ("eigenvalue", "complex128", 1e6, "rational-*"),
    ("spectral", "float32", 1e3, "rational-*"),
    ("frobenius", "complex128", 10.0, "rational-*"),
    ("residual", "float64", 1.0, "minimax-*"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("norm", "dtype", "kappa", "allow"), CASES)
def test_predictions_are_true(name: str, norm: Any, dtype: Any, kappa: float, allow: str) -> None:
    # At kappa = 1e6 the direct method decides how much can be asked for.
    tol = 1e-6 if kappa == 1e6 else TOL[dtype]
    plan = found(name, kappa, dtype, norm, allow, tol)
    a, function = matrix(kappa, dtype), FUNCTIONS.get(name)
    assert plan.function == function.name
    assert Plan.from_json(plan.to_json()) == plan
    reference = Reference(Measure(norm, function), a)
    error = reference.error(plan.run(a, verify="off").value)
    # The density of 40 eigenvalues is not quite that of the interval, and float64 judges itself.
    floor = 64.0 * np.finfo(np.float64).eps * (function.root_index if norm == "residual" else 1)
    assert error <= 1.3 * plan.predicted.error + 6.0 * plan.predicted.rounding + floor
    for verify in ("sketch", "full"):
        solution = plan.run(a, verify=verify)  # type: ignore[arg-type]
        assert reference.error(solution.value) <= tol
        if kappa < 1e6:
            assert solution.status == "converged"
        if verify == "full" and norm != "residual":
            assert solution.error_bound is not None
            assert solution.error_bound <= 2.0 * tol + 1e-6 * (kappa == 1e6)


@pytest.mark.parametrize("name", ["root(16)", "invroot(64)", "power(63/64)"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plans_for_given_matrices_and_samples(name: str, dtype: Any) -> None:
    a = (7.0 * matrix(100.0, dtype)).astype(dtype)
    eigenvalues = np.linalg.eigvalsh(a.astype(np.float64))
    for spectrum in (Spectrum.of(a), Spectrum.samples(eigenvalues)):
        problem = Problem(name, spectrum, tol=1e-3, dtype=dtype, shape=(N, N))
        plan = discover(
            problem, profile=profile(), allow="rational-*,pade-*", time_limit=60, nodes=40, seed=0
        ).plan
        solution = plan.run(a)
        assert solution.status == "converged"
        assert Reference(problem.measure, a).error(solution.value) <= 1e-3


def test_a_plan_for_a_power_there_is_not_does_not_load() -> None:
    plan = found("root(16)", 10.0, "float64", "eigenvalue", "eigh")
    for name, message in (("root-65", "no index from 2 to 64"), ("power-1/0", "divides by zero")):
        text = plan.to_json().replace('"root-16"', f'"{name}"')
        with pytest.raises(ArtifactError, match=message):
            Plan.from_json(text)


def test_patterns_reach_updates_made_on_demand() -> None:
    plan = found("invroot(64)", 10.0, "float64", "eigenvalue", "minimax-129")
    assert {step.name for step in plan.steps} == {"minimax-129"}
    with pytest.raises(UnknownNameError, match="'minimax-129' matches no update"):
        found("sqrt", 10.0, "float64", "eigenvalue", "minimax-129")


def test_the_safety_factor_stays_moderate_for_eigenvalues() -> None:
    for k in range(2, 65):
        factor = safety_of(FUNCTIONS.get(f"root({k})"))
        assert factor**k == pytest.approx(SAFETY ** min(k, 8), rel=1e-12)
    for function in ("inv", "sign", "polar"):
        assert safety_of(FUNCTIONS.get(function)) == SAFETY


@pytest.mark.parametrize("upper", [0.7, 1.0, 3.0, 2.0**40])
def test_absolute_domains_end_near_one_for_every_root_index(upper: float) -> None:
    """m^d has to stay within float32, whatever k is."""
    measure = Measure("eigenvalue", FUNCTIONS.get("root(64)"))
    (domain,) = scaled_domains(Spectrum.interval(1e-3 * upper, upper), measure, N)
    assert 0.5 < domain.upper**64 <= 1.0 + 1e-12
    assert np.log2(domain.scaling.factor) % 1.0 == 0.0


def test_iterates_whose_powers_overflow_are_no_step() -> None:
    measure = Measure("eigenvalue", FUNCTIONS.get("root(64)"))
    (domain,) = scaled_domains(Spectrum.interval(0.1, 1.0), measure, N)
    update: Any = UPDATES.get("series-65")
    state = ScheduleState(lower=domain.lower, upper=domain.upper)
    for factor, kept in ((1.0, True), (1.3, True), (1.5, False), (0.7, False)):
        coefficients = tuple(factor * c for c in update.coefficients(64, domain.lower, 1.0))
        iterates = Iterates.after(measure, domain, state, update, coefficients)
        assert (iterates is not None) == kept


def test_powers_of_a_multiple_do_not_overflow_in_single_precision() -> None:
    """p = w (A + c)^-1 with w = 9: w^63 alone is beyond float32."""
    function = FUNCTIONS.get("invroot(64)")
    pade: Any = UPDATES.get("pade-0/1")
    coefficients = pade.coefficients(64, 0.9, 1.0)
    assert coefficients[1] ** 63 > float(np.finfo(np.float32).max)
    steps = [
        StepRecord("pade-0/1", "partial-fractions", "float32", coefficients),
        StepRecord("pade-0/1", "zm", "float32", pade.coefficients(64, 0.98, 1.0)),
    ]
    a, values = matrix(100.0, "float32"), [np.empty((N, N), np.float32) for _ in range(2)]
    program = trace_schedule(function, steps, "float32", with_residual=True)
    run(program, a, values, backend=numpy_backend)
    expected = np.linalg.matrix_power(values[0].astype(np.float64), 64) @ a
    assert np.all(np.isfinite(values[1]))
    assert np.linalg.norm(expected - values[1], 2) <= 64 * N * np.finfo(np.float32).eps
