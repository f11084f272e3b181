"""Norm bounds: they are bounds, as loose as they say, and Lanczos fails as rarely as it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.backends.numpy import numpy_backend
from matrl.core.spectrum import Spectrum
from matrl.discovery.problem.norm_bounds import (
    LANCZOS_FAILURE,
    LANCZOS_LOOSENESS,
    lanczos_failure,
    lanczos_steps,
    norm_bounds,
)
from matrl.execute.lanczos import largest_ritz_value
from matrl.functions import FUNCTIONS

EPS = float(np.finfo(np.float64).eps)
STRUCTURES = {"positive": "invsqrt", "hermitian": "sign", "rectangular": "polar"}


def random_matrix(structure: str, seed: int, n: int, *, is_complex: bool) -> np.ndarray:
    generator = np.random.default_rng(seed)
    rows = n + int(generator.integers(0, 5)) if structure == "rectangular" else n
    x = generator.standard_normal((rows, n)) * 10.0 ** generator.uniform(-1.0, 1.0, n)
    if is_complex:
        x = x + 1j * generator.standard_normal((rows, n))
    if structure == "rectangular":
        return x.T.copy() if generator.integers(2) else x
    a = 0.5 * (x + x.conj().T)
    return a if structure == "hermitian" else x.conj().T @ x + 1e-3 * np.eye(n)


@given(
    st.sampled_from(sorted(STRUCTURES)), st.integers(0, 10**6), st.integers(2, 12), st.booleans()
)
def test_bounds_are_upper_bounds(structure: str, seed: int, n: int, is_complex: bool) -> None:
    a = random_matrix(structure, seed, n, is_complex=is_complex)
    spectrum = Spectrum.of(a)
    two_norm = float(np.linalg.norm(a, 2))
    bounds = norm_bounds(FUNCTIONS.get(STRUCTURES[structure]), spectrum, n)
    assert bounds
    for bound in bounds:
        value = bound.of(spectrum.statistics[0])
        assert value >= two_norm * (1.0 - 16 * n * EPS)
        assert bound.looseness(spectrum) == pytest.approx(value / two_norm, rel=64 * n * EPS)
        # Frobenius and one-norm are off by sqrt(n) at most, Lanczos by what it says.
        most = {"lanczos": 1.0 / bound.scaling.factor}.get(
            bound.scaling.kind, math.sqrt(max(a.shape))
        )
        assert value <= most * two_norm * (1.0 + 16 * n * EPS)


def test_bounds_of_known_matrices() -> None:
    """Of [[2, 1], [1, 2]], with the eigenvalues 1 and 3."""
    spectrum = Spectrum.of(np.array([[2.0, 1.0], [1.0, 2.0]]))
    values = {
        b.scaling.kind: b.of(spectrum.statistics[0])
        for b in norm_bounds(FUNCTIONS.get("inv"), spectrum, 2)
        if b.scaling.kind != "lanczos"
    }
    assert values == pytest.approx({"frobenius": math.sqrt(10.0), "one-norm": 3.0}, rel=8 * EPS)
    # Of an indefinite matrix Gershgorin's disks bound no modulus: [[1, 2], [2, -3]].
    spectrum = Spectrum.of(np.array([[1.0, 2.0], [2.0, -3.0]]))
    kinds = [b.scaling.kind for b in norm_bounds(FUNCTIONS.get("sign"), spectrum, 2)]
    assert "gershgorin" not in kinds
    # Of [[3, 4], [0, 0], [0, 0]] all rows but one are empty: ||A||_1 = 4, ||A||_inf = 7.
    spectrum = Spectrum.of(np.array([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]]))
    values = [
        b.of(spectrum.statistics[0]) for b in norm_bounds(FUNCTIONS.get("polar"), spectrum, 2)
    ]
    assert values[:2] == pytest.approx([math.sqrt(26.0), math.sqrt(5.0 * 7.0)], rel=8 * EPS)


def test_bounds_that_say_the_same_are_left_out() -> None:
    function = FUNCTIONS.get("sqrt")
    positive = np.array([[2.0, 1.0], [1.0, 2.0]])
    kinds = [b.scaling.kind for b in norm_bounds(function, Spectrum.of(positive), 2)]
    # Gershgorin's bound is the one-norm where no diagonal entry is negative.
    assert kinds == ["frobenius", "one-norm", "lanczos", "lanczos"]
    # Of a multiple of the identity the one-norm is exact, and the Frobenius norm is not.
    spectrum = Spectrum.of(3.0 * np.eye(4))
    bounds = norm_bounds(function, spectrum, 4)
    assert [b.looseness(spectrum) for b in bounds[:2]] == pytest.approx([2.0, 1.0], rel=8 * EPS)
    # Of a matrix of rank one in one row and column both are.
    one = Spectrum.of(np.array([[5.0]]))
    assert [b.scaling.kind for b in norm_bounds(function, one, 1)] == [
        "frobenius",
        "lanczos",
        "lanczos",
    ]
    # One matrix that tells two bounds apart keeps both.
    both = Spectrum.of([np.array([[5.0]]), positive])
    assert len(norm_bounds(function, both, 2)) == 4


def test_looseness_is_the_median_over_matrices() -> None:
    spectrum = Spectrum.of([np.eye(1), np.eye(4), np.eye(9)])
    frobenius = norm_bounds(FUNCTIONS.get("inv"), spectrum, 9)[0]
    assert frobenius.looseness(spectrum) == pytest.approx(2.0, rel=8 * EPS)


def test_the_failure_probability_of_lanczos() -> None:
    """1.648 sqrt(n) exp(-sqrt(eps) (2k - 1)), from the theorem's statement."""
    assert lanczos_failure(100, 10, 0.25) == pytest.approx(16.48 * math.exp(-9.5), rel=8 * EPS)
    assert lanczos_failure(1, 1, 0.01) == pytest.approx(1.648 * math.exp(-0.1), rel=8 * EPS)


@given(st.integers(1, 10**5), st.sampled_from([0.01, 0.04, 0.2, 0.5]))
def test_no_more_steps_than_needed(n: int, looseness: float) -> None:
    steps = lanczos_steps(n, looseness)
    assert lanczos_failure(n, steps, looseness) <= LANCZOS_FAILURE * (1.0 + 1e-12)
    assert steps == 1 or lanczos_failure(n, steps - 1, looseness) > LANCZOS_FAILURE


@pytest.mark.parametrize("structure", sorted(STRUCTURES))
def test_plans_state_steps_factor_and_failure(structure: str) -> None:
    a = random_matrix(structure, 0, 40, is_complex=False)
    bounds = norm_bounds(FUNCTIONS.get(STRUCTURES[structure]), Spectrum.of(a), 40)
    lanczos = [b for b in bounds if b.scaling.kind == "lanczos"]
    assert len(lanczos) == len(LANCZOS_LOOSENESS)
    for bound, looseness in zip(lanczos, LANCZOS_LOOSENESS, strict=True):
        scaling, products = bound.scaling, 1 if structure == "positive" else 2
        # The bound is on eigenvalues of A, or on those of A* A.
        assert scaling.factor**products == pytest.approx(1.0 - looseness, rel=8 * EPS)
        assert scaling.failure_probability == lanczos_failure(40, scaling.steps, looseness)
        assert bound.matvecs == products * scaling.steps


@pytest.mark.parametrize("looseness", LANCZOS_LOOSENESS)
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("is_complex", [False, True])
def test_lanczos_does_not_fail(looseness: float, squared: bool, is_complex: bool) -> None:
    """Not in 200 random starts, though with a fifth of the steps it does.

    One eigenvalue is at 1, and the others are at most what an estimate may be, in the places that
    are hardest for a Krylov space: the extrema of a Chebyshev polynomial.
    """
    n = 120
    generator = np.random.default_rng(7)
    x = generator.standard_normal((n, n)) + 1j * is_complex * generator.standard_normal((n, n))
    vectors = np.linalg.qr(x if is_complex else x.real)[0]
    chebyshev = 0.5 + 0.5 * np.cos(np.pi * np.arange(n - 1) / (n - 1))
    values = np.concatenate([(1.0 - looseness) * chebyshev, [1.0]])
    moduli = np.sqrt(values) * (-1.0) ** np.arange(n) if squared else values
    a = np.ascontiguousarray((vectors * moduli) @ vectors.conj().T)
    steps = lanczos_steps(n, looseness)
    short = [
        largest_ritz_value(a, steps // 5, numpy_backend, seed, squared=squared)
        for seed in range(200)
    ]
    assert min(short) < 1.0 - looseness
    for seed in range(200):
        ritz = largest_ritz_value(a, steps, numpy_backend, seed, squared=squared)
        assert 1.0 - looseness < ritz <= 1.0 + 64 * n * EPS
