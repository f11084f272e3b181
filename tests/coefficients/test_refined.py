"""Schedules refined together: never worse, safe everywhere, and optimal where that is known."""

import math
from typing import Any, Literal

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from matrl.coefficients import (
    minimax_coefficients,
    polynomial_critical_points,
    refined_coefficients,
)
from matrl.coefficients._composition import propagated
from matrl.errors import InputError

Array = NDArray[np.float64]
Schedule = tuple[tuple[float, ...], ...]
Aggregate = Literal["max", "rms"]


def step(root_index: int, coefficients: tuple[float, ...], x: Array) -> Array:
    """Return h(x)."""
    return x * np.polyval(coefficients[::-1], x**root_index)


def end(root_index: int, schedule: Schedule, x: Array) -> Array:
    """Return where x ends."""
    for coefficients in schedule:
        x = step(root_index, coefficients, x)
    return x


def measured(
    root_index: int,
    schedule: Schedule,
    x: Array,
    weights: Array,
    density: Array,
    aggregate: Aggregate,
    power: int = 1,
) -> float:
    """Return the measure that was to be least."""
    errors = weights * np.abs(end(root_index, schedule, x) ** power - 1.0)
    if aggregate == "max":
        return float(errors.max())
    return math.sqrt(float(np.sum(density * errors**2)))


def places(root_index: int, coefficients: tuple[float, ...], upper: float) -> Array:
    """Return a dense grid down to 0, and x where h or p is stationary."""
    slopes = tuple((i + 1) * c / (1 + root_index * i) for i, c in enumerate(coefficients[1:]))
    found = polynomial_critical_points(root_index, coefficients, 1e-9 * upper, upper)
    if slopes:
        found += polynomial_critical_points(root_index, slopes, 1e-9 * upper, upper)
    grid = np.linspace(0.0, upper, 2001)
    return np.concatenate((grid, np.geomspace(1e-12, 1.0, 100) * upper, np.array(found)))


def tops(root_index: int, schedule: Schedule, upper: float) -> list[float]:
    """Return u_2..u_(T+1), and assert on the way that every p is positive."""
    result: list[float] = []
    for coefficients in schedule:
        x = places(root_index, coefficients, upper)
        assert np.polyval(coefficients[::-1], x**root_index).min() > 0.0
        upper = float(step(root_index, coefficients, x).max())
        result.append(upper)
    return result


def greedy(root_index: int, degrees: tuple[int, ...], lower: float, upper: float) -> Schedule:
    """Return minimax steps, each on the range the one before left."""
    result: list[tuple[float, ...]] = []
    for degree in degrees:
        coefficients = minimax_coefficients(root_index, degree, lower, upper)
        x = places(root_index, coefficients, upper)
        values = step(root_index, coefficients, x[x >= lower])
        lower = float(step(root_index, coefficients, np.array([lower]))[0])
        lower, upper = min(lower, float(values.min())), float(values.max())
        result.append(coefficients)
    return tuple(result)


def uniform(size: int) -> tuple[Array, Array]:
    """Return weights and density."""
    return np.ones(size), np.full(size, 1.0 / size)


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Return the arguments of a refinement from a safe schedule."""
    root_index = draw(st.integers(1, 4))
    degrees = tuple(draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)))
    upper = draw(st.sampled_from([1.0, 0.07, 3.0]))
    schedule = greedy(root_index, degrees, upper * 10.0 ** draw(st.floats(-4.0, -0.1)), upper)
    ceiling = draw(st.sampled_from([1.05, 1.5, 0.9]))
    shrink = min(1.0, (1.0 - 1e-9) * ceiling / tops(root_index, schedule, upper)[-1])
    schedule = (*schedule[:-1], tuple(c * shrink for c in schedule[-1]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([1, 2, 60]))
    x = upper / 1.2 * 10.0 ** (draw(st.sampled_from([0.0, 0.5, 6.0])) * -random.uniform(size=size))
    if draw(st.booleans()):
        x[1:][random.uniform(size=size - 1) < 0.3] = 0.0
    weights = 10.0 ** -random.uniform(0.0, draw(st.sampled_from([0.0, 3.0])), size)
    density = random.uniform(0.1, 1.0, size)
    return {
        "root_index": root_index,
        "polynomials": schedule,
        "upper": upper,
        "points": x,
        "weights": weights,
        "density": density / density.sum(),
        "aggregate": draw(st.sampled_from(["max", "rms"])),
        "power": draw(st.integers(1, 3)),
        "ceiling": ceiling,
        "starts": draw(st.sampled_from([1, 3])),
        "iterations": 8,
    }


@given(problems())
@settings(max_examples=30, deadline=None)
def test_never_worse_and_always_safe(arguments: dict[str, Any]) -> None:
    found = refined_coefficients(**arguments)
    root_index, upper, start = (arguments[n] for n in ("root_index", "upper", "polynomials"))
    assert [len(row) for row in found] == [len(row) for row in start]
    before, after = tops(root_index, start, upper), tops(root_index, found, upper)
    assert all(new <= old * (1.0 + 1e-9) for old, new in zip(before[:-1], after[:-1], strict=True))
    assert after[-1] <= arguments["ceiling"] * (1.0 + 1e-9)
    names = ("points", "weights", "density", "aggregate", "power")
    rest = [arguments[name] for name in names]
    assert measured(root_index, found, *rest) <= measured(root_index, start, *rest) * (1.0 + 1e-12)


@pytest.mark.parametrize("root_index", [1, 2, 3])
def test_derivatives_are_those_of_high_precision(root_index: int) -> None:
    random = np.random.default_rng(root_index)
    steps = tuple(random.uniform(0.2, 1.0, size) for size in (3, 1, 2))
    t = np.array([0.0, 0.1, 0.7, 1.0])
    values, slopes = propagated(root_index, steps, t)
    assert slopes.shape == (4, 6)

    def ends(point: float, correction: list[Any]) -> Any:
        x, left = mpmath.mpf(point), list(correction)
        for q in steps:
            s = x**root_index
            multiplier = mpmath.polyval([mpmath.mpf(c) for c in q[::-1].tolist()], s)
            for index in range(q.size):
                multiplier += left.pop(0) * mpmath.chebyt(index, 2 * s - 1)
            x = x * multiplier
        return x

    with mpmath.workdps(60):
        small = mpmath.mpf(10) ** -25
        for row, point in enumerate(t.tolist()):
            value = ends(point, [0] * 6)
            assert abs(values[row] - value) <= 1e-14 * (1 + abs(value))
            for column in range(6):
                moved = [small if column == index else mpmath.mpf(0) for index in range(6)]
                back = [-c for c in moved]
                expected = (ends(point, moved) - ends(point, back)) / (2 * small)
                assert abs(slopes[row, column] - expected) <= 1e-13 * (1 + abs(expected))


@pytest.mark.parametrize("root_index", [1, 2, 3])
def test_one_step_in_the_mean_is_weighted_least_squares(root_index: int) -> None:
    random = np.random.default_rng(root_index)
    x, weights = random.uniform(0.3, 1.2, 300), random.uniform(0.5, 1.0, 300)
    density = random.uniform(0.5, 1.0, 300)
    density /= density.sum()
    start = (minimax_coefficients(root_index, 3, 0.1, 1.2),)
    found = refined_coefficients(
        root_index, start, 1.2, x, weights, density, aggregate="rms", ceiling=1e3
    )
    rows = np.sqrt(density) * weights
    design = rows[:, None] * x[:, None] ** (1 + root_index * np.arange(4))
    expected = np.linalg.lstsq(design, rows, rcond=None)[0]
    tops(root_index, (tuple(expected.tolist()),), 1.2)  # positive: the rule does not bind
    assert found[0] == pytest.approx(expected.tolist(), rel=1e-7)


@pytest.mark.parametrize(("root_index", "degree"), [(1, 2), (2, 2), (2, 3), (4, 2)])
def test_one_step_for_the_greatest_error_is_minimax(root_index: int, degree: int) -> None:
    x = 0.55 - 0.45 * np.cos(np.linspace(0.0, math.pi, 2001))
    start = (minimax_coefficients(root_index, degree, 1e-3, 1.0),)
    best = (minimax_coefficients(root_index, degree, float(x.min()), 1.0),)
    found = refined_coefficients(
        root_index, start, 1.0, x, *uniform(x.size), aggregate="max", ceiling=2.0, starts=1
    )
    errors = [
        measured(root_index, schedule, x, *uniform(x.size), "max") for schedule in (best, found)
    ]
    assert errors[1] == pytest.approx(errors[0], rel=1e-6)
    assert found[0] == pytest.approx(best[0], rel=1e-4)


@pytest.mark.parametrize("starts", [1, 4])
def test_two_steps_for_the_greatest_error_on_an_interval_are_the_greedy_ones(starts: int) -> None:
    # For an interval the greedy composition is optimal (arXiv:2505.16932).
    x = np.concatenate((np.geomspace(0.02, 1.0, 600), np.linspace(0.02, 1.0, 600)))
    weights, density = uniform(x.size)
    best = greedy(2, (2, 2), 0.02, 1.0)
    start = ((1.875, -1.25, 0.375), (1.875, -1.25, 0.375))
    found = refined_coefficients(
        2, start, 1.0, x, weights, density, aggregate="max", ceiling=2.0, starts=starts
    )
    error, least = (measured(2, s, x, weights, density, "max") for s in (found, best))
    assert least * (1.0 - 1e-3) <= error <= least * 1.02
    assert measured(2, start, x, weights, density, "max") > 1.5 * least


def test_joint_coefficients_serve_a_spectrum_better_than_greedy_ones() -> None:
    x = np.abs(np.random.default_rng(1).normal(size=100)) / 4.0 + 1e-3
    assert x.max() <= 1.0 / 1.2
    weights, density = uniform(x.size)
    errors: list[float] = []
    for lower in np.geomspace(float(x.min()), 0.5, 16).tolist():
        schedule = greedy(2, (2, 2, 2), lower, 1.0)
        shrink = min(1.0, 1.049999 / tops(2, schedule, 1.0)[-1])
        schedule = (*schedule[:2], tuple(c * shrink for c in schedule[2]))
        errors.append(measured(2, schedule, x, weights, density, "rms"))
    start = greedy(2, (2, 2, 2), 0.2, 1.0)
    found = refined_coefficients(2, start, 1.0, x, weights, density, aggregate="rms")
    reached = measured(2, found, x, weights, density, "rms")
    assert reached < 0.5 * errors[0]  # what serves the whole hull of the points
    assert reached < 0.99 * min(errors)


def test_where_the_start_is_does_not_matter_much() -> None:
    x = np.abs(np.random.default_rng(0).normal(size=200)) / 4.0 + 1e-3
    weights, density = uniform(x.size)
    errors: list[float] = []
    for lower in (0.1, 0.3):
        start = greedy(2, (2, 2, 2), lower, 1.2)
        assert tops(2, start, 1.2)[-1] <= 1.05
        found = refined_coefficients(2, start, 1.2, x, weights, density, aggregate="rms", starts=1)
        errors.append(measured(2, found, x, weights, density, "rms"))
    assert errors[0] == pytest.approx(errors[1], rel=1e-2)


def test_the_power_is_the_one_of_the_measure() -> None:
    x = np.geomspace(1e-2, 1.0, 50)
    weights, density = uniform(50)
    start = greedy(2, (1, 1, 1, 1), 0.1, 1.0)
    first, third = (
        refined_coefficients(
            2, start, 1.0, x, weights, density, aggregate="rms", ceiling=1.2, power=power
        )
        for power in (1, 3)
    )
    for power, better, worse in ((1, first, third), (3, third, first)):
        errors = [measured(2, s, x, weights, density, "rms", power) for s in (better, worse)]
        assert errors[0] < errors[1] * (1.0 - 1e-4)


def test_the_ceiling_is_used_and_kept() -> None:
    x = np.geomspace(1e-3, 0.8, 80)
    start = tuple((1.5, -0.5) for _ in range(3))
    errors: list[float] = []
    for ceiling in (1.0, 1.05, 1.3):
        found = refined_coefficients(
            2, start, 1.0, x, *uniform(80), aggregate="rms", ceiling=ceiling, starts=3
        )
        assert tops(2, found, 1.0)[-1] <= ceiling * (1.0 + 1e-9)
        errors.append(measured(2, found, x, *uniform(80), "rms"))
    assert errors[2] < errors[1] < errors[0]


@pytest.mark.parametrize("aggregate", ["max", "rms"])
def test_deterministic_and_scaled_by_powers_of_two(aggregate: Aggregate) -> None:
    x = np.geomspace(1e-2, 0.9, 40)
    start = ((1.5, -0.5), (1.875, -1.25, 0.375))

    def refined(schedule: Schedule, scale: float) -> Schedule:
        return refined_coefficients(
            2, schedule, scale, scale * x, *uniform(40), aggregate=aggregate, iterations=10, seed=3
        )

    found = refined(start, 1.0)
    assert found != start
    assert refined(start, 1.0) == found
    first = tuple(c / 4.0 ** (1 + 2 * i) for i, c in enumerate(start[0]))
    scaled = refined((first, start[1]), 4.0)
    assert scaled[0] == tuple(c / 4.0 ** (1 + 2 * i) for i, c in enumerate(found[0]))
    assert scaled[1] == found[1]


@pytest.mark.parametrize("aggregate", ["max", "rms"])
def test_an_optimal_schedule_is_returned_as_it_is(aggregate: Aggregate) -> None:
    x = np.array([0.8, 0.8])
    start = ((1.25, 0.0), (1.0,))  # 0.8 goes to 1
    found = refined_coefficients(2, start, 0.8, x, *uniform(2), aggregate=aggregate)
    assert found == start


def test_no_iterations_from_one_start_change_nothing() -> None:
    start = ((1.5, -0.5),)
    found = refined_coefficients(
        2, start, 1.0, [0.1, 0.2], *uniform(2), aggregate="rms", iterations=0, starts=1
    )
    assert found == start


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root_index": 0}, r"^root_index is 0, out of range"),
        ({"power": 0}, r"^power is 0, out of range"),
        ({"iterations": -1}, r"^iterations is -1, out of range"),
        ({"starts": 0}, r"^starts is 0, out of range"),
        ({"seed": -1}, r"^seed is -1, out of range"),
        ({"aggregate": "mean"}, r"^aggregate is 'mean', which is unknown; pass 'max' or 'rms'"),
        ({"upper": 0.0}, r"^upper is 0\.0, which is not positive"),
        ({"ceiling": -1.0}, r"^ceiling is -1\.0, which is not positive"),
        ({"cap": math.inf}, r"^cap is inf, which is not finite"),
        ({"upper": 0.9}, r"^points is empty or leaves \[0, upper\].*raise upper"),
        ({"points": [], "weights": [], "density": []}, r"^points is empty"),
        ({"points": [0.0, 0.0]}, r"^points has no entry of positive weight and density"),
        ({"points": [0.0, 1.0], "weights": [1.0, 0.0]}, r"^points has no entry of positive"),
        ({"points": [-0.1, 1.0]}, r"^points is empty or leaves"),
        ({"points": "points"}, r"^points is not an array of floats"),
        ({"weights": [1.0]}, r"^weights has 1 entries, but points has 2; pass one per point"),
        ({"density": [1.0]}, r"^density has 1 entries, but points has 2; pass one per point"),
        ({"weights": [1.0, -1.0]}, r"^weights has a negative entry or no positive one"),
        ({"density": [0.0, 0.0]}, r"^density has a negative entry or no positive one"),
        ({"polynomials": []}, r"^polynomials is empty; pass one polynomial a step"),
        ({"polynomials": [[1.5], []]}, r"^polynomials\[1\] has 0 coefficients; pass 1 to 9"),
        ({"polynomials": [[1.5, "x"]]}, r"^polynomials\[0\] is 'x', which is not a float"),
        ({"polynomials": [[1.5, -1.6]]}, r"^polynomials\[0\] is not positive on \[0, u\^k\]"),
        ({"polynomials": [[1.5, -0.2]]}, r"^polynomials\[0\] reaches 1\.3.* above ceiling = 1\.05"),
        ({"polynomials": [[2.5], [0.1]]}, r"^polynomials\[0\] reaches 2\.5.* above cap = 2\.0"),
        (
            {"upper": 1e200, "points": [1e200, 0.0]},
            r"^upper is 1e\+200, so far from 1 that polynomials\[0\] overflows",
        ),
    ],
)
def test_bad_input(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "root_index": 2,
        "polynomials": [[1.5, -0.5]],
        "upper": 1.0,
        "points": [0.5, 1.0],
        "weights": [1.0, 1.0],
        "density": [0.5, 0.5],
        "aggregate": "max",
    }
    with pytest.raises(InputError, match=message):
        refined_coefficients(**(arguments | changes))
