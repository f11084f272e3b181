"""Known perturbations have known errors in each measure."""

from typing import Any

import mpmath
import numpy as np
import pytest

from matrl.core.measure import NORMS, Measure, Norm
from matrl.execute.accuracy import Reference, eigenvalue_error
from matrl.functions import FUNCTIONS

EPS = float(np.finfo(np.float64).eps)
POSITIVE = [f.name for f in FUNCTIONS if f.structure == "positive"]
POLAR = ["polar", "polar-right", "polar-left"]
SHAPES = [(9, 5), (5, 9), (5, 5)]


def unitary(generator: np.random.Generator, rows: int, n: int, *, is_complex: bool) -> np.ndarray:
    x = generator.standard_normal((rows, n))
    if is_complex:
        x = x + 1j * generator.standard_normal((rows, n))
    return np.linalg.qr(x)[0]


def reference(name: str, norm: Norm, a: np.ndarray) -> Reference:
    return Reference(Measure(norm, FUNCTIONS.get(name)), a)


def positive_definite(n: int, *, is_complex: bool, kappa: float = 8.0) -> np.ndarray:
    v = unitary(np.random.default_rng(n), n, n, is_complex=is_complex)
    a = (v * np.geomspace(1.0 / kappa, 1.0, n)) @ v.conj().T
    return 0.5 * (a + a.conj().T)


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", POSITIVE)
def test_outputs_are_the_function(name: str, is_complex: bool) -> None:
    """F^k = A^(s k), by products of the reference's own outputs."""
    function = FUNCTIONS.get(name)
    a = positive_definite(6, is_complex=is_complex)
    outputs = reference(name, "eigenvalue", a).outputs()
    k = function.root_index
    for value, exponent in zip(outputs, function.exponents, strict=True):
        power = np.linalg.matrix_power(value, k)
        expected = np.linalg.matrix_power(a, round(k * exponent))
        assert np.allclose(power, expected, rtol=0, atol=256 * EPS * np.linalg.norm(expected) * 8)
        assert np.linalg.eigvalsh(value).min() > 0.0


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", POLAR)
def test_outputs_are_the_polar_factors(name: str, shape: tuple[int, int], is_complex: bool) -> None:
    generator = np.random.default_rng(0)
    a = generator.standard_normal(shape) + 1j * is_complex * generator.standard_normal(shape)
    a = a if is_complex else a.real
    unitary_factor, *hermitian = reference(name, "eigenvalue", a).outputs()
    gram = unitary_factor.conj().T @ unitary_factor
    if shape[0] < shape[1]:
        gram = unitary_factor @ unitary_factor.conj().T
    assert np.abs(gram - np.eye(len(gram))).max() <= 64 * EPS
    for h in hermitian:
        left = name == "polar-left"
        assert h.shape == ((shape[0],) * 2 if left else (shape[1],) * 2)
        product = h @ unitary_factor if left else unitary_factor @ h
        assert np.abs(product - a).max() <= 256 * EPS * np.linalg.norm(a, 2)
        assert np.linalg.eigvalsh(h).min() >= -64 * EPS * np.linalg.norm(a, 2)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", [f.name for f in FUNCTIONS])
def test_the_exact_outputs_have_no_error(name: str, norm: Norm) -> None:
    function = FUNCTIONS.get(name)
    a = positive_definite(6, is_complex=True)
    if function.structure == "rectangular":
        a = np.vstack([a, a[:2]])
    elif function.structure == "hermitian":
        a = a - 0.4 * np.eye(6)
    one = reference(name, norm, a)
    assert one.error(one.outputs()) <= 1024 * EPS * 8.0**function.root_index


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", [f.name for f in FUNCTIONS])
def test_a_relative_change_of_everything(name: str, norm: Norm) -> None:
    """(1 + d) F is off by d in all measures of F, and by (1 + d)^k - 1 in its residual."""
    function = FUNCTIONS.get(name)
    a = positive_definite(6, is_complex=False)
    a = a - 0.4 * np.eye(6) if function.structure == "hermitian" else a
    one = reference(name, norm, a)
    for d in (1e-3, -1e-3):
        values = [(1.0 + d) * value for value in one.outputs()]
        # Of X = A Z the residual is X^2 - I, of Z^k or Y^k in all others.
        expected = abs((1.0 + d) ** function.root_index - 1.0) if norm == "residual" else abs(d)
        assert one.error(values) == pytest.approx(expected, abs=1024 * EPS * 8.0**8)


def test_a_change_of_one_entry_of_a_diagonal_matrix() -> None:
    """A = diag(1, 4, 16), sqrt diag(1, 2, 4), its first entry 1.1, and its last 4.4."""
    a = np.diag([1.0, 4.0, 16.0])
    first, last = np.diag([1.1, 2.0, 4.0]), np.diag([1.0, 2.0, 4.4])
    expected = {
        "eigenvalue": (0.1, 0.1),
        "spectral": (0.1 / 4.0, 0.1),
        "frobenius": (0.1 / np.sqrt(21.0), 0.4 / np.sqrt(21.0)),
        "residual": (0.21 / 16.0, 0.21),
    }
    for norm in NORMS:
        one = reference("sqrt", norm, a)
        found = (one.error(first), one.error(last))
        assert found == pytest.approx(expected[norm], rel=64 * EPS, abs=64 * EPS)
    # A^(-1/2) is diag(1, 1/2, 1/4): the same for its last entry 1.1/4.
    value = np.diag([1.0, 0.5, 0.275])
    expected = {
        "eigenvalue": 0.1,
        "spectral": 0.025,
        "frobenius": 0.025 / np.sqrt(1.3125),
        "residual": 0.21,
    }
    for norm in NORMS:
        assert reference("invsqrt", norm, a).error(value) == pytest.approx(
            expected[norm], rel=64 * EPS
        )


def test_errors_that_do_not_commute() -> None:
    """An entry (i, j) off by d counts d/sqrt(f_i f_j) for eigenvalues, d/max f in the norm."""
    a, d = np.diag([1.0, 100.0]), 1e-3
    value = np.diag([1.0, 10.0]) + np.array([[0.0, d], [d, 0.0]])
    assert reference("sqrt", "eigenvalue", a).error(value) == pytest.approx(d / np.sqrt(10.0))
    assert reference("sqrt", "spectral", a).error(value) == pytest.approx(d / 10.0)
    assert reference("sqrt", "frobenius", a).error(value) == pytest.approx(
        np.sqrt(2.0) * d / np.sqrt(101.0)
    )
    # A skew part counts in the norms and not for eigenvalues, which are those of the mean.
    skew = np.diag([1.0, 10.0]) + np.array([[0.0, d], [-d, 0.0]])
    assert reference("sqrt", "eigenvalue", a).error(skew) <= 16 * EPS
    assert reference("sqrt", "spectral", a).error(skew) == pytest.approx(d / 10.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_perturbations_of_polar_factors(shape: tuple[int, int], is_complex: bool) -> None:
    """One singular value of U, 1 + d: all see it, the Frobenius norm by d/sqrt(n)."""
    generator = np.random.default_rng(2)
    m, n = shape
    r, d = min(shape), 1e-2
    left, right = (unitary(generator, k, r, is_complex=is_complex) for k in shape)
    s = np.geomspace(0.1, 1.0, r)
    a = (left * s) @ right.conj().T
    factors = np.ones(r)
    factors[-1] += d
    value = (left * factors) @ right.conj().T
    expected = {
        "eigenvalue": d,
        "spectral": d,
        "frobenius": d / np.sqrt(r),
        "residual": 2.0 * d + d * d,
    }
    for norm in NORMS:
        assert reference("polar", norm, a).error(value) == pytest.approx(
            expected[norm], abs=1024 * EPS
        )
    # What leaves the range of A shows as well: U turned by an angle, in the plane of a new column.
    if m > n:
        outside = unitary(generator, m, m, is_complex=is_complex)
        outside = (outside - left @ (left.conj().T @ outside))[:, :1]
        outside /= np.linalg.norm(outside)
        turned = left @ right.conj().T + d * outside @ right[:, :1].conj().T
        assert reference("polar", "spectral", a).error(turned) == pytest.approx(d, abs=256 * EPS)


def test_of_several_outputs_the_worst_counts() -> None:
    a = np.diag([1.0, 4.0])
    root, inverse = np.diag([1.0, 2.0]), np.diag([1.0, 0.5])
    for norm in NORMS:
        one = reference("sqrt+invsqrt", norm, a)
        twice = 2.0 if norm == "residual" else 1.0
        assert one.error((root, 1.01 * inverse)) == pytest.approx(0.01 * twice, rel=1e-2)
        assert one.error((1.02 * root, inverse)) == pytest.approx(0.02 * twice, rel=2e-2)
        assert one.error((1.02 * root, 1.01 * inverse)) == pytest.approx(0.02 * twice, rel=2e-2)
    u, h = np.eye(2), np.diag([1.0, 4.0])
    one = reference("polar-right", "spectral", a)
    assert one.error((u, 1.01 * h)) == pytest.approx(0.01, rel=1e-10)
    assert one.error((1.02 * u, h)) == pytest.approx(0.02, rel=1e-10)


def test_the_sign() -> None:
    v = unitary(np.random.default_rng(4), 5, 5, is_complex=True)
    signs = np.array([-1.0, 1.0, 1.0, -1.0, 1.0])
    a = (v * (signs * np.geomspace(0.1, 1.0, 5))) @ v.conj().T
    exact = (v * signs) @ v.conj().T
    wrong = (v * np.ones(5)) @ v.conj().T
    for norm in ("eigenvalue", "spectral"):
        one = reference("sign", norm, a)
        assert one.error(exact) <= 256 * EPS
        assert one.error(wrong) == pytest.approx(2.0, rel=256 * EPS)
    assert reference("sign", "frobenius", a).error(wrong) == pytest.approx(np.sqrt(8.0 / 5.0))
    # A flipped sign shows in no residual.
    assert reference("sign", "residual", a).error(wrong) <= 256 * EPS


@pytest.mark.parametrize("name", ["inv", "sqrt+invsqrt", "polar", "polar-left"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("norm", NORMS)
def test_what_is_not_finite_is_infinitely_wrong(name: str, bad: float, norm: Norm) -> None:
    one = reference(name, norm, np.diag([1.0, 2.0]))
    for index in range(len(one.outputs())):
        values = [value.copy() for value in one.outputs()]
        values[index][0, 1] = bad
        assert one.error(values) == np.inf


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_is_measured_in_double(dtype: str) -> None:
    a = positive_definite(5, is_complex=dtype == "complex64").astype(dtype)
    (exact,) = reference("sqrt", "spectral", a).outputs()
    assert exact.dtype == np.result_type(dtype, np.float64)
    error = reference("sqrt", "spectral", a).error(exact.astype(dtype))
    assert 0.0 < error <= 2.0**-22


def test_the_eigenvalue_error_is_that_measure() -> None:
    a = positive_definite(5, is_complex=False)
    function: Any = FUNCTIONS.get("inv")
    value = np.linalg.inv(a) * (1.0 + 1e-3)
    assert eigenvalue_error(function, a, value) == pytest.approx(1e-3, rel=1e-9)


@pytest.mark.parametrize("name", ["polar-right", "polar-left"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_hermitian_factor_off_by_a_part_of_its_norm_is_off_by_no_more(
    name: str, shape: tuple[int, int]
) -> None:
    """It is a product U* A: relative to its least eigenvalue it would be off by that times cond."""
    generator = np.random.default_rng(5)
    left, right = (unitary(generator, k, min(shape), is_complex=True) for k in shape)
    a = (left * np.geomspace(1e-4, 1.0, min(shape))) @ right.conj().T
    d = 1e-3
    basis = right if name == "polar-right" else left
    for norm in NORMS:
        one = reference(name, norm, a)
        u, h = one.outputs()
        wrong = h + d * basis[:, :1] @ basis[:, :1].conj().T  # at the least singular value
        s = np.geomspace(1e-4, 1.0, min(shape))
        expected = d / np.linalg.norm(s) if norm == "frobenius" else d
        assert one.error((u, wrong)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["sqrt", "root-3", "power-2/3"])
@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64"])
def test_eigenvalues_below_zero_by_rounding_are_zero_and_not_nan(name: str, dtype: str) -> None:
    v = unitary(np.random.default_rng(6), 20, 20, is_complex=dtype == "complex64")
    values = np.append(np.zeros(10), np.geomspace(1e-2, 1.0, 10))
    function = FUNCTIONS.get(name)
    exact = (v * values**function.exponent) @ v.conj().T
    a = ((v * values) @ v.conj().T).astype(dtype)
    assert np.linalg.eigvalsh(a.astype("complex128"))[0] < 0.0
    for norm in NORMS[1:]:
        eps = float(np.finfo(dtype).eps)
        assert reference(name, norm, a).error(exact) <= (20 * eps) ** function.exponent
    assert reference(name, "eigenvalue", a).error(exact) == np.inf


@pytest.mark.parametrize("name", ["sqrt", "invsqrt", "inv"])
@pytest.mark.parametrize("norm", NORMS)
def test_no_value_is_right_for_a_matrix_without_one(name: str, norm: Norm) -> None:
    assert reference(name, norm, np.diag([1.0, -0.5])).error(np.eye(2)) == np.inf


@pytest.mark.parametrize("name", ["inv", "power--3/4"])
def test_residuals_of_ill_conditioned_matrices_are_not_noise(name: str) -> None:
    """Rounding the entries of Z shows in A^q Z^p by cond^q, and so would rounding the products."""
    v = unitary(np.random.default_rng(8), 8, 8, is_complex=False)
    function = FUNCTIONS.get(name)
    values = np.geomspace(1e-4, 1.0, 8)
    a = (v * values) @ v.T
    z = (v * values**function.exponent) @ v.T
    a, z = 0.5 * (a + a.T), 0.5 * (z + z.T)
    with mpmath.workdps(60):
        p, q = function.root_index, function.multiplicity
        product = mpmath.matrix(a.tolist()) ** q * mpmath.matrix(z.tolist()) ** p
        exact = np.array((product - mpmath.eye(8)).tolist(), dtype=float)
    expected = float(np.linalg.norm(exact, 2))
    assert reference(name, "residual", a).error(z) == pytest.approx(
        expected, rel=1e-6, abs=16 * EPS
    )
