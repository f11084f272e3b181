"""Steps in half precisions: where a profile prices them, and only where rounding allows."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matrl import Problem, Profile, Spectrum, discover
from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.core.precision import FORMATS, is_half
from matrl.core.safety import LARGEST_SLACK, slack_of, slack_precision
from matrl.discovery.problem.precisions import usable_precisions
from matrl.discovery.rounding.half_steps import may_leave_range
from matrl.discovery.rounding.rounding import Noise, RoundingModel
from matrl.errors import InputError, UnreachableError
from matrl.execute.accuracy import Reference
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.readings.noisy import NoisyValue

N = 64
FACTORS = {"bfloat16": 0.25, "float16": 0.25, "float32": 0.5, "float64": 1.0}
PRODUCTS = {"matmul": 1.0, "matmul_herm": 0.7, "gram": 0.7, "add": 0.02}
DECOMPOSITIONS = {"inv_spd": 0.9, "eigh": 9.0, "svd": 15.0}


def prices(*dtypes: str, halves_factorise: bool = False) -> Profile:
    """Return prices of products in the dtypes, and of factorisations in those that have any."""
    text = []
    for dtype in dtypes:
        table = dict(PRODUCTS)
        if halves_factorise or not is_half(dtype):
            table |= DECOMPOSITIONS
        text += [
            f'{{"op": "{op}", "dtype": "{dtype}", "n": {N}, "batch": 1, "seconds": '
            f"{seconds * FACTORS[dtype]}}}"
            for op, seconds in table.items()
        ]
    return Profile.from_json(f'{{"schema": 1, "name": "unit", "ops": [{", ".join(text)}]}}')


EVERY = prices(*FACTORS)


def solve(function: str, lower: float, tol: float, norm: Any = "eigenvalue", **options: Any) -> Any:
    dtype = options.pop("dtype", "float32")
    problem = Problem(
        function,
        Spectrum.interval(lower, 1.0),
        tol=tol,
        dtype=dtype,
        norm=norm,
        shape=(N, N),
    )
    defaults = {"profile": EVERY, "allow": "minimax-[2-5]", "nodes": 1000, "time_limit": 60.0}
    return discover(problem, **(defaults | options))


def matrix(function: str, lower: float, seed: int) -> np.ndarray:
    """Return a matrix whose spectrum is spread over the interval, of either sign for the sign."""
    generator = np.random.default_rng(seed)
    vectors, others = (np.linalg.qr(generator.standard_normal((N, N)))[0] for _ in range(2))
    values = np.geomspace(lower * (1.0 + 1e-5), 1.0 - 1e-5, N)
    if function == "sign":
        values *= np.where(np.arange(N) % 2, -1.0, 1.0)
    a = (vectors * values) @ (others if function == "polar" else vectors).T
    a = a if function == "polar" else 0.5 * (a + a.T)
    return np.ascontiguousarray(a.astype("float32"))


CASES = [
    ("polar", 0.1, 3e-2, "frobenius", "bfloat16", {"bfloat16"}),
    ("polar", 0.1, 1e-2, "frobenius", "bfloat16", {"bfloat16"}),
    ("polar", 0.1, 1e-2, "eigenvalue", "bfloat16", {"bfloat16", "float32"}),
    ("polar", 0.03, 1e-2, "frobenius", "float16", {"float16", "float32"}),
    ("sign", 0.1, 1e-2, "eigenvalue", "float16", {"float16"}),
    ("inv", 0.1, 1e-2, "eigenvalue", "float16", {"float16"}),
    ("invsqrt", 0.05, 2e-2, "eigenvalue", "bfloat16", {"bfloat16"}),
]


@pytest.mark.parametrize(("function", "lower", "tol", "norm", "half", "used"), CASES)
def test_loose_tolerances_are_met_by_half_precisions(
    function: str, lower: float, tol: float, norm: Any, half: str, used: set[str]
) -> None:
    """And the plan is cheaper than the one without, and passes both guards as it is."""
    found = solve(function, lower, tol, norm, precision=(half, "float32"))
    assert {step.precision for step in found.plan.steps} == used
    assert found.cost < solve(function, lower, tol, norm, precision="float32").cost
    again = type(found.plan).from_json(found.plan.to_json())
    assert again == found.plan
    measure = Measure(norm, FUNCTIONS.get(function))
    for seed in range(3):
        a = matrix(function, lower, seed)
        for verify in ("sketch", "full"):
            solution = again.run(a, verify=verify)
            assert solution.status == "converged"
            assert solution.value.dtype == np.float32
        assert Reference(measure, a).error(solution.value) <= tol


@pytest.mark.parametrize("function", ["polar", "invsqrt"])
def test_tight_tolerances_have_no_half_step(function: str) -> None:
    found = solve(function, 0.1, 1e-5)
    assert {step.precision for step in found.plan.steps} == {"float32"}
    with pytest.raises(UnreachableError, match="tol: 1e-05 is out of reach"):
        solve(function, 0.1, 1e-5, precision="bfloat16, float16")


def test_a_tolerance_near_the_rounding_level_needs_more_precision() -> None:
    """At 3e-3 truncation would allow bfloat16 alone; what rounding leaves is more than that."""
    with pytest.raises(UnreachableError):
        solve("polar", 0.1, 3e-3, "frobenius", precision="bfloat16")
    assert solve("polar", 0.1, 3e-3, "frobenius", precision="float16").cost < 3.0


def test_without_prices_nothing_changes() -> None:
    """The search is the same, node by node."""
    plain = prices("float32", "float64")
    first = solve("polar", 0.05, 1e-2, profile=plain)
    second = solve("polar", 0.05, 1e-2, profile=plain, precision="float32,float64")
    assert (first.plan.steps, first.nodes) == (second.plan.steps, second.nodes)
    assert usable_precisions(tuple(FACTORS), "float32", plain) == ("float32", "float64")
    assert usable_precisions(tuple(FACTORS), "float32", EVERY) == tuple(FACTORS)
    assert usable_precisions(tuple(FACTORS), "complex64", EVERY) == ("float32", "float64")


def test_prices_of_factorisations_in_half_precisions_are_not_used() -> None:
    absurd = prices("bfloat16", "float32", halves_factorise=True)
    found = solve("invsqrt", 0.1, 3e-2, profile=absurd, allow="*")
    for step in found.plan.steps:
        update = UPDATES.get(step.name)
        needs_more = isinstance(update, DirectMethod) or update.kind != "polynomial"
        assert not (needs_more and is_half(step.precision))


def test_what_cannot_be_used_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"^precision: bfloat16 is for real matrices, not for com"):
        solve("polar", 0.1, 1e-2, dtype="complex64", precision="bfloat16,float32")
    with pytest.raises(InputError, match=r"^precision: NumPy only emulates float16"):
        solve("polar", 0.1, 1e-2, profile=None, precision="float16")
    with pytest.raises(InputError, match=r"^precision: the profile 'unit' has no price .* float16"):
        solve("polar", 0.1, 1e-2, profile=prices("float32"), precision=["float16"])
    with pytest.raises(InputError, match=r"^precision: must be among bfloat16, float16, float32"):
        solve("polar", 0.1, 1e-2, precision="float8")


def test_missing_prices_of_half_precisions_are_named() -> None:
    profile = prices("bfloat16")
    entries = tuple(entry for entry in profile.entries if entry.op != "add")
    with pytest.raises(UnreachableError, match=r"with prices for add \(bfloat16\)"):
        solve("polar", 0.1, 5e-2, profile=Profile("unit", entries), precision="bfloat16")


def test_complex_matrices_have_plans_without() -> None:
    ops = [replace_dtype(entry, "complex64") for entry in prices("float32").entries]
    profile = Profile("unit", (*ops, *prices("bfloat16").entries))
    found = solve("polar", 0.1, 3e-2, dtype="complex64", profile=profile)
    assert {step.precision for step in found.plan.steps} == {"float32"}


def replace_dtype(entry: Any, dtype: str) -> Any:
    return type(entry)(entry.op, dtype, entry.n, entry.batch, entry.seconds)


def test_the_least_error_for_a_budget_is_what_runs_have() -> None:
    found = solve(
        "polar", 0.1, 0.5, "frobenius", precision="bfloat16", minimize="error", steps=3, nodes=300
    )
    assert {step.precision for step in found.plan.steps} == {"bfloat16"}
    for seed in range(3):
        a = matrix("polar", 0.1, seed)
        reference = Reference(Measure("frobenius", FUNCTIONS.get("polar")), a)
        assert reference.error(found.plan.run(a).value) <= found.plan.tol


# The safety rule ---------------------------------------------------------------------------------


def test_the_slack_of_half_precisions_does_not_depend_on_n() -> None:
    for name in ("bfloat16", "float16"):
        assert slack_of(name, 64) == slack_of(name, 4096) == 4.0 * FORMATS[name].unit_roundoff
    assert slack_of("float32", 10**6) == LARGEST_SLACK


@pytest.mark.parametrize(
    ("precision", "previous", "wanted"),
    [
        ("float32", None, "float32"),
        ("float32", "float64", "float32"),
        ("float32", "float16", "float16"),
        ("float16", "bfloat16", "bfloat16"),
        ("bfloat16", "float16", "bfloat16"),
        ("bfloat16", "float32", "bfloat16"),
    ],
)
def test_a_step_after_a_half_one_is_as_wide(
    precision: str, previous: str | None, wanted: str
) -> None:
    assert slack_precision(precision, previous) == wanted


def test_plans_are_designed_on_the_widened_range() -> None:
    """That of the state before, by what its precision and that of the step before ask for."""
    found = solve("polar", 0.1, 1e-2, "eigenvalue", precision="bfloat16,float32")
    lower, upper, previous = 0.1, 1.0, None
    for step in found.plan.steps:
        top = upper * (1.0 + slack_of(slack_precision(step.precision, previous), N))
        update: Any = UPDATES.get(step.name)
        expected = update.coefficients(2, lower, top)
        assert np.allclose(step.coefficients, expected, rtol=1e-6)
        x = np.linspace(lower, top, 4001)
        h = x * np.polynomial.polynomial.polyval(x**2, np.array(step.coefficients))
        assert h.min() > 0.0
        lower, upper, previous = (
            float(h[x <= upper].min()),
            float(h[x <= upper].max()),
            (step.precision),
        )


NODES = np.geomspace(0.1, 1.0, 12)
DENSITY = np.full(12, 1.0 / 12)
HALF = StepRecord("minimax-3", "zm", "bfloat16", (1.5, -0.5))
FULL = replace(HALF, precision="float32")


def with_errors(values: np.ndarray, size: float) -> NoisyValue:
    """Return a value whose error has about this 2-norm."""
    q = len(values)
    return NoisyValue(values, np.full((1, q, q), size / (1.6 * np.sqrt(N))))


@pytest.mark.parametrize("k", [1, 2])
def test_a_residual_pushed_beyond_the_slack_is_noticed(k: int) -> None:
    function = FUNCTIONS.get({1: "inv", 2: "invsqrt"}[k])
    slack = slack_of("bfloat16", N)
    results = [NoisyValue.exact(NODES ** (-1.0 / k))]
    for size, is_unsafe in ((0.9 * k * slack, False), (1.1 * k * slack, True)):
        residual = with_errors(np.linspace(0.5, 1.0, 12), size)
        found = may_leave_range(function, (HALF, FULL), NODES, residual, results, N, DENSITY)
        assert found is is_unsafe
    assert may_leave_range(function, (HALF, FULL), NODES, None, results, N, DENSITY)


def test_a_residual_that_may_be_indefinite_is_noticed() -> None:
    function, results = FUNCTIONS.get("inv"), [NoisyValue.exact(1.0 / NODES)]
    for least, is_unsafe in ((0.1, False), (1e-4, True)):
        residual = with_errors(np.geomspace(least, 1.0, 12), 5e-3)
        found = may_leave_range(function, (HALF, FULL), NODES, residual, results, N, DENSITY)
        assert found is is_unsafe


@pytest.mark.parametrize(("factor", "is_unsafe"), [(0.9, False), (1.1, True)])
def test_an_iterate_pushed_beyond_the_slack_is_noticed(factor: float, is_unsafe: bool) -> None:
    half, full = replace(HALF, form="chained"), replace(FULL, form="chained")
    result = with_errors(np.full(12, 1.0), factor * slack_of("bfloat16", N))
    polar = FUNCTIONS.get("polar")
    assert may_leave_range(polar, (half, full), NODES, None, [result], N, DENSITY) is is_unsafe


@pytest.mark.parametrize(("growth", "is_possible"), [(1.0, True), (10.0, False)])
def test_a_step_after_too_noisy_a_half_step_has_no_level(growth: float, is_possible: bool) -> None:
    model = RoundingModel(FUNCTIONS.get("invsqrt"), N, "float32")
    dips = np.ones(12)
    step, level = model.after_step(NODES, DENSITY, {}, None, HALF, dips)
    assert 1e-3 < level < 0.1
    noise = {name: grown(one, growth) for name, one in step.noise.items()}
    _, level = model.after_step(NODES, DENSITY, noise, HALF, FULL, dips)
    assert math.isfinite(level) is is_possible
    # After a step in float32 nothing is asked: its widening is far above what it does.
    _, level = model.after_step(NODES, DENSITY, noise, FULL, FULL, dips)
    assert math.isfinite(level)


def grown(one: Noise, factor: float) -> Noise:
    return replace(one, value=replace(one.value, errors=factor * one.value.errors))
