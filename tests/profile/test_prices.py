"""Interpolation and extrapolation of prices."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.profile.prices import Ladder, nearest


def test_nearest_by_ratio():
    assert nearest([1, 16, 64], 5) == 16
    assert nearest([1, 16], 4) == 1
    assert nearest([8], 1000) == 8


@given(st.floats(1e-9, 1e3), st.floats(0.5, 4.0), st.integers(1, 5000))
def test_a_power_law_is_kept_between_the_ends(factor, power, n):
    ladder = Ladder([(size, size, factor * size**power) for size in (1, 70, 5000)], 3)
    assert ladder.seconds(n, n) == pytest.approx(factor * n**power, rel=1e-9)


@pytest.mark.parametrize("exponent", [2, 3])
def test_extrapolation_by_the_nominal_exponent(exponent):
    ladder = Ladder([(100, 100, 1.0), (200, 200, 5.0)], exponent)
    assert ladder.seconds(400, 400) == pytest.approx(5.0 * 2**exponent)
    assert ladder.seconds(50, 50) == pytest.approx(0.5**exponent)


def test_zero_prices_are_interpolated_linearly():
    ladder = Ladder([(100, 100, 0.0), (200, 200, 4.0), (300, 300, 0.0)], 3)
    assert ladder.seconds(150, 150) == 2.0
    assert ladder.seconds(275, 275) == 1.0
    assert ladder.seconds(50, 50) == 0.0
    assert ladder.seconds(600, 600) == 0.0


def test_measured_sizes_keep_their_number():
    ladder = Ladder([(100, 100, 0.1), (200, 200, 0.7), (200, 400, 1.5)], 3)
    assert ladder.seconds(200, 200) == 0.7
    assert ladder.seconds(200, 400) == 1.5
    assert ladder.seconds(200, 800) == pytest.approx(3.0)
    assert ladder.seconds(100, 400) == pytest.approx(0.4)
    assert math.isclose(ladder.seconds(200, 100), 0.35)
