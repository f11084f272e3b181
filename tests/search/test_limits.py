"""When a search ends."""

import math

import pytest
from tests.search.toys import Arcs, Network, grid

from matrl.search import Limits, search


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), None),
        (Limits(nodes=10), "nodes"),
        (Limits(seconds=1.0), "time"),
        (Limits(expected_calls=1.0), "break-even"),
        (Limits(expected_calls=3.0), None),
    ],
)
def test_which_limit_is_met(limits, expected):
    assert limits.met(seconds=2.0, nodes=10, gain=1.0) == expected


def test_without_a_plan_there_is_all_to_gain():
    assert Limits(expected_calls=1.0).met(5.0, 10, math.inf) is None


def test_a_search_that_cannot_pay_for_itself_ends_with_its_first_plan():
    arcs: Arcs = {s: [(s + 1, 1e-12), (s + 2, 1.5e-12)] for s in range(60)}
    result = search(Network(arcs, {60, 61}), expected_calls=1.0)
    assert result.reason == "break-even"
    assert result.actions
    assert not result.optimal


@pytest.mark.parametrize(
    ("options", "reason"),
    [({}, "optimal"), ({"node_limit": 30}, "nodes"), ({"time_limit": 0.0}, "time")],
)
def test_the_result_says_why(options, reason):
    result = search(Network(grid(9), {80}), **options)
    assert result.reason == reason
    assert result.bound <= result.cost
