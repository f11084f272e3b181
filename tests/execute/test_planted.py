"""Planted failures for every kind of function: what each level of the guard finds, and claims."""

from typing import Any

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.measure import Measure
from matrl.execute.accuracy import Reference
from matrl.execute.guard import check_full, check_sketch
from matrl.execute.residuals import CHECKS, Case, check_for
from matrl.execute.residuals.words import balanced_word
from matrl.functions import FUNCTIONS

N = 16
TOL = 1e-4
NAMES = [f.name for f in FUNCTIONS if f.carries != "yz" and not f.factor]
POWERS = [name for name in NAMES if FUNCTIONS.get(name).carries != "x"]
UNITARY = ["sign", "polar"]
CONDITION = 100.0


class Planted:
    """A complex matrix with known eigenvectors (singular vectors), and values of f."""

    def __init__(self, name, seed=0, condition=CONDITION):
        self.function = FUNCTIONS.get(name)
        self.random = random = np.random.default_rng(seed)
        self.moduli = np.geomspace(1.0 / condition, 1.0, N)
        rows = N + 4 if name == "polar" else N

        def orthonormal(m):
            real, imaginary = random.standard_normal((2, m, N))
            return np.linalg.qr(real + 1j * imaginary)[0]

        self.right = orthonormal(N)
        self.left = orthonormal(rows) if name == "polar" else self.right
        self.signs = np.where(np.arange(N) % 2, -1.0, 1.0) if name == "sign" else np.ones(N)
        self.a = self.of(self.signs * self.moduli)
        self.condition = condition

    def of(self, values):
        return self.left * values @ self.right.conj().T

    def value(self, factors: Any = 1.0):
        """Return f(A) with its eigenvalues (singular values) multiplied by ``factors``."""
        if self.function.carries == "x":
            return self.of(self.signs * factors * np.ones(N))
        return self.of(self.moduli**self.function.exponent * factors)

    def off_by(self, size):
        """Return a value whose error is this size exactly, and commutes with nothing."""
        e = self.random.standard_normal((N, N)) + 1j * self.random.standard_normal((N, N))
        e = e + e.conj().T
        e = e * (size / np.linalg.norm(e, 2))
        if self.function.carries == "x":
            return self.value() + self.left @ e @ self.right.conj().T
        half = self.of(self.moduli ** (0.5 * self.function.exponent))
        return half @ (np.eye(N) + e) @ half

    def case(self, value, tol=TOL, norm: Any = "eigenvalue"):
        value = np.ascontiguousarray(value)
        return Case(self.function, self.a, (value,), tol, norm, self.condition, 1.0, numpy_backend)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
def test_right_values_pass_and_wrong_ones_do_not(name, norm):
    # Rounding the entries of A^(-7/8) changes A^7 Z^8 by eps cond(A)^7.
    planted = Planted(name, condition=10.0 if norm == "residual" else CONDITION)
    for check in (check_sketch, check_full):
        assert check(planted.case(planted.value(), norm=norm)).passed
        assert check(planted.case(planted.value(1.0 + TOL / 20), norm=norm)).passed
        for factor in (1.0 + 30 * TOL, 1.0 - 30 * TOL, 0.0, -1.0 - 30 * TOL):
            assert not check(planted.case(planted.value(factor), norm=norm)).passed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1e-8, 1e-5, 1e-3, 0.03])
@pytest.mark.parametrize("condition", [3.0, 1e2, 1e4])
def test_the_bound_of_full_holds_for_errors_that_do_not_commute(name, size, condition):
    for seed in range(3):
        planted = Planted(name, seed, condition)
        verdict = check_full(planted.case(planted.off_by(size)))
        assert verdict.error_bound is not None
        assert verdict.error_bound >= size * (1.0 - 1e-6)
        assert not verdict.passed or size <= TOL * (1.0 + 1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["spectral", "frobenius", "residual"])
def test_the_bound_of_full_holds_in_the_other_measures(name, norm):
    for seed, size in enumerate((1e-7, 1e-5, 3e-3, 0.02)):
        planted = Planted(name, seed)
        value = planted.off_by(size)
        verdict = check_full(planted.case(value, norm=norm))
        error = Reference(Measure(norm, planted.function), planted.a).error(value)
        assert verdict.error_bound is not None
        assert verdict.error_bound >= error * (1.0 - 1e-6)
        # Of A^q Z^p with q > 1 nothing is proved: rounding grows like cond(A)^q.
        if np.isfinite(verdict.error_bound):
            assert not verdict.passed or error <= TOL * (1.0 + 1e-6)
        else:
            assert norm == "residual"
            assert name.startswith("power--")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("index", [0, N // 2, N - 1])
def test_full_finds_a_flipped_sign(name, index):
    planted, factors = Planted(name), np.ones(N)
    factors[index] = -1.0
    assert not check_full(planted.case(planted.value(factors))).passed


@pytest.mark.parametrize("name", NAMES)
def test_full_finds_a_flip_that_the_residual_measure_does_not_allow(name):
    # A small eigenvalue of a power may be negative there: its p-th power is below the tolerance.
    planted, factors = Planted(name), np.ones(N)
    factors[-1] = -1.0
    case = planted.case(planted.value(factors), norm="residual")
    assert not check_full(case).passed


@pytest.mark.parametrize("name", UNITARY)
def test_the_sketch_finds_other_unitary_matrices(name):
    planted, other = Planted(name), Planted(name, 1)
    identity = np.eye(*planted.a.shape, dtype=complex)
    for value in (-planted.value(), other.value(), identity):
        assert not check_sketch(planted.case(value)).passed


@pytest.mark.parametrize("name", UNITARY)
@pytest.mark.parametrize("tol", [1e-6, 1e-3])
def test_no_false_alarm_for_errors_inside_the_tolerance(name, tol):
    for seed in range(20):
        planted = Planted(name, seed, 1e4)
        case = planted.case(planted.off_by(0.9 * tol), tol)
        assert check_sketch(case).passed
        assert check_full(case).passed


@pytest.mark.parametrize("name", POWERS)
def test_the_words_are_the_identity_and_their_residual_self_adjoint(name):
    planted = Planted(name)
    exact = check_for(planted.function, "eigenvalue").residual(planted.case(planted.value()))
    assert exact is not None
    block = planted.random.standard_normal((N, 3)).astype(complex)
    assert np.abs(exact.apply(block)).max() < 1e-11
    residual = check_for(planted.function, "eigenvalue").residual(planted.case(planted.off_by(0.1)))
    assert residual is not None
    applied = residual.apply(np.eye(N, dtype=complex))
    weighed = applied if residual.weigh is None else residual.weigh(applied)
    assert np.allclose(weighed, weighed.conj().T, atol=1e-12 * np.abs(weighed).max())


@pytest.mark.parametrize("p", range(1, 9))
@pytest.mark.parametrize("q", range(1, 9))
def test_words_hold_what_they_say(p, q):
    if (q >= p and (p, q) != (1, 1)) or np.gcd(p, q) > 1:
        pytest.skip("no such power")
    word, weighted = balanced_word(p, q)
    assert (word.count("z"), word.count("a")) == (p, q)
    full = word + "a" if weighted else word
    assert full == full[::-1]
    exponents = np.cumsum([1.0 if letter == "a" else -q / p for letter in word])
    assert np.abs(exponents).max() <= (1.5 if weighted and q > 1 else 1.0) + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_the_upper_bound_of_the_sketch_holds(name):
    for seed in range(5):
        planted = Planted(name, seed)
        size = 10.0 ** planted.random.uniform(-5, -1)
        case = planted.case(planted.value(1.0 + size))
        verdict = check_sketch(case)
        assert verdict.residual_bound is not None
        residual = check_for(planted.function, "eigenvalue").residual(case)
        assert residual is not None
        spectrum = np.linalg.eigvals(residual.apply(np.eye(N, dtype=complex)))
        norm = np.abs(spectrum).max()
        assert verdict.residual <= norm * (1.0 + 1e-9)
        assert verdict.residual_bound >= norm * (1.0 - 1e-9)


def test_there_is_a_check_for_everything():
    assert {check.name for check in CHECKS} >= {"powers", "normwise", "unitary", "inverse-product"}
