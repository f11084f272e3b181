"""What the checks claim is what the measures measure: bounds and verdicts against references."""

from typing import Any

import mpmath
import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.measure import NORMS, Measure, Norm
from matrl.errors import IndefiniteMatrixError
from matrl.execute.accuracy import Reference
from matrl.execute.guard import check_full, check_sketch
from matrl.execute.residuals import Case
from matrl.functions import FUNCTIONS

EPS = float(np.finfo(np.float64).eps)


def orthonormal(random: np.random.Generator, m: int, n: int) -> np.ndarray:
    return np.linalg.qr(random.standard_normal((m, n)) + 1j * random.standard_normal((m, n)))[0]


def judged(
    name: str,
    a: np.ndarray,
    values: Any,
    tol: float,
    norm: Norm,
    condition: float = 1.0,
    eps: float = EPS,
) -> Case:
    size = float(np.linalg.norm(a, 2))
    function = FUNCTIONS.get(name)
    return Case(function, a, tuple(values), tol, norm, condition, size, numpy_backend, eps=eps)


def polar_case(m: int, n: int, random: np.random.Generator) -> np.ndarray:
    return orthonormal(random, m, n) * np.geomspace(1e-3, 1.0, n) @ orthonormal(random, n, n)


@pytest.mark.parametrize("name", ["polar-right", "polar-left"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("m", "n"), [(12, 12), (20, 7)])
def test_the_bound_of_full_holds_of_the_hermitian_factor_too(
    name: str, norm: Norm, m: int, n: int
) -> None:
    """Whether U and H err together or apart, at large or small singular values."""
    tol = 1e-3
    for seed in range(12):
        random = np.random.default_rng(seed)
        a = polar_case(m, n, random)
        reference = Reference(Measure(norm, FUNCTIONS.get(name)), a)
        u, h = reference.outputs()
        v = orthonormal(random, len(h), 1)
        turned = u * (1.0 + 1j * random.choice([0.0, 0.3, 3.0]) * tol)
        off = random.choice([0.0, 0.3, 0.95, 1.05, 3.0]) * tol * (v @ v.conj().T)
        if norm == "frobenius":
            off *= np.linalg.norm(a)
        values = (turned, h + off)
        verdict, error = check_full(judged(name, a, values, tol, norm)), reference.error(values)
        assert verdict.error_bound is not None
        assert verdict.error_bound >= error * (1.0 - 1e-6)
        assert verdict.passed == (error <= tol)
        # The sketch also asks for U itself, which the residual measure does not know from others.
        if error <= tol and norm != "residual":
            assert check_sketch(judged(name, a, values, tol, norm)).passed


def semidefinite(n: int, dtype: str) -> np.ndarray:
    """Return a matrix of rank n/2, whose rounding to the dtype made it slightly indefinite."""
    random = np.random.default_rng(n)
    v: Any = orthonormal(random, n, n)
    v = v if dtype.startswith("c") else np.linalg.qr(v.real)[0]
    a = (v * np.append(np.zeros(n // 2), np.geomspace(0.1, 1.0, n - n // 2))) @ v.conj().T
    a = a.astype(dtype)
    a = 0.5 * (a + a.conj().T)
    assert np.linalg.eigvalsh(a.astype("complex128"))[0] < -4.0 * np.sqrt(n) * EPS
    return a


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("norm", NORMS[1:])
@pytest.mark.parametrize("name", ["sqrt", "root-3", "power-2/3"])
def test_full_does_not_refuse_what_is_indefinite_by_the_rounding_of_its_dtype(
    name: str, norm: Norm, dtype: str
) -> None:
    a = semidefinite(32, dtype)
    reference = Reference(Measure(norm, FUNCTIONS.get(name)), a)
    (value,) = reference.outputs()
    wide = a.astype(value.dtype)
    eps = float(np.finfo(dtype).eps)
    for factor, passes in ((1.0, True), (1.0 + 2e-3, True), (1.0 + 2e-2, False)):
        error = reference.error(factor * value)
        verdict = check_full(judged(name, wide, (factor * value,), 1e-2, norm, eps=eps))
        assert verdict.passed == passes
        assert verdict.error_bound is not None
        assert verdict.error_bound >= error * (1.0 - 1e-9)
    assert not check_full(judged(name, wide, (value,), 1e-2, norm, eps=EPS)).passed
    indefinite = wide - 1e-3 * np.eye(len(a))
    assert not check_full(judged(name, indefinite, (value,), 1e-1, norm, eps=eps)).passed


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("verify", ["off", "sketch", "full"])
@pytest.mark.parametrize("name", ["sqrt", "root-3", "power-2/3"])
def test_a_direct_plan_in_single_precision_takes_singular_matrices(
    name: str, verify: Any, dtype: str, make_plan: Any
) -> None:
    a = semidefinite(32, dtype)
    plan = make_plan(name, ("eigh",), lower=0.0, upper=1.1, dtype=dtype, tol=1e-2, norm="spectral")
    solution = plan.run(a, verify=verify)
    assert solution.status == ("unchecked" if verify == "off" else "converged")
    reference = Reference(Measure("spectral", FUNCTIONS.get(name)), a)
    error = reference.error(solution.value)
    assert error <= 1e-2
    if verify == "full":
        assert error <= solution.error_bound
    with pytest.raises(IndefiniteMatrixError, match="positive definite"):
        plan.run((a - 1e-2 * np.eye(32)).astype(dtype), verify=verify)


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_a_root_that_is_negative_within_its_frobenius_error_is_not_refused(share: float) -> None:
    """Its least eigenvalue may be below 0 by tol ||F||_F, which is more than tol ||F||_2."""
    a = np.diag(np.append(np.zeros(1), np.ones(15)))
    value, tol = a.copy(), 1e-2
    value[0, 0] = -share * tol * np.sqrt(15.0)
    verdict = check_full(judged("sqrt", a, (value,), tol, "frobenius"))
    assert verdict.passed
    assert verdict.error_bound == pytest.approx(share * tol, rel=1e-3)


POWERS = ["sqrt", "inv", "invsqrt", "root-3", "power-2/3", "power--3/5", "invroot-8"]


def with_errors(name: str, eigenvalues: Any, errors: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return A and f(A) with its eigenvalues multiplied by 1 + these errors."""
    v = orthonormal(np.random.default_rng(7), len(eigenvalues), len(eigenvalues))
    values = eigenvalues ** FUNCTIONS.get(name).exponent * (1.0 + errors)
    return (v * eigenvalues) @ v.conj().T, (v * values) @ v.conj().T


@pytest.mark.parametrize("norm", ["spectral", "frobenius"])
@pytest.mark.parametrize("name", POWERS)
def test_the_normwise_sketch_refuses_no_value_within_the_tolerance(name: str, norm: Norm) -> None:
    measure = Measure(norm, FUNCTIONS.get(name))
    for seed in range(60):
        random = np.random.default_rng(seed)
        n, tol = int(random.choice([2, 5, 30])), float(random.choice([1e-4, 1e-2, 0.1, 0.3]))
        eigenvalues = np.geomspace(10.0 ** random.uniform(-3, 0), 1.0, n)
        errors = random.choice([-1.0, 1.0], n) * (random.random(n) < random.choice([0.3, 1.0]))
        errors[random.integers(n)] = random.choice([-1.0, 1.0])
        a, value = with_errors(name, eigenvalues, 1e-6 * errors)
        scale = 0.999e-6 * tol / Reference(measure, a).error(value)
        if (1.0 + scale * errors).min() <= 0.0:
            continue
        a, value = with_errors(name, eigenvalues, scale * errors)
        assert check_sketch(judged(name, a, (value,), tol, norm)).passed


@pytest.mark.parametrize("name", POWERS)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_frobenius_sketch_sees_an_error_at_one_eigenvalue(name: str, sign: float) -> None:
    """At the largest value of f, where it shows as in the 2-norm, with no factor 2 left to it."""
    function, tol, n = FUNCTIONS.get(name), 0.005, 16
    errors, eigenvalues = np.zeros(n), np.geomspace(0.5, 1.0, n)
    largest = -1 if function.exponent > 0.0 else 0
    size = np.linalg.norm((eigenvalues / eigenvalues[largest]) ** function.exponent)
    errors[largest] = sign * 1.6 * 1.1 ** (function.root_index - 1) * tol * size
    a, value = with_errors(name, eigenvalues, errors)
    assert not check_sketch(judged(name, a, (value,), tol, "frobenius")).passed


@pytest.mark.parametrize("norm", ["spectral", "frobenius"])
@pytest.mark.parametrize("name", ["sqrt", "invsqrt", "root-3"])
@pytest.mark.parametrize("phi", [0.5, 0.1])
def test_the_normwise_sketch_claims_what_it_says_of_small_eigenvalues(
    name: str, norm: Norm, phi: float
) -> None:
    """An error at |f| = phi ||F|| passes below 1.1^(p-1) phi^(1-p) tol and not far above it."""
    function, n, tol = FUNCTIONS.get(name), 16, 1e-5
    p = function.root_index
    eigenvalues = np.append(np.full(n - 1, phi ** (1.0 / function.exponent)), 1.0)
    pattern = np.append(np.ones(n - 1), 0.0)
    measure = Measure(norm, function)
    a, value = with_errors(name, eigenvalues, 1e-6 * pattern)
    unit = Reference(measure, a).error(value) / 1e-6
    claimed = 1.1 ** (p - 1) * phi ** (1 - p)
    for share, passes in ((0.7, True), (3.0, False)):
        a, value = with_errors(name, eigenvalues, share * claimed * tol / unit * pattern)
        case = judged(name, a, (value,), tol, norm)
        assert check_sketch(case).passed == passes
        assert check_full(case).passed == (share * claimed <= 1.0)


INVERSE_POWERS = ["inv", "invsqrt", "invroot-3", "power--2/3", "power--3/4", "power--5/7"]


@pytest.mark.parametrize("name", INVERSE_POWERS)
@pytest.mark.parametrize("condition", [10.0, 1e3, 1e6])
def test_the_bound_on_the_residual_of_inverse_powers_is_finite_and_holds(
    name: str, condition: float
) -> None:
    """It is as sharp as float64 stores, where the product in float64 would lose cond^q digits."""
    function = FUNCTIONS.get(name)
    p, q = function.root_index, function.multiplicity
    random, n = np.random.default_rng(3), 12
    v = orthonormal(random, n, n)
    eigenvalues = np.geomspace(1.0 / condition, 1.0, n)
    a = (v * eigenvalues) @ v.conj().T
    a = 0.5 * (a + a.conj().T)
    value = (v * eigenvalues**function.exponent) @ v.conj().T
    for size in (0.0, 1e-12, 1e-6):  # of an error that commutes with nothing
        e = random.standard_normal((n, n))
        z = value + size * (e + e.T) * eigenvalues.min() ** function.exponent
        z = 0.5 * (z + z.conj().T)
        if np.linalg.eigvalsh(z)[0] <= 0.0:
            continue
        with mpmath.workdps(60):
            product = mpmath.matrix(a.tolist()) ** q * mpmath.matrix(z.tolist()) ** p
            exact = np.array((product - mpmath.eye(n)).tolist(), dtype=complex)
        error = float(np.linalg.norm(exact, 2))
        assert np.isfinite(error)
        for share, passes in ((1.1, True), (0.5, False)):
            tol = share * error
            verdict = check_full(judged(name, a, (z,), tol, "residual", condition))
            assert verdict.error_bound is not None
            assert error <= verdict.error_bound <= error * (1.0 + 1e-6) + 1e-13
            assert verdict.passed == passes or error < 1e-12


@pytest.mark.parametrize("name", INVERSE_POWERS)
def test_the_sketch_sees_a_residual_that_only_the_product_has(name: str) -> None:
    """Errors that do not commute with A weigh by cond(A)^(q/2) more than in congruent residuals."""
    random, n, tol = np.random.default_rng(4), 24, 1e-4
    v = orthonormal(random, n, n)
    eigenvalues = np.geomspace(0.05, 1.0, n)
    function = FUNCTIONS.get(name)
    measure = Measure("residual", function)
    a = (v * eigenvalues) @ v.conj().T
    value = (v * eigenvalues**function.exponent) @ v.conj().T
    e = random.standard_normal((n, n))
    e = e + e.T
    z = value + 1e-7 * e
    z = value + e * 1e-7 * tol / Reference(measure, a).error(z)
    error = Reference(measure, a).error(z)
    assert error == pytest.approx(tol, rel=0.01)
    for share, passes in ((1.05, True), (0.5, False)):
        case = judged(name, a, (z,), share * tol, "residual", 20.0)
        verdict = check_sketch(case)
        assert verdict.passed == passes
        assert verdict.residual_bound is not None
        assert verdict.residual <= error * (1.0 + 1e-6) <= verdict.residual_bound
