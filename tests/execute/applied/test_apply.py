"""f(A) B without f(A): the values of a run, few operations, and no value that is silently wrong."""

from dataclasses import replace

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.splitting import Sizes, application_flops, program_flops
from matrl.errors import (
    ConvergenceError,
    DomainError,
    IndefiniteMatrixError,
    InputError,
    MatrlError,
    NonFiniteError,
    NotHermitianError,
)
from matrl.execute.applied import apply_plan
from matrl.execute.applied.choice import application_for
from matrl.execute.observed import Observed
from matrl.functions import FUNCTIONS
from matrl.readings.count import count
from matrl.testing.counting import CountingBackend

N = 170
"""Large enough for the guard's vectors to be few."""
INSIDE = np.geomspace(0.011, 0.99, N)
NAMES = [function.name for function in FUNCTIONS if function.factor != "left"]
FEW = ["inv", "sqrt", "invsqrt", "sqrt+invsqrt", "root-3", "power--2/3", "sign", "polar"]
FEW += ["polar-right", "invroot-8"]
TOL = {"float32": 1e-3, "complex64": 1e-3, "float64": 1e-6, "complex128": 1e-6}


def values_of(solution):
    return solution.value if isinstance(solution.value, tuple) else (solution.value,)


def block(rows, columns=2, dtype="float64", seed=1):
    random = np.random.default_rng(seed)
    real, imaginary = random.standard_normal((2, rows, columns))
    return (real + 1j * imaginary if dtype.startswith("c") else real).astype(dtype)


def assert_is_product(solution, run, b, condition=100.0):
    """The value is run's times b, up to rounding in the dtype of b."""
    for value, whole in zip(values_of(solution), values_of(run), strict=True):
        expected = whole @ b
        size = np.linalg.norm(whole, 2) * np.linalg.norm(b)
        assert value.dtype == b.dtype
        assert value.shape == expected.shape
        eps = float(np.finfo(b.dtype).eps)
        assert np.linalg.norm(value - expected) <= 0.1 * eps * len(whole) * condition * size


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_function_is_applied(name, dtype, make_plan, make_matrix):
    a, b = make_matrix(name, INSIDE, (N + 20, N), dtype), block(N, dtype=dtype)
    plan = make_plan(name, dtype=dtype, tol=TOL[dtype])
    before = a.copy(), b.copy()
    solution, run = plan.apply(a, b), plan.run(a)
    assert solution.status == "converged"
    assert not solution.message
    assert application_for(plan, a.shape, 2) is not None
    assert_is_product(solution, run, b)
    assert 0.0 <= solution.residual <= 10 * TOL[dtype] * FUNCTIONS.get(name).root_index
    assert solution.residual_bound >= solution.residual
    assert solution.failure_probability == run.failure_probability
    assert solution.plan_id == plan.id
    assert np.array_equal(a, before[0])
    assert np.array_equal(b, before[1])


@pytest.mark.parametrize("name", ["inv", "sqrt+invsqrt", "power-2/3", "sign", "polar"])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_matrices(name, dtype, make_plan, make_matrix):
    a, b = make_matrix(name, INSIDE, (N + 20, N), dtype), block(N, dtype=dtype)
    plan = make_plan(name, dtype=dtype, tol=TOL[dtype])
    assert application_for(plan, a.shape, 2) is not None
    assert_is_product(plan.apply(a, b), plan.run(a), b)


@pytest.mark.parametrize("name", ["polar", "polar-right"])
@pytest.mark.parametrize("shape", [(N + 40, N), (N, N), (N, N + 40)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_polar_factors_of_every_shape(name, shape, dtype, make_plan, make_matrix):
    a, b = make_matrix(name, INSIDE, shape, dtype), block(shape[1], dtype=dtype)
    plan = make_plan(name, dtype=dtype)
    assert application_for(plan, shape, 2) is not None
    solution = plan.apply(a, b)
    assert solution.status == "converged"
    assert_is_product(solution, plan.run(a), b)


def test_the_left_polar_factor_is_applied_where_one_b_fits_both(make_plan, make_matrix):
    plan = make_plan("polar-left")
    a, b = make_matrix("polar-left", INSIDE, (N, N)), block(N)
    assert_is_product(plan.apply(a, b), plan.run(a), b)
    tall = make_matrix("polar-left", INSIDE, (N + 2, N))
    with pytest.raises(InputError, match=r"B: cannot have 170 rows for U and 172 for P"):
        plan.apply(tall, b)


@pytest.mark.parametrize("name", ["sqrt", "invsqrt", "sign", "sqrt+invsqrt", "polar"])
def test_rational_schedules_solve(name, make_plan, make_matrix):
    a, b = make_matrix(name, INSIDE, (N + 20, N)), block(N)
    plan = make_plan(name, ("zolotarev-2", "zolotarev-2"), tol=1e-6)
    application = application_for(plan, a.shape, 2)
    assert application is not None
    assert any(matrix.is_factor for matrix in application.matrices)
    assert_is_product(plan.apply(a, b), plan.run(a), b)


@pytest.mark.parametrize("name", ["inv", "sqrt", "invroot-3", "sign"])
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
def test_every_measure(name, norm, make_plan, make_matrix):
    a, b = make_matrix(name, INSIDE), block(N)
    plan = make_plan(name, norm=norm)
    solution = plan.apply(a, b)
    assert solution.status == "converged"
    assert not solution.message
    assert_is_product(solution, plan.run(a), b)


@pytest.mark.parametrize("scaling", ["frobenius", "one-norm", "gershgorin", "lanczos"])
@pytest.mark.parametrize("verify", ["sketch", "off"])
@pytest.mark.parametrize("name", ["invsqrt", "sqrt", "polar"])
def test_every_scaling(name, scaling, verify, make_plan, make_matrix):
    plan = make_plan(name, scaling=scaling, lower=5e-4)
    # Within the domain whatever the norm they are divided by.
    a, b = 3.0 * make_matrix(name, np.geomspace(0.1, 0.99, N)), block(N)
    solution = plan.apply(a, b, verify=verify)
    assert solution.status == ("unchecked" if verify == "off" else "converged")
    assert_is_product(solution, plan.run(a, verify=verify), b)


@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_one_vector_is_a_block_of_one_column(verify, make_plan, make_matrix):
    a, b = make_matrix("sqrt+invsqrt", INSIDE), block(N, 1)
    plan = make_plan("sqrt+invsqrt")
    several = plan.apply(a, b, verify=verify)
    one = plan.apply(a, b[:, 0], verify=verify)
    for x, y in zip(values_of(one), values_of(several), strict=True):
        assert x.shape == (N,)
        assert np.array_equal(x, y[:, 0])


def test_strided_blocks_are_read_as_they_are(make_plan, make_matrix):
    a, wide = make_matrix("invsqrt", INSIDE), block(2 * N, 4)
    plan = make_plan("invsqrt")
    for b in (wide[::2, 1:3], np.asfortranarray(wide[:N]), wide[:N][:, ::-1]):
        assert_is_product(plan.apply(a, b), plan.run(a), b)
        assert_is_product(plan.apply(a, b, verify="full"), plan.run(a), b)


# What it takes ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_fewer_operations_than_a_run_and_a_product(name, make_plan):
    plan, sizes = make_plan(name), Sizes(N, N, 2)
    application = application_for(plan, (N, N), 2)
    assert application is not None
    program = application.program
    formed = program_flops(program, sizes) + len(program.outputs) * 2.0 * N * N * 2
    assert application_flops(application, sizes, plan.dtype) < formed


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("verify", ["sketch", "off"])
def test_no_kernel_is_run_on_matrices_but_those_of_what_is_formed(
    name, verify, make_plan, make_matrix
):
    plan, a = make_plan(name), make_matrix(name, INSIDE, (N + 20, N))
    application = application_for(plan, a.shape, 2, verify)
    assert application is not None
    counting = CountingBackend()
    apply_plan(plan, a, block(N), verify=verify, backend=counting)
    products = ("matmul", "matmul_herm", "gram", "outer", "inv_spd")
    expected, seen = count(application.formed), counting.counts
    if verify == "sketch" and FUNCTIONS.get(name).carries == "x":
        # The upper end is proved by a Cholesky factorisation of u^2 I - A* A.
        expected["gram" if name == "sign" else "gram:tall", "float64"] += 1
    for product in products:
        assert seen[product, "float64"] == expected[product, "float64"], product
    assert seen["gram:tall", "float64"] == expected["gram:tall", "float64"]
    run = CountingBackend()
    apply_plan(plan, a, block(N, 4 * N), verify=verify, backend=run)
    total = sum(seen[product, "float64"] for product in products)
    assert total <= sum(run.counts[product, "float64"] for product in products)


def test_the_cholesky_inverse_is_solves_alone(make_plan, make_matrix):
    plan, a, b = make_plan("inv", ("cholesky",)), make_matrix("inv", INSIDE), block(N)
    counting = CountingBackend()
    solution = apply_plan(plan, a, b, backend=counting)
    assert solution.status == "converged"
    assert ("inv_spd", "float64") not in counting.counts
    assert ("matmul", "float64") not in counting.counts
    assert_is_product(solution, plan.run(a), b)


@pytest.mark.parametrize(
    ("name", "updates", "verify", "columns"),
    [
        ("invsqrt", None, "sketch", 20 * N),
        ("invsqrt", None, "full", 1),
        ("invsqrt", ("eigh",), "sketch", 1),
        ("polar", ("eigh",), "sketch", 1),
        ("invsqrt", None, "sketch", 0),
    ],
)
def test_where_f_of_a_is_formed(name, updates, verify, columns, make_plan, make_matrix):
    plan, a, b = make_plan(name, updates), make_matrix(name, INSIDE), block(N, columns)
    assert application_for(plan, a.shape, columns, verify) is None
    solution, run = plan.apply(a, b, verify=verify), plan.run(a, verify=verify)
    assert solution.status == "converged"
    assert solution.residual == run.residual
    assert solution.error_bound == run.error_bound
    assert_is_product(solution, run, b)


def test_domains_with_zero_are_formed(make_plan, make_matrix):
    plan = make_plan("sqrt")
    plan = replace(plan, domain=replace(plan.domain, has_zero=True))
    assert application_for(plan, (N, N), 1) is None
    a, b = make_matrix("sqrt", [0.0, *INSIDE[1:]]), block(N)
    solution = plan.apply(a, b)
    assert solution.status == "converged"
    assert_is_product(solution, plan.run(a), b)


def test_empty_matrices_have_empty_products(make_plan):
    solution = make_plan("polar").apply(np.zeros((3, 0)), np.zeros((0, 2)))
    assert solution.status == "converged"
    assert np.array_equal(solution.value, np.zeros((3, 2)))


# What goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FEW)
def test_a_spectrum_below_the_domain_is_not_passed(name, make_plan, make_matrix, exact):
    plan = make_plan(name, lower=0.1, tol=1e-6, scaling="lanczos")
    a, b = make_matrix(name, np.geomspace(1e-3, 0.99, N), (N + 20, N)), block(N)
    solution, run = plan.apply(a, b), plan.run(a)
    assert run.status in ("continued", "fell_back")
    assert solution.status == run.status
    assert solution.message.startswith("formed f(A): the residual of f(A) as an operator")
    assert run.message in solution.message
    assert solution.residual == run.residual
    assert_is_product(solution, run, b, condition=1.0)
    for value, expected in zip(values_of(solution), exact(name, a), strict=True):
        size = np.linalg.norm(expected, 2) * np.linalg.norm(b)
        assert np.linalg.norm(value - expected @ b) <= plan.tol * size


class Disturbed(Observed):
    """A backend whose first product with a block of some width is off in one element."""

    def __init__(self, columns, factor):
        super().__init__(numpy_backend)
        self.columns, self.factor = columns, factor

    def matmul(self, out, x, y, **options):
        result = numpy_backend.matmul(out, x, y, **options)
        if result.shape[-1] == self.columns:
            result[3, 0] *= self.factor
            self.columns = -1
        return result


@pytest.mark.parametrize("name", ["inv", "sqrt", "invsqrt", "sign", "polar", "sqrt+invsqrt"])
@pytest.mark.parametrize(
    ("columns", "factor"),
    # Of B, of the sketch, and of the norm, where what is finite may change nothing.
    [(3, 1e3), (3, -1.0), (3, 0.0), (3, np.nan), (3, np.inf), (4, 1e3), (4, np.nan), (8, np.nan)],
)
def test_disturbed_products_are_found(name, columns, factor, make_plan, make_matrix):
    plan, a, b = make_plan(name, tol=1e-6), make_matrix(name, INSIDE, (N + 20, N)), block(N, 3)
    backend = Disturbed(columns, factor)
    solution = apply_plan(plan, a, b, backend=backend.backend)
    assert backend.columns == -1
    assert solution.message.startswith("formed f(A): ")
    assert solution.status == "converged"
    assert_is_product(solution, plan.run(a), b, condition=1.0)


@pytest.mark.parametrize("name", ["inv", "invsqrt", "invroot-3", "sqrt", "root-3", "power-2/3"])
def test_indefinite_matrices_are_named_as_in_a_run(name, make_plan, make_matrix):
    a = make_matrix(name, [-0.5, *INSIDE[1:]])
    for verify in ("sketch", "full"):
        with pytest.raises(IndefiniteMatrixError) as raised:
            make_plan(name).apply(a, block(N), verify=verify)
        with pytest.raises(IndefiniteMatrixError) as expected:
            make_plan(name).run(a, verify=verify)
        assert str(raised.value) == str(expected.value)


def test_what_a_run_refuses_is_refused(make_plan, make_matrix):
    plan, a, b = make_plan("invsqrt"), make_matrix("invsqrt", INSIDE), block(N)
    for error, wrong in [
        (DomainError, 40.0 * a),
        (NonFiniteError, np.where(np.eye(N) > 0, np.nan, a)),
        (NotHermitianError, a + np.triu(a)),
        (IndefiniteMatrixError, 0.0 * a),
    ]:
        with pytest.raises(error) as raised:
            plan.apply(wrong, b)
        with pytest.raises(error) as expected:
            plan.run(wrong)
        assert str(raised.value) == str(expected.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["inv", "sqrt", "invroot-3", "polar-right"])
@pytest.mark.parametrize("size", [-250, -60, 60, 250])
def test_badly_scaled_matrices_and_blocks(name, dtype, size, make_plan, make_matrix):
    """Powers of two change no digit, until the product itself is out of range."""
    if dtype == "float32":
        size = int(size / 9)
    exponent = 3 * size  # a multiple of every index
    exponent -= exponent % 6
    plan = make_plan(name, dtype=dtype, scaling="frobenius", lower=5e-3, tol=TOL[dtype])
    a, b = make_matrix(name, np.geomspace(0.2, 0.99, N), dtype=dtype), block(N, 2, dtype)
    plain = plan.apply(a, b)
    moved = plan.apply(np.ldexp(a, exponent), np.ldexp(b, [size, 0]))
    assert moved.status == plain.status == "converged"
    for x, y, power in zip(
        values_of(moved), values_of(plain), FUNCTIONS.get(name).exponents, strict=True
    ):
        shift = round(exponent * power)
        expected = np.ldexp(y, [shift + size, shift])
        largest = np.abs(expected).max(axis=0)
        assert np.all(np.abs(x - expected) <= 1e3 * np.finfo(dtype).eps * largest)


def test_products_out_of_range_are_an_error(make_plan, make_matrix):
    plan = make_plan("inv", scaling="frobenius", lower=5e-3)
    a, b = make_matrix("inv", np.geomspace(0.2, 0.99, N)), block(N)
    for exponent in (-800, 800):
        wrong = np.ldexp(a, exponent), np.ldexp(b, -exponent)
        with pytest.raises(ConvergenceError, match=r"B: f\(A\) B is out of the range of float64"):
            plan.apply(*wrong)
        assert plan.apply(*wrong, verify="off").status == "unchecked"


def test_zero_columns_and_zero_blocks_have_zero_products(make_plan, make_matrix):
    plan, a, b = make_plan("invsqrt"), make_matrix("invsqrt", INSIDE), block(N, 3)
    b[:, 1] = 0.0
    assert not np.any(plan.apply(a, b).value[:, 1])
    solution = plan.apply(a, np.zeros((N, 2)))
    assert solution.status == "converged"
    assert not solution.value.any()


def test_zero_matrices_where_f_vanishes(make_plan):
    plan = make_plan("sqrt", lower=0.0, norm="spectral", tol=1e-2)
    solution = plan.apply(np.zeros((N, N)), block(N))
    assert solution.status == "converged"
    assert not solution.value.any()


def test_options_are_checked(make_plan):
    with pytest.raises(InputError, match=r"verify: must be one of sketch, full, off"):
        make_plan("inv").apply(np.eye(3), np.eye(3), verify="maybe")
    with pytest.raises(MatrlError, match=r"A: must be a square matrix"):
        make_plan("inv").apply(np.ones((3, 2)), np.eye(3))


def test_plans_that_differ_in_steps_alone_are_split_apart(make_plan, make_matrix):
    """The programs kept from call to call are those of the steps."""
    a, b, plan = make_matrix("invsqrt", INSIDE), block(N), make_plan("invsqrt", tol=1e-6)
    shorter = replace(plan, steps=plan.steps[:1])
    values = [one.apply(a, b, verify="off").value for one in (plan, shorter)]
    assert np.linalg.norm(values[0] - values[1]) > 1e-3
