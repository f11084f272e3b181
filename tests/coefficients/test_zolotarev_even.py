"""Zolotarev's maps of even degree, and compositions of both kinds."""

from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import (
    PartialFractions,
    newton_scaling,
    zolotarev,
    zolotarev_degree,
    zolotarev_even,
    zolotarev_even_critical_points,
)
from matrl.errors import InputError

LOWERS = [1e-14, 1e-10, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 0.707, 0.708, 0.99, 1 - 1e-6, 1 - 1e-9]


def evaluate(p: PartialFractions, x: Any) -> Any:
    """Return x p(x^2)."""
    return x * (p.constant + sum(w / (x * x + s) for w, s in zip(p.weights, p.shifts, strict=True)))


def zolotarev_of_degree(lower: float, upper: float, degree: int) -> PartialFractions:
    """Return the best map of this degree in x, odd or even."""
    if degree % 2:
        return zolotarev(lower, upper, degree // 2)
    return zolotarev_even(lower, upper, degree // 2)


def reference(lower: float, poles: int) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """Return constant, weights, shifts and critical points on [lower, 1] by mpmath."""
    low = mpmath.mpf(lower)
    modulus = 1 - low**2
    quarter = mpmath.ellipk(modulus)
    arguments = [i * quarter / (2 * poles) for i in range(1, 2 * poles)]
    nodes = [low**2 * mpmath.ellipfun("sc", u, m=modulus) ** 2 for u in arguments]
    zeros, shifts = nodes[0::2], [mpmath.mpf(0), *nodes[1::2]]
    points = [mpmath.ellipfun("dn", u, m=modulus) for u in reversed(arguments)]

    def uncentred(x: Any) -> Any:
        return x * mpmath.fprod((x**2 + z) / (x**2 + s) for z, s in zip(zeros, shifts, strict=True))

    centre = 2 / (uncentred(mpmath.mpf(1)) + uncentred(points[0]))
    weights = [
        centre
        * mpmath.fprod(z - pole for z in zeros)
        / mpmath.fprod(s - pole for s in shifts if s != pole)
        for pole in shifts
    ]
    return centre, weights, shifts, points


@pytest.mark.parametrize("lower", LOWERS)
@pytest.mark.parametrize("poles", range(1, 9))
def test_against_fifty_digits(lower: float, poles: int) -> None:
    with mpmath.workdps(50):
        constant, weights, shifts, points = reference(lower, poles)
        p = zolotarev_even(lower, 1.0, poles)
        assert p.shifts[0] == 0.0
        pairs = [(p.constant, constant)]
        pairs += list(zip(p.weights, weights, strict=True))
        pairs += list(zip(p.shifts[1:], shifts[1:], strict=True))
        critical = zolotarev_even_critical_points(lower, 1.0, poles)
        pairs += list(zip(critical, points, strict=True))
        assert max(abs(ours / theirs - 1) for ours, theirs in pairs) < 2e-14


@pytest.mark.parametrize("lower", [1e-14, 1e-6, 1e-3, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("poles", range(1, 9))
def test_equioscillation(lower: float, poles: int) -> None:
    p = zolotarev_even(lower, 1.0, poles)
    points = (lower, *zolotarev_even_critical_points(lower, 1.0, poles), 1.0)
    assert len(points) == 2 * poles + 1
    assert list(points) == sorted(set(points))
    with mpmath.workdps(50):
        errors = [evaluate(p, mpmath.mpf(x)) - 1 for x in points]
        greatest = max(abs(error) for error in errors)
        for index, error in enumerate(errors):
            assert abs(error * (-1) ** index - greatest) <= 1e-9 * greatest + 1e-14


@given(st.floats(-14.0, 0.0), st.floats(-3.0, 3.0))
def test_one_pole_is_newton(exponent: float, size: float) -> None:
    upper = 10.0**size
    lower = upper * 10.0**exponent
    scaling, centre = newton_scaling(lower, upper)
    p = zolotarev_even(lower, upper, 1)
    assert p.constant == pytest.approx(centre * scaling / 2, rel=1e-14)
    assert p.weights == (pytest.approx(centre / scaling / 2, rel=1e-14),)
    assert p.shifts == (0.0,)


def test_point_interval() -> None:
    p = zolotarev_even(3.0, 3.0, 4)
    assert evaluate(p, 3.0) == pytest.approx(1.0, rel=1e-14)
    assert evaluate(p, 3.1) == pytest.approx(1.0, rel=1e-10)
    assert zolotarev_even_critical_points(3.0, 3.0, 4) == (3.0,) * 7


@given(st.floats(-14.0, 0.0), st.integers(1, 8), st.floats(0.0, 1.0), st.integers(-20, 20))
def test_image_positivity_and_scaling(
    exponent: float, poles: int, where: float, power: int
) -> None:
    lower = 10.0**exponent
    p = zolotarev_even(lower, 1.0, poles)
    assert min(p.constant, *p.weights) > 0.0
    assert min(p.shifts[1:], default=1.0) > 0.0
    error = evaluate(p, 1.0) - 1.0
    x = min(1.0, lower ** (1.0 - where))
    assert abs(evaluate(p, x) - 1.0) <= error + 1e-13
    scale = 2.0**power
    scaled = zolotarev_even(lower * scale, scale, poles)
    assert scaled.constant == p.constant / scale
    assert scaled.weights == tuple(weight * scale for weight in p.weights)
    assert scaled.shifts == tuple(shift * scale * scale for shift in p.shifts)


@pytest.mark.parametrize("lower", [1e-14, 1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("poles", range(1, 6))
def test_degree_of_a_map_is_its_degree(lower: float, poles: int) -> None:
    error = evaluate(zolotarev_even(lower, 1.0, poles), 1.0) - 1.0
    if error > 1e-8:
        assert zolotarev_degree(lower, 1.0, error) == pytest.approx(2 * poles, rel=1e-6)


@pytest.mark.parametrize("lower", [1e-14, 1e-8, 1e-4, 1e-2, 0.3])
@pytest.mark.parametrize(
    ("first", "second"),
    [(3, 3), (3, 5), (5, 3), (2, 2), (2, 4), (4, 2), (2, 3), (3, 2), (5, 2), (2, 5), (4, 3)],
)
def test_composition_is_the_map_of_the_product_degree(
    first: int, second: int, lower: float
) -> None:
    # Nakatsukasa & Freund (2016): dn(N1 .) after dn(N2 .) is dn(N1 N2 .), of any parity
    p = zolotarev_of_degree(lower, 1.0, first)
    # 1 - E taken where it is reached: as 2 - h(1) it would lose what it has lost to 1
    lowest = lower if first % 2 else zolotarev_even_critical_points(lower, 1.0, first // 2)[0]
    q = zolotarev_of_degree(evaluate(p, lowest), evaluate(p, 1.0), second)
    direct = zolotarev_of_degree(lower, 1.0, first * second)
    for part in range(33):
        x = lower ** (part / 32)
        composed, wanted = evaluate(q, evaluate(p, x)), evaluate(direct, x)
        assert composed == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("lower", [1e-8, 1e-3])
def test_composition_over_another_range_is_worse(lower: float) -> None:
    p = zolotarev_even(lower, 1.0, 1)
    error = evaluate(p, 1.0) - 1.0
    wrong = zolotarev_even((1.0 - error) / 2.0, 1.0 + error, 1)
    direct = zolotarev_even(lower, 1.0, 2)
    assert evaluate(wrong, 1.0 + error) - 1.0 > evaluate(direct, 1.0) - 1.0 + 1e-8


@pytest.mark.parametrize("poles", [0, 9])
def test_bad_poles(poles: int) -> None:
    for function in (zolotarev_even, zolotarev_even_critical_points):
        with pytest.raises(InputError, match=rf"^poles is {poles}, .*pass an integer in 1\.\.8"):
            function(0.1, 1.0, poles)


def test_bad_interval() -> None:
    with pytest.raises(InputError, match=r"^lower is 2.0, which exceeds upper = 1.0"):
        zolotarev_even(2.0, 1.0, 2)
    with pytest.raises(InputError, match=r"^upper is 1e\+200, so far from 1"):
        zolotarev_even(1e199, 1e200, 2)
