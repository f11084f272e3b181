"""Stationary points of maps by partial fractions."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matrl.coefficients import (
    dynamically_weighted_halley,
    newton_scaling,
    pade,
    rational_minimax,
    zolotarev,
    zolotarev_critical_points,
    zolotarev_even,
    zolotarev_even_critical_points,
)
from matrl.iterations.partial_fractions import flatten, rational_critical_points

EPS = float(np.finfo(float).eps)
LOWERS = [1e-14, 1e-10, 1e-6, 1e-4, 1e-2, 0.1, 0.3, 0.7]


def evaluate(coefficients: tuple[float, ...], x: Any, root_index: int) -> Any:
    """Return x p(x^k)."""
    m = x**root_index
    pairs = zip(coefficients[1::2], coefficients[2::2], strict=True)
    return x * (coefficients[0] + sum(w / (m + c) for w, c in pairs))


def slope(coefficients: tuple[float, ...], x: Any, root_index: int) -> Any:
    """Return the derivative of x p(x^k)."""
    m = x**root_index
    pairs = zip(coefficients[1::2], coefficients[2::2], strict=True)
    return coefficients[0] + sum(w * (c - (root_index - 1) * m) / (m + c) ** 2 for w, c in pairs)


def assert_range_is_theirs(
    coefficients: tuple[float, ...], points: tuple[float, ...], ends: tuple[float, float], k: int
) -> None:
    """Assert that no x has a value outside those at the ends and at the points."""
    assert list(points) == sorted(points)
    assert all(ends[0] < x < ends[1] for x in points)
    known = [float(evaluate(coefficients, x, k)) for x in (*ends, *points)]
    values = evaluate(coefficients, np.geomspace(*ends, 20001)[1:-1], k)
    assert float(values.max()) <= max(known) * (1.0 + 16 * EPS)
    assert float(values.min()) >= min(known) * (1.0 - 16 * EPS)


@pytest.mark.parametrize("lower", LOWERS)
@pytest.mark.parametrize("poles", range(1, 9))
@pytest.mark.parametrize("even", [False, True])
def test_zolotarev_points_are_all_found(even: bool, poles: int, lower: float) -> None:
    rule, known = (
        (zolotarev_even, zolotarev_even_critical_points)
        if even
        else (zolotarev, zolotarev_critical_points)
    )
    coefficients = flatten(rule(lower, 1.0, poles))
    points = rational_critical_points(coefficients, lower, 1.0)
    assert_range_is_theirs(coefficients, points, (lower, 1.0), 2)
    error = evaluate(coefficients, 1.0, 2) - 1.0
    if error > 1e-10:
        # h'' is about error/(spacing x)^2, so the place is known to about eps/error
        assert points == pytest.approx(known(lower, 1.0, poles), rel=1e-8 + 16 * EPS / error)


@pytest.mark.parametrize("lower", [1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
@pytest.mark.parametrize("poles", range(1, 5))
@pytest.mark.parametrize("root_index", range(2, 9))
def test_best_maps_have_two_a_pole(root_index: int, poles: int, lower: float) -> None:
    coefficients = flatten(rational_minimax(root_index, poles, lower, 1.0))
    points = rational_critical_points(coefficients, lower, 1.0, root_index)
    assert_range_is_theirs(coefficients, points, (lower, 1.0), root_index)
    error = evaluate(coefficients, 1.0, root_index) - 1.0
    if error > 1e-11:
        assert len(points) == 2 * poles
        for index, x in enumerate(points):
            value = evaluate(coefficients, x, root_index) - 1.0
            assert (-1.0) ** index * value == pytest.approx(error, rel=1e-8 + 64 * EPS / error)
            if error < 1e-8:
                continue
            with mpmath.workdps(40):
                near = mpmath.mpf(x)
                step = near * (mpmath.mpf("1e-7") + 64 * EPS / error)
                around = [slope(coefficients, near + d, root_index) for d in (-step, step)]
                assert around[0] * around[1] < 0


@pytest.mark.parametrize("lacking", [0, 1])
@pytest.mark.parametrize("poles", range(1, 9))
@pytest.mark.parametrize("root_index", [2, 3, 5, 8])
def test_pade_maps_are_flat_at_one(root_index: int, poles: int, lacking: int) -> None:
    p = pade(root_index, poles, numerator_degree=poles - lacking)
    for ends in ((0.01, 3.0), (0.9, 1.2), (0.2, 0.3), (1e-6, 1e3)):
        points = rational_critical_points(flatten(p), *ends, root_index)
        assert_range_is_theirs(flatten(p), points, ends, root_index)
        if lacking and ends[0] < 1.0 < ends[1]:  # the greatest value is that at 1
            assert min(abs(x - 1.0) for x in points) < 0.2
            greatest = max(evaluate(flatten(p), x, root_index) for x in points)
            assert greatest == pytest.approx(1.0, rel=4 * EPS)


@pytest.mark.parametrize("lower", [*LOWERS, 0.99, 1 - 1e-9])
def test_one_pole(lower: float) -> None:
    scaling, centre = newton_scaling(lower, 1.0)
    newton = (centre * scaling / 2, centre / (2 * scaling), 0.0)
    assert rational_critical_points(newton, lower, 1.0) == (pytest.approx(1 / scaling, rel=1e-14),)
    halley = flatten(dynamically_weighted_halley(lower, 1.0))
    points = rational_critical_points(halley, lower, 1.0)
    assert_range_is_theirs(halley, points, (lower, 1.0), 2)
    if lower < 0.9:
        assert len(points) == 2
    assert rational_critical_points((0.0, 1.0, 8.0), 0.1, 9.0, 3) == (
        pytest.approx(4.0 ** (1 / 3)),
    )
    assert rational_critical_points((0.0, 1.0, 0.0), 0.1, 9.0, 3) == ()


def test_no_interval_has_no_points() -> None:
    assert rational_critical_points((0.5, 0.5, 0.0), 1.0, 1.0) == ()
    assert rational_critical_points((0.5, 0.2, 0.3, 0.5, 2.0), 1.0, 1.0) == ()


TERM = st.tuples(st.floats(-8.0, 8.0), st.floats(-6.0, 6.0))


@given(st.lists(TERM, min_size=1, max_size=8), st.integers(2, 8), st.booleans(), st.booleans())
@example([(0.0, 0.0), (0.0, 1e-9)], 2, False, False)  # two poles that are nearly one
def test_any_positive_fractions(
    terms: list[tuple[float, float]], root_index: int, at_zero: bool, constant: bool
) -> None:
    coefficients = [float(constant)]
    for index, (place, size) in enumerate(terms):
        shift = 0.0 if at_zero and index == 0 else 10.0**place
        coefficients += [10.0**size * max(shift, 1.0) ** (1.0 - 1.0 / root_index), shift]
    flat, ends = tuple(coefficients), (1e-3, 1e3)
    points = rational_critical_points(flat, *ends, root_index)
    assert_range_is_theirs(flat, points, ends, root_index)
    x = np.geomspace(*ends, 20001)[1:-1]
    signs = slope(flat, x, root_index) > 0.0
    assert len(points) >= np.count_nonzero(signs[:-1] != signs[1:])
    assert len(points) <= 2 * len(terms) + 1


@pytest.mark.parametrize("offset", [1e-2, 1e-5, 1e-8, 1e-11])
def test_two_points_that_nearly_meet(offset: float) -> None:
    # the constant that makes h' touch zero, less a little: a grid would step over both points
    weights, shifts = (1.0, 0.5), (0.2, 3.0)

    def without(x: float) -> float:
        return float(slope((0.0, weights[0], shifts[0], weights[1], shifts[1]), x, 2))

    grid = np.linspace(0.3, 1.5, 200001)
    deepest = min(grid, key=without)
    constant = -without(float(deepest)) - offset
    coefficients = (constant, weights[0], shifts[0], weights[1], shifts[1])
    points = rational_critical_points(coefficients, 0.1, 10.0)
    around = [x for x in points if abs(x - deepest) < 0.2]
    assert len(around) == 2
    assert around[0] < deepest < around[1]
    assert around[1] - around[0] < 10 * offset**0.5
