"""Schedules of the environment: prices add up, bounds are admissible, maps are safe."""

import json
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl import Problem, Profile, Spectrum, discover
from matrl.coefficients import minimax_coefficients
from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.discovery.accuracy import eigenvalue_error
from matrl.discovery.domains import scaled_domains
from matrl.discovery.environment import ScheduleEnvironment
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.state import ScheduleState
from matrl.errors import InputError, ToleranceError, UnknownNameError, UnreachableError
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.readings.count import price

N = 512
PRICES = {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "add": 0.0}
FUNCTION_NAMES = ["inv", "sqrt", "invsqrt"]
MORE_NAMES = [
    *FUNCTION_NAMES,
    *("root-3", "invroot-4", "power-2/3", "power--3/5"),
    *("sqrt+invsqrt", "sign", "polar", "polar-left"),
]


def profile(prices=PRICES, n=N, dtypes=("float64",)):
    ops = [
        {"op": op, "dtype": dtype, "n": n, "batch": 1, "seconds": seconds}
        for op, seconds in prices.items()
        for dtype in dtypes
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


def prices_at_512(table):
    """The price list of square matrices: tall ones are as wide, and an outer product is a Gram."""

    def price_of(name, dtype):
        op = name.partition(":")[0]
        return table.seconds("gram" if op == "outer" else op, dtype, N)

    return price_of


def environment(function, spectrum, tol=1e-6, prices=PRICES, dtypes=("float64",), allow="*"):
    table = profile(prices, dtypes=dtypes)
    entry = FUNCTIONS.get(function)
    actions = [
        (update, dtype)
        for update in UPDATES.matching(tuple(allow.split(",")))
        for dtype in dtypes
        if update.supports(entry if isinstance(update, DirectMethod) else entry.root_index)  # type: ignore[arg-type]
    ]
    measure = Measure("eigenvalue", entry)
    return ScheduleEnvironment(
        measure,
        scaled_domains(spectrum, measure, N),
        actions,
        SchedulePricer(entry, "float64", prices_at_512(table)),
        tol=tol,
        n=N,
        dtype="float64",
    )


def rollout(env: ScheduleEnvironment, choices: list[int]):
    """Return the states and prices along a schedule picked by numbers; illegal picks are passed."""
    states, prices = [env.root()], []
    for choice in choices:
        actions = env.actions(states[-1])
        if not actions or env.done(states[-1]):
            break
        taken = env.step(states[-1], actions[choice % len(actions)])
        if taken is not None:
            states.append(taken[0])
            prices.append(taken[1])
    return states, prices


CHOICES = st.lists(st.integers(0, 10**6), min_size=1, max_size=9)
KAPPAS = st.sampled_from([1.5, 10.0, 1e3, 1e6])


@given(st.sampled_from(MORE_NAMES), KAPPAS, CHOICES)
@settings(max_examples=150)
def test_prices_of_steps_add_up_to_the_price_of_the_program(function, kappa, choices):
    prices = {"matmul": 1.0, "matmul_herm": 0.61, "inv_spd": 0.93, "eigh": 9.1, "add": 0.037}
    dtypes = ("float64", "float32")
    env = environment(function, Spectrum.interval(1 / kappa, 1), 1e-7, prices, dtypes)
    states, paid = rollout(env, choices)
    steps = states[-1].steps
    if not steps:
        return
    table = profile(prices, dtypes=dtypes)
    program = trace_schedule(FUNCTIONS.get(function), steps, "float64")
    cost = price(program, prices_at_512(table))
    assert sum(paid) == pytest.approx(cost, rel=1e-9)


@given(st.sampled_from(MORE_NAMES), KAPPAS, CHOICES, st.booleans())
@settings(max_examples=150)
def test_bounds_are_admissible_along_random_schedules(function, kappa, choices, samples):
    values = np.geomspace(1 / kappa, 1, 5)
    spectrum = Spectrum.samples(values) if samples else Spectrum.interval(1 / kappa, 1)
    env = environment(function, spectrum, 1e-3)
    states, paid = rollout(env, choices)
    if not env.done(states[-1]):
        return
    for index, state in enumerate(states[:-1]):
        assert env.bound(state) <= sum(paid[index:]) * (1 + 1e-9)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("allow", ["*", "minimax-*", "series-*", "newton,zolotarev-1"])
@pytest.mark.parametrize("kappa", [10.0, 1e3])
def test_bounds_are_admissible_along_optimal_plans(function, allow, kappa):
    if function == "inv" and allow.startswith("newton"):
        allow = "minimax-3,series-5"
    if allow == "series-*" and kappa > 10.0:
        allow = "series-3,series-9"  # with all of them the proof takes ten seconds
    spectrum = Spectrum.interval(1 / kappa, 1)
    problem = Problem(function, spectrum, tol=1e-5, shape=(N, N))
    found = discover(problem, profile=profile(), allow=allow, precision="float64")
    env = environment(function, spectrum, 1e-5, allow=allow)
    state, paid, bounds = env.root(), [], []
    for step in found.plan.steps:
        bounds.append(env.bound(state))
        (action,) = [
            a
            for a in env.actions(state)
            if a.structure == (step.name, step.form, step.precision, step.product)
        ]
        taken = env.step(state, action)
        assert taken is not None
        state = taken[0]
        paid.append(taken[1])
    assert env.done(state)
    assert sum(paid) == pytest.approx(found.cost, rel=1e-9)
    for index, bound in enumerate(bounds):
        assert bound <= sum(paid[index:]) * (1 + 1e-9)


def applied(step: StepRecord, k: int, x: np.ndarray) -> np.ndarray:
    """Return h(x) by plain formulas, from the coefficients a plan stores."""
    c = step.coefficients
    if step.name == "newton-repair":
        return (x + 1 / x) / 2
    if step.name.startswith("newton"):
        return c[1] * (c[0] * x + 1 / (c[0] * x)) / 2
    if step.name.startswith(("halley", "zolotarev", "pade", "rational")):
        pairs = zip(c[1::2], c[2::2], strict=True)
        return x * (c[0] + sum(w / (x**k + s) for w, s in pairs))
    return x * np.polynomial.polynomial.polyval(x**k, c)


def check_safety(
    states: list[ScheduleState], k: int, multiplicity: int, done: bool, tol: float
) -> None:
    inside = np.geomspace(states[0].lower, states[0].upper, 4000)
    below = np.geomspace(1e-9 * states[0].lower, states[0].lower, 2000)
    for state, step in zip(states[1:], states[-1].steps, strict=True):
        inside = applied(step, k, inside)
        assert inside.min() > 0.0
        # Ten significant digits: extrema are found by the environment, not on this grid.
        assert inside.min() >= state.lower * (1 - 1e-9)
        assert inside.max() <= state.upper * (1 + 1e-9)
        below = applied(step, k, below)
        assert below.min() > 0.0
        assert below.max() <= state.upper * (1 + 1e-9)
    if done:
        assert max(inside.max(), below.max()) <= 1.0 + max(tol, 0.05)
        assert np.abs(inside**multiplicity - 1.0).max() <= tol * (1 + 1e-6)


# A map with a pole at 0 promises nothing below the domain, see the next test.
BOUNDED = "minimax-*,series-*,fitted-*,zolotarev-[1-8],halley,pade-*,rational-*"


@given(st.sampled_from(MORE_NAMES), KAPPAS, CHOICES, st.booleans())
@settings(max_examples=200)
def test_schedules_are_safe_down_to_zero(function, kappa, choices, samples):
    spectrum = Spectrum.interval(1 / kappa, 1)
    if samples:
        spectrum = Spectrum.samples(np.geomspace(1 / kappa, 1, 7))
    env = environment(function, spectrum, 1e-3, allow=BOUNDED)
    states, _ = rollout(env, choices)
    entry = FUNCTIONS.get(function)
    if states[-1].is_direct:
        return
    assert states[0].upper == pytest.approx(1.2 if samples else 1.0)
    done = env.done(states[-1]) and not samples
    check_safety(states, entry.root_index, entry.multiplicity, done, 1e-3)


@given(st.sampled_from(["sqrt", "invsqrt", "sign", "polar"]), KAPPAS, CHOICES)
@settings(max_examples=80)
def test_schedules_with_newton_steps_are_safe_on_the_domain(function, kappa, choices):
    env = environment(function, Spectrum.interval(1 / kappa, 1), 1e-3)
    states, _ = rollout(env, choices)
    if states[-1].is_direct:
        return
    x = np.geomspace(states[0].lower, states[0].upper, 4000)
    for state, step in zip(states[1:], states[-1].steps, strict=True):
        x = applied(step, 2, x)
        assert x.min() >= state.lower * (1 - 1e-9)
        assert x.max() <= state.upper * (1 + 1e-9)


def best_error_of_degree_5(lower, upper):
    """Return E of the best odd polynomial of degree 5 towards 1, by Remez in 60 digits."""
    points = [lower + (upper - lower) * t for t in (0, mpmath.mpf("0.3"), mpmath.mpf("0.8"), 1)]
    error = mpmath.mpf(1)
    for _ in range(60):
        matrix = mpmath.matrix([[x, x**3, x**5, (-1) ** i] for i, x in enumerate(points)])
        a, b, c, error = mpmath.lu_solve(matrix, mpmath.matrix([1, 1, 1, 1]))
        root = mpmath.sqrt(9 * b * b - 20 * a * c)
        inner = sorted(mpmath.sqrt((-3 * b + sign * root) / (10 * c)) for sign in (1, -1))
        points = [lower, *inner, upper]
    return abs(error)


def test_minimax_5_composed_greedily_against_an_independent_remez():
    problem = Problem("invsqrt", Spectrum.interval(1e-6, 1), tol=1e-9, shape=(N, N))
    found = discover(problem, profile=profile(), allow="minimax-5")
    with mpmath.workdps(60):
        lower, upper = mpmath.mpf("1e-3"), mpmath.mpf(1)
        for step in found.plan.steps:
            error = best_error_of_degree_5(lower, upper)
            assert step.error == pytest.approx(float(error), rel=1e-6, abs=1e-14)
            lower, upper = 1 - error, 1 + error
    assert found.optimal
    assert found.error <= 1e-9


def solve(function="invsqrt", spectrum=None, tol=1e-4, prices=PRICES, **options):
    spectrum = spectrum or Spectrum.interval(1e-2, 1)
    problem = Problem(function, spectrum, tol=tol, shape=(N, N))
    return discover(problem, profile=profile(prices), **options)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize(
    ("kappa", "tol"), [(10.0, 1e-8), (1e2, 1e-2), (1e4, 1e-8), (1e4, 1e-2), (10.0, 1e-6)]
)
def test_found_plans_keep_their_promises(function, kappa, tol):
    found = solve(function, Spectrum.interval(1 / kappa, 1), tol)
    assert found.optimal
    assert not found.interrupted
    assert found.error + found.plan.predicted.rounding <= tol
    costs = [plan.predicted.cost for plan in found.finalists]
    assert costs == sorted(costs)
    assert found.plan == found.finalists[0]
    assert found.plan.provenance.optimal


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_where_everything_is_free_the_cost_is_zero(function):
    found = solve(function, prices=dict.fromkeys(PRICES, 0.0))
    assert found.cost == 0.0
    assert found.optimal


def test_free_products_leave_only_polynomials():
    free = {**PRICES, "matmul": 0.0, "matmul_herm": 0.0}
    found = solve(prices=free)
    assert found.cost == 0.0
    kinds = {step.name.partition("-")[0] for step in found.plan.steps}
    assert kinds <= {"minimax", "series", "fitted"}


@pytest.mark.parametrize(
    ("allow", "names"),
    [
        ("minimax-3", {"minimax-3"}),
        ("minimax-[35]", {"minimax-3", "minimax-5"}),
        ("newton, eigh", {"newton", "eigh"}),
        (["series-*"], {f"series-{d}" for d in range(2, 10)}),
        (["zolotarev-2", "halley"], {"zolotarev-2", "halley"}),
    ],
)
def test_allow_filters_the_actions(allow, names):
    assert {step.name for step in solve(allow=allow).plan.steps} <= names


@pytest.mark.parametrize("precision", ["float32", "float64", ["float32", "float64"]])
def test_precision_filters_the_steps(precision):
    problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-2, shape=(N, N))
    prices = profile(dtypes=("float32", "float64"))
    steps = discover(problem, profile=prices, precision=precision).plan.steps
    assert {step.precision for step in steps} <= set(np.atleast_1d(precision).tolist())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_at_most_so_many_steps(count):
    assert len(solve(steps=count).plan.steps) <= count


def test_fewer_steps_never_cost_less():
    costs = [solve(allow="minimax-*", steps=count).cost for count in (3, 4, 8)]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("nodes", [30, 100, 400])
def test_node_limits_and_seeds_are_deterministic(nodes):
    spectrum = Spectrum.interval(1e-5, 1)
    first, second = (solve("sqrt", spectrum, 1e-8, seed=7, nodes=nodes) for _ in range(2))
    assert first.plan.steps == second.plan.steps
    assert (first.cost, first.nodes, first.optimal) == (second.cost, second.nodes, second.optimal)
    assert first.plan.id == second.plan.id
    assert first.plan.provenance.seed == 7


def test_unreachable_tolerances_name_the_best_error():
    best = 1.0 - minimax_map_end(3, 0.1)
    with pytest.raises(UnreachableError, match=rf"^tol: .*best error reached is {best:.3g}"):
        solve(tol=1e-8, allow="minimax-3", steps=1)


def minimax_map_end(degree: int, lower: float) -> float:
    c = minimax_coefficients(2, (degree - 1) // 2, lower, 1.0)
    return float(lower * np.polynomial.polynomial.polyval(lower**2, c))


def test_missing_prices_are_named():
    with pytest.raises(UnreachableError, match=r"no price for .*inv_spd \(float64\)"):
        solve(prices={"matmul": 1.0, "add": 0.0}, allow="zolotarev-*", precision="float64")


def test_an_empty_profile_has_no_step():
    with pytest.raises(UnreachableError, match="no step has a price"):
        solve(prices={})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"nodes": 0}, "nodes"),
        ({"nodes": "many"}, "nodes"),
        ({"time_limit": 0.0}, "time_limit"),
        ({"time_limit": -1.0}, "time_limit"),
        ({"time_limit": math.nan}, "time_limit"),
        ({"seed": -1}, "seed"),
        ({"precision": "float16"}, "precision"),
        ({"precision": ""}, "precision"),
        ({"allow": "cholesky"}, "allow"),
        ({"allow": "minimax-4"}, "allow"),
    ],
)
def test_bad_arguments_are_named(options, name):
    with pytest.raises(InputError, match=rf"^{name}:"):
        solve(**options)


@pytest.mark.parametrize("allow", ["", "nothing-*", []])
def test_patterns_that_match_nothing(allow):
    with pytest.raises(InputError):
        solve(allow=allow)


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"tol": 0.0}, ToleranceError, "tol"),
        ({"tol": 1.0}, ToleranceError, "tol"),
        ({"tol": math.nan}, ToleranceError, "tol"),
        ({"tol": "small"}, ToleranceError, "tol"),
        ({"tol": 1e-17}, ToleranceError, "tol"),
        ({"tol": 1e-8, "dtype": "float32"}, ToleranceError, "tol"),
        ({"dtype": "float16"}, InputError, "dtype"),
        ({"shape": None}, InputError, "shape"),
        ({"shape": (4, 5)}, InputError, "shape"),
        ({"shape": (0, 0)}, InputError, "shape"),
        ({"shape": "large"}, InputError, "shape"),
        ({"batch": 0}, InputError, "batch"),
        ({"norm": "euclidean"}, UnknownNameError, "norm"),
        ({"spectrum": Spectrum.interval(0, 1)}, InputError, "interval"),
        ({"spectrum": Spectrum.samples([-1, 1])}, InputError, "samples"),
        ({"spectrum": (0.1, 1.0)}, InputError, "spectrum"),
        ({"function": "cbrt"}, UnknownNameError, "function"),
    ],
)
def test_problems_that_make_no_sense(arguments, error, name):
    given_arguments = {
        "function": "inv",
        "spectrum": Spectrum.interval(0.1, 1),
        "shape": (8, 8),
        **arguments,
    }
    with pytest.raises(error, match=name):
        Problem(**given_arguments)


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
def test_plans_for_matrices_serve_a_matrix_not_seen(function, shape, size):
    seen = [matrix(SHAPES[shape] * size, seed) for seed in range(2)]
    problem = Problem(function, Spectrum.of(seen), tol=1e-6)
    plan = discover(problem, profile=profile(n=40), allow="minimax-*,zolotarev-*").plan
    assert plan.domain.relative
    assert plan.scaling.kind in {"frobenius", "one-norm", "lanczos"}
    held_out = matrix(SHAPES[shape] * size, 9)
    solution = plan.run(held_out, verify="full")
    assert solution.status == "converged"
    assert eigenvalue_error(FUNCTIONS.get(function), held_out, solution.value) <= 1e-6


def test_the_frobenius_norm_is_tight_where_one_eigenvalue_is_large():
    seen = matrix(SHAPES["one large"])
    found = discover(Problem("invsqrt", Spectrum.of(seen), tol=1e-6), profile=profile(n=40))
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
