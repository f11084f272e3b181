"""Images are as tight as they say, and hold every value."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.certify.checking.composed import WeightedError
from matrl.certify.checking.documents import Budget
from matrl.certify.checking.fixed import Fixed
from matrl.certify.checking.images import image
from matrl.certify.checking.maps import Rule, Step

FIXED = Fixed(256)
ONE = FIXED.one[0]


def step_of(*numbers: Fraction, k: int = 2) -> Step:
    return Step(FIXED, k, Rule("fitted", False, numbers), Budget())


@given(
    numbers=st.lists(st.fractions(-2, 2, max_denominator=32), min_size=1, max_size=5),
    low=st.fractions(0, 1, max_denominator=64),
    width=st.fractions(0, 2, max_denominator=64),
)
def test_an_image_holds_values_and_is_tight(numbers, low, width):
    step = step_of(*numbers)
    x = FIXED.of(low)[0], FIXED.of(low + width)[1]
    found = image(step, x)
    for i in range(33):
        value = step.value(x[0] + (x[1] - x[0]) * i // 32)
        assert found.outer[0] <= value[0]
        assert value[1] <= found.outer[1]
    assert found.outer[0] <= found.reached[0] + 10
    assert found.reached[1] - 10 <= found.outer[1]
    size = max(abs(end) for end in found.outer)
    assert found.reached[0] - found.outer[0] <= (size >> 70) + (1 << 40)
    assert found.outer[1] - found.reached[1] <= (size >> 70) + (1 << 40)


def test_the_extremes_of_a_chebyshev_polynomial():
    # 16 x^5 - 20 x^3 + 5 x goes from -1 to 1 and back many times on [0, 1].
    step = step_of(Fraction(5), Fraction(-20), Fraction(16))
    found = image(step, (0, ONE))
    assert abs(found.outer[0] + ONE) <= ONE >> 70
    assert abs(found.outer[1] - ONE) <= ONE >> 70
    assert found.reached[1] == ONE
    inner = (-ONE + (ONE >> 50), ONE)
    refuted = image(step, (0, ONE), inner)
    assert refuted.reached[0] < inner[0]


@pytest.mark.parametrize(("exponent", "power"), [(1, 1), (-1, 1), (2, 2), (3, 1)])
def test_slopes_of_a_weighted_error_are_those_of_differences(exponent, power):
    steps = [step_of(Fraction(3, 2), Fraction(-1, 2)), step_of(Fraction(7, 4), Fraction(-3, 4))]
    x = ONE // 4, ONE
    ranges = [(0, 2 * ONE)] * 2
    error = WeightedError(steps, ranges, power, exponent, x)
    cells = 64
    for i in range(cells):
        low = x[0] + (x[1] - x[0]) * i // cells
        high = x[0] + (x[1] - x[0]) * (i + 1) // cells
        values, slopes = error.over((low, high))
        at_low, at_high = error.value(low), error.value(high)
        assert values[0] <= min(at_low[0], at_high[0]) + 100
        assert values[1] >= max(at_low[1], at_high[1]) - 100
        mean = Fraction(at_high[0] - at_low[0], high - low)  # a slope between the two is this
        assert FIXED.number(slopes[0]) <= mean + Fraction(1, 1 << 200)
        assert FIXED.number(slopes[1]) >= mean - Fraction(1, 1 << 200)
        assert slopes[1] - slopes[0] < ONE
