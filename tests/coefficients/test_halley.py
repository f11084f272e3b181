"""Dynamically weighted Halley step."""

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import PartialFractions, dynamically_weighted_halley, zolotarev
from matrl.errors import InputError


def evaluate(p: PartialFractions, m: float) -> float:
    """Return p(m)."""
    return p.constant + sum(w / (m + s) for w, s in zip(p.weights, p.shifts, strict=True))


def test_point_gives_classical_halley() -> None:
    p = dynamically_weighted_halley(2.0, 2.0)
    for m in (0.3, 4.0, 9.0):
        assert evaluate(p, m) == pytest.approx((3 + m / 4) / (1 + 3 * m / 4) / 2, rel=1e-15)


@pytest.mark.parametrize("lower", [1e-14, 1e-8, 1e-3, 0.1, 0.5, 0.99, 1 - 1e-9, 1 - 1e-15])
def test_weights_against_fifty_digits(lower: float) -> None:
    p = dynamically_weighted_halley(lower, 1.0)
    with mpmath.workdps(50):
        low = mpmath.mpf(lower)
        gamma = mpmath.cbrt(4 * (1 - low**2) / low**4)
        root = mpmath.sqrt(1 + gamma)
        a = root + mpmath.sqrt(8 - 4 * gamma + 8 * (2 - low**2) / (low**2 * root)) / 2
        b = (a - 1) ** 2 / 4
        c = a + b - 1
        assert abs(p.constant / (b / c) - 1) < 1e-14
        assert abs(p.weights[0] / ((a - b / c) / c) - 1) < 1e-14
        assert abs(p.shifts[0] * c - 1) < 1e-14


@pytest.mark.parametrize("lower", [1e-12, 1e-3, 0.3, 0.9, 1 - 1e-6])
def test_is_the_one_pole_zolotarev_map_uncentred(lower: float) -> None:
    p, q = dynamically_weighted_halley(lower, 1.0), zolotarev(lower, 1.0, 1)
    factor = q.constant / p.constant
    assert q.weights[0] / p.weights[0] == pytest.approx(factor, rel=1e-13)
    assert q.shifts[0] == pytest.approx(p.shifts[0], rel=1e-13)


@given(st.floats(-12.0, 0.0), st.floats(0.0, 1.0), st.integers(-20, 20))
def test_image_lies_between_that_of_lower_and_one(
    exponent: float, where: float, power: int
) -> None:
    lower, upper = 10.0**exponent * 2.0**power, 2.0**power
    p = dynamically_weighted_halley(lower, upper)
    least = lower * evaluate(p, lower * lower)
    x = min(upper, lower * (upper / lower) ** where)
    assert 0.0 < least * (1.0 - 1e-13) <= x * evaluate(p, x * x) <= 1.0 + 1e-14
    assert upper * evaluate(p, upper * upper) == pytest.approx(1.0, rel=1e-14)


def test_bad_interval() -> None:
    with pytest.raises(InputError, match=r"^lower is -1.0, which is not positive"):
        dynamically_weighted_halley(-1.0, 1.0)
    with pytest.raises(InputError, match=r"^upper is 1e\+200, so far from 1.*scale x"):
        dynamically_weighted_halley(1e199, 1e200)
