"""Error measures against the errors of dense matrices, and what a measure promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.core.function import MatrixFunction
from matrl.core.measure import LARGEST, NORMS, Measure, Norm
from matrl.errors import UnknownNameError
from matrl.execute.accuracy import Reference
from matrl.functions import FUNCTIONS

EPS = float(np.finfo(np.float64).eps)
FUNCTION = st.sampled_from(list(FUNCTIONS))
NORM: st.SearchStrategy[Norm] = st.sampled_from(NORMS)
N, ROWS, KAPPA = 7, 9, 4.0


def orthonormal(generator: np.random.Generator, rows: int, *, is_complex: bool) -> np.ndarray:
    x = generator.standard_normal((rows, N))
    if is_complex:
        x = x + 1j * generator.standard_normal((rows, N))
    return np.linalg.qr(x)[0]


def dense(
    function: MatrixFunction, a: np.ndarray, x: np.ndarray, *, is_complex: bool
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A matrix with eigenvalues (singular values) of moduli a, and outputs f(a) x^j of it."""
    generator = np.random.default_rng(1)
    right = orthonormal(generator, N, is_complex=is_complex)
    left = right
    if function.structure == "rectangular":
        left = orthonormal(generator, ROWS, is_complex=is_complex)
    signs = np.ones(N)
    if function.structure == "hermitian":
        signs[::2] = -1.0
    matrix = (left * (signs * a)) @ right.conj().T
    power = x**function.multiplicity
    if function.carries != "x":
        return matrix, [(left * (a**e * power)) @ left.conj().T for e in function.exponents]
    outputs = [(left * (signs * power)) @ right.conj().T]
    if function.factor:
        basis = right if function.factor == "right" else left
        outputs.append((basis * (a * power)) @ basis.conj().T)
    return matrix, outputs


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_measures_tell_the_error_of_matrices(
    function: MatrixFunction, norm: Norm, is_complex: bool
) -> None:
    measure = Measure(norm, function)
    generator = np.random.default_rng(0)
    a = np.geomspace(1.0 / KAPPA, 1.0, N)
    density = np.full(N, 1.0 / N)
    weights = measure.weights(a, density)
    # All eigenvalues off, then one alone: each weight shows.
    deviations = [0.05 * generator.uniform(-1.0, 1.0, N), *(-0.03 * np.eye(N))]
    for x in (1.0 + d for d in deviations):
        matrix, outputs = dense(function, a, x, is_complex=is_complex)
        measured = Reference(measure, matrix).error(outputs)
        told = measure.of_points(x, weights, density)
        rounding = 64 * EPS * N * KAPPA**function.root_index
        if norm == "frobenius" and len(outputs) == 2:
            # The mean square of the larger weight bounds the larger of two mean squares.
            assert measured - rounding <= told <= np.sqrt(2.0) * measured + rounding
        else:
            assert abs(told - measured) <= rounding


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_weights(function: MatrixFunction, norm: Norm) -> None:
    measure = Measure(norm, function)
    generator = np.random.default_rng(3)
    a = np.sort(generator.uniform(0.01, 1.0, 9))
    density = generator.uniform(0.1, 1.0, 9)
    density /= density.sum()
    weights = measure.weights(a, density)
    if norm == "frobenius":
        mean = float(density @ (weights * weights))
        most = float(len(function.outputs))
        assert 1.0 - 16 * EPS <= mean <= most + 16 * EPS
    else:
        assert weights.max() == 1.0
        assert weights.min() >= 0.0
    # A multiple of A has the same relative errors.
    assert np.allclose(measure.weights(8.0 * a, density), weights, rtol=64 * EPS, atol=0.0)
    if not measure.is_weighted:
        assert np.array_equal(weights, np.ones(9))
        assert measure.aggregate == "max"


def test_weights_known_by_hand() -> None:
    a, density = np.array([0.0, 0.25, 1.0]), np.full(3, 1.0 / 3.0)
    weights = Measure("spectral", FUNCTIONS.get("sqrt")).weights(a, density)
    assert np.array_equal(weights, [0.0, 0.5, 1.0])
    weights = Measure("frobenius", FUNCTIONS.get("sqrt")).weights(a, density)
    assert np.allclose(weights, np.array([0.0, 0.5, 1.0]) / np.sqrt(1.25 / 3), rtol=4 * EPS)
    a = a[1:]
    weights = Measure("spectral", FUNCTIONS.get("invsqrt")).weights(a, density[1:])
    assert np.array_equal(weights, [1.0, 0.5])
    # ||X^3 - A^2||/||A^2|| for X ~ A^(2/3).
    weights = Measure("residual", FUNCTIONS.get("power-2/3")).weights(a, density[1:])
    assert np.array_equal(weights, [0.0625, 1.0])


@given(NORM, FUNCTION, st.floats(0.1, 1.0), st.floats(1.0, 1.9), st.integers(0, 10**6))
def test_ranges_bound_the_error_of_their_points(
    norm: Norm, function: MatrixFunction, lower: float, upper: float, seed: int
) -> None:
    """And an unweighted measure attains the bound at one of the ends."""
    measure = Measure(norm, function)
    generator = np.random.default_rng(seed)
    x = np.concatenate([[lower, upper], generator.uniform(lower, upper, 6)])
    a, density = generator.uniform(0.1, 1.0, 8), np.full(8, 1.0 / 8.0)
    worst = measure.of_range(lower, upper)
    assert measure.errors(x).max() == pytest.approx(worst, rel=1e-12, abs=64 * EPS)
    told = measure.of_points(x, measure.weights(a, density), density)
    if measure.aggregate == "max":
        assert told <= worst * (1.0 + 1e-12) + 64 * EPS
        if not measure.is_weighted:
            assert told == pytest.approx(worst, rel=1e-12, abs=64 * EPS)
    else:  # the mean square weight of a pair is at most 2
        assert told <= np.sqrt(float(len(function.outputs))) * 3.0 * worst + 64 * EPS


@given(NORM, FUNCTION, st.floats(1e-12, 0.99))
def test_distances_from_one_a_tolerance_allows(
    norm: Norm, function: MatrixFunction, tol: float
) -> None:
    measure = Measure(norm, function)
    distance = measure.distance(tol)
    rounding = 64 * EPS * measure.power
    both = [measure.of_range(1.0, 1.0 + distance), measure.of_range(1.0 - distance, 1.0)]
    assert min(both) <= tol + rounding  # it is allowed on one side,
    beyond = distance * (1.0 + 1e-6) + rounding
    assert measure.of_range(1.0, 1.0 + beyond) > tol - rounding  # and beyond it on neither
    if beyond < 1.0:
        assert measure.of_range(1.0 - beyond, 1.0) > tol - rounding


@given(NORM, FUNCTION)
def test_no_error_is_zero(norm: Norm, function: MatrixFunction) -> None:
    measure = Measure(norm, function)
    a, density = np.geomspace(0.1, 1.0, 5), np.full(5, 0.2)
    assert measure.of_points(np.ones(5), measure.weights(a, density), density) == 0.0
    assert measure.of_range(1.0, 1.0) == 0.0


@pytest.mark.parametrize("norm", ["nuclear", "", "Spectral", None])
def test_norms_there_are_not(norm: object) -> None:
    with pytest.raises(UnknownNameError, match=r"norm: there is no measure .* choose one of: eig"):
        Measure(norm, FUNCTIONS.get("inv"))  # type: ignore[arg-type]


def test_powers_that_overflow_are_huge_errors() -> None:
    """||A^63 Z^64 - I|| has the power 63·64 of x."""
    measure = Measure("residual", FUNCTIONS.get("power(-63/64)"))
    assert measure.power == 63 * 64
    assert measure.of_range(0.9, 1.2) >= LARGEST
    one = np.ones(2)
    assert measure.of_points(np.array([1.0, 1.2]), one, one / 2) >= LARGEST
    assert measure.of_points(np.array([1.0, 1.0]), one, one / 2) == 0.0
    assert measure.of_range(1.0 - 1e-9, 1.0 + 1e-9) == pytest.approx(63 * 64 * 1e-9, rel=1e-4)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["power--7/8", "power-7/8", "invroot-8", "sign"])
def test_iterates_far_above_1_overflow_nothing(norm: Norm, name: str) -> None:
    """Fitted maps may throw an iterate to 1e12, whose 56th power is no float."""
    measure = Measure(norm, FUNCTIONS.get(name))
    a, density = np.geomspace(1e-12, 1.0, 9), np.full(9, 1.0 / 9.0)
    x = np.geomspace(1e-3, 1e12, 9)
    error = measure.of_points(x, measure.weights(a, density), density)
    assert np.isfinite(error)
    assert error > 1e6
    assert np.isfinite(measure.of_range(1e-3, 1e12))
    assert measure.of_range(1e-3, 1e12) > 1e10


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["invsqrt", "sqrt", "root(5)", "polar", "sqrt+invsqrt"])
def test_many_iterates_at_once_have_the_errors_of_each(name, norm):
    measure = Measure(norm, FUNCTIONS.get(name))
    random = np.random.default_rng(0)
    a, density = np.sort(random.uniform(0.01, 1.0, 30)), random.dirichlet(np.ones(30))
    weights = measure.weights(a, density)
    x = np.exp(random.normal(0.0, 0.3, (4, 3, 30)))
    found = measure.of_many(x, weights, density)
    assert found.shape == (4, 3)
    for place in np.ndindex(4, 3):
        expected = measure.of_points(x[place], weights, density)
        assert found[place] == pytest.approx(expected, rel=1e-12)
