"""Least errors of fits without the safety rule against linear algebra and linear programs."""

import numpy as np
import pytest
from scipy.optimize import linprog

from matrl.coefficients import fitted_coefficients
from matrl.discovery.reach.first_fits import FirstFits


def points(seed, count=60):
    return np.sort(np.random.default_rng(seed).uniform(0.1, 1.0, count))


def references(k, x, terms):
    """Values at x of the Taylor polynomials, which lack something of 1."""
    return np.stack([x * (1.0 + t - t * x**k) / (1.0 + t) for t in terms])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_least_mean_square_is_that_of_least_squares(k):
    terms = [2, 3, 5]
    x = np.stack([points(1), points(2)])
    shares = np.random.default_rng(3).dirichlet(np.ones(60))
    misses = np.stack([1.0 - references(k, one, terms) for one in x])
    found = FirstFits(k, terms).least(x, misses, shares)
    for row, one in enumerate(x):
        for column, count in enumerate(terms):
            design = one[:, None] * (one[:, None] ** k) ** np.arange(count)
            root = np.sqrt(shares)
            solution = np.linalg.lstsq(root[:, None] * design, root, rcond=None)[0]
            expected = np.linalg.norm(root * (design @ solution - 1.0))
            assert found[row, column] == pytest.approx(expected, rel=1e-6)


def test_points_that_a_polynomial_meets_leave_no_error():
    x = np.array([[0.3, 0.3, 0.7, 1.0]])
    misses = 1.0 - references(2, x[0], [3])[None]
    assert FirstFits(2, [3]).least(x, misses, np.full(4, 0.25)) < 1e-7


def test_the_greatest_error_is_nearly_that_of_the_linear_program():
    terms, x = [2, 4], points(4, 200)
    misses = 1.0 - references(2, x, terms)
    bounds, values, safe = FirstFits(2, terms).fitted(x, misses, np.ones(200), greatest=True)
    assert safe.all()
    for row, count in enumerate(terms):
        design = x[:, None] * (x[:, None] ** 2) ** np.arange(count)
        ones = np.ones((200, 1))
        above = np.block([[design, -ones], [-design, -ones]])
        right = np.concatenate([np.ones(200), -np.ones(200)])
        cost = np.append(np.zeros(count), 1.0)
        best = linprog(cost, above, right, bounds=[(None, None)] * count + [(0.0, None)]).fun
        assert best * 0.9 <= bounds[row] <= best * (1.0 + 1e-9)
        assert np.abs(values[row] - 1.0).max() <= best * 1.25


@pytest.mark.parametrize("aggregate", ["max", "rms"])
def test_fits_under_the_safety_rule_are_no_better(aggregate):
    x, terms = 0.5 + 0.5 * points(5), [2, 3]
    shares = np.full(60, 1.0 if aggregate == "max" else 1.0 / 60)
    misses = 1.0 - references(2, x, terms)
    greatest = aggregate == "max"
    bounds, values, _ = FirstFits(2, terms).fitted(x, misses, shares, greatest=greatest)
    for row, count in enumerate(terms):
        c = fitted_coefficients(2, count - 1, x, shares, aggregate=aggregate, upper=1.0, cap=2.0)
        errors = x * np.polyval(c[::-1], x**2) - 1.0
        error = np.abs(errors).max() if greatest else np.sqrt(np.mean(errors**2))
        assert bounds[row] <= error * (1.0 + 1e-9)
        if not greatest:  # these fits keep the rule anyway
            np.testing.assert_allclose(values[row], errors + 1.0, atol=1e-9)


def test_a_fit_that_explodes_beyond_the_points_is_not_safe():
    x = np.concatenate([np.linspace(0.1, 0.12, 30), [0.5, 1.0]])
    misses = 1.0 - references(2, x, [4])
    shares = np.full(30, 1.0 / 30)
    _, _, safe = FirstFits(2, [4]).fitted(x, misses, shares, greatest=False)
    assert not safe.any()
