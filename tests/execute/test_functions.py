"""Every function, real and complex, in both precisions, and the traps among matrices."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from matrl.errors import (
    ConvergenceError,
    IndefiniteMatrixError,
    InputError,
    NonFiniteError,
    NotHermitianError,
    RankDeficientError,
)
from matrl.functions import FUNCTIONS

N = 10
INSIDE = np.geomspace(0.011, 0.99, N)
NAMES = [function.name for function in FUNCTIONS]
ON_DEMAND = ["power-3/10", "power--7/10", "invroot-11", "root-16", "root-64", "invroot-64"]
ON_DEMAND += ["power-63/64", "power--33/64"]
DTYPES = ["float32", "float64", "complex64", "complex128"]
TOL = {"float32": 1e-3, "complex64": 1e-3, "float64": 1e-5, "complex128": 1e-5}
SINGULAR = ["inv", "invroot-3", "power-2/3", "sign", "polar"]


def values_of(solution):
    return solution.value if isinstance(solution.value, tuple) else (solution.value,)


def distance(value, expected):
    """Return ||value - expected||/||expected||."""
    return np.linalg.norm(value - expected, 2) / np.linalg.norm(expected, 2)


@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_every_function_in_every_dtype(name, dtype, verify, make_plan, make_matrix, exact):
    a = make_matrix(name, INSIDE, (14, N), dtype)
    before = a.copy()
    solution = make_plan(name, dtype=dtype, tol=TOL[dtype]).run(a, verify=verify)
    assert solution.status == ("unchecked" if verify == "off" else "converged")
    assert np.array_equal(a, before)
    for value, expected in zip(values_of(solution), exact(name, a), strict=True):
        assert value.dtype == dtype
        error = distance(value, expected)
        assert error <= TOL[dtype]
        if verify == "full":
            assert error <= solution.error_bound


@pytest.mark.parametrize("name", ["polar", "polar-right", "polar-left"])
@pytest.mark.parametrize("shape", [(14, N), (N, N), (N, 14)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_polar_factors_of_every_shape(name, shape, dtype, verify, make_plan, make_matrix, exact):
    a = make_matrix(name, INSIDE, shape, dtype)
    solution = make_plan(name, dtype=dtype).run(a, verify=verify)
    assert solution.status == "converged"
    found = values_of(solution)
    for value, expected in zip(found, exact(name, a), strict=True):
        assert value.shape == expected.shape
        assert distance(value, expected) <= 1e-5
    if name != "polar":
        u, h = found[0], found[-1]
        assert np.array_equal(h, h.conj().T)
        product = u @ h if name == "polar-right" else h @ u
        assert distance(product, a) <= 1e-5


@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("float32", 1e-30), ("complex64", 1e30)]
    + [(dtype, 10.0**e) for dtype in ("float64", "complex128") for e in (-300, 300)],
)
def test_every_function_at_extreme_norms(name, dtype, scale, make_plan, make_matrix, exact):
    made = make_plan(name, dtype=dtype, tol=TOL[dtype], lower=1e-3, scaling="frobenius")
    unit = make_matrix(name, np.geomspace(0.05, 1.0, N), (14, N), dtype)
    solution = made.run((unit * np.dtype(dtype).type(scale)).astype(dtype), verify="full")
    assert solution.status == "converged"
    exponents = FUNCTIONS.get(name).exponents
    found = zip(values_of(solution), exact(name, unit), exponents, strict=True)
    for value, expected, exponent in found:
        back = value.astype(np.complex128) / scale**exponent
        assert distance(back, expected) <= TOL[dtype] * 1.01


@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize("scaling", ["frobenius", "one-norm", "gershgorin", "lanczos"])
def test_every_scaling(name, scaling, make_plan, make_matrix, exact):
    a = 3.0 * make_matrix(name, np.geomspace(0.05, 1.0, N), (14, N))
    solution = make_plan(name, lower=1e-3, scaling=scaling).run(a)
    assert solution.status == "converged"
    for value, expected in zip(values_of(solution), exact(name, a), strict=True):
        assert distance(value, expected) <= 1e-5


@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_one_by_one_and_empty(name, verify, make_plan):
    made = make_plan(name)
    one = made.run(np.array([[0.25]]), verify=verify)
    for value, exponent in zip(values_of(one), FUNCTIONS.get(name).exponents, strict=True):
        assert value[0, 0] == pytest.approx(0.25**exponent, rel=1e-5)
    for shape in ((0, 0), (3, 0, 0), (0, 4, 4)):
        solution = made.run(np.zeros(shape), verify=verify)
        assert all(value.shape == shape for value in values_of(solution))
    assert made.run(np.zeros((0, 0))).status == "converged"


def test_the_hermitian_factor_of_an_empty_matrix_is_zero(make_plan):
    u, p = make_plan("polar-left").run(np.zeros((3, 0))).value
    assert u.shape == (3, 0)
    assert np.array_equal(p, np.zeros((3, 3)))


NILPOTENT = np.array([[0.0, 1.0], [0.0, 0.0]])
ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])


@pytest.mark.parametrize("a", [NILPOTENT, ROTATION])
@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("polar")])
def test_matrices_that_are_not_hermitian_are_refused(a, name, make_plan):
    with pytest.raises(NotHermitianError, match=r"^A:"):
        make_plan(name).run(a)


@pytest.mark.parametrize("updates", [None, ("eigh",), ("zolotarev-3",) * 2, ("svd",)])
def test_a_rotation_is_its_own_factor_and_a_nilpotent_matrix_has_none(updates, make_plan):
    made = make_plan("polar", updates)
    assert np.allclose(made.run(ROTATION).value, ROTATION, atol=1e-5)
    with pytest.raises(RankDeficientError, match=r"^A: .*rank_deficient='pseudo'"):
        made.run(NILPOTENT)
    solution = made.run(NILPOTENT, rank_deficient="pseudo")
    assert solution.rank == 1
    assert np.allclose(solution.value, NILPOTENT, atol=1e-12)


def low_rank(name, make_matrix, rank=3, dtype="float64"):
    return make_matrix(
        name, np.append(np.linspace(0.2, 0.9, rank), np.zeros(N - rank)), dtype=dtype
    )


@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_rank_deficient_modes(name, dtype, verify, make_plan, make_matrix):
    a = low_rank(name, make_matrix, dtype=dtype)
    made = make_plan(name, dtype=dtype, tol=TOL[dtype])
    positive = FUNCTIONS.get(name).structure == "positive"
    with pytest.raises(IndefiniteMatrixError if positive else RankDeficientError, match=r"^A:"):
        made.run(a, verify=verify)
    solution = made.run(a, verify=verify, rank_deficient="pseudo", rank_threshold=1e-4)
    assert solution.rank == 3
    assert solution.status == "fell_back"
    value = values_of(solution)[0].astype(np.complex128)
    left, values, right = np.linalg.svd(a.astype(np.complex128))
    if positive:
        expected = (left[:, :3] * values[:3] ** FUNCTIONS.get(name).exponents[0]) @ right[:3]
    else:
        expected = left[:, :3] @ right[:3]
    assert distance(value, expected) <= TOL[dtype]


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.parametrize("small", [1e-13, 1e-17])
def test_direct_plans_see_what_counts_as_zero(name, small, make_plan, make_matrix):
    a = make_matrix(name, np.append(INSIDE[1:], small))
    made = make_plan(name, ("svd" if name == "polar" else "eigh",), scaling="frobenius", tol=0.1)
    if small < 1e-16:
        with pytest.raises((IndefiniteMatrixError, RankDeficientError)):
            made.run(a)
    assert made.run(a, rank_deficient="pseudo", rank_threshold=1e-12).rank == N - 1


@pytest.mark.parametrize("name", SINGULAR)
def test_zero_matrices_and_stacks(name, make_plan, make_matrix):
    made = make_plan(name)
    zero, good = np.zeros((N, N)), make_matrix(name, INSIDE)
    with pytest.raises((IndefiniteMatrixError, RankDeficientError), match=r"^A:"):
        made.run(zero)
    solution = made.run(
        np.stack([good, zero, low_rank(name, make_matrix)]), rank_deficient="pseudo"
    )
    assert solution.status.tolist() == ["converged", "fell_back", "fell_back"]
    assert solution.rank.tolist() == [N, 0, 3]
    assert not solution.value[1].any()
    refused = made.run(np.stack([good, zero]))
    assert refused.status.tolist() == ["converged", "refused"]
    assert refused.rank.tolist() == [-1, -1]


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_without_checks_nan_does_not_become_rank_zero(name, bad, make_plan, make_matrix):
    a = make_matrix(name, INSIDE)
    spoiled = a.copy()
    spoiled[2, 3] = spoiled[3, 2] = bad
    made = make_plan(name, scaling="frobenius", lower=1e-3)
    for one in (spoiled, np.full_like(a, bad)):
        with pytest.raises(NonFiniteError, match=r"^A: holds NaN or infinity"):
            made.run(one, verify="off", rank_deficient="pseudo")
    solution = made.run(np.stack([a, spoiled]), verify="off", rank_deficient="pseudo")
    assert solution.status.tolist() == ["unchecked", "refused"]
    assert solution.rank.tolist() == [N, -1]


def test_the_threshold_counts_small_values_as_zero(make_plan, make_matrix):
    a = make_matrix("polar", np.append(INSIDE[5:], [0.02] * 5))
    made = make_plan("polar")
    assert made.run(a, rank_deficient="pseudo").rank == N
    assert made.run(a, rank_deficient="pseudo", rank_threshold=0.05).rank == 5
    with pytest.raises(InputError, match=r"^rank_threshold:"):
        made.run(a, rank_threshold=0.05)
    with pytest.raises(InputError, match=r"^rank_deficient:"):
        made.run(a, rank_deficient="maybe")


@pytest.mark.parametrize("norm", ["spectral", "frobenius"])
@pytest.mark.parametrize("verify", ["sketch", "full"])
@pytest.mark.parametrize("name", ["sqrt", "root-3"])
def test_roots_of_semidefinite_matrices_in_a_normwise_measure(
    norm, verify, name, make_plan, make_matrix
):
    made = make_plan(name, lower=0.0, tol=1e-3, norm=norm)
    a = low_rank(name, make_matrix)
    solution = made.run(a, verify=verify)
    values, vectors = np.linalg.eigh(a)
    root = FUNCTIONS.get(name).exponent
    expected = (vectors * np.maximum(values, 0.0) ** root) @ vectors.T
    assert distance(solution.value, expected) <= 2e-3
    assert made.run(np.zeros((N, N)), verify=verify).rank == 0


@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize("verify", ["sketch", "full"])
def test_a_wrong_plan_falls_back_in_every_measure(
    norm, name, verify, make_plan, make_matrix, exact
):
    # Rounding the entries of A^(-7/8) changes A^7 Z^8 by eps cond(A)^7; none is better.
    tol = 1e-2 if norm == "residual" and name.startswith("power--") else 1e-5
    made = make_plan(name, norm=norm, tol=tol)
    a = make_matrix(name, INSIDE, (14, N))
    function = FUNCTIONS.get(name)
    if norm == "residual" and name.startswith("power--"):
        lost = np.finfo(float).eps * (INSIDE[-1] / INSIDE[0]) ** function.multiplicity
        if lost > tol:
            pytest.skip(f"rounding the entries of the value changes the residual by {lost:.1g}")
    assert made.run(a, verify=verify).status == "converged"
    last = made.steps[-1]
    wrong = replace(last, coefficients=tuple(2.0 * c for c in last.coefficients))
    solution = replace(made, steps=(*made.steps[:-1], wrong)).run(a, verify=verify)
    assert solution.status == "fell_back"
    assert solution.rank == N
    for value, expected in zip(values_of(solution), exact(name, a), strict=True):
        assert distance(value, expected) <= 1e-10


def frank(n):
    return np.array([[n - max(i, j) if j >= i - 1 else 0.0 for j in range(n)] for i in range(n)])


def moler(n):
    lower = np.eye(n) - np.tril(np.ones((n, n)), -1)
    return lower @ lower.T


def test_frank_matrices(make_plan, exact):
    a = frank(8)
    with pytest.raises(NotHermitianError):
        make_plan("invsqrt").run(a)
    solution = make_plan("polar", scaling="frobenius", lower=1e-6).run(a, verify="full")
    assert distance(solution.value, exact("polar", a)[0]) <= 1e-5


@pytest.mark.parametrize("name", ["inv", "invsqrt", "root-3", "power-2/3", "sign", "polar-right"])
@pytest.mark.parametrize("a", [scipy.linalg.hilbert(6), moler(8), np.eye(5)], ids=["H", "M", "I"])
def test_hilbert_and_moler_matrices_and_the_identity(name, a, make_plan, exact):
    made = make_plan(name, lower=1e-3, scaling="frobenius")
    solution = made.run(a, verify="full")
    assert solution.status in {"converged", "fell_back"}
    for value, expected in zip(values_of(solution), exact(name, a), strict=True):
        assert distance(value, expected) <= 1e-5


@pytest.mark.parametrize("name", [*NAMES, *ON_DEMAND])
@pytest.mark.parametrize("condition", [1e8, 1e12, 1e15])
def test_conditions_up_to_the_precision_are_right_or_refused(
    name, condition, make_plan, make_matrix, exact
):
    a = make_matrix(name, np.geomspace(1.0 / condition, 0.9, N))
    try:
        solution = make_plan(name, scaling="frobenius", tol=1e-2).run(a)
    except (IndefiniteMatrixError, RankDeficientError, ConvergenceError):
        assert condition > 1e8
        return
    if condition * np.finfo(float).eps * N < 1e-3:
        for value, expected in zip(values_of(solution), exact(name, a), strict=True):
            assert distance(value, expected) <= 1.1e-2


def test_out_takes_a_tuple_for_two_outputs(make_plan, make_matrix):
    a, made = make_matrix("sqrt+invsqrt", INSIDE), make_plan("sqrt+invsqrt")
    out = (np.empty_like(a), np.empty_like(a))
    solution = made.run(a, out=out)
    assert solution.value[0] is out[0]
    assert np.allclose(out[0] @ out[1], np.eye(N), atol=1e-4)
    for wrong in (out[0], (out[0],), (out[0], out[0]), (out[0], out[1][:3])):
        with pytest.raises(InputError, match=r"^out"):
            made.run(a, out=wrong)
