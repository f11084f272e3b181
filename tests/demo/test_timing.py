"""Interleaving and ratios, with a clock that does what it is told."""

import numpy as np
import pytest

from matrl.demo.timing import Contender, interleave, median_ratio


def test_everyone_gets_fresh_copies_in_changing_order():
    a = np.zeros(3)
    calls = []

    def spoil(name):
        def run(x):
            assert np.all(x == 0.0)
            x += 1.0
            calls.append(name)

        return run

    contenders = [Contender(n, spoil(n), r) for n, r in (("p", 8), ("q", 8), ("slow", 2))]
    seconds = interleave(contenders, a, pause=0.0)
    assert {name: len(values) for name, values in seconds.items()} == {"p": 8, "q": 8, "slow": 2}
    assert sorted(calls[:3]) == ["p", "q", "slow"]
    assert len(calls) == 3 + 18
    both = [name for name in calls if name != "slow"]
    assert len({tuple(both[i : i + 2]) for i in range(0, len(both), 2)}) == 2
    assert np.all(a == 0.0)


def test_the_first_call_is_not_counted():
    ticks = iter([0.0, 100.0, 100.0, 101.0, 101.0, 103.0])
    contender = Contender("p", lambda x: None, 2)
    seconds = interleave([contender], np.zeros(1), pause=0.0, clock=lambda: next(ticks))
    assert seconds["p"].tolist() == [1.0, 2.0]


def test_progress_counts_rounds():
    seen = []
    contender = Contender("p", lambda x: None, 2)
    interleave([contender], np.zeros(1), pause=0.0, progress=lambda i, of: seen.append((i, of)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("rounds", [5, 15])
def test_the_interval_holds_the_ratio(rounds):
    random = np.random.default_rng(3)
    numerator = 3.0 + 0.1 * random.standard_normal(rounds)
    denominator = 1.0 + 0.1 * random.standard_normal(15)
    ratio = median_ratio(numerator, denominator)
    assert ratio.lower <= ratio.value <= ratio.upper
    assert ratio.value == pytest.approx(3.0, rel=0.2)
    assert ratio == median_ratio(numerator, denominator)
