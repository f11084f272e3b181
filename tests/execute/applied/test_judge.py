"""Judging operators: what the sketch finds of formed values it finds of them, planted or not."""

from dataclasses import replace

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.execute.applied.judge import agrees, judge_operators, probed
from matrl.execute.applied.operator import Operator, OperatorBackend
from matrl.execute.cases import case_of
from matrl.execute.guard import check_sketch
from matrl.execute.lanczos import largest_ritz_value
from matrl.execute.prepare import Prepared
from matrl.execute.residuals.check import frobenius_norms
from matrl.functions import FUNCTIONS

N = 24
TOL = 1e-4
MODULI = np.geomspace(0.011, 0.99, N)
NAMES = [f.name for f in FUNCTIONS if f.carries != "yz" and f.factor != "left"]


def operator_of(value):
    wide = np.complex128 if value.dtype.kind == "c" else np.float64
    return Operator(value.shape, np.dtype(wide), lambda v: value @ v, lambda v: value.conj().T @ v)


def verdicts(plan, a, values):
    """Return whether the values pass as operators, and as matrices."""
    function = FUNCTIONS.get(plan.function)
    prepared = Prepared(a, 0, numpy_backend.norms(a), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        operators = tuple(probed(operator_of(value)) for value in values)
        found = judge_operators(plan, function, prepared, operators, numpy_backend)
    case = case_of(plan, function, a, values, prepared.size, 0, numpy_backend)
    return found, check_sketch(case)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
def test_right_operators_pass_and_wrong_ones_do_not(name, norm, make_plan, make_matrix, exact):
    # Rounding the entries of A^(-7/8) changes A^7 Z^8 by eps cond(A)^7.
    moduli = np.geomspace(0.11, 0.99, N) if norm == "residual" else MODULI
    a = make_matrix(name, moduli, (N + 4, N), "complex128")
    plan = replace(make_plan(name, lower=0.01, dtype="complex128"), norm=norm, tol=TOL)
    values = tuple(np.ascontiguousarray(value) for value in exact(name, a))
    for factor in (1.0, 1.0 + TOL / 20, 1.0 - TOL / 20):
        operator, matrix = verdicts(plan, a, (factor * values[0], *values[1:]))
        assert operator.passed
        assert matrix.passed
    for factor in (1.0 + 30 * TOL, 1.0 - 30 * TOL, 0.0, -1.0, np.nan, np.inf, 1e200):
        with np.errstate(invalid="ignore", over="ignore"):
            wrong = (factor * values[0], *values[1:])
        assert not verdicts(plan, a, wrong)[0].passed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("index", [0, N // 2, N - 1])
@pytest.mark.parametrize("off", [30 * TOL, -30 * TOL, 0.3])
def test_one_eigenvalue_off(name, index, off, make_plan, make_matrix, exact):
    plan = replace(make_plan(name), tol=TOL)
    a = make_matrix(name, MODULI, (N + 4, N))
    values = tuple(np.ascontiguousarray(value.real) for value in exact(name, a))
    vectors = np.linalg.svd(a)[2][index]
    wrong = values[0] + off * np.outer(values[0] @ vectors, vectors)
    operator, matrix = verdicts(plan, a, (wrong, *values[1:]))
    assert not operator.passed
    assert not matrix.passed


@pytest.mark.parametrize(("name", "found"), [("sqrt", False), ("invsqrt", False), ("root-3", True)])
def test_a_flip_of_one_small_eigenvalue_hides_in_even_powers(
    name, found, make_plan, make_matrix, exact
):
    """Of positive powers a Cholesky factor of the value would show it, which there is none of."""
    plan = replace(make_plan(name), tol=TOL)
    a = make_matrix(name, MODULI)
    (value,) = (np.ascontiguousarray(value.real) for value in exact(name, a))
    # The one with the smallest value.
    vector = np.linalg.svd(value)[2][-1]
    flipped = value - 2.0 * np.outer(value @ vector, vector)
    operator, matrix = verdicts(plan, a, (flipped,))
    assert operator.passed != found
    assert matrix.passed == (name == "invsqrt")


@pytest.mark.parametrize("name", ["sqrt", "root-3", "invsqrt", "inv", "power-2/3"])
def test_skew_errors_show_in_the_residual(name, make_plan, make_matrix, exact):
    """Of an operator it is not asked whether it is Hermitian."""
    plan = replace(make_plan(name), tol=TOL)
    a = make_matrix(name, MODULI)
    (value,) = (np.ascontiguousarray(value.real) for value in exact(name, a))
    noise = np.random.default_rng(0).standard_normal((N, N))
    skew = (noise - noise.T) * (np.linalg.norm(value, 2) / np.linalg.norm(noise - noise.T, 2))
    assert not verdicts(plan, a, (value + 0.1 * skew,))[0].passed


@pytest.mark.parametrize("name", ["sign", "polar"])
def test_skew_errors_of_unitary_operators_show_in_the_inequalities(
    name, make_plan, make_matrix, exact
):
    plan = replace(make_plan(name), tol=TOL)
    a = make_matrix(name, MODULI)
    (value,) = (np.ascontiguousarray(value.real) for value in exact(name, a))
    noise = np.random.default_rng(0).standard_normal((N, N))
    rotation = np.linalg.qr(np.eye(N) + 0.1 * (noise - noise.T))[0]
    assert not verdicts(plan, a, (value @ rotation,))[0].passed


def test_a_wrong_hermitian_factor_is_found(make_plan, make_matrix, exact):
    plan = replace(make_plan("polar-right"), tol=TOL)
    a = make_matrix("polar-right", MODULI, (N + 4, N))
    unitary, factor = (np.ascontiguousarray(value.real) for value in exact("polar-right", a))
    assert verdicts(plan, a, (unitary, factor))[0].passed
    assert not verdicts(plan, a, (unitary, 1.01 * factor))[0].passed


def test_indefinite_a_has_no_root(make_plan, make_matrix):
    plan = replace(make_plan("sqrt"), tol=TOL)
    a = make_matrix("sqrt", [-0.5, *MODULI[1:]])
    assert not verdicts(plan, a, (np.eye(N),))[0].passed


def test_estimates_of_an_operator():
    """Of 8 vectors, of a norm spread over many directions: within four deviations."""
    value = np.random.default_rng(0).standard_normal((50, 40))
    one = probed(operator_of(value))
    assert abs(one.frobenius_norm / np.linalg.norm(value) - 1.0) < 0.3
    assert np.isnan(one.least_quotient)
    assert frobenius_norms(one.as_matrix) == one.frobenius_norm
    definite = probed(operator_of(np.diag(np.arange(1.0, 30.0))))
    assert 1.0 <= definite.least_quotient <= 29.0
    assert probed(operator_of(-np.eye(9))).least_quotient == pytest.approx(-1.0, rel=1e-14)


def test_a_product_that_is_not_the_operators_is_found():
    value = np.random.default_rng(0).standard_normal((30, 20))
    operator, block = probed(operator_of(value)), np.random.default_rng(1).standard_normal((20, 5))
    block[:, 1] *= 1e-9
    block[:, 2] = 0.0
    product = value @ block
    assert agrees(operator, block, product, 1e-12)
    assert agrees(operator, product, value.T @ product, 1e-12, adjoint=True)
    for column in range(5):
        wrong = product.copy()
        wrong[3, column] += 1e-2 * (np.linalg.norm(block[:, column]) + 1e-300)
        assert agrees(operator, block, wrong, 1e-5) == (column == 2)
        wrong[:, column] = np.nan
        assert not agrees(operator, block, wrong, 1e-5)


def test_operators_are_multiplied_where_arrays_are():
    value = np.random.default_rng(0).standard_normal((6, 4))
    operator, backend = operator_of(value), OperatorBackend(numpy_backend).backend
    block = np.random.default_rng(1).standard_normal((4, 3))
    for x in (operator.as_matrix, value):
        assert np.allclose(backend.matmul(np.empty((6, 3)), x, block), value @ block, atol=1e-14)
        out = np.ones((4, 6))
        backend.matmul(out, x, np.eye(6), adjoint_x=True, addends=((2.0, out),))
        assert np.allclose(out, 2.0 + value.T, atol=1e-14)
        assert backend.is_finite(x)
    assert operator.ndim == 2
    assert operator.astype(np.float64) is operator
    square = value.T @ value
    ritz = largest_ritz_value(operator_of(square).as_matrix, 4, backend)
    assert ritz == pytest.approx(np.linalg.norm(square, 2), rel=1e-10)
    assert backend.asymmetry(operator.as_matrix) == 0.0
    assert backend.asymmetry(np.array([[0.0, 1.0], [0.0, 0.0]])) == 1.0
