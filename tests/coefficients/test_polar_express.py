"""Greedy composition of minimax polynomials, against arXiv:2505.16932 in high precision.

The Polar Express composes, on sigma in [lower, 1], the odd polynomial of fixed degree that is
best on the interval the last one left, [1 - E, 1 + E]. The expected errors E are computed here, by
a Remez exchange for odd polynomials in mpmath that shares nothing with the library.
"""

import functools
from typing import Any

import mpmath
import pytest

from matrl.coefficients import minimax_coefficients

# In powers of x the exchange on [1 - E, 1 + E] is singular to E^3 for degree 7.
DIGITS = 110
EPSILON = 2.0**-52


def odd_value(coefficients: list[Any], x: Any) -> Any:
    """Return sum_j coefficients[j] x^(2j+1)."""
    return x * mpmath.polyval(coefficients[::-1], x * x)


def odd_remez(degree: int, lower: Any, upper: Any) -> tuple[list[Any], Any]:
    """Return the odd polynomial of this degree closest to 1 on [lower, upper], and its error."""
    terms = (degree + 1) // 2
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    points = [middle - half * mpmath.cos(mpmath.pi * i / terms) for i in range(terms + 1)]
    for _ in range(60):
        system = mpmath.matrix(terms + 1, terms + 1)
        for row, x in enumerate(points):
            for column in range(terms):
                system[row, column] = x ** (2 * column + 1)
            system[row, terms] = (-1) ** row
        solution = list(mpmath.lu_solve(system, mpmath.ones(terms + 1, 1)))
        coefficients, level = solution[:-1], abs(solution[-1])
        derivative = [(2 * j + 1) * c for j, c in enumerate(coefficients)]
        squares = mpmath.polyroots(derivative[::-1], maxsteps=200, extraprec=2 * mpmath.mp.prec)
        inner = sorted(mpmath.sqrt(mpmath.re(square)) for square in squares)
        points = [lower, *inner, upper]
        greatest = max(abs(odd_value(coefficients, x) - 1) for x in points)
        if greatest - level <= mpmath.mpf(10) ** -12 * level:
            return coefficients, greatest
    raise AssertionError("the reference exchange did not converge")


@functools.cache
def expected_errors(degree: int, lower: str, steps: int) -> tuple[Any, ...]:
    """Return the worst-case errors of the first steps of the greedy composition on [lower, 1]."""
    with mpmath.workdps(DIGITS):
        low, high = mpmath.mpf(lower), mpmath.mpf(1)
        errors: list[Any] = []
        for _ in range(steps):
            _, error = odd_remez(degree, low, high)
            errors.append(error)
            low, high = 1 - error, 1 + error
        return tuple(errors)


# The last E but one and the last: 9e-12, 6e-23 for degree 3; 5e-10, 7e-29 for 5; 2e-4, 8e-16 for 7.
# Below about 1e-10 the tolerance is that of rounding the coefficients to double precision.
@pytest.mark.parametrize(("degree", "steps"), [(3, 12), (5, 8), (7, 6)])
def test_step_by_step(degree: int, steps: int) -> None:
    expected = expected_errors(degree, "1e-3", steps)
    assert expected[0] > 0.98
    assert expected[-1] < 1e-15
    lower, upper = 1e-3, 1.0
    for error in expected:
        coefficients = minimax_coefficients(2, degree // 2, lower, upper)
        noise = EPSILON * sum(abs(c) * upper ** (2 * j + 1) for j, c in enumerate(coefficients))
        with mpmath.workdps(DIGITS):
            exact = [mpmath.mpf(c) for c in coefficients]
            ends = [odd_value(exact, mpmath.mpf(x)) - 1 for x in (lower, upper)]
            reached = max(abs(end) for end in ends)
        assert abs(reached - error) <= 1e-6 * error + 8.0 * noise
        lower, upper = float(1 - reached), float(1 + reached)


def test_composed_map_has_the_errors_of_its_steps() -> None:
    # Simulated over the whole interval, not at the ends: the composition as a function of sigma.
    steps = 5
    expected = expected_errors(5, "1e-3", 8)[:steps]
    grid = [1e-3 ** (1 - i / 20000) for i in range(20001)]
    values = list(grid)
    lower, upper = 1e-3, 1.0
    for error in expected:
        first, second, third = minimax_coefficients(2, 2, lower, upper)
        values = [x * (first + x * x * (second + x * x * third)) for x in values]
        worst = max(abs(value - 1.0) for value in values)
        # attained at the lower end, which is on the grid; the steps before amplify rounding there
        assert worst == pytest.approx(float(error), rel=1e-9)
        lower, upper = float(1 - error), float(1 + error)


def test_cubic_closed_form_chain() -> None:
    # h = b x (s - x^2) with s = 1 + l + l^2 on [l, 1]: E = (high - low)/(high + low)
    with mpmath.workdps(DIGITS):
        low, high = mpmath.mpf("1e-3"), mpmath.mpf(1)
        for error in expected_errors(3, "1e-3", 12):
            ratio = low / high
            total = 1 + ratio + ratio**2
            highest = 2 * (total / 3) ** mpmath.mpf("1.5")
            lowest = total - 1
            assert abs((highest - lowest) / (highest + lowest) / error - 1) < 1e-10
            low, high = 1 - error, 1 + error
