"""The check of powers of singular matrices: what is right passes, and planted errors are found."""

from dataclasses import replace

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.measure import Measure
from matrl.errors import DomainError, IndefiniteMatrixError
from matrl.execute.accuracy import Reference
from matrl.execute.guard import check_full, check_sketch
from matrl.execute.residuals import Case
from matrl.functions import FUNCTIONS

N = 32
RANK = 16
LEAST = 1e-2
TOL = 1e-3
POWERS = ["sqrt", "root-3", "root-7", "power-2/3", "power-3/4", "power-5/6"]
CHECKS = {"sketch": check_sketch, "full": check_full}


class Singular:
    """A matrix of rank n/2, its zeros off by ``noise``, with values that are right or planted."""

    def __init__(self, name, noise=1e-16, seed=0):
        self.function = FUNCTIONS.get(name)
        self.random = np.random.default_rng(seed)
        self.vectors, _ = np.linalg.qr(self.random.standard_normal((N, N)))
        zeros = noise * self.random.uniform(-1.0, 1.0, N - RANK)
        self.eigenvalues = np.concatenate([zeros, np.geomspace(LEAST, 1.0, RANK)])
        self.values = np.concatenate(
            [np.zeros(N - RANK), self.eigenvalues[-RANK:] ** self.function.exponent]
        )
        self.scales = np.maximum(self.eigenvalues, LEAST) ** self.function.exponent
        self.noise = noise

    def of(self, eigenvalues):
        a = (self.vectors * eigenvalues) @ self.vectors.T
        return 0.5 * (a + a.T)

    def planted(self, index, size):
        """Return f(A) with one eigenvalue off by this share of its scale."""
        values = self.values.copy()
        values[index] += size * self.scales[index]
        return self.of(values)

    def case(self, value, eigenvalues=None):
        a = self.of(self.eigenvalues if eigenvalues is None else eigenvalues)
        zero = N * max(self.noise, 2.2e-16)
        return Case(
            *(self.function, a, (value,), TOL, "eigenvalue", 1.0 / LEAST, 1.0, numpy_backend),
            *(LEAST, zero),
        )


@pytest.mark.parametrize("noise", [1e-16, 6e-8])
@pytest.mark.parametrize("verify", CHECKS)
@pytest.mark.parametrize("name", POWERS)
def test_the_right_value_passes(name, verify, noise):
    singular = Singular(name, noise)
    verdict = CHECKS[verify](singular.case(singular.of(singular.values)))
    assert verdict.passed
    assert verdict.residual < 1e-8
    if verify == "full":
        assert 0.0 < (verdict.error_bound or 0.0) < 1e-10


ZERO, SMALLEST, LARGEST = 3, N - RANK, N - 1


@pytest.mark.parametrize("index", [ZERO, SMALLEST, LARGEST])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("verify", CHECKS)
@pytest.mark.parametrize("name", POWERS)
def test_one_wrong_eigenvalue_is_found_wherever_it_is(name, verify, sign, index):
    singular = Singular(name, 6e-8)
    check = CHECKS[verify]
    assert check(singular.case(singular.planted(index, 0.9 * sign * TOL))).passed
    assert not check(singular.case(singular.planted(index, 3.0 * sign * TOL))).passed
    assert not check(singular.case(singular.planted(index, 50.0 * sign * TOL))).passed


@pytest.mark.parametrize("verify", CHECKS)
@pytest.mark.parametrize("name", POWERS)
def test_a_flipped_sign_is_found(name, verify):
    singular = Singular(name)
    flipped = singular.planted(SMALLEST, -2.0)
    assert not CHECKS[verify](singular.case(flipped)).passed


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02, -0.02, -0.1])
@pytest.mark.parametrize("verify", CHECKS)
@pytest.mark.parametrize("name", POWERS)
def test_an_eigenvalue_between_0_and_the_least_one_is_no_zero(name, verify, share):
    singular = Singular(name)
    eigenvalues = singular.eigenvalues.copy()
    eigenvalues[ZERO] = share * LEAST
    value = singular.of(singular.values)
    assert not CHECKS[verify](singular.case(value, eigenvalues)).passed


def test_the_bound_of_the_proof_is_the_error_in_the_measure():
    singular = Singular("root-3")
    e = singular.random.standard_normal((N, N))
    e = (e + e.T) * 0.5
    e *= 0.7 * TOL / np.abs(np.linalg.eigvalsh(e)).max()
    half = (singular.vectors * np.sqrt(singular.scales)) @ singular.vectors.T
    value = singular.of(singular.values) + half @ e @ half
    verdict = check_full(singular.case(value))
    assert verdict.passed
    assert verdict.error_bound == pytest.approx(0.7 * TOL, rel=1e-6)
    reference = Reference(
        Measure("eigenvalue", singular.function), singular.of(singular.eigenvalues), least=LEAST
    )
    assert reference.error(value) == pytest.approx(0.7 * TOL, rel=1e-6)


# Runs ------------------------------------------------------------------------------------------


def singular_plan(make_plan, name, **options):
    # No more steps than needed: each multiplies what rounding left at 0 by p(0).
    degree = 2 * FUNCTIONS.get(name).root_index + 1
    made = make_plan(name, **{"updates": (f"minimax-{degree}",) * 3, "lower": LEAST, **options})
    return replace(made, domain=replace(made.domain, has_zero=True))


@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", ["sqrt", "root-3", "power-2/3"])
def test_singular_matrices_run_through_the_schedule(
    name, dtype, verify, norm, make_plan, make_matrix
):
    made = singular_plan(make_plan, name, dtype=dtype, norm=norm, tol=TOL)
    values = np.concatenate([np.zeros(N - RANK), np.geomspace(1.01 * LEAST, 0.99, RANK)])
    a = make_matrix(name, values, dtype=dtype)
    assert np.linalg.eigvalsh(a)[0] < 0.0  # what is 0 is so up to rounding
    solution = made.run(a, verify=verify)
    assert solution.status == ("unchecked" if verify == "off" else "converged")
    reference = Reference(Measure(norm, FUNCTIONS.get(name)), a, least=LEAST)
    assert reference.error(solution.value) <= TOL


@pytest.mark.parametrize("verify", ["sketch", "full"])
@pytest.mark.parametrize("name", ["sqrt", "power-2/3"])
def test_a_wrong_schedule_falls_back_to_a_clipped_decomposition(
    name, verify, make_plan, make_matrix
):
    made = singular_plan(make_plan, name, dtype="float32", tol=TOL)
    made = replace(made, steps=made.steps[:1])
    values = np.concatenate([np.zeros(N - RANK), np.geomspace(1.01 * LEAST, 0.99, RANK)])
    a = make_matrix(name, values, dtype="float32")
    solution = made.run(a, verify=verify)
    assert (solution.status, solution.rank) == ("fell_back", RANK)
    reference = Reference(Measure("eigenvalue", FUNCTIONS.get(name)), a, least=LEAST)
    assert reference.error(solution.value) <= 1e-4


@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_a_direct_plan_is_a_clipped_decomposition(verify, make_plan, make_matrix):
    made = singular_plan(make_plan, "sqrt", updates=("eigh",), tol=1e-10)
    a = make_matrix("sqrt", np.concatenate([np.zeros(4), np.geomspace(0.02, 0.9, 4)]))
    solution = made.run(a, verify=verify)
    assert solution.status == ("unchecked" if verify == "off" else "converged")
    assert solution.message == ""
    assert solution.rank == 4 if verify != "off" else True
    assert np.abs(np.linalg.eigvalsh(solution.value)[:4]).max() < 1e-14
    assert np.abs(solution.value @ solution.value - a).max() < 1e-13


@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_what_is_outside_the_domain_is_refused_by_name(verify, make_plan, make_matrix):
    made = singular_plan(make_plan, "sqrt", tol=TOL)
    values = np.concatenate([np.zeros(3), np.geomspace(0.02, 0.9, 5)])
    between = np.where(np.arange(8) == 2, 1e-3, values)
    with pytest.raises(DomainError, match=r"\(but for those that are 0\)"):
        made.run(make_matrix("sqrt", between), verify=verify)
    indefinite = np.where(np.arange(8) == 2, -0.1, values)
    with pytest.raises(IndefiniteMatrixError, match="it is indefinite"):
        made.run(make_matrix("sqrt", indefinite), verify=verify)
    plain = replace(made, domain=replace(made.domain, has_zero=False))
    with pytest.raises(IndefiniteMatrixError, match="singular to working precision"):
        plain.run(make_matrix("sqrt", values), verify=verify)


def test_zero_and_badly_scaled_matrices(make_plan, make_matrix):
    made = singular_plan(make_plan, "sqrt", tol=TOL)
    solution = made.run(np.zeros((5, 5)))
    assert (solution.status, solution.rank) == ("converged", 0)
    assert not solution.value.any()
    tiny = 2.0**-200
    domain = replace(made.domain, lower=LEAST * tiny, upper=made.domain.upper * tiny)
    scaled = replace(made, domain=domain, scaling=replace(made.scaling, factor=1.0 / tiny))
    a = make_matrix("sqrt", np.concatenate([np.zeros(4), np.geomspace(0.02, 0.9, 4)]))
    for verify in ("sketch", "full"):
        solution = scaled.run(a * tiny, verify=verify)
        assert solution.status == "converged"
        assert np.array_equal(solution.value, made.run(a).value * 2.0**-100)


def test_pseudo_still_tells_the_rank(make_plan, make_matrix):
    made = singular_plan(make_plan, "sqrt", tol=TOL)
    a = make_matrix("sqrt", np.concatenate([np.zeros(3), np.geomspace(0.02, 0.9, 5)]))
    solution = made.run(a, rank_deficient="pseudo")
    assert (solution.status, solution.rank) == ("fell_back", 5)
