"""Bounds from independent trials cover as often as they say, and no more than they must."""

from fractions import Fraction
from math import comb, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.certify import (
    count_for_failure_bound,
    count_for_quantile_bound,
    failure_bound,
    quantile_rank,
)
from matrl.errors import InputError

EPS = 2.0**-52
COUNTS = (1, 2, 5, 17, 60)
CONFIDENCES = (0.5, 0.9, 0.99, 0.999999)
FRACTIONS = st.floats(0.01, 0.999)


def at_most(k: int, count: int, p: float) -> Fraction:
    """P(Binomial(count, p) <= k), summed without rounding."""
    p_exact = Fraction(p)
    terms = (comb(count, i) * p_exact**i * (1 - p_exact) ** (count - i) for i in range(k + 1))
    return sum(terms, Fraction(0))


def rounding(count: int, k: int, p: float) -> float:
    """How far rounding p moves log P(Binomial(count, p) <= k): eps times its condition in p."""
    p_exact = Fraction(p)
    density = (count - k) * comb(count, k) * p_exact**k * (1 - p_exact) ** (count - k - 1)
    return 16 * EPS * float(1 + p_exact * density / at_most(k, count, p))


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("count", COUNTS)
def test_the_bound_falls_below_the_probability_no_more_often_than_it_may(count, confidence):
    bounds = [failure_bound(k, count, confidence=confidence) for k in range(count + 1)]
    for p in [*(i / 37 for i in range(1, 37)), 1e-6, 1e-3, 1 - 1e-3]:
        missing = [k for k, bound in enumerate(bounds) if bound < p]
        assert missing == list(range(len(missing)))  # the bounds increase with k
        probability = at_most(len(missing) - 1, count, p)
        assert probability <= 1 - Fraction(confidence)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("count", COUNTS)
def test_no_smaller_bound_would_do(count, confidence):
    # At the bound itself, k failures or fewer are as probable as may be, and not less so.
    alpha = 1 - Fraction(confidence)
    for k in range(count):
        bound = failure_bound(k, count, confidence=confidence)
        slack = rounding(count, k, bound)
        assert float(at_most(k, count, bound) / alpha) == pytest.approx(1.0, rel=slack)


@pytest.mark.parametrize("count", COUNTS)
def test_a_bound_of_less_confidence_covers_less(count):
    for k in range(count):
        claimed = failure_bound(k, count, confidence=0.99)
        cheaper = failure_bound(k, count, confidence=0.9)
        assert cheaper < claimed
        just_above = cheaper + 1e-9 * (claimed - cheaper)
        assert at_most(k, count, just_above) > Fraction(1, 100)


def test_bounds_at_the_ends():
    for count in COUNTS:
        assert failure_bound(count, count) == 1.0
        closed = 1.0 - 0.01 ** (1.0 / count)
        assert failure_bound(0, count) == pytest.approx(closed, abs=4 * EPS)


def test_known_bounds():
    # Without failures nearly 3/n at 95 %, the rule of three; from below, for -log 0.05 < 3.
    for count in (100, 1000, 10**6):
        bound = failure_bound(0, count, confidence=0.95)
        assert -log(0.05) - 5.0 / count < bound * count < 3.0
    # One-sided 95 % limits for 10 trials; 97.5 % ones are the upper ends of Clopper's and
    # Pearson's two-sided 95 % intervals.
    assert failure_bound(1, 10, confidence=0.95) == pytest.approx(0.3942, abs=5e-5)
    assert failure_bound(3, 10, confidence=0.95) == pytest.approx(0.6066, abs=5e-5)
    assert failure_bound(0, 10, confidence=0.975) == pytest.approx(0.3085, abs=5e-5)


@given(st.integers(1, 10**6), st.data(), FRACTIONS, FRACTIONS)
def test_more_failures_fewer_trials_and_more_confidence_raise_the_bound(count, data, c, d):
    failures = data.draw(st.integers(0, count - 1))
    bound = failure_bound(failures, count, confidence=c)
    assert 0.0 < bound < 1.0
    assert failure_bound(failures + 1, count, confidence=c) > bound
    assert failure_bound(failures, count + 1, confidence=c) < bound
    low, high = sorted((c, d))
    assert failure_bound(failures, count, confidence=low) <= failure_bound(
        failures, count, confidence=high
    )


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("count", COUNTS)
def test_the_rank_is_the_least_that_covers(count, confidence):
    slack = Fraction(4 * EPS)  # 0.1 and 0.9 do not quite add up to 1
    for quantile in (0.1, 0.5, 0.9, 0.95, 0.99):
        rank = quantile_rank(count, quantile, confidence=confidence)
        if rank is None:
            assert at_most(count - 1, count, quantile) < Fraction(confidence) + slack
            continue
        assert at_most(rank - 1, count, quantile) >= Fraction(confidence) - slack
        if rank > 1:
            assert at_most(rank - 2, count, quantile) < Fraction(confidence) + slack


@given(st.integers(1, 3000), st.floats(0.01, 0.99), FRACTIONS)
def test_a_quantile_is_bounded_where_few_enough_exceed_it(count, quantile, confidence):
    # The two bounds are one: values above the r-th are failures, of a probability <= 1 - q.
    rank = quantile_rank(count, quantile, confidence=confidence)
    slack = 1e-9
    if rank is None:
        assert failure_bound(0, count, confidence=confidence) > 1.0 - quantile - slack
        return
    assert failure_bound(count - rank, count, confidence=confidence) <= 1.0 - quantile + slack
    exceeding = count - rank + 1
    assert failure_bound(exceeding, count, confidence=confidence) > 1.0 - quantile - slack


def test_known_counts():
    # Wilks' numbers for 95 % at 95 %, by how many may exceed.
    wilks = [count_for_failure_bound(0.05, failures=k, confidence=0.95) for k in range(5)]
    assert wilks == [59, 93, 124, 153, 181]
    assert count_for_failure_bound(0.01, confidence=0.95) == 299
    assert count_for_quantile_bound(0.99, confidence=0.95) == 299
    assert count_for_quantile_bound(0.95, confidence=0.95) == 59
    assert count_for_quantile_bound(0.99, confidence=0.99) == 459
    assert count_for_quantile_bound(0.5, confidence=0.75) == 2  # 0.5^2 = 0.25 is enough


@given(st.floats(1e-4, 0.99), st.integers(0, 20), FRACTIONS)
def test_counts_for_a_bound_are_the_least(bound, failures, confidence):
    count = count_for_failure_bound(bound, failures=failures, confidence=confidence)
    assert failure_bound(failures, count, confidence=confidence) <= bound
    if count > failures + 1:  # as many trials as failures bound nothing
        assert failure_bound(failures, count - 1, confidence=confidence) > bound


@given(st.floats(1e-3, 0.9999), FRACTIONS)
def test_counts_for_a_quantile_are_the_least(quantile, confidence):
    count = count_for_quantile_bound(quantile, confidence=confidence)
    assert quantile_rank(count, quantile, confidence=confidence) == count
    if count > 1:
        assert quantile_rank(count - 1, quantile, confidence=confidence) is None


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 99, float("nan"), True, "0.9", None])
def test_what_is_no_fraction_is_refused_by_name(bad):
    refused = r": must lie strictly between 0 and 1, got .*; pass 0\.99 for 99 %"
    calls = {
        "confidence": [
            lambda: failure_bound(0, 5, confidence=bad),
            lambda: quantile_rank(5, 0.5, confidence=bad),
            lambda: count_for_failure_bound(0.1, confidence=bad),
            lambda: count_for_quantile_bound(0.9, confidence=bad),
        ],
        "quantile": [lambda: quantile_rank(5, bad), lambda: count_for_quantile_bound(bad)],
        "bound": [lambda: count_for_failure_bound(bad)],
    }
    for name, those in calls.items():
        for call in those:
            with pytest.raises(InputError, match="^" + name + refused):
                call()


@pytest.mark.parametrize("bad", [-1, 1.5, "3", None, True])
def test_what_is_no_count_is_refused_by_name(bad):
    for name, call in (
        ("count", lambda: failure_bound(0, bad)),
        ("count", lambda: quantile_rank(bad, 0.5)),
        ("failures", lambda: failure_bound(bad, 5)),
        ("failures", lambda: count_for_failure_bound(0.1, failures=bad)),
    ):
        with pytest.raises(InputError, match=f"^{name}: must be an integer, got .*; pass one >= "):
            call()


def test_counts_that_contradict_or_exceed_are_refused():
    with pytest.raises(InputError, match=r"^count: must be an integer, got 0; pass one >= 1"):
        failure_bound(0, 0)
    with pytest.raises(InputError, match=r"^failures: are 6 of only 5 trials"):
        failure_bound(6, 5)
    with pytest.raises(InputError, match=r"^bound: 1e-08 with 0 failures takes more than 10\^7"):
        count_for_failure_bound(1e-8)
    with pytest.raises(InputError, match=r"^quantile: 0\.99999999 takes more than 10\^7 values"):
        count_for_quantile_bound(0.99999999)
