"""Enclosures of maps and their slopes have what exact rational arithmetic gives."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.certify.checking.documents import Budget, Exhausted
from matrl.certify.checking.fixed import Fixed, Interval, least_root
from matrl.certify.checking.maps import Positivity, Rule, Step

FIXED = Fixed(200)
NUMBERS = st.fractions(-4, 4, max_denominator=64)
POSITIVE = st.fractions(Fraction(1, 64), 4, max_denominator=64)
POLYNOMIALS = st.lists(NUMBERS, min_size=1, max_size=6).map(
    lambda numbers: Rule("fitted", False, tuple(numbers))
)
POLES = st.lists(st.tuples(NUMBERS, POSITIVE), min_size=1, max_size=4)
FRACTIONS = st.tuples(NUMBERS, POLES).map(
    lambda both: Rule("pade", True, (both[0], *(n for pole in both[1] for n in pole)))
)


def p_and_derivative(rule: Rule, m: Fraction) -> tuple[Fraction, Fraction]:
    c = rule.numbers
    if not rule.is_rational:
        p = sum((x * m**i for i, x in enumerate(c)), Fraction(0))
        return p, sum((i * x * m ** (i - 1) for i, x in enumerate(c) if i), Fraction(0))
    poles = list(zip(c[1::2], c[2::2], strict=True))
    p = c[0] + sum(w / (m + s) for w, s in poles)
    return Fraction(p), Fraction(sum(-w / (m + s) ** 2 for w, s in poles))


def has(enclosure: Interval, value: Fraction) -> bool:
    return FIXED.number(enclosure[0]) <= value <= FIXED.number(enclosure[1])


@given(
    rule=POLYNOMIALS | FRACTIONS,
    k=st.integers(1, 5),
    start=POSITIVE,
    width=st.fractions(0, 1, max_denominator=1000),
    share=st.fractions(0, 1, max_denominator=16),
)
def test_enclosures_have_the_exact_values(rule, k, start, width, share):
    step = Step(FIXED, k, rule, Budget())
    low, high = start, start * (1 + width)
    x = low + share * (high - low)
    over = FIXED.of(low)[0], FIXED.of(high)[1]
    m = step.m(over)
    p, derivative = p_and_derivative(rule, x**k)
    value, slope = x * p, p + k * x**k * derivative
    assert has(step.multiplier.p(m), p)
    assert has(step.multiplier.derivative(m), derivative)
    assert has(step.multiplier.slope(m), slope)
    assert has(step.multiplier.centred_slope(m), slope)
    moved, slopes = step.moved(over)
    assert has(moved, value)
    assert has(slopes, slope)
    assert has(step.over(over)[1], slope)
    enclosed, steepness = Positivity(step).over(m)
    assert has(enclosed, p)
    assert has(steepness, derivative)


@given(rule=POLYNOMIALS | FRACTIONS, k=st.integers(1, 5), x=POSITIVE)
def test_values_at_a_point_are_tight(rule, k, x):
    step = Step(FIXED, k, rule, Budget())
    unit = FIXED.of(x)[0]
    exact = FIXED.number(unit)
    low, high = step.value(unit)
    assert has((low, high), exact * p_and_derivative(rule, exact**k)[0])
    assert high - low < 1 << 50  # of 2^200 units


@pytest.mark.parametrize("is_rational", [False, True])
def test_the_centred_slope_is_tight_where_a_map_is_flat(is_rational):
    # h' = (35/16)(1 - m)^3 of the series, and 3 (1 - m)^2/(1 + 3 m)^2 of Halley's map.
    third = Fraction(1, 3)
    numbers = (third, 8 * third / 3, third) if is_rational else (35, -35, 21, -5)
    scale = Fraction(1) if is_rational else Fraction(1, 16)
    rule = Rule("flat", is_rational, tuple(scale * n for n in numbers))
    step = Step(FIXED, 2, rule, Budget())
    width = FIXED.of(Fraction(1, 1000))[1]
    one = FIXED.one[0]
    plain, centred = (
        slope((one - width, one + width // 2))
        for slope in (step.multiplier.slope, step.multiplier.centred_slope)
    )
    assert max(map(abs, centred)) < one // 10**6
    assert max(map(abs, plain)) > one // 10**4


def test_a_pole_is_seen():
    step = Step(FIXED, 2, Rule("pade", True, (Fraction(0), Fraction(1), Fraction(-1))), Budget())
    assert not step.multiplier.is_finite(step.m((FIXED.one[0] // 2, 2 * FIXED.one[0])))
    assert step.multiplier.is_finite(step.m((2 * FIXED.one[0], 3 * FIXED.one[0])))


def test_the_budget_and_the_size_of_values_end_the_work():
    rule = Rule("fitted", False, (Fraction(1), Fraction(1)))
    budget = Budget(left=40)
    step = Step(FIXED, 64, rule, budget)
    step.value(FIXED.one[0])
    assert 0 < budget.left < 40
    with pytest.raises(Exhausted, match="more work than a check may"):
        step.moved(FIXED.one)
    with pytest.raises(Exhausted, match="too large"):
        Step(FIXED, 64, rule, Budget()).value(1 << 400)


@given(n=st.integers(0, 10**60), k=st.integers(1, 64))
def test_roots_of_integers_are_exact(n, k):
    root = least_root(n, k)
    assert root**k <= n < (root + 1) ** k


@given(value=st.fractions(0, 10, max_denominator=10**6), k=st.integers(1, 64))
def test_roots_are_enclosed(value, k):
    low, high = FIXED.root(value, k)
    assert FIXED.number(low) ** k <= value <= FIXED.number(high) ** k
    assert high - low <= 1
