"""Zolotarev's maps, their critical points and degrees."""

import dataclasses
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.coefficients import (
    PartialFractions,
    zolotarev,
    zolotarev_critical_points,
    zolotarev_degree,
)
from matrl.errors import InputError, ToleranceError

LOWERS = [1e-14, 1e-10, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 0.707, 0.708, 0.99, 1 - 1e-9, 1 - 1e-12]


def evaluate(p: PartialFractions, x: Any) -> Any:
    """Return x p(x^2)."""
    return x * (p.constant + sum(w / (x * x + s) for w, s in zip(p.weights, p.shifts, strict=True)))


def reference(lower: float, poles: int) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """Return constant, weights, shifts and critical points on [lower, 1] by mpmath."""
    low = mpmath.mpf(lower)
    modulus = 1 - low**2
    quarter = mpmath.ellipk(modulus)
    arguments = [i * quarter / (2 * poles + 1) for i in range(1, 2 * poles + 1)]
    nodes = [low**2 * mpmath.ellipfun("sc", u, m=modulus) ** 2 for u in arguments]
    odd, even = nodes[0::2], nodes[1::2]

    def uncentred(x: Any) -> Any:
        return x * mpmath.fprod((x**2 + e) / (x**2 + o) for o, e in zip(odd, even, strict=True))

    centre = 2 / (uncentred(low) + uncentred(mpmath.mpf(1)))
    weights = [
        centre
        * mpmath.fprod(e - pole for e in even)
        / mpmath.fprod(o - pole for o in odd if o != pole)
        for pole in odd
    ]
    points = [mpmath.ellipfun("dn", u, m=modulus) for u in reversed(arguments)]
    return centre, weights, odd, points


@pytest.mark.parametrize("lower", LOWERS)
@pytest.mark.parametrize("poles", range(1, 9))
def test_against_fifty_digits(lower: float, poles: int) -> None:
    with mpmath.workdps(50):
        constant, weights, shifts, points = reference(lower, poles)
        p = zolotarev(lower, 1.0, poles)
        assert abs(p.constant / constant - 1) < 1e-14
        for ours, theirs in zip(p.weights, weights, strict=True):
            assert abs(ours / theirs - 1) < 2e-14
        for ours, theirs in zip(p.shifts, shifts, strict=True):
            assert abs(ours / theirs - 1) < 2e-14
        critical = zolotarev_critical_points(lower, 1.0, poles)
        for ours, theirs in zip(critical, points, strict=True):
            assert abs(ours / theirs - 1) < 1e-14


@pytest.mark.parametrize("lower", [1e-14, 1e-6, 1e-3, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("poles", range(1, 9))
def test_equioscillation(lower: float, poles: int) -> None:
    p = zolotarev(lower, 1.0, poles)
    points = (lower, *zolotarev_critical_points(lower, 1.0, poles), 1.0)
    assert len(points) == 2 * poles + 2
    assert list(points) == sorted(set(points))
    with mpmath.workdps(50):
        errors = [evaluate(p, mpmath.mpf(x)) - 1 for x in points]
        greatest = max(abs(error) for error in errors)
        for index, error in enumerate(errors):
            assert abs(error * (-1) ** (index + 1) - greatest) <= 1e-9 * greatest + 1e-14


def test_point_interval() -> None:
    p = zolotarev(3.0, 3.0, 4)
    assert evaluate(p, 3.0) == pytest.approx(1.0, rel=1e-14)
    assert evaluate(p, 3.1) == pytest.approx(1.0, rel=1e-10)
    assert zolotarev_critical_points(3.0, 3.0, 4) == (3.0,) * 8


@given(st.floats(-14.0, 0.0), st.integers(1, 8), st.floats(0.0, 1.0), st.integers(-20, 20))
def test_image_positivity_and_scaling(
    exponent: float, poles: int, where: float, power: int
) -> None:
    lower = 10.0**exponent
    p = zolotarev(lower, 1.0, poles)
    assert min(p.constant, *p.weights, *p.shifts) > 0.0
    error = evaluate(p, 1.0) - 1.0
    x = min(1.0, lower ** (1.0 - where))
    assert abs(evaluate(p, x) - 1.0) <= error + 1e-13
    scale = 2.0**power
    scaled = zolotarev(lower * scale, scale, poles)
    assert scaled.constant == p.constant / scale
    assert scaled.weights == tuple(weight * scale for weight in p.weights)
    assert scaled.shifts == tuple(shift * scale * scale for shift in p.shifts)


@pytest.mark.parametrize("lower", [1e-14, 1e-8, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-6, 1 - 1e-9])
@pytest.mark.parametrize("tol", [1e-15, 1e-10, 1e-4, 0.1, 0.5])
def test_degree_against_fifty_digits(lower: float, tol: float) -> None:
    with mpmath.workdps(50):
        low, wanted = mpmath.mpf(lower), mpmath.mpf(tol)
        reached = mpmath.log(mpmath.qfrom(m=4 * wanted / (1 + wanted) ** 2))
        degree = reached / mpmath.log(mpmath.qfrom(m=1 - low**2))
        assert abs(zolotarev_degree(lower, 1.0, tol) / degree - 1) < 2e-15


@pytest.mark.parametrize("lower", [1e-14, 1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("poles", range(1, 5))
def test_degree_of_a_map_is_its_degree(lower: float, poles: int) -> None:
    error = evaluate(zolotarev(lower, 1.0, poles), 1.0) - 1.0
    if error > 1e-8:
        degree = zolotarev_degree(lower, 1.0, error)
        assert degree == pytest.approx(2 * poles + 1, rel=1e-6)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 3)])
@pytest.mark.parametrize("lower", [1e-14, 1e-8, 1e-3])
def test_degrees_multiply_under_composition(lower: float, first: int, second: int) -> None:
    error = evaluate(zolotarev(lower, 1.0, first), 1.0) - 1.0
    low, high = evaluate(zolotarev(lower, 1.0, first), lower), 1.0 + error
    last = zolotarev(low, high, second)
    degree = (2 * first + 1) * (2 * second + 1)
    reached = evaluate(last, high) - 1.0
    if reached > 1e-8:
        assert zolotarev_degree(lower, 1.0, reached) == pytest.approx(degree, rel=1e-6)
    if degree == 9:  # the composition of two 3s is the map of degree 9 itself
        direct = zolotarev(lower, 1.0, 4)
        for x in (lower, lower**0.7, lower**0.3, 1.0):
            composed = evaluate(last, evaluate(zolotarev(lower, 1.0, first), x))
            assert composed == pytest.approx(evaluate(direct, x), rel=1e-11)


@given(st.floats(1e-12, 1.0), st.floats(1e-14, 0.5), st.floats(0.1, 1.0))
@settings(max_examples=50)
def test_degree_is_monotone(lower: float, tol: float, factor: float) -> None:
    degree = zolotarev_degree(lower, 1.0, tol)
    assert degree >= 0.0
    assert zolotarev_degree(lower * factor, 1.0, tol) >= degree * (1 - 1e-14)
    assert zolotarev_degree(lower, 1.0, tol * factor) >= degree * (1 - 1e-14)


def test_degree_already_there() -> None:
    assert zolotarev_degree(1.0, 1.0, 1e-12) == 0.0
    assert 0.0 < zolotarev_degree(1 - 1e-9, 1.0, 0.1) < 1.0
    assert zolotarev_degree(0.25, 1.0, 0.6) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("poles", [0, 9, -1])
def test_bad_poles(poles: int) -> None:
    for function in (zolotarev, zolotarev_critical_points):
        with pytest.raises(InputError, match=rf"^poles is {poles}, .*pass an integer in 1\.\.8"):
            function(0.1, 1.0, poles)


def test_bad_values() -> None:
    nan = float("nan")
    with pytest.raises(InputError, match=r"^lower is nan, which is not finite; pass a positive"):
        zolotarev(nan, 1.0, 2)
    with pytest.raises(InputError, match=r"^upper is inf, which is not finite"):
        zolotarev_degree(0.1, float("inf"), 0.1)
    with pytest.raises(InputError, match=r"^upper is 'x', which is not a"):
        zolotarev(0.1, "x", 2)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ToleranceError, match=r"^tol is 1.5, outside"):
        zolotarev_degree(0.1, 1.0, 1.5)
    with pytest.raises(InputError, match=r"^upper is 1e\+200, so far from 1"):
        zolotarev(1e199, 1e200, 2)
    with pytest.raises(InputError, match=r"^lower is 1e-200, less than 1e-150 of upper"):
        zolotarev(1e-200, 1.0, 2)


def test_partial_fractions_are_frozen() -> None:
    p = PartialFractions(constant=1.0, weights=(2.0,), shifts=(3.0,))
    with pytest.raises(dataclasses.FrozenInstanceError):
        p.constant = 2.0  # pyright: ignore[reportAttributeAccessIssue]
