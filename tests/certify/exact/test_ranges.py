"""Ranges of maps: known ones, and random ones against samples in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.certify.exact.balls import hull_in_balls
from matrl.certify.exact.composition import largest_weighted_error
from matrl.certify.exact.intervals import point
from matrl.certify.exact.maps import PolynomialMap, RationalMap, map_of, maps_of
from matrl.certify.exact.ranges import Range, image, joined
from matrl.core.plan import StepRecord
from matrl.iterations import UPDATES, DirectMethod

EPS = float(np.finfo(float).eps)
RATIONAL = RationalMap(2, point(0.25), (point(0.5), point(1.5)), (point(0.125), point(2.0)))


NEWTON = map_of(StepRecord("newton", "product", "float64", (1.0, 1.0)), 2)


def exact_value(step, x: Fraction) -> Fraction:
    m = x**step.root_index
    if isinstance(step, PolynomialMap):
        return x * sum(Fraction(c) * m**i for i, c in enumerate(step.coefficients))
    terms = zip(step.weights, step.shifts, strict=True)
    total = Fraction(float(step.constant.lower))
    return x * sum(
        (Fraction(float(w.lower)) / (m + Fraction(float(s.lower))) for w, s in terms), total
    )


@pytest.mark.parametrize(
    ("step", "over", "expected"),
    [
        (PolynomialMap(2, (1.5, -0.5)), (0.5, 1.0), (0.6875, 1.0)),  # Newton-Schulz, end to end
        (PolynomialMap(2, (1.5, -0.5)), (0.5, 1.2), (0.6875, 1.0)),  # its maximum is inside
        (PolynomialMap(1, (2.0, -1.0)), (0.1, 1.9), (0.19, 1.0)),  # 1 - (1 - x)^2
        (PolynomialMap(3, (4 / 3, -1 / 3)), (0.8, 1.0), (0.9301333333333334, 1.0)),
        (
            map_of(StepRecord("newton", "product", "float64", (1.0, 1.0)), 2),
            (0.5, 4.0),
            (1.0, 2.125),
        ),
        (
            map_of(StepRecord("newton", "product", "float64", (1.0, 1.0)), 2),
            (2.0, 4.0),
            (1.25, 2.125),
        ),
        (PolynomialMap(2, (0.75,)), (1.0, 2.0), (0.75, 1.5)),  # of degree 0
    ],
)
def test_known_ranges(step, over, expected):
    found = image(step, Range(*over))
    assert found.lower <= expected[0] * (1 + EPS)
    assert found.upper >= expected[1] * (1 - EPS)
    assert found.lower == pytest.approx(expected[0], rel=64 * EPS)
    assert found.upper == pytest.approx(expected[1], rel=64 * EPS)


def test_the_step_that_repairs_is_newtons():
    repair = map_of(StepRecord("newton-repair", "lyapunov", "float64"), 2)
    assert repair is not None
    found = image(repair, Range(0.5, 2.0))
    assert (found.lower, found.upper) == pytest.approx((1.0, 1.25), rel=64 * EPS)


COEFFICIENTS = st.lists(st.floats(-10.0, 10.0), min_size=1, max_size=6)


@settings(max_examples=60)
@given(COEFFICIENTS, st.integers(1, 5), st.floats(1e-3, 1.5), st.floats(0.0, 1.0))
def test_ranges_of_random_polynomials_contain_exact_values_and_are_tight(c, k, lower, length):
    step, over = PolynomialMap(k, tuple(c)), Range(lower, lower + length)
    found = image(step, over)
    points = np.linspace(over.lower, over.upper, 2001)
    values = [exact_value(step, Fraction(float(x))) for x in points[::40]]
    assert all(Fraction(found.lower) <= v <= Fraction(found.upper) for v in values)
    seen = points * np.polyval(c[::-1], points**k)
    size = points.max() * sum(abs(b) * points.max() ** (k * i) for i, b in enumerate(c))
    # Between sampled points a smooth map moves by no more than a curvature allows.
    slack = 1e-300 + 64 * EPS * size + 2e-6 * size * (k * len(c)) ** 2
    assert found.lower >= seen.min() - slack
    assert found.upper <= seen.max() + slack


@pytest.mark.parametrize("over", [Range(0.1, 0.2), Range(1e-6, 50.0), Range(0.7, 0.7)])
def test_rational_ranges_contain_exact_values_and_are_tight(over):
    found = image(RATIONAL, over)
    points = np.geomspace(over.lower, over.upper, 4001)
    values = [exact_value(RATIONAL, Fraction(float(x))) for x in points]
    assert Fraction(found.lower) <= min(values)
    assert Fraction(found.upper) >= max(values)
    assert found.lower >= float(min(values)) * (1 - 1e-5)
    assert found.upper <= float(max(values)) * (1 + 1e-5)


@pytest.mark.parametrize("over", [Range(0.1, 1.2), Range(0.95, 1.1), Range(1.0, 1.0)])
def test_balls_agree_and_are_no_wider(over):
    pytest.importorskip("flint")
    for step in (PolynomialMap(2, (1.875, -1.25, 0.375)), RATIONAL):
        plain, sharp = image(step, over), image(step, over, hull_in_balls)
        assert plain.lower <= sharp.lower <= sharp.upper <= plain.upper
        for x in (over.lower, 0.5 * (over.lower + over.upper), over.upper):
            value = exact_value(step, Fraction(x))
            assert Fraction(sharp.lower) <= value <= Fraction(sharp.upper)


def test_a_pole_leaves_no_bound():
    assert NEWTON is not None
    assert image(NEWTON, Range(0.0, 1.0)).upper == np.inf


def test_unions():
    ranges = [Range(3.0, 4.0), Range(1.0, 2.0), Range(2.0, 2.5)]
    assert joined(ranges) == [Range(1.0, 2.5), Range(3.0, 4.0)]


@pytest.mark.parametrize("exponent", [-2, -1, 0, 1, 3])
def test_weighted_errors_are_bounded_and_within_two_per_mille(exponent):
    maps = [PolynomialMap(2, (2.0, -1.0)), PolynomialMap(2, (1.5, -0.5)), RATIONAL]
    over = [Range(0.05, 0.3), Range(0.5, 1.1)]
    bound = largest_weighted_error(maps, over, 2, [exponent])
    worst = 0.0
    for part in over:
        x = np.geomspace(part.lower, part.upper, 20001)
        value = x
        for step in maps:
            m = value**2
            if isinstance(step, PolynomialMap):
                value = value * np.polyval(step.coefficients[::-1], m)
            else:
                value = value * (0.25 + 0.5 / (m + 0.125) + 1.5 / (m + 2.0))
        weight = (x / 1.1) ** exponent if exponent >= 0 else (x / 0.05) ** exponent
        worst = max(worst, float((weight * np.abs(value**2 - 1.0)).max()))
    assert worst * (1 - 1e-12) <= bound <= worst * 1.003


def test_every_update_has_a_map_that_agrees_with_its_program():
    """The maps are read off names; a new update must not be taken for another."""
    from matrl.iterations.update import some_range
    from matrl.readings.scalar import apply_update

    for update in UPDATES:
        if isinstance(update, DirectMethod):
            assert map_of(StepRecord(update.name, "direct", "float64"), 2) is None
            continue
        for k in (1, 2, 3, 5):
            if not update.supports(k):
                continue
            c = update.coefficients(k, *some_range(k))
            (step,) = maps_of([StepRecord(update.name, "zm", "float64", c)], k)
            x = np.array([0.3, 0.9, 1.0])
            found, value = step.value(point(x)), apply_update(update, k, c, x)
            size = np.maximum(np.abs(value), 1.0) * max(1.0, sum(abs(b) for b in c))
            assert np.all(found.lower <= value + 1e3 * EPS * size), update.name
            assert np.all(found.upper >= value - 1e3 * EPS * size), update.name
            assert np.all(found.upper - found.lower <= 1e4 * EPS * size), update.name
