"""Interval operations contain what exact rational arithmetic gives."""

import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.certify.exact.intervals import Interval, meet, point

NUMBERS = st.floats(-1e150, 1e150, allow_nan=False)
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def interval(a: float, b: float) -> Interval:
    return Interval(np.array(min(a, b)), np.array(max(a, b)))


def contains(x: Interval, value: Fraction) -> bool:
    low, high = float(x.lower), float(x.upper)
    above = low == -np.inf or Fraction(low) <= value
    return above and (high == np.inf or value <= Fraction(high))


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(sorted(OPERATIONS)), st.data())
def test_operations_contain_the_exact_result(a, b, c, d, name, data):
    x, y = interval(a, b), interval(c, d)
    result = OPERATIONS[name](x, y)
    share = data.draw(st.fractions(0, 1))
    for t in (Fraction(0), Fraction(1), share):
        u = Fraction(float(x.lower)) * (1 - t) + Fraction(float(x.upper)) * t
        v = Fraction(float(y.lower)) * t + Fraction(float(y.upper)) * (1 - t)
        if name == "/" and (v == 0 or float(y.lower) <= 0.0 <= float(y.upper)):
            assert float(result.lower) == -np.inf
            continue
        assert contains(result, OPERATIONS[name](u, v))


@given(st.floats(0.0, 1e10), st.floats(0.0, 1e10), st.integers(1, 12))
def test_powers_contain_the_exact_result(a, b, exponent):
    x = interval(a, b)
    for end in (x.lower, x.upper):
        assert contains(x**exponent, Fraction(float(end)) ** exponent)


def test_results_of_points_are_hardly_wider_than_rounding():
    x = point(np.array([0.1, 3.0, 1e200]))
    for result in (x + 0.3, x * 0.3, x / 0.7, x - 0.3):
        width = result.upper - result.lower
        assert np.all(width <= 8.0 * np.finfo(float).eps * result.magnitude)


def test_a_divisor_with_zero_leaves_no_bound():
    result = 1.0 / interval(-1.0, 1.0)
    assert (float(result.lower), float(result.upper)) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    "ends", [(-np.inf, np.inf), (1.0, np.inf), (-np.inf, -1.0), (0.0, 0.0), (1e308, 1.7e308)]
)
def test_the_middle_is_inside(ends):
    x = Interval(np.array(ends[0]), np.array(ends[1]))
    assert ends[0] <= float(x.middle) <= ends[1]
    assert np.isfinite(x.middle)


def test_infinite_ends_never_become_nan():
    x = Interval(np.array(-np.inf), np.array(np.inf))
    for result in (x + x, x - x, x * x, x * 0.0, x / x, x * point(0.0)):
        assert not np.isnan(result.lower)
        assert not np.isnan(result.upper)
        assert contains(result, Fraction(0))


def test_meet():
    x, y = interval(0.0, 2.0), interval(1.0, 3.0)
    assert (float(meet(x, y).lower), float(meet(x, y).upper)) == (1.0, 2.0)
