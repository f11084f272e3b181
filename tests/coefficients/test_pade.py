"""Padé approximants of the inverse root."""

import math
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import PartialFractions, dynamically_weighted_halley, pade
from matrl.errors import InputError


def evaluate(p: PartialFractions, x: Any, root_index: int) -> Any:
    """Return x p(x^k)."""
    m = x**root_index
    return x * (p.constant + sum(w / (m + s) for w, s in zip(p.weights, p.shifts, strict=True)))


def reference(root_index: int, numerator: int, poles: int) -> tuple[Any, list[Any], list[Any]]:
    """Return constant, weights and shifts at m = 1 from the Taylor series, by mpmath."""
    exponent = mpmath.mpf(-1) / root_index
    series = [mpmath.binomial(exponent, n) for n in range(numerator + poles + 1)]
    above, below = mpmath.pade(series, numerator, poles)
    roots = mpmath.polyroots(below[::-1], maxsteps=500, extraprec=400)
    slope = [index * value for index, value in enumerate(below)][1:]
    ordered = sorted((mpmath.re(root) for root in roots), reverse=True)
    weights = [mpmath.polyval(above[::-1], z) / mpmath.polyval(slope[::-1], z) for z in ordered]
    constant = above[poles] / below[poles] if numerator == poles else mpmath.mpf(0)
    return constant, weights, [-1 - z for z in ordered]


@pytest.mark.parametrize("lacking", [0, 1])
@pytest.mark.parametrize("poles", range(1, 9))
@pytest.mark.parametrize("root_index", [2, 3, 4, 5, 8, 50])
def test_against_fifty_digits(root_index: int, poles: int, lacking: int) -> None:
    p = pade(root_index, poles, numerator_degree=poles - lacking)
    assert min(*p.weights, *p.shifts) > 0.0
    assert list(p.shifts) == sorted(p.shifts)
    with mpmath.workdps(50):
        constant, weights, shifts = reference(root_index, poles - lacking, poles)
        assert abs(p.constant - constant) <= 2e-16 * constant
        for ours, theirs in zip(p.weights + p.shifts, weights + shifts, strict=True):
            assert abs(ours / theirs - 1) < 5e-16


@pytest.mark.parametrize("poles", range(1, 9))
def test_square_root_poles_are_tangents(poles: int) -> None:
    for lacking in (0, 1):
        p = pade(2, poles, numerator_degree=poles - lacking)
        parts = 2 * (2 * poles + 1 - lacking)
        tangents = [math.tan((2 * j - 1) * math.pi / parts) ** 2 for j in range(1, poles + 1)]
        assert p.shifts == pytest.approx(tangents, rel=1e-14)


@pytest.mark.parametrize("lower", [0.3, 1.0, 5.0])
def test_one_pole_is_halley(lower: float) -> None:
    p, q = pade(2, 1, lower, lower), dynamically_weighted_halley(lower, lower)
    assert (p.constant, p.weights, p.shifts) == (
        pytest.approx(q.constant, rel=1e-14),
        pytest.approx(q.weights, rel=1e-14),
        pytest.approx(q.shifts, rel=1e-14),
    )


@pytest.mark.parametrize("lacking", [0, 1])
@pytest.mark.parametrize("poles", range(1, 5))
@pytest.mark.parametrize("root_index", [2, 3, 5, 8])
def test_order_of_convergence(root_index: int, poles: int, lacking: int) -> None:
    order = 2 * poles + 1 - lacking
    with mpmath.workdps(150):
        constant, weights, shifts = reference(root_index, poles - lacking, poles)

        def error(distance: str) -> Any:
            x = 1 + mpmath.mpf(distance)
            m = x**root_index
            p = constant + sum(w / (m + s) for w, s in zip(weights, shifts, strict=True))
            return abs(x * p - 1)

        rate = mpmath.log(error("1e-10") / error("1e-11")) / mpmath.log(10)
        assert abs(rate - order) < 1e-6
    # and the floats do what the exact coefficients do
    p = pade(root_index, poles, numerator_degree=poles - lacking)
    assert evaluate(p, 1.0, root_index) == pytest.approx(1.0, rel=1e-15)
    near, far = (abs(evaluate(p, 1.0 + d, root_index) - 1.0) for d in (0.1, 0.2))
    assert near < far * 0.75**order + 1e-15


@given(
    st.integers(2, 8),
    st.integers(1, 8),
    st.floats(-3.0, 0.0),
    st.floats(-2.0, 2.0),
    st.floats(0.0, 1.0),
)
def test_diagonal_image_is_symmetric_and_best(
    root_index: int, poles: int, exponent: float, size: float, where: float
) -> None:
    upper = 10.0**size
    lower = upper * 10.0**exponent
    p = pade(root_index, poles, lower, upper)
    greatest = evaluate(p, upper, root_index)
    assert evaluate(p, lower, root_index) * greatest == pytest.approx(1.0, rel=1e-12)
    x = lower * (upper / lower) ** where
    assert 1.0 / greatest - 1e-13 <= evaluate(p, x, root_index) <= greatest * (1.0 + 1e-13)
    unit = pade(root_index, poles)
    for factor in (0.9, 1.1):  # another scale makes the ends further apart
        scale = factor / math.sqrt(lower * upper)
        ends = [evaluate(unit, scale * end, root_index) for end in (lower, upper)]
        assert ends[1] / ends[0] >= greatest**2 * (1.0 - 1e-13)


@given(
    st.integers(2, 8),
    st.integers(1, 8),
    st.floats(-3.0, 0.0),
    st.floats(-2.0, 2.0),
    st.floats(0.0, 1.0),
)
def test_subdiagonal_image_has_equal_ends(
    root_index: int, poles: int, exponent: float, size: float, where: float
) -> None:
    upper = 10.0**size
    lower = upper * 10.0**exponent
    p = pade(root_index, poles, lower, upper, numerator_degree=poles - 1)
    assert p.constant == 0.0
    least = evaluate(p, lower, root_index)
    assert evaluate(p, upper, root_index) == pytest.approx(least, rel=1e-12)
    x = lower * (upper / lower) ** where
    assert least * (1.0 - 1e-12) <= evaluate(p, x, root_index) <= 1.0 + 1e-14
    if root_index == 2:
        unit = pade(2, poles, numerator_degree=poles - 1)
        scale = 1.0 / math.sqrt(lower) / math.sqrt(upper)
        assert p.shifts == pytest.approx([s / scale**2 for s in unit.shifts], rel=1e-13)


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match=r"^root_index is 1, out of range"):
        pade(1, 2)
    with pytest.raises(InputError, match=r"^poles is 9, out of range; pass an integer in 1\.\.8"):
        pade(2, 9)
    with pytest.raises(InputError, match=r"^numerator_degree is 4, out of range"):
        pade(2, 3, numerator_degree=4)
    with pytest.raises(InputError, match=r"^lower is 0.0, which is not positive"):
        pade(2, 3, 0.0, 1.0)
    for numerator in (1, 2):
        with pytest.raises(InputError, match=r"^upper is 1e\+60, so far from 1"):
            pade(8, 2, 1e59, 1e60, numerator)
        with pytest.raises(InputError, match=r"^upper is 1e-60, so far from 1"):
            pade(8, 2, 1e-61, 1e-60, numerator)
