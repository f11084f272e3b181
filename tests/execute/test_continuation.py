"""One or two more steps after a schedule that missed the tolerance by a little, or none."""

from dataclasses import replace

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.measure import Measure
from matrl.errors import MatrlError
from matrl.execute.accuracy import Reference
from matrl.execute.cases import case_of
from matrl.execute.continuation import MOST_STEPS, Continuation, is_positive
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_continuation

N = 10
INSIDE = np.geomspace(0.05, 0.95, N)
CONTINUED = [
    "inv", "invsqrt", "invroot-3", "invroot-4", "sqrt", "root-3", "root-4", "sqrt+invsqrt",
    "sign", "polar", "polar-right", "polar-left",
]  # fmt: skip
OTHERS = ["power-2/3", "power--3/4"]


def off_by(made, factor):
    """Return the plan with a last step that multiplies what it should give by ``factor``."""
    last = made.steps[-1]
    coefficients = tuple(factor * c for c in last.coefficients)
    return replace(made, steps=(*made.steps[:-1], replace(last, coefficients=coefficients)))


def error_of(name, a, solution):
    values = solution.value if isinstance(solution.value, tuple) else (solution.value,)
    return Reference(Measure("eigenvalue", FUNCTIONS.get(name)), a).error(values)


@pytest.mark.parametrize("name", CONTINUED)
@pytest.mark.parametrize(("dtype", "tol"), [("float32", 1e-3), ("complex128", 1e-6)])
@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_a_schedule_that_is_a_little_off_continues(
    name, dtype, tol, verify, make_plan, make_matrix
):
    a = make_matrix(name, INSIDE, (N + 4, N), dtype)
    solution = off_by(make_plan(name, dtype=dtype, tol=tol), 1.0 + 5.0 * tol).run(a, verify=verify)
    assert solution.status == "continued"
    assert "continued by 1 step" in solution.message
    assert error_of(name, a, solution) <= tol * 1.01


@pytest.mark.parametrize("name", OTHERS)
def test_other_powers_fall_back(name, make_plan, make_matrix):
    assert trace_continuation(FUNCTIONS.get(name), "float64") is None
    made = off_by(make_plan(name), 1.01)
    assert made.run(make_matrix(name, INSIDE)).status == "fell_back"


@pytest.mark.parametrize("name", CONTINUED)
@pytest.mark.parametrize("factor", [0.5, 1.5, 3.0])
def test_what_is_far_off_is_not_continued(name, factor, make_plan, make_matrix):
    solution = off_by(make_plan(name), factor).run(make_matrix(name, INSIDE, (N + 4, N)))
    assert solution.status == "fell_back"
    assert error_of(name, make_matrix(name, INSIDE, (N + 4, N)), solution) <= 1e-5


@pytest.mark.parametrize("name", ["invsqrt", "sign", "polar"])
def test_an_eigenvalue_below_the_domain_is_brought_in(name, make_plan, make_matrix):
    made = make_plan(name, dtype="float32", tol=1e-3)
    seen = set()
    for smallest in np.geomspace(2e-3, 9.5e-3, 8):
        a = make_matrix(name, np.append(INSIDE[1:], smallest), (N, N), "float32")
        try:
            solution = made.run(a)
        except MatrlError:  # far below an absolute domain is an error, as it was
            continue
        seen.add(solution.status)
        assert error_of(name, a, solution) <= 1e-3 * 1.01
    assert "continued" in seen


class Value:
    """Values of f with factors on the eigenvalues, as a plan's schedule might leave them."""

    def __init__(self, name, make_plan, make_matrix, factors):
        self.function, self.plan = FUNCTIONS.get(name), make_plan(name, tol=1e-4)
        self.a = make_matrix(name, INSIDE, (N + 2, N))
        if self.function.carries == "x" and name != "sign":
            left, _, right = np.linalg.svd(self.a, full_matrices=False)
            self.value = (left * factors) @ right
        else:
            values, vectors = np.linalg.eigh(self.a)
            wanted = np.sign(values) if name == "sign" else values**self.function.exponent
            self.value = (vectors * (wanted * factors)) @ vectors.T
            self.value = 0.5 * (self.value + self.value.T)
        self.continuation = Continuation(self.function, "float64", self.a.shape)

    def stepped(self, steps):
        values = (self.value,)
        for _ in range(steps):
            values = self.continuation.step(self.a, values, numpy_backend)
        return case_of(self.plan, self.function, self.a, values, 1.0, 0, numpy_backend)


ONE_OUTPUT = [name for name in CONTINUED if len(FUNCTIONS.get(name).outputs) == 1]


@pytest.mark.parametrize("name", ONE_OUTPUT)
@pytest.mark.parametrize("index", range(0, N, 3))
def test_the_wrong_branch_is_never_proved_positive(name, index, make_plan, make_matrix):
    """-0.95 would become -1, which no residual of an even power knows from 1."""
    factors = np.ones(N)
    factors[index] = -0.95
    planted = Value(name, make_plan, make_matrix, factors)
    assert not is_positive(planted.stepped(0))
    try:
        case = planted.stepped(MOST_STEPS)
    except MatrlError:  # a root with no Cholesky inverse
        return
    assert not is_positive(case)
    factors[index] = 0.95
    assert is_positive(Value(name, make_plan, make_matrix, factors).stepped(MOST_STEPS))


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_a_step_squares_the_error(name, make_plan, make_matrix):
    factors = 1.0 + 1e-4 * np.where(np.arange(N) % 2, 1.0, -1.0)
    case = Value(name, make_plan, make_matrix, factors).stepped(1)
    error = Reference(Measure("eigenvalue", case.function), case.a).error(case.values)
    k = case.function.root_index
    assert error <= (k + 1.0) * 1e-8


@pytest.mark.parametrize("name", CONTINUED)
def test_the_steps_needed_are_as_many_as_the_map_says(name):
    continuation = Continuation(FUNCTIONS.get(name), "float32", (N + 4, N))
    assert continuation.affordable >= 1
    assert continuation.needed(1e-4, 1e-6) == 1
    assert continuation.needed(0.99, 1e-6) == 0
    assert continuation.needed(1.0, 0.1) == 0
    assert continuation.needed(np.inf, 0.1) == 0
    if continuation.affordable == MOST_STEPS:
        assert continuation.needed(0.02, 1e-6) == 2


def test_no_more_is_spent_than_on_a_decomposition():
    root, wide = FUNCTIONS.get("invroot-8"), (N, N)
    assert Continuation(root, "float64", wide).affordable < MOST_STEPS
    assert Continuation(FUNCTIONS.get("polar"), "float64", wide).affordable == MOST_STEPS
