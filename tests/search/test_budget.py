"""The least error for a price, on toys where every plan can be tried."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.toys import Arcs, Network, random_dag

from matrl.search import PLANNERS, Budgeted, search


class Anywhere(Network):
    """A network whose plans may end anywhere but at the start; the number of the state decides."""

    def done(self, state: tuple[int, int]) -> bool:
        return state[0] > 0

    def quality(self, state: tuple[int, int]) -> float:
        # No order along the way: later states may be worse.
        return 10.0 ** -float((state[0] * 7919) % 97 / 10.0)


def best_by_hand(network: Anywhere, budget: float) -> float:
    """Return the least error of any state that can be paid for."""
    best, spent = math.inf, {0: 0.0}
    for state in range(1 + max(network.arcs)):  # arcs lead to higher numbers only
        if state not in spent:
            continue
        if state > 0:
            best = min(best, network.quality((state, 0)))
        for end, price in network.arcs.get(state, []):
            if price is None or end in network.traps:
                continue
            paid = spent[state] + price
            if paid <= budget and paid < spent.get(end, math.inf):
                spent[end] = paid
    last = max(end for ways in network.arcs.values() for end, _ in ways)
    if last in spent:
        best = min(best, network.quality((last, 0)))
    return best


@pytest.mark.parametrize("planner", list(PLANNERS))
@pytest.mark.parametrize("budget", [0.5, 2.0, 5.0, math.inf])
@pytest.mark.parametrize("seed", range(6))
def test_the_least_error_within_the_budget(planner, budget, seed):
    network = Anywhere(random_dag(seed, 18), set(), traps=frozenset({3 + seed}), merged=False)
    best = best_by_hand(network, budget)
    result = search(Budgeted(network, budget), planner=planner, seed=seed)
    if math.isinf(best):
        assert result.actions == ()
        return
    assert result.optimal
    assert Budgeted.quality_of(result.cost) == pytest.approx(best, rel=1e-9)
    assert Budgeted.spent_by(result.actions) <= budget * (1.0 + 1e-9)
    state = 0
    for action in Budgeted.actions_of(result.actions):
        state = network.arcs[state][action][0]
    assert network.quality((state, 0)) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("planner", list(PLANNERS))
@pytest.mark.parametrize("seed", range(4))
def test_a_quality_that_is_enough_ends_the_search(planner, seed):
    network = Anywhere(random_dag(seed, 18), set(), merged=False)
    best = best_by_hand(network, math.inf)
    full = search(Budgeted(network), planner=planner, seed=seed)
    enough = 0.5
    assert best <= enough
    result = search(Budgeted(network, enough=enough), planner=planner, seed=seed)
    assert result.optimal
    assert Budgeted.quality_of(result.cost) == pytest.approx(enough)
    assert result.nodes <= full.nodes
    state = 0
    for action in Budgeted.actions_of(result.actions):
        state = network.arcs[state][action][0]
    assert network.quality((state, 0)) <= enough
    # What is never enough changes nothing.
    other = search(Budgeted(network, enough=1e-300), planner=planner, seed=seed)
    assert other.cost == full.cost


@given(st.floats(1e-300, 1e6))
@settings(max_examples=100)
def test_costs_stand_for_errors(error):
    assert Budgeted.quality_of(Budgeted.cost_of(error)) == pytest.approx(error, rel=1e-9)


def test_costs_grow_with_errors():
    errors = np.geomspace(1e-16, 1e3, 200).tolist()
    costs = [Budgeted.cost_of(error) for error in errors]
    assert costs == sorted(costs)
    assert all(cost > 0.0 for cost in costs)


class Deceptive(Anywhere):
    """State 1 looks better than it is, until it is confirmed."""

    def quality(self, state: tuple[int, int]) -> float:
        if state[0] == 1:
            return 0.5 if 1 in self.confirmed else 1e-9
        return {2: 1e-2, 3: 0.3}.get(state[0], 1.0)


@pytest.mark.parametrize("planner", list(PLANNERS))
def test_an_error_that_grows_at_a_closer_look_is_counted_as_it_is(planner):
    arcs: Arcs = {0: [(1, 1.0), (3, 1.0)], 3: [(2, 1.0)]}
    for budget, best in ((2.0, 1e-2), (1.0, 0.3)):
        result = search(Budgeted(Deceptive(arcs, set(), merged=False), budget), planner=planner)
        assert Budgeted.quality_of(result.cost) == pytest.approx(best)
    only = search(Budgeted(Deceptive({0: [(1, 1.0)]}, set()), 1.0), planner=planner)
    assert Budgeted.quality_of(only.cost) == pytest.approx(0.5)


def test_the_front_is_of_the_states_within():
    arcs: Arcs = {0: [(1, 1.0), (2, 1.0)], 2: [(3, 1.0)]}
    front = search(Budgeted(Anywhere(arcs, set()))).front
    assert front
    assert front[-1].quality == min(elite.quality for elite in front)
