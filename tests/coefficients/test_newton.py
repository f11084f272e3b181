"""Optimally scaled Newton step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import newton_scaling
from matrl.errors import InputError


def newton_map(x: float, scaling: float, centre: float) -> float:
    """Return x p(x^2)."""
    return centre * (scaling * x + 1.0 / (scaling * x)) / 2.0


def test_known_value() -> None:
    assert newton_scaling(0.25, 4.0) == (1.0, 0.64)


def test_point_is_sent_to_one() -> None:
    scaling, centre = newton_scaling(3.0, 3.0)
    assert centre == pytest.approx(1.0, rel=1e-15)
    assert newton_map(3.0, scaling, centre) == pytest.approx(1.0, rel=1e-15)


@given(st.floats(-14.0, 0.0), st.floats(-3.0, 3.0), st.floats(0.0, 1.0))
def test_image_is_centred(exponent: float, size: float, where: float) -> None:
    upper = 10.0**size
    lower = upper * 10.0**exponent
    scaling, centre = newton_scaling(lower, upper)
    error = 1.0 - centre
    for end in (lower, upper):
        assert newton_map(end, scaling, centre) == pytest.approx(1.0 + error, rel=1e-14)
    middle = math.sqrt(lower) * math.sqrt(upper)
    assert newton_map(middle, scaling, centre) == pytest.approx(1.0 - error, rel=1e-14)
    inside = lower * (upper / lower) ** where
    assert abs(newton_map(inside, scaling, centre) - 1.0) <= error + 1e-14


def test_bad_interval() -> None:
    with pytest.raises(InputError, match=r"^lower is 0.0, which is not positive; pass"):
        newton_scaling(0.0, 1.0)
    with pytest.raises(InputError, match=r"^upper is 5e-324, so far from 1"):
        newton_scaling(5e-324, 5e-324)
