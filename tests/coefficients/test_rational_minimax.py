"""Best rational updates for any root index."""

import math
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import (
    PartialFractions,
    minimax_coefficients,
    pade,
    rational_minimax,
    zolotarev,
)
from matrl.errors import InputError

LOWERS = [1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 0.8, 0.99, 1 - 1e-4, 1 - 1e-6, 1 - 1e-9]


def evaluate(p: PartialFractions, x: Any, root_index: int) -> Any:
    """Return x p(x^k)."""
    m = x**root_index
    return x * (p.constant + sum(w / (m + s) for w, s in zip(p.weights, p.shifts, strict=True)))


def stationary(p: PartialFractions, root_index: int, lower: float) -> list[Any]:
    """Return where x p(x^k) is stationary in (lower, 1), by bisection in extended precision."""
    constant, *pairs = map(np.longdouble, (p.constant, *p.weights, *p.shifts))
    weights, shifts = np.array(pairs[: len(p.weights)]), np.array(pairs[len(p.weights) :])

    def slope(x: Any) -> Any:
        m = (x**root_index)[:, None]
        return constant + (weights * (shifts - (root_index - 1) * m) / (m + shifts) ** 2).sum(
            axis=1
        )

    grid = np.longdouble(lower) ** np.linspace(np.longdouble(1), np.longdouble(0), 2000)
    rising = slope(grid) > 0
    changes = np.flatnonzero(rising[:-1] != rising[1:])
    left, right = grid[changes], grid[changes + 1]
    for _ in range(60):
        middle = (left + right) / 2
        same = (slope(middle) > 0) == rising[changes]
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    return [mpmath.mpf(float(x)) for x in left]


LARGE = [(k, kappa ** (-1.0 / k)) for k in (9, 23, 64) for kappa in (1.01, 1e3, 1e10)]


@pytest.mark.parametrize(("root_index", "lower"), LARGE)
@pytest.mark.parametrize("poles", range(1, 5))
def test_large_root_indices(root_index: int, poles: int, lower: float) -> None:
    """m = x^k from 1/kappa to 1, which is what large roots of matrices see."""
    check_equioscillation_and_positivity(root_index, poles, lower)


@pytest.mark.parametrize("lower", LOWERS)
@pytest.mark.parametrize("poles", range(1, 5))
@pytest.mark.parametrize("root_index", range(2, 9))
def test_equioscillation_and_positivity(root_index: int, poles: int, lower: float) -> None:
    check_equioscillation_and_positivity(root_index, poles, lower)


def check_equioscillation_and_positivity(root_index: int, poles: int, lower: float) -> None:
    p = rational_minimax(root_index, poles, lower, 1.0)
    assert min(p.constant, *p.weights, *p.shifts) > 0.0
    assert list(p.shifts) == sorted(set(p.shifts))
    greatest = evaluate(p, 1.0, root_index) - 1.0
    x = np.geomspace(lower, 1.0, 500)
    assert (
        float(np.abs(evaluate(p, x, root_index) - 1.0).max())
        <= abs(greatest) * (1.0 + 1e-9) + 1e-13
    )
    if greatest < 1e-12:
        return  # rounded to floats the map is 1 all over; its stationary points mean nothing
    with mpmath.workdps(50):
        points = [mpmath.mpf(lower), *stationary(p, root_index, lower), mpmath.mpf(1)]
        assert len(points) == 2 * poles + 2
        for index, point in enumerate(points):
            error = evaluate(p, point, root_index) - 1
            assert abs(error * (-1) ** (index + 1) - greatest) <= 1e-9 * greatest + 3e-14


@pytest.mark.parametrize("lower", [1e-8, 1e-4, 1e-2, 0.3, 0.9, 1 - 1e-6])
@pytest.mark.parametrize("poles", range(1, 5))
def test_square_root_is_zolotarev(poles: int, lower: float) -> None:
    p, q = rational_minimax(2, poles, lower, 1.0), zolotarev(lower, 1.0, poles)
    assert p.constant == pytest.approx(q.constant, rel=1e-10)
    assert p.weights == pytest.approx(q.weights, rel=1e-10)
    assert p.shifts == pytest.approx(q.shifts, rel=1e-10)


@pytest.mark.parametrize("poles", range(1, 5))
@pytest.mark.parametrize("root_index", range(2, 9))
def test_point_interval_is_pade(root_index: int, poles: int) -> None:
    p, q = rational_minimax(root_index, poles, 0.7, 0.7), pade(root_index, poles, 0.7, 0.7)
    assert p.constant == pytest.approx(q.constant, rel=1e-12)
    assert p.weights == pytest.approx(q.weights, rel=1e-12)
    assert p.shifts == pytest.approx(q.shifts, rel=1e-12)


@given(
    st.integers(2, 8),
    st.integers(1, 4),
    st.floats(-8.0, 0.0),
    st.floats(0.0, 1.0),
    st.integers(-20, 20),
)
def test_error_is_reached_in_upper_below_that_of_pade_and_scales(
    root_index: int, poles: int, exponent: float, where: float, power: int
) -> None:
    lower = 10.0**exponent
    p = rational_minimax(root_index, poles, lower, 1.0)
    error = evaluate(p, 1.0, root_index) - 1.0
    x = min(1.0, lower ** (1.0 - where))
    assert abs(evaluate(p, x, root_index) - 1.0) <= abs(error) * (1.0 + 1e-9) + 1e-13
    # no better: Padé's map of the same type, centred, is off by at least as much
    q = pade(root_index, poles, lower, 1.0)
    spread = evaluate(q, 1.0, root_index) / evaluate(q, lower, root_index)
    assert error <= (spread - 1.0) / (spread + 1.0) * (1.0 + 1e-9) + 1e-13
    scale = 2.0**power
    scaled = rational_minimax(root_index, poles, lower * scale, scale)
    assert scaled.constant == pytest.approx(p.constant / scale, rel=1e-12)
    unit = scale**root_index
    assert scaled.shifts == pytest.approx([s * unit for s in p.shifts], rel=1e-12)
    assert scaled.weights == pytest.approx([w * unit / scale for w in p.weights], rel=1e-12)


@pytest.mark.parametrize("root_index", range(2, 9))
@pytest.mark.parametrize("lower", [1e-4, 1e-2, 0.2, 0.6])
def test_more_poles_are_better_and_polynomials_worse(root_index: int, lower: float) -> None:
    errors = [
        evaluate(rational_minimax(root_index, poles, lower, 1.0), 1.0, root_index) - 1.0
        for poles in range(1, 5)
    ]
    for before, after in pairwise(errors):
        assert after < before
    for poles, error in enumerate(errors, start=1):
        series = minimax_coefficients(root_index, poles, lower, 1.0)
        value = lower * math.fsum(c * lower ** (root_index * i) for i, c in enumerate(series))
        assert error < abs(value - 1.0) + 1e-13


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match=r"^root_index is 1, out of range; pass .* 2\.\.64"):
        rational_minimax(1, 2, 0.1, 1.0)
    with pytest.raises(InputError, match=r"^root_index is 65, out of range"):
        rational_minimax(65, 2, 0.1, 1.0)
    with pytest.raises(InputError, match=r"^poles is 5, out of range; pass an integer in 1\.\.4"):
        rational_minimax(3, 5, 0.1, 1.0)
    with pytest.raises(InputError, match=r"^lower is 1e-09, less than 1e-08 of upper = 1.0; raise"):
        rational_minimax(3, 2, 1e-9, 1.0)
    with pytest.raises(InputError, match=r"^upper is 1e\+60, so far from 1"):
        rational_minimax(8, 2, 1e59, 1e60)
