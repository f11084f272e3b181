"""Interpolated ranges against exact ones, and the degree a range asks for."""

import math

import numpy as np
import pytest

from matrl.coefficients import chebyshev_degree, zolotarev_degree
from matrl.discovery.bounds.degrees import MissingDegree
from matrl.discovery.reach.range_table import range_table
from matrl.iterations import UPDATES, DirectMethod
from matrl.readings.scalar import image

ROOT_INDICES = [1, 2, 3, 8]


def oscillating(root_index):
    return tuple(
        update
        for update in UPDATES
        if not isinstance(update, DirectMethod)
        and update.supports(root_index)
        and update.equioscillates
    )


def exact(update, k, spread):
    """Return (1 - E, E) on [l, 1] with this spread, from the coefficients."""
    ratio = 1.0 / (1.0 + math.exp(spread))
    lower, upper = image(update, k, tuple(update.coefficients(k, ratio, 1.0)), ratio, 1.0)
    return lower, 0.5 * (upper - lower)


@pytest.mark.parametrize("k", ROOT_INDICES)
def test_interpolated_ranges_are_those_of_the_coefficients(k):
    updates = oscillating(k)
    assert len(updates) >= 8
    spreads = np.random.default_rng(k).uniform(-16.0, 14.0, 12)
    logits = range_table(updates, k).after(spreads)
    checked = 0
    for spread, row in zip(spreads.tolist(), logits, strict=True):
        for update, logit in zip(updates, row.tolist(), strict=True):
            least, gap = exact(update, k, spread)
            if gap < 1e-10:
                continue
            checked += 1
            found = 1.0 / (1.0 + math.exp(logit))
            # Where E can hardly be measured, the order of convergence takes over.
            rel = 3e-5 if gap > 1e-7 else 2e-2
            assert found == pytest.approx(gap, rel=rel), (update.name, spread)
            assert 1.0 / (1.0 + math.exp(-logit)) == pytest.approx(least, rel=3e-5)
    assert checked > 40


@pytest.mark.parametrize("k", ROOT_INDICES)
def test_narrow_ranges_go_on_by_the_order_of_convergence(k):
    """E itself cannot be measured there; the next one is E^p times a constant."""
    updates = oscillating(k)
    spreads = np.array([-30.0, -31.0])
    first, second = range_table(updates, k).after(spreads)
    orders = [update.order(k) for update in updates]
    assert second - first == pytest.approx(orders, rel=1e-9)


def test_a_range_that_is_a_point_or_none():
    updates = oscillating(2)
    at_a_point, none = range_table(updates, 2).after(np.array([-math.inf, math.nan]))
    assert np.all(at_a_point > 36.0)
    assert np.all(np.isnan(none))


def test_a_range_beyond_a_rule_has_no_outcome():
    values = range_table(oscillating(2), 2).after(np.array([57.0]))
    assert np.all(np.isnan(values) | (values < 0.0))


@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-8, 1e-14])
def test_the_missing_degree_is_a_close_lower_bound(tol):
    spreads = np.random.default_rng(0).uniform(-12.0, 30.0, 50)
    ends = [(1.0 / (1.0 + math.exp(s)), 1.0) for s in spreads.tolist()]
    found = MissingDegree(2, tol, only_polynomials=False)(spreads)
    known = np.log(np.maximum([zolotarev_degree(*e, tol) for e in ends], 1.0))
    assert np.all(found <= known + 1e-12)
    assert np.all(found >= known - 5e-3)


@pytest.mark.parametrize(("k", "tol"), [(1, 1e-2), (1, 1e-9), (3, 1e-4)])
def test_the_missing_degree_of_polynomials_in_m(k, tol):
    spreads = np.random.default_rng(0).uniform(-8.0, 14.0, 50)
    ends = [((1.0 + math.exp(s)) ** -float(k), 1.0) for s in spreads.tolist()]
    error = math.expm1(k * math.log1p(tol))
    known = np.log(np.maximum([chebyshev_degree(*e, error) for e in ends], 1.0))
    found = MissingDegree(k, tol, only_polynomials=True)(spreads)
    assert found == pytest.approx(known, rel=1e-6, abs=1e-6)


def test_nothing_is_missing_where_nothing_is_known():
    rational = MissingDegree(3, 1e-4, only_polynomials=False)
    assert np.all(rational(np.array([3.0, -math.inf, math.nan])) == 0.0)
    assert np.all(MissingDegree(1, 1e-4, only_polynomials=True)(np.array([-math.inf])) == 0.0)


def test_a_tolerance_no_float_can_reach_asks_for_a_finite_degree():
    assert np.isfinite(MissingDegree(1, 1e-30, only_polynomials=True)(np.array([5.0]))).all()
    assert np.isfinite(MissingDegree(2, 1e-30, only_polynomials=False)(np.array([5.0]))).all()
