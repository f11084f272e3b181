"""Fitted polynomial updates: optimality by independent duals, and safety everywhere."""

import math
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

from matrl.coefficients import (
    fitted_coefficients,
    minimax_coefficients,
    polynomial_critical_points,
    series_coefficients,
)
from matrl.errors import InputError

Array = NDArray[np.float64]
Aggregate = Literal["max", "rms"]
EPSILON = 2.0**-52
CASES = [(1, 0), (1, 3), (1, 8), (2, 1), (2, 2), (2, 4), (3, 3), (4, 2), (8, 4)]


def image(root_index: int, coefficients: tuple[float, ...], x: Array) -> Array:
    """Return h(x)."""
    return x * np.polyval(coefficients[::-1], x**root_index)


def measured(
    root_index: int, coefficients: tuple[float, ...], x: Array, weights: Array, aggregate: Aggregate
) -> float:
    """Return the measure of h - 1 that was to be least."""
    errors = image(root_index, coefficients, x) - 1.0
    if aggregate == "max":
        return float(np.max(weights * np.abs(errors)))
    return math.sqrt(float(np.sum(weights * errors**2)))


def rounding(root_index: int, coefficients: tuple[float, ...], upper: float) -> float:
    """Return what rounding the coefficients does to h."""
    sizes = [abs(c) * upper ** (1 + root_index * i) for i, c in enumerate(coefficients)]
    return EPSILON * math.fsum(sizes)


def least_multiplier(root_index: int, coefficients: tuple[float, ...], upper: float) -> float:
    """Return the least upper p(m) on [0, upper^k], exactly evaluated at the least of many m."""
    places = np.concatenate(
        (
            (1.0 - np.cos(np.linspace(0.0, math.pi, 2001))) / 2.0 * upper,
            critical(root_index, coefficients, upper),
        )
    )
    values = np.polyval(coefficients[::-1], places**root_index)
    exact = [Fraction(c) for c in coefficients]
    least = math.inf
    for place in places[np.argsort(values)[:3]].tolist():
        m = Fraction(place) ** root_index
        value = sum((c * m**i for i, c in enumerate(exact)), Fraction(0))
        least = min(least, float(value * Fraction(upper)))
    return least


def critical(root_index: int, coefficients: tuple[float, ...], upper: float) -> Array:
    """Return x where h or p is stationary."""
    slopes = tuple((i + 1) * c / (1 + root_index * i) for i, c in enumerate(coefficients[1:]))
    found = polynomial_critical_points(root_index, coefficients, 1e-12 * upper, upper)
    if slopes:
        found += polynomial_critical_points(root_index, slopes, 1e-12 * upper, upper)
    return np.array(found)


def floor_of(root_index: int, degree: int, x: Array, upper: float, cap: float | None) -> float:
    """Return the slope of the documented safety rule."""
    best = minimax_coefficients(root_index, degree, float(x.min()), upper)
    highest = 1.0 + abs(float(image(root_index, best, x[[int(np.argmin(x))]])[0]) - 1.0)
    shrink = 1.0 if cap is None else min(1.0, cap / highest)
    return min(0.01, shrink * least_multiplier(root_index, best, upper) / 2.0)


def check_safe(
    root_index: int, coefficients: tuple[float, ...], x: Array, upper: float, cap: float | None
) -> None:
    """Assert the safety rule on a dense grid, exactly where it is nearest to being broken."""
    assert coefficients[0] > 0.0
    floor = floor_of(root_index, len(coefficients) - 1, x, upper, cap)
    assert floor > 0.0
    assert least_multiplier(root_index, coefficients, upper) >= floor * (1.0 - 2e-6)
    if cap is not None:
        grid = np.concatenate(
            (np.linspace(0.0, upper, 3001), critical(root_index, coefficients, upper))
        )
        noise = 8.0 * rounding(root_index, coefficients, upper)
        assert image(root_index, coefficients, grid).max() <= cap + noise


def rows(root_index: int, coefficients: tuple[float, ...], cap: float | None) -> tuple[Array, Any]:
    """Return G and g of G c >= g, a relaxation of the safety rule on (0, 1] tight at this p."""
    places = np.concatenate((np.linspace(0.0, 1.0, 400), critical(root_index, coefficients, 1.0)))
    powers = places[:, None] ** (root_index * np.arange(len(coefficients)))
    matrix, bounds = [powers], [np.full(places.size, np.nan)]
    if cap is not None:
        matrix.append(-places[:, None] * powers)
        bounds.append(np.full(places.size, -cap))
    return np.vstack(matrix), np.concatenate(bounds)


def lower_bound(
    root_index: int,
    coefficients: tuple[float, ...],
    x: Array,
    weights: Array,
    aggregate: Aggregate,
    cap: float | None,
) -> float:
    """Return the least measure over a set that contains all safe polynomials, by SciPy."""
    degree = len(coefficients) - 1
    inequality, bounds = rows(root_index, coefficients, cap)
    bounds[np.isnan(bounds)] = floor_of(root_index, degree, x, 1.0, cap)
    design = x[:, None] ** (1 + root_index * np.arange(degree + 1))
    if aggregate == "max":
        ones = np.ones((x.size, 1))
        weighted = weights[:, None] * design
        solution = linprog(
            np.append(np.zeros(degree + 1), 1.0),
            A_ub=np.vstack(
                (
                    np.hstack((weighted, -ones)),
                    np.hstack((-weighted, -ones)),
                    np.hstack((-inequality, np.zeros((bounds.size, 1)))),
                )
            ),
            b_ub=np.concatenate((weights, -weights, -bounds)),
            bounds=(None, None),
            method="highs",
        )
        assert solution.status == 0
        return float(solution.fun)
    # least distance programming, Lawson & Hanson (1995), chapter 23
    roots = np.sqrt(weights)
    orthogonal, triangle = np.linalg.qr(roots[:, None] * design)
    wanted = orthogonal.T @ roots
    whitened = np.linalg.solve(triangle.T, inequality.T).T
    shifted = bounds - whitened @ wanted
    joint = np.vstack((whitened.T, shifted))
    multipliers, _ = nnls(joint, np.append(np.zeros(degree + 1), 1.0))
    residual = joint @ multipliers
    residual[-1] -= 1.0
    distance = residual[:-1] / residual[-1]
    rest = roots - orthogonal @ wanted
    return math.sqrt(float(distance @ distance + rest @ rest))


def draw(kind: str, seed: int) -> tuple[Array, Array]:
    """Return samples in (0, 1] and weights."""
    random = np.random.default_rng(seed)
    size = 200
    if kind == "log":
        return 10.0 ** random.uniform(-2.0, 0.0, size), random.uniform(0.1, 1.0, size)
    if kind == "bimodal":
        low, high = random.uniform(0.05, 0.1, size // 2), random.uniform(0.7, 1.0, size // 2)
        return np.concatenate((low, high)), random.uniform(0.1, 1.0, size)
    if kind == "gauss":
        return np.minimum(np.abs(random.normal(size=size)) / 4.0 + 1e-3, 1.0), np.ones(size)
    return random.uniform(0.3, 0.6, size), random.uniform(0.1, 1.0, size)  # far below upper


@pytest.mark.parametrize("aggregate", ["max", "rms"])
@pytest.mark.parametrize("kind", ["log", "bimodal", "gauss", "low"])
@pytest.mark.parametrize("cap", [None, 1.1])
def test_no_safe_polynomial_is_better(kind: str, aggregate: Aggregate, cap: float | None) -> None:
    for root_index, degree in [(1, 2), (1, 4), (2, 1), (2, 2), (2, 3), (3, 2)]:
        x, weights = draw(kind, seed=10 * root_index + degree)
        found = fitted_coefficients(
            root_index, degree, x, weights, aggregate=aggregate, upper=1.0, cap=cap
        )
        check_safe(root_index, found, x, 1.0, cap)
        reached = measured(root_index, found, x, weights, aggregate)
        bound = lower_bound(root_index, found, x, weights, aggregate, cap)
        assert bound * (1.0 - 1e-6) <= reached <= bound * (1.0 + 2e-5)


@pytest.mark.parametrize(("root_index", "degree"), CASES)
def test_dense_samples_give_the_minimax_error(root_index: int, degree: int) -> None:
    lower, upper = 0.1, 1.0
    angles = np.linspace(0.0, math.pi, 8001)
    x = (upper + lower) / 2.0 - (upper - lower) / 2.0 * np.cos(angles)
    best = minimax_coefficients(root_index, degree, lower, upper)
    expected = measured(root_index, best, x, np.ones(x.size), "max")
    found = fitted_coefficients(
        root_index, degree, x, np.ones(x.size), aggregate="max", upper=upper
    )
    reached = measured(root_index, found, x, np.ones(x.size), "max")
    assert reached == pytest.approx(expected, rel=1e-6)


def test_unconstrained_fit_is_least_squares() -> None:
    x = np.random.default_rng(4).uniform(0.4, 1.0, 300)
    found = fitted_coefficients(2, 3, x, np.ones(300), aggregate="rms", upper=1.0)
    expected = np.linalg.lstsq(x[:, None] ** (1 + 2 * np.arange(4)), np.ones(300), rcond=None)[0]
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("aggregate", ["max", "rms"])
def test_weights_that_ignore_the_low_end_fit_the_rest_better(aggregate: Aggregate) -> None:
    x = np.geomspace(1e-3, 1.0, 400)
    high = x > 0.2
    errors: list[float] = []
    for weights in (np.ones(400), np.where(high, 1.0, 0.3), np.where(high, 1.0, 0.0)):
        found = fitted_coefficients(2, 3, x, weights, aggregate=aggregate, upper=1.0)
        check_safe(2, found, x[weights > 0.0], 1.0, None)
        errors.append(measured(2, found, x[high], np.ones(high.sum()), aggregate))
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.5 * errors[0]
    # points of weight zero do not count at all
    left_out = fitted_coefficients(
        2, 3, x[high], np.ones(high.sum()), aggregate=aggregate, upper=1.0
    )
    weights = np.where(high, 1.0, 0.0)
    assert left_out == fitted_coefficients(2, 3, x, weights, aggregate=aggregate, upper=1.0)


@pytest.mark.parametrize("aggregate", ["max", "rms"])
@pytest.mark.parametrize(("root_index", "degree"), CASES)
def test_equal_samples_give_the_series(root_index: int, degree: int, aggregate: Aggregate) -> None:
    point, upper = 0.8, 0.88
    x = np.full(50, point)
    found = fitted_coefficients(
        root_index, degree, x, np.ones(50), aggregate=aggregate, upper=upper
    )
    series = series_coefficients(root_index, degree)
    expected = [c / point ** (1 + root_index * i) for i, c in enumerate(series)]
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("aggregate", ["max", "rms"])
def test_equal_samples_where_the_series_is_unsafe(aggregate: Aggregate) -> None:
    point = 0.5  # (3 - m)/2 in units of the point is zero at sqrt(3) of it, below upper
    for root_index, degree in [(1, 1), (1, 3), (2, 1), (2, 3)]:
        x = np.full(7, point)
        found = fitted_coefficients(
            root_index, degree, x, np.ones(7), aggregate=aggregate, upper=1.0
        )
        check_safe(root_index, found, x, 1.0, None)
        error = image(root_index, found, x[:1])[0] - 1.0
        assert abs(error) <= 1e-12


@pytest.mark.parametrize("aggregate", ["max", "rms"])
@pytest.mark.parametrize("degree", [1, 2, 4])
def test_two_points_are_interpolated(degree: int, aggregate: Aggregate) -> None:
    x = np.array([0.5, 0.5, 0.9, 0.9, 0.9])
    found = fitted_coefficients(2, degree, x, np.ones(5), aggregate=aggregate, upper=1.0)
    check_safe(2, found, x, 1.0, None)
    assert np.abs(image(2, found, x) - 1.0).max() <= 1e-12


def test_target() -> None:
    x, weights = draw("log", seed=1)
    plain = fitted_coefficients(2, 2, x, weights, aggregate="max", upper=1.0, cap=1.25)
    half = fitted_coefficients(2, 2, x, weights, aggregate="max", upper=1.0, cap=0.625, target=0.5)
    assert half == tuple(c / 2.0 for c in plain)


@st.composite
def sample_sets(draw: st.DrawFn) -> tuple[Array, Array, float]:
    """Return points, weights and upper: one cluster, some, or a wide spread."""
    centres = draw(st.lists(st.floats(-8.0, 0.0), min_size=1, max_size=4))
    spread = draw(st.sampled_from([0.0, 1e-9, 1e-3, 0.3, 3.0]))
    size = draw(st.sampled_from([1, 2, 3, 40]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    exponents = [c + spread * random.uniform(-1.0, 1.0, size) for c in centres]
    scale = 2.0 ** draw(st.integers(-3, 3))
    x = 10.0 ** np.clip(np.concatenate(exponents), -8.0, 0.0) * scale
    weights = 10.0 ** (draw(st.sampled_from([0.0, 3.0])) * random.uniform(-1.0, 0.0, x.size))
    weights[1:][random.uniform(size=x.size - 1) < draw(st.sampled_from([0.0, 0.7]))] = 0.0
    room = draw(st.sampled_from([1.0, 1.0001, 1.2, 5.0]))
    return x, weights, float(x.max()) * room


@given(
    sample_sets(),
    st.sampled_from(CASES),
    st.sampled_from(["max", "rms"]),
    st.sampled_from([None, 1.05, 1.5, 0.9]),
)
@settings(max_examples=300)
def test_always_safe_and_never_worse_than_minimax(
    samples: tuple[Array, Array, float],
    case: tuple[int, int],
    aggregate: Aggregate,
    cap: float | None,
) -> None:
    x, weights, upper = samples
    root_index, degree = case
    found = fitted_coefficients(
        root_index, degree, x, weights, aggregate=aggregate, upper=upper, cap=cap
    )
    assert found == fitted_coefficients(
        root_index, degree, x, weights, aggregate=aggregate, upper=upper, cap=cap
    )
    counted = x[weights > 0.0]
    check_safe(root_index, found, counted, upper, cap)
    best = minimax_coefficients(root_index, degree, float(counted.min()), upper)
    highest = 1.0 + abs(float(image(root_index, best, np.array([counted.min()]))[0]) - 1.0)
    if cap is None or highest * (1.0 + 1e-9) < cap:
        noise = 4.0 * (rounding(root_index, best, upper) + rounding(root_index, found, upper))
        total = float(weights.max() if aggregate == "max" else math.sqrt(weights.sum()))
        reached = measured(root_index, found, x, weights, aggregate)
        assert reached <= measured(root_index, best, x, weights, aggregate) + noise * total


@given(sample_sets(), st.sampled_from(CASES), st.sampled_from(["max", "rms"]))
@settings(max_examples=60)
def test_scaling(
    samples: tuple[Array, Array, float], case: tuple[int, int], aggregate: Aggregate
) -> None:
    x, weights, upper = samples
    root_index, degree = case
    found = fitted_coefficients(root_index, degree, x, weights, aggregate=aggregate, upper=upper)
    scaled = fitted_coefficients(
        root_index, degree, 4.0 * x, 8.0 * weights, aggregate=aggregate, upper=4.0 * upper
    )
    assert scaled == tuple(c / 4.0 ** (1 + root_index * i) for i, c in enumerate(found))


@pytest.mark.parametrize("aggregate", ["max", "rms"])
def test_scaling_by_other_than_powers_of_two(aggregate: Aggregate) -> None:
    x, weights = draw("bimodal", seed=3)
    found = fitted_coefficients(2, 3, x, weights, aggregate=aggregate, upper=1.0, cap=1.2)
    scaled = fitted_coefficients(2, 3, 3.7 * x, weights, aggregate=aggregate, upper=3.7, cap=1.2)
    values = image(2, found, x)
    assert np.abs(image(2, scaled, 3.7 * x) - values).max() <= 1e-7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root_index": 0}, r"^root_index is 0, out of range"),
        ({"degree": 9}, r"^degree is 9, out of range; pass an integer in 0\.\.8"),
        ({"aggregate": "mean"}, r"^aggregate is 'mean', which is unknown; pass 'max' or 'rms'"),
        ({"upper": 0.0}, r"^upper is 0\.0, which is not positive"),
        ({"upper": 0.9}, r"^x is empty or leaves \(0, upper\].*raise upper"),
        ({"x": []}, r"^weights has 2 entries, but x has 0"),
        ({"x": [], "weights": []}, r"^x is empty or leaves"),
        ({"x": [0.0, 1.0]}, r"^x is empty or leaves"),
        ({"x": [float("nan"), 1.0]}, r"^x has shape \(2,\) or entries that are not finite"),
        ({"x": [[0.5, 1.0]]}, r"^x has shape \(1, 2\)"),
        ({"x": "points"}, r"^x is not an array of floats"),
        ({"x": [1e-200, 1.0]}, r"^lower is 1e-200, less than 1e-150 of upper"),
        ({"weights": [1.0, -1.0]}, r"^weights has a negative entry or no positive one"),
        ({"weights": [0.0, 0.0]}, r"^weights has a negative entry or no positive one"),
        ({"weights": [1.0]}, r"^weights has 1 entries, but x has 2; pass one weight per point"),
        ({"cap": 0.0}, r"^cap is 0\.0, which is not positive"),
        ({"target": float("inf")}, r"^target is inf, which is not finite"),
        (
            {"x": [1e99], "weights": [1.0], "upper": 1e100, "degree": 8},
            r"^upper is 1e\+100, so far",
        ),
    ],
)
def test_bad_input(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "root_index": 2,
        "degree": 2,
        "x": [0.5, 1.0],
        "weights": [1.0, 1.0],
        "aggregate": "max",
        "upper": 1.0,
    }
    with pytest.raises(InputError, match=message):
        fitted_coefficients(**(arguments | changes))
