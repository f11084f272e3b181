"""Propagation of errors against derivatives, levels against matrices."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from matrl.core.program import Operation
from matrl.errors import InputError
from matrl.readings.noise.value import NoisyValue, compress
from matrl.readings.noisy import NoisyReading, breaks_down, rounding_level

N = 5
WEIGHTS = np.full(N, 1.0 / N)
VALUES = np.array([0.2, 0.5, 0.7, 1.1, 1.6])
SIGNED = np.array([-1.3, -0.4, 0.3, 0.8, 1.2])
OTHER = np.array([1.4, 0.9, 0.6, 1.3, 0.5])


def perturbation(seed: int, *, hermitian: bool) -> np.ndarray:
    e = np.random.default_rng(seed).standard_normal((N, N))
    return e + e.T if hermitian else e


def as_noisy(values: np.ndarray, e: np.ndarray) -> NoisyValue:
    """Return the value whose error is E where all variables are 1: one source of either sign."""
    orientation = np.sign(np.arange(N) - np.arange(N)[:, None]) + np.eye(N)
    errors = np.stack([0.5 * (e + e.T), 0.5 * (e - e.T) * orientation])
    is_hermitian = bool(np.array_equal(e, e.T))
    return NoisyValue(values, errors, np.array([1.0, -1.0]), is_hermitian=is_hermitian)


def as_error(value: NoisyValue) -> np.ndarray:
    """Return the error of a value where the variables of the inputs are 1, all others 0."""
    orientation = np.sign(np.arange(N) - np.arange(N)[:, None])
    return value.errors[0] + value.errors[1] * orientation


def derivative(function: Any, matrices: list[np.ndarray], errors: list[np.ndarray]) -> np.ndarray:
    """Return the derivative in the direction of the errors, by central differences."""
    h = 1e-6
    ahead = function(*(x + h * e for x, e in zip(matrices, errors, strict=True)))
    behind = function(*(x - h * e for x, e in zip(matrices, errors, strict=True)))
    return (ahead - behind) / (2.0 * h)


def hermitian_part(x: np.ndarray) -> np.ndarray:
    return 0.5 * (x + x.T)


def power(exponent: float) -> Any:
    def function(x: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(x)
        return (vectors * values**exponent) @ vectors.T

    return function


def sign(x: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(x)
    return (vectors * np.sign(values)) @ vectors.T


def operation(kind: Any, product: Any = "mirrored", **rest: Any) -> Operation:
    return Operation(kind, (0, 1), product=product, dtype="float64", **rest)


@pytest.mark.parametrize("hermitian", [True, False])
@pytest.mark.parametrize(
    ("op", "function"),
    [
        (operation("matmul", "general"), lambda x, y: x @ y),
        (operation("matmul", "averaged"), lambda x, y: hermitian_part(x @ y)),
        (operation("matmul", "mirrored"), lambda x, y: hermitian_part(x @ y)),
        (operation("gram", "averaged"), lambda x, y: hermitian_part(x.T @ y)),
        (operation("outer", "averaged"), lambda x, y: hermitian_part(x @ y.T)),
    ],
    ids=lambda x: f"{x.kind}-{x.product}" if isinstance(x, Operation) else "",
)
def test_products_propagate_by_their_derivatives(
    op: Operation, function: Any, hermitian: bool
) -> None:
    errors = [perturbation(seed, hermitian=hermitian) for seed in (0, 1)]
    left, right = as_noisy(VALUES, errors[0]), as_noisy(OTHER, errors[1])
    value = getattr(NoisyReading(N, WEIGHTS, 2), op.kind)(op, left, right)
    expected = derivative(function, [np.diag(VALUES), np.diag(OTHER)], errors)
    assert np.abs(as_error(value) - expected).max() < 1e-8
    assert np.allclose(value.values, VALUES * OTHER, rtol=1e-15)
    assert value.is_hermitian is (op.product != "general")


@pytest.mark.parametrize(
    ("op", "function", "values", "hermitian"),
    [
        (operation("inverse"), np.linalg.inv, VALUES, True),
        (operation("spectral", shift=0.5), power(0.5), VALUES, True),
        (operation("spectral", shift=-1 / 3), power(-1 / 3), VALUES, True),
        (operation("spectral", label="sign"), sign, SIGNED, True),
        (operation("polar"), lambda x: scipy.linalg.polar(x)[0], VALUES, False),
        (operation("symmetrize"), hermitian_part, VALUES, False),
        (operation("cast"), lambda x: x, VALUES, False),
    ],
    ids=lambda x: x.kind if isinstance(x, Operation) else "",
)
def test_functions_propagate_by_their_derivatives(
    op: Operation, function: Any, values: np.ndarray, hermitian: bool
) -> None:
    e = perturbation(2, hermitian=hermitian)
    # Small deviations: the second order must not count as a breakdown.
    noisy = as_noisy(values, 1e-3 * e)
    value = getattr(NoisyReading(N, WEIGHTS, 2), op.kind)(op, noisy)
    expected = derivative(function, [np.diag(values)], [e])
    assert np.abs(1e3 * as_error(value) - expected).max() < 1e-7


def test_the_lyapunov_solve_propagates_by_its_derivative() -> None:
    errors = [perturbation(seed, hermitian=True) for seed in (0, 1)]
    s, r = (as_noisy(x, 1e-3 * e) for x, e in zip((VALUES, OTHER), errors, strict=True))
    value = NoisyReading(N, WEIGHTS, 2).lyapunov(operation("lyapunov"), s, r)
    expected = derivative(
        scipy.linalg.solve_continuous_lyapunov, [np.diag(VALUES), np.diag(OTHER)], errors
    )
    assert np.abs(1e3 * as_error(value) - expected).max() < 1e-7
    assert np.allclose(value.values, OTHER / (2.0 * VALUES), rtol=1e-15)


def test_errors_outside_the_range_follow_columns() -> None:
    """For A = [S; 0] an error [0; E] becomes [0; E Y] in A Y, [0; E S^-1] in the polar factor."""
    outside = np.array([[1e-3, 2e-3, 3e-3, 4e-3, 5e-3]])
    zero = np.zeros((1, N, N))
    a = NoisyValue(VALUES, zero, np.ones(1), outside, is_hermitian=False)
    y = NoisyValue(OTHER, zero, np.ones(1))
    reading = NoisyReading(N, WEIGHTS, 1, m=3 * N)
    product = reading.matmul(operation("matmul", "general", shape="tall"), a, y)
    assert product.rows is not None
    assert np.allclose(product.rows[0], outside[0] * OTHER, rtol=1e-15)
    unitary = NoisyReading(N, WEIGHTS, 1, m=3 * N).polar(operation("polar", shape="tall"), a)
    assert unitary.rows is not None
    assert np.allclose(unitary.rows[0], outside[0] / VALUES, rtol=1e-15)
    e = np.random.default_rng(0).standard_normal((2 * N, N))
    above = np.vstack([np.diag(VALUES), np.zeros((2 * N, N))])
    below = np.vstack([np.zeros((N, N)), e])
    expected = derivative(lambda x: scipy.linalg.polar(x)[0], [above], [below])
    assert np.abs(expected[N:] - e / VALUES).max() < 1e-8


def test_a_product_of_two_errors_is_of_second_order() -> None:
    """Its deviation is that of the entries of E E' for independent E and E'."""
    n, size, generator = 400, 1e-2, np.random.default_rng(0)
    x, y = (size * generator.standard_normal((n, n)) for _ in range(2))
    errors = np.full((1, N, N), size)
    zero = NoisyValue(np.zeros(N), np.zeros((0, N, N)))
    left = NoisyValue(zero.values, errors)
    value = NoisyReading(n, WEIGHTS, 1).matmul(operation("matmul", "general"), left, left)
    predicted = float(np.sqrt(value.variances.mean()))
    assert abs(predicted / np.std(x @ y) - 1.0) < 0.02


@pytest.mark.parametrize("kind", ["inverse", "spectral"])
def test_what_may_be_indefinite_breaks_down(kind: Any) -> None:
    """Errors as large as the least eigenvalue void the model; the level says so, and for good."""
    op = operation(kind, shift=-0.5)
    for size, is_broken in ((1e-4, False), (1e-1, True)):
        noisy = NoisyValue(VALUES, np.full((1, N, N), size))
        reading = NoisyReading(40, WEIGHTS, 1)
        value = getattr(reading, kind)(op, noisy)
        assert (breaks_down(noisy, 40, WEIGHTS) >= 1.0) is is_broken
        later = reading.matmul(operation("matmul"), value, value)
        for result in (value, later, *compress(value, later)):
            assert np.isinf(rounding_level(result, 40, WEIGHTS)) == is_broken


def test_errors_that_explode_are_infinite() -> None:
    reading = NoisyReading(40, WEIGHTS, 1)
    value = NoisyValue(VALUES / VALUES.max(), np.full((1, N, N), 1.0))
    for _ in range(12):
        value = reading.matmul(operation("matmul"), value, value)
    assert np.isinf(rounding_level(value, 40, WEIGHTS))


def test_compression_keeps_what_is_outside_the_range_and_what_broke() -> None:
    rows = np.random.default_rng(0).standard_normal((6, N))
    errors = np.random.default_rng(1).standard_normal((6, N, N))
    x = NoisyValue(VALUES, errors, rows=rows, is_hermitian=False, breakdown=0.25)
    z = NoisyValue(OTHER, errors[:2] + errors[:2].transpose(0, 2, 1))
    first, second = compress(x, z)
    assert first.rows is not None
    assert second.rows is None
    assert np.allclose(first.row_variances, x.row_variances, rtol=1e-12)
    assert (first.breakdown, second.breakdown) == (0.25, 0.0)


# Levels --------------------------------------------------------------------------------------

SIZE = 200


def random_error(*, hermitian: bool) -> np.ndarray:
    e = np.random.default_rng(3).standard_normal((SIZE, SIZE))
    return np.tril(e) + np.tril(e, -1).T if hermitian else e


@pytest.mark.parametrize("hermitian", [True, False])
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius"])
def test_levels_are_norms_of_random_errors(norm: Any, hermitian: bool) -> None:
    values = np.geomspace(0.1, 1.0, N)
    size = 1e-6
    errors = np.full((1 if hermitian else 2, N, N), size if hermitian else size / np.sqrt(2.0))
    signs = np.array([1.0, -1.0])[: len(errors)]
    value = NoisyValue(values, errors, signs, is_hermitian=hermitian)
    f = np.repeat(values, SIZE // N)
    e = size * random_error(hermitian=hermitian)
    if norm == "eigenvalue":
        measured = np.linalg.norm(e / np.sqrt(np.outer(f, f)), 2)
    else:
        order = 2 if norm == "spectral" else "fro"
        measured = np.linalg.norm(e, order) / np.linalg.norm(np.diag(f), order)
    predicted = rounding_level(value, SIZE, WEIGHTS, norm=norm)
    assert 0.6 < predicted / measured < 1.5


@pytest.mark.parametrize("p", [1, 2, 3, 16, 64])
@pytest.mark.parametrize("is_power", [False, True])
def test_residual_levels_are_those_of_powers(p: int, is_power: bool) -> None:
    values = np.geomspace(0.2, 1.0, N)
    value = NoisyValue(values, np.full((1, N, N), 1e-6))
    f = np.repeat(values, SIZE // N)
    e = 1e-6 * random_error(hermitian=True)
    change = sum((f[:, None] ** i) * e * f ** (p - 1 - i) for i in range(p))
    if is_power:
        measured = np.linalg.norm(change, 2) / f.max() ** p
    else:
        measured = np.linalg.norm(change / (f**p)[:, None], 2)
    predicted = rounding_level(
        value, SIZE, WEIGHTS, norm="residual", root_index=p, is_power=is_power
    )
    assert 0.6 < predicted / measured < 1.5


def test_residual_levels_that_overflow_are_infinite() -> None:
    """A^q Z^p - I at condition 1e6 with q = 63: a product of 1e6^63 with rounding."""
    values = np.geomspace(1e-6, 1.0, N) ** (-63 / 64)
    value = NoisyValue(values, np.full((1, N, N), 1e-16))
    level = rounding_level(value, SIZE, WEIGHTS, norm="residual", root_index=64)
    assert level == np.inf
    power = rounding_level(value, SIZE, WEIGHTS, norm="residual", root_index=64, is_power=True)
    assert 0.0 < power < 1e-10


def test_the_residual_of_a_polar_factor_is_blind_to_rotations() -> None:
    """Skew errors of a unitary factor change X* X in second order only."""
    one = np.ones(N)
    rotation = NoisyValue(one, np.full((1, N, N), 1e-6), np.array([-1.0]), is_hermitian=False)
    stretch = NoisyValue(one, np.full((1, N, N), 1e-6), np.array([1.0]), is_hermitian=False)
    assert rounding_level(rotation, SIZE, WEIGHTS, norm="residual") == 0.0
    spectral = rounding_level(stretch, SIZE, WEIGHTS, norm="spectral")
    assert rounding_level(stretch, SIZE, WEIGHTS, norm="residual") == pytest.approx(2.0 * spectral)


def test_a_magnitude_replaces_the_value() -> None:
    value = NoisyValue(VALUES, np.full((1, N, N), 1e-6))
    halved = rounding_level(value, SIZE, WEIGHTS, norm="spectral", magnitude=2.0 * VALUES)
    assert halved == pytest.approx(0.5 * rounding_level(value, SIZE, WEIGHTS, norm="spectral"))


def test_an_unknown_norm_is_refused_by_name() -> None:
    value = NoisyValue.exact(VALUES)
    with pytest.raises(InputError, match="norm: 'nuclear' is none of eigenvalue"):
        rounding_level(value, SIZE, WEIGHTS, norm="nuclear")  # type: ignore[arg-type]
