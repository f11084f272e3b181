"""The guard: bounds that hold, and a table of planted failures with what catches each."""

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.execute.accuracy import eigenvalue_error
from matrl.execute.guard import check_full, check_sketch
from matrl.execute.residuals import Case as Judged
from matrl.execute.residuals import check_for
from matrl.functions import FUNCTIONS

N = 32
TOL = 1e-4
CONDITION = 100.0
FUNCTION_NAMES = ["inv", "sqrt", "invsqrt"]


class Case:
    """A matrix with known eigenvectors, and values of f with what is planted in them."""

    def __init__(self, function: str, seed: int = 0, condition: float = CONDITION) -> None:
        self.random = np.random.default_rng(seed)
        self.function = FUNCTIONS.get(function)
        self.vectors, _ = np.linalg.qr(self.random.standard_normal((N, N)))
        self.eigenvalues = np.geomspace(1.0 / condition, 1.0, N)
        self.a = self.of(self.eigenvalues)
        self.exact = self.of(self.eigenvalues**self.function.exponent)
        self.half = self.of(self.eigenvalues ** (0.5 * self.function.exponent))

    def of(self, eigenvalues):
        a = (self.vectors * eigenvalues) @ self.vectors.T
        return 0.5 * (a + a.T)

    def with_factors(self, factors):
        """Return f(A) with its eigenvalues multiplied by these factors."""
        return self.of(self.eigenvalues**self.function.exponent * factors)

    def off_by(self, size):
        """Return F^(1/2) (I + E) F^(1/2) for a random E of this norm, which commutes with nothing.

        Its error is this size exactly.
        """
        e = self.random.standard_normal((N, N))
        e = e + e.T
        e *= size / np.abs(np.linalg.eigvalsh(e)).max()
        value = self.half @ (np.eye(N) + e) @ self.half
        return 0.5 * (value + value.T)

    def judged(self, value, tol=TOL, condition=CONDITION):
        return Judged(
            self.function, self.a, (value,), tol, "eigenvalue", condition, 1.0, numpy_backend
        )

    def full(self, value, tol=TOL):
        return check_full(self.judged(value, tol))

    def sketch(self, value, tol=TOL):
        return check_sketch(self.judged(value, tol))


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3, 0.05])
@pytest.mark.parametrize("condition", [3.0, 1e2, 1e4])
def test_the_error_bound_of_full_holds(function, size, condition):
    case = Case(function, 1, condition)
    for _ in range(8):
        value = case.off_by(size * case.random.uniform(0.1, 1.0))
        error = eigenvalue_error(case.function, case.a, value)
        bound = check_full(case.judged(value, TOL, condition)).error_bound
        assert bound is not None
        assert bound >= error * (1.0 - 1e-6)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("size", [1e-8, 3e-5, 1e-2, 0.3])
def test_a_passed_full_check_means_within_tolerance(function, size):
    for seed in range(15):
        case = Case(function, seed)
        value = case.off_by(size)
        if case.full(value).passed:
            error = eigenvalue_error(case.function, case.a, value)
            assert error <= TOL * (1.0 + 1e-6)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("tol", [1e-3, 0.1, 0.2, 0.3, 0.45, 0.9])
@pytest.mark.parametrize("share", [-1e9, -1.3, -1.01, -0.99, 0.99, 1.01, 1.3, 1e9])
def test_full_decides_by_the_error_at_any_tolerance(function, tol, share):
    case = Case(function)
    factor = max(1.0 + share * tol, 1e-9)
    assert case.full(factor * case.exact, tol).passed == (abs(factor - 1.0) <= tol)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("index", [0, N // 2, N - 1])
def test_full_demands_positivity(function, index):
    case = Case(function)
    factors = np.ones(N)
    factors[index] = -1.0
    verdict = case.full(case.with_factors(factors))
    assert not verdict.passed
    assert verdict.error_bound is None or verdict.error_bound > TOL


def true_norm(case, value):
    """Return the norm of the residual in its own inner product, by plain NumPy."""
    a, identity = case.a, np.eye(N)
    if case.function.name == "inv":
        factor = np.linalg.cholesky(a)
        return float(np.linalg.norm(identity - factor.T @ value @ factor, 2))
    if case.function.name == "invsqrt":
        return float(np.linalg.norm(identity - value @ a @ value, 2))
    inverse = np.linalg.inv(value)
    return float(np.linalg.norm(identity - inverse @ a @ inverse, 2))


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("seed", range(25))
def test_the_sketch_brackets_the_norm(function, seed):
    case = Case(function, seed)
    value = case.off_by(10.0 ** case.random.uniform(-5, -1))
    verdict, norm = case.sketch(value), true_norm(case, value)
    assert verdict.residual <= norm * (1.0 + 1e-9)
    assert verdict.residual >= 0.5 * norm
    assert verdict.residual_bound is not None
    assert verdict.residual_bound >= norm
    assert case.full(value).residual == pytest.approx(norm, rel=1e-6)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_residuals_are_zero_at_the_exact_value(function):
    case = Case(function)
    residual = check_for(case.function, "eigenvalue").residual(case.judged(case.exact))
    assert residual is not None
    block = case.random.standard_normal((N, 3))
    assert np.abs(residual.apply(block)).max() < 1e-11


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("factor", [1.0 - 0.9 * TOL, 1.0 + 0.9 * TOL])
def test_values_within_tolerance_pass(function, factor):
    case = Case(function)
    value = factor * case.exact
    assert case.sketch(value).passed
    assert case.full(value).passed


def one_factor(index, factor):
    def plant(case):
        factors = np.ones(N)
        factors[index] = factor
        return case.with_factors(factors)

    return plant


def many_factors(size):
    def plant(case):
        return case.with_factors(1.0 + size * np.where(np.arange(N) % 2, 1.0, -1.0))

    return plant


def spoiled_entry(value):
    def plant(case):
        spoiled = case.exact.copy()
        spoiled[3, 5] = spoiled[5, 3] = value
        return spoiled

    return plant


def stuck_below(case):
    """Return what a polynomial leaves of an eigenvalue far below its domain: hardly anything."""
    return case.with_factors(np.append(0.02, np.ones(N - 1)))


def single(case):
    return case.exact.astype(np.float32).astype(np.float64)


BOTH, FULL_ONLY, NEITHER = ("sketch", "full"), ("full",), ()
PLANTED = {
    "nothing": (lambda case: case.exact, NEITHER),
    "uniformly inside": (lambda case: (1 + TOL / 2) * case.exact, NEITHER),
    "alternating inside": (many_factors(TOL / 2), NEITHER),
    "rounded to float32": (single, NEITHER),
    "uniformly twice the tolerance": (lambda case: (1 + 2 * TOL) * case.exact, BOTH),
    "uniformly too small": (lambda case: (1 - 2 * TOL) * case.exact, BOTH),
    "alternating, twice": (many_factors(2 * TOL), BOTH),
    "alternating, far out": (many_factors(0.3), BOTH),
    "smallest eigenvalue, twice": (one_factor(0, 1 + 2 * TOL), BOTH),
    "largest eigenvalue, twice": (one_factor(-1, 1 + 2 * TOL), BOTH),
    "middle eigenvalue, twice": (one_factor(N // 2, 1 - 2 * TOL), BOTH),
    "smallest, a tenth": (one_factor(0, 1.1), BOTH),
    "largest, a tenth": (one_factor(-1, 0.9), BOTH),
    "one far below the domain": (stuck_below, BOTH),
    "one nearly lost": (one_factor(0, 1e-8), BOTH),
    "one doubled": (one_factor(7, 2.0), BOTH),
    "one exploded": (one_factor(7, 1e6), BOTH),
    "one exploded beyond squares": (one_factor(7, 1e200), BOTH),
    "one halved": (one_factor(7, 0.5), BOTH),
    "smallest flipped": (one_factor(0, -1.0), FULL_ONLY),
    "largest flipped": (one_factor(-1, -1.0), FULL_ONLY),
    "all flipped": (lambda case: -case.exact, FULL_ONLY),
    "flipped and off": (one_factor(3, -1.1), BOTH),
    "zero": (lambda case: np.zeros((N, N)), BOTH),
    "identity": (lambda case: np.eye(N), BOTH),
    "the matrix itself": (lambda case: case.a.copy(), BOTH),
    "another matrix's value": (lambda case: Case(case.function.name, 5).exact, BOTH),
    "one NaN": (spoiled_entry(np.nan), BOTH),
    "one infinity": (spoiled_entry(np.inf), BOTH),
    "one wrong entry": (spoiled_entry(0.7), BOTH),
    "rows permuted": (lambda case: np.ascontiguousarray(case.exact[::-1, ::-1]), BOTH),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid:RuntimeWarning")
@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("name", PLANTED)
def test_planted_failures(function, name):
    plant, caught_by = PLANTED[name]
    if caught_by == FULL_ONLY and function != "invsqrt":
        caught_by = BOTH  # only Z A Z is blind to signs; Y is factored, and Z A is linear in Z
    case = Case(function)
    value = plant(case)
    assert case.sketch(value).passed == ("sketch" not in caught_by)
    assert case.full(value).passed == ("full" not in caught_by)


@pytest.mark.parametrize("function", FUNCTION_NAMES)
def test_float32_rounding_shows_at_a_tolerance_below_it(function):
    case = Case(function)
    assert not case.sketch(single(case), 1e-9).passed
    assert not case.full(single(case), 1e-9).passed


@pytest.mark.parametrize("check", [check_sketch, check_full])
def test_a_condition_beyond_the_precision_does_not_excuse_a_wrong_value(check):
    """At condition 1e15 rounding may fake a residual above 1, which must not be forgiven."""
    eigenvalues = np.geomspace(1e-15, 1.0, 40)
    roots = eigenvalues**-0.5
    roots[-5:] *= 0.5
    case = Judged(
        FUNCTIONS.get("invsqrt"),
        np.diag(eigenvalues),
        (np.diag(roots),),
        1e-3,
        "eigenvalue",
        1e15,
        1.0,
        numpy_backend,
    )
    assert not check(case).passed


MANY_FACTORS = ["root-16", "invroot-11", "power--7/10", "root-64", "invroot-64"]
MANY_FACTORS += ["power-63/64", "power--63/64", "power--33/64"]


@pytest.mark.parametrize("name", MANY_FACTORS)
@pytest.mark.parametrize("condition", [10.0, 1e3, 1e6])
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
def test_words_of_many_factors(name, condition, norm):
    """Right values pass whatever the powers overflow to, wrong ones do not; rounding is allowed."""
    case, tol = Case(name, condition=condition), 1e-4

    def judged(value):
        function = case.function
        known = condition if norm == "eigenvalue" or function.carries == "z" else 1.0
        return Judged(function, case.a, (value,), tol, norm, known, 1.0, numpy_backend)

    q = case.function.multiplicity
    if norm == "residual" and case.function.carries == "z" and q * np.log10(condition) > 11.6:
        # eps cond^q > tol: rounding the entries of Z changes A^q Z^p by more than the tolerance.
        assert not check_full(judged(case.exact)).passed
        return
    for check in (check_sketch, check_full):
        right = check(judged(case.exact))
        assert right.passed
        assert np.isfinite(right.residual)
        power = case.function.root_index if norm == "residual" else 1
        if norm == "residual" and case.function.carries == "y":
            power = case.function.root_index / 2.0
        wrong = case.with_factors(1.0 + 4.0 * tol / power)
        if norm != "frobenius" or check is check_full:
            assert not check(judged(wrong)).passed
        # X^p - A^q shows the large eigenvalues of A^q only, which are few in the Frobenius norm.
        assert not check(judged(case.with_factors(1.0 + 100.0 * tol))).passed
    bound = check_full(judged(case.exact)).error_bound
    if norm != "residual":
        assert bound is not None
        assert bound <= 64.0 * N * np.finfo(float).eps * condition


@pytest.mark.parametrize("name", ["invroot-8", "invroot-64"])
def test_the_bound_of_an_inverse_root_is_not_lost_in_the_dimension(name, make_plan, make_matrix):
    """||Z||_F^p would overestimate the condition by up to n^(p/2)."""
    a = make_matrix(name, np.geomspace(0.011, 0.99, 40))
    solution = make_plan(name).run(a, verify="full")
    assert solution.status == "converged"
    assert solution.error_bound <= 1e-5
