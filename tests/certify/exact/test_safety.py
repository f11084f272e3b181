"""Positivity is proved of what is positive, of nothing else, and in little time."""

import time

from matrl.certify.exact.intervals import point
from matrl.certify.exact.maps import PolynomialMap, RationalMap
from matrl.certify.exact.safety import is_positive


def test_a_polynomial_with_a_fourfold_zero_is_given_up_soon() -> None:
    started = time.monotonic()
    assert not is_positive(PolynomialMap(2, (1.0, -4.0, 6.0, -4.0, 1.0)), 1.5)
    assert time.monotonic() - started < 5.0


def test_the_polynomial_that_underflows_to_nothing_is_given_up_soon() -> None:
    started = time.monotonic()
    assert not is_positive(PolynomialMap(4, (5e-324, 0.0)), 1.5)
    assert time.monotonic() - started < 5.0


def test_a_fraction_that_may_be_zero_is_not_positive() -> None:
    almost_nothing = point(0.0) * 0.5  # rounded outward, its upper end is positive
    assert not is_positive(RationalMap(2, almost_nothing, (almost_nothing,), (point(0.0),)), 1.0)
    assert is_positive(RationalMap(2, almost_nothing, (point(1.0),), (point(0.0),)), 1.0)
