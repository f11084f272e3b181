"""Best polynomial updates and their critical points."""

import math
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import (
    minimax_coefficients,
    polynomial_critical_points,
    series_coefficients,
    zolotarev_degree,
)
from matrl.errors import InputError

RATIOS = [1e-8, 1e-5, 1e-3, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1 - 1e-5, 1 - 1e-9, 1 - 1e-15, 1.0]
EPSILON = 2.0**-52


def exact_value(root_index: int, coefficients: tuple[float, ...], x: float) -> Fraction:
    """Return x p(x^k) at float coefficients, exactly."""
    m, value = Fraction(x) ** root_index, Fraction(0)
    for coefficient in reversed(coefficients):
        value = value * m + Fraction(coefficient)
    return value * Fraction(x)


def exact_error(root_index: int, coefficients: tuple[float, ...], x: float) -> float:
    """Return x p(x^k) - 1 at float coefficients, rounded once."""
    return float(exact_value(root_index, coefficients, x) - 1)


def rounding(root_index: int, coefficients: tuple[float, ...], upper: float) -> float:
    """Return what rounding the coefficients alone does to x p(x^k)."""
    return EPSILON * math.fsum(
        abs(c) * upper ** (1 + root_index * i) for i, c in enumerate(coefficients)
    )


@pytest.mark.parametrize("kappa", [1.01, 10.0, 1e3, 1e6, 1e10])
@pytest.mark.parametrize("root_index", [9, 16, 31, 64])
def test_equioscillation_for_large_root_indices(root_index: int, kappa: float) -> None:
    check_equioscillation(root_index, kappa ** (-1.0 / root_index), range(5))


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("root_index", range(1, 9))
def test_equioscillation(root_index: int, ratio: float) -> None:
    check_equioscillation(root_index, ratio, range(9))


def check_equioscillation(root_index: int, ratio: float, degrees: range) -> None:
    # d + 2 alternations of equal size are both necessary and sufficient for optimality
    for degree in degrees:
        coefficients = minimax_coefficients(root_index, degree, ratio, 1.0)
        assert len(coefficients) == degree + 1
        assert coefficients[0] > 0.0
        noise = rounding(root_index, coefficients, 1.0)
        critical = polynomial_critical_points(root_index, coefficients, ratio, 1.0)
        errors = [exact_error(root_index, coefficients, x) for x in (ratio, *critical, 1.0)]
        greatest = max(abs(error) for error in errors)
        if greatest > 100.0 * noise:
            assert len(errors) == degree + 2
            for index, error in enumerate(errors):
                signed = error * (-1) ** (index + 1)
                assert abs(signed - greatest) <= 1e-9 * greatest + 6.0 * noise
        assert greatest < 1.0


def remez(root_index: int, degree: int, lower: Any) -> tuple[Any, list[Any]]:
    """Return the least max |x p(x^k) - 1| on [lower, 1] and where it is attained, in powers of x.

    An exchange on the plain system in powers of x, affordable at many digits only.
    """
    powers = [1 + root_index * i for i in range(degree + 1)]
    points = [
        (1 + lower) / 2 - (1 - lower) / 2 * mpmath.cos(mpmath.pi * i / (degree + 1))
        for i in range(degree + 2)
    ]
    for _ in range(60):
        system = mpmath.matrix(degree + 2, degree + 2)
        for row, x in enumerate(points):
            for column, power in enumerate(powers):
                system[row, column] = x**power
            system[row, degree + 1] = (-1) ** row
        solution = list(mpmath.lu_solve(system, mpmath.ones(degree + 2, 1)))
        derivative = [power * c for power, c in zip(powers, solution, strict=False)]
        roots = mpmath.polyroots(derivative[::-1], maxsteps=200, extraprec=2 * mpmath.mp.prec)
        points = [lower, *sorted(mpmath.root(mpmath.re(r), root_index) for r in roots), 1]
        errors = [abs(x * mpmath.polyval(solution[-2::-1], x**root_index) - 1) for x in points]
        if max(errors) - abs(solution[-1]) <= mpmath.mpf(10) ** -14 * max(errors):
            return max(errors), points
    raise AssertionError("the reference exchange did not converge")


@pytest.mark.parametrize(
    ("root_index", "degree", "ratio"),
    [
        *((k, d, r) for k in range(1, 9) for d in range(1, 5) for r in (1e-8, 0.03, 0.9)),
        *((1, d, 1e-3) for d in range(5, 9)),
        *((k, 3, 1 - 1e-12) for k in (1, 2, 5, 8)),
    ],
)
def test_against_an_exchange_in_high_precision(root_index: int, degree: int, ratio: float) -> None:
    coefficients = minimax_coefficients(root_index, degree, ratio, 1.0)
    with mpmath.workdps(90):
        least, points = remez(root_index, degree, mpmath.mpf(ratio))
        exact = [mpmath.mpf(c) for c in reversed(coefficients)]
        errors = [x * mpmath.polyval(exact, x**root_index) - 1 for x in points]
        noise = rounding(root_index, coefficients, 1.0)
        # no polynomial is better than `least`, and ours is no worse; it alternates at the same x
        for index, error in enumerate(errors):
            assert abs(error * (-1) ** (index + 1) - least) <= 1e-10 * least + 2.0 * noise


@pytest.mark.parametrize("root_index", [2, 3, 5])
@pytest.mark.parametrize("degree", [1, 2, 4])
def test_no_nudged_polynomial_is_better(root_index: int, degree: int) -> None:
    lower, upper = 0.2, 1.0
    best = minimax_coefficients(root_index, degree, lower, upper)
    grid = [lower + (upper - lower) * i / 2000 for i in range(2001)]

    def worst(coefficients: tuple[float, ...]) -> float:
        return max(
            abs(x * sum(c * x ** (root_index * i) for i, c in enumerate(coefficients)) - 1)
            for x in grid
        )

    reached = worst(best)
    for index in range(degree + 1):
        for factor in (1 - 1e-3, 1 + 1e-3):
            nudged = list(best)
            nudged[index] *= factor
            assert worst(tuple(nudged)) > reached


@pytest.mark.parametrize("degree", range(1, 9))
@pytest.mark.parametrize("lower", [1e-8, 0.1, 0.8])
def test_inverse_is_a_chebyshev_residual(degree: int, lower: float) -> None:
    upper, order = 1.0, degree + 1
    coefficients = minimax_coefficients(1, degree, lower, upper)
    bottom = math.cosh(order * math.acosh((upper + lower) / (upper - lower)))
    for i in range(21):
        cosine = math.cos(math.pi * i / 20)
        x = (upper + lower - (upper - lower) * cosine) / 2
        expected = math.cos(order * math.pi * i / 20) / bottom
        assert -exact_error(1, coefficients, x) == pytest.approx(
            expected, abs=1e-9 + 8 * rounding(1, coefficients, 1.0), rel=1e-9
        )


def test_cubic_closed_form() -> None:
    # h(l) = h(1) puts the square of the interior extremum at (1 + l + l^2)/3
    lower = 0.1
    first, second = minimax_coefficients(2, 1, lower, 1.0)
    peak = math.sqrt((1 + lower + lower**2) / 3)
    assert polynomial_critical_points(2, (first, second), lower, 1.0) == pytest.approx((peak,))
    assert -first / second == pytest.approx(1 + lower + lower**2, rel=1e-15)


def test_published_degree_five_composition() -> None:
    # The list printed in arXiv:2505.16932 (Polar Express): lower 1e-3, each interval cut at
    # cushion times upper, and each p then scaled so that the true ends are centred at 1.
    published = [
        (8.28721201814563, -23.595886519098837, 17.300387312530933),
        (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
        (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
        (3.3184196573706015, -2.488488024314874, 0.51004894012372),
        (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
        (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
        (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
        (1.875, -1.25, 0.375),
    ]
    cushion, lower, upper = 0.02407327424182761, 1e-3, 1.0
    for expected in published:
        raw = minimax_coefficients(2, 2, max(lower, cushion * upper), upper)
        ends = [1.0 + exact_error(2, raw, x) for x in (lower, upper)]
        factor = 2.0 / sum(ends)
        assert [c * factor for c in raw] == pytest.approx(expected, rel=1e-9)
        lower, upper = ends[0] * factor, ends[1] * factor


def test_greedy_degree_five_composition() -> None:
    lower, upper = 1e-3, 1.0
    lowers: list[float] = []
    for step in range(1, 9):
        coefficients = minimax_coefficients(2, 2, lower, upper)
        lower = 1.0 + exact_error(2, coefficients, lower)
        upper = 2.0 - lower
        lowers.append(lower)
        if 1.0 - lower > 1e-12:  # no composition of total degree 5^step gets closer than Zolotarev
            assert 5**step >= zolotarev_degree(1e-3, 1.0, 1.0 - lower)
    # p(0) is the growth of a small lower end
    assert lowers[0] / 1e-3 == pytest.approx(8.4703, abs=1e-3)
    assert lowers[:6] == sorted(lowers[:6])
    assert 0.8865 < lowers[4] < 0.8866
    assert abs(lowers[7] - 1.0) < 1e-8


@pytest.mark.parametrize("root_index", range(1, 9))
@pytest.mark.parametrize("degree", range(9))
def test_point_interval_is_the_scaled_series(root_index: int, degree: int) -> None:
    series = series_coefficients(root_index, degree)
    for lower in (2.0, math.nextafter(2.0, 0.0)):
        found = minimax_coefficients(root_index, degree, lower, 2.0)
        expected = [c / 2.0 ** (1 + root_index * i) for i, c in enumerate(series)]
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("root_index", range(2, 9))
@pytest.mark.parametrize("degree", range(2, 9))
def test_no_jump_where_the_remainder_changes_form(root_index: int, degree: int) -> None:
    switch = (1.0 / 3.0) ** (1.0 / root_index)  # half width over centre of m is 1/2
    low = minimax_coefficients(root_index, degree, switch * (1 - 1e-13), 1.0)
    high = minimax_coefficients(root_index, degree, switch * (1 + 1e-13), 1.0)
    assert low == pytest.approx(high, rel=1e-9)


@given(
    st.integers(1, 8),
    st.integers(0, 8),
    st.one_of(st.floats(-8.0, 0.0).map(lambda e: 10.0**e), st.floats(1 - 1e-6, 1.0)),
    st.floats(0.0, 1.0),
    st.integers(-4, 4),
)
def test_image_positivity_and_scaling(
    root_index: int, degree: int, ratio: float, where: float, power: int
) -> None:
    coefficients = minimax_coefficients(root_index, degree, ratio, 1.0)
    noise = 8.0 * rounding(root_index, coefficients, 1.0)
    error = -exact_error(root_index, coefficients, ratio)
    x = min(1.0, ratio ** (1.0 - where))
    assert abs(exact_error(root_index, coefficients, x)) <= abs(error) + noise
    for point in (x, ratio * where, where):
        if point > 0.0:
            assert exact_value(root_index, coefficients, point) > 0
    assert coefficients[0] > 0.0
    scale = 2.0**power
    scaled = minimax_coefficients(root_index, degree, ratio * scale, scale)
    expected = tuple(c / scale ** (1 + root_index * i) for i, c in enumerate(coefficients))
    assert scaled == expected


@given(st.integers(1, 4), st.lists(st.floats(0.1, 0.9), min_size=1, max_size=4), st.floats(0.5, 9))
def test_critical_points_are_found(root_index: int, roots: list[float], upper: float) -> None:
    spread = sorted({round(root, 1) for root in roots})
    derivative = [1.0]
    for root in spread:
        m = (root * upper) ** root_index
        derivative = [
            a - m * b for a, b in zip([0.0, *derivative], [*derivative, 0.0], strict=True)
        ]
    coefficients = [c / (1 + root_index * i) for i, c in enumerate(derivative)]
    found = polynomial_critical_points(root_index, coefficients, 0.05 * upper, upper)
    assert found == pytest.approx([root * upper for root in spread], rel=1e-7)


def test_critical_points_without_any() -> None:
    assert polynomial_critical_points(2, (1.0,), 0.1, 1.0) == ()
    assert polynomial_critical_points(2, (1.0, 1.0), 0.1, 1.0) == ()
    assert polynomial_critical_points(2, (1.5, -0.5, 0.0), 0.1, 1.0) == ()
    assert polynomial_critical_points(2, (0.0, 0.0), 0.1, 1.0) == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2, 0.1, 1.0), r"^root_index is 0, out of range; pass an integer at least 1"),
        ((2, -1, 0.1, 1.0), r"^degree is -1, out of range; pass an integer in 0\.\.16"),
        ((2, 2.5, 0.1, 1.0), r"^degree is 2.5, which is not an integer"),
        ((2, 2, 0.0, 1.0), r"^lower is 0.0, which is not positive"),
        ((2, 2, 2.0, 1.0), r"^lower is 2.0, which exceeds upper = 1.0"),
        ((2, 2, float("nan"), 1.0), r"^lower is nan, which is not finite"),
        ((2, 2, 0.1, float("nan")), r"^upper is nan, which is not finite"),
        ((2, 2, None, 1.0), r"^lower is None, which is not a float"),
        ((8, 8, 1e99, 1e100), r"^upper is 1e\+100, so far from 1.*scale x"),
        ((8, 8, 1e-101, 1e-100), r"^upper is 1e-100, so far from 1.*scale x"),
    ],
)
def test_bad_input(arguments: tuple[int, int, float, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        minimax_coefficients(*arguments)


def test_bad_coefficients() -> None:
    with pytest.raises(InputError, match=r"^coefficients is empty"):
        polynomial_critical_points(2, (), 0.1, 1.0)
    with pytest.raises(InputError, match=r"^coefficients is nan, which is not finite"):
        polynomial_critical_points(2, (1.0, float("nan")), 0.1, 1.0)
    with pytest.raises(InputError, match=r"^upper is 1e\+300, so far from 1 that p overflows"):
        polynomial_critical_points(2, (1.0, 1.0), 1e299, 1e300)
