"""Every planner on the same toys: the optimum, traps, batches, loops, determinism."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.toys import Arcs, Network, grid, random_dag, two_way_grid

from matrl.search import PLANNERS, search

EVERY = pytest.mark.parametrize("planner", list(PLANNERS))


def check(network: Network, planner: str, **options: float) -> None:
    result = search(network, planner=planner, **options)  # type: ignore[arg-type]
    if 0 not in network.exact:
        assert result.cost == math.inf
        assert result.reason == "exhausted"
        return
    assert result.optimal
    assert result.cost == pytest.approx(network.exact[0], rel=1e-8, abs=1e-12)
    assert network.cost_of(result.actions) == pytest.approx(result.cost, rel=1e-12, abs=1e-12)


@EVERY
@pytest.mark.parametrize("bound", ["zero", "half", "exact"])
@pytest.mark.parametrize("side", [2, 4, 6])
def test_a_grid(planner, side, bound):
    check(Network(grid(side, side), {side * side - 1}, bound), planner)


@EVERY
@pytest.mark.parametrize("bound", ["zero", "half", "exact"])
@pytest.mark.parametrize("seed", range(8))
def test_random_graphs(planner, seed, bound):
    check(Network(random_dag(seed, free=seed % 2 == 1), {29}, bound), planner, seed=seed)


@EVERY
def test_loops(planner):
    check(Network(two_way_grid(3), {8}), planner)


@EVERY
@pytest.mark.parametrize("bound", ["zero", "half"])
@pytest.mark.parametrize("seed", range(12))
def test_states_that_turn_out_to_be_illegal(planner, seed, bound):
    random = np.random.default_rng(seed)
    traps = frozenset(random.integers(1, 29, 6).tolist())
    check(Network(random_dag(seed), {29}, bound, traps=traps), planner, seed=seed)


@EVERY
@pytest.mark.parametrize("seed", range(12))
def test_children_that_come_in_a_second_batch(planner, seed):
    arcs = random_dag(seed)
    random = np.random.default_rng(seed)
    late = frozenset(
        (state, i)
        for state, ways in arcs.items()
        for i in range(len(ways))
        if random.random() < 0.4
    )
    check(Network(arcs, {29}, "half", late=late), planner, seed=seed)


@EVERY
def test_a_way_that_opens_beside_a_trap(planner):
    arcs: Arcs = {0: [(1, 1.0), (2, 1.5), (3, 9.0)], 1: [(3, 1.0)], 2: [(3, 1.0)]}
    network = Network(arcs, {3}, traps=frozenset({1}), detours={1: [(0, 1)]})
    check(network, planner)
    assert network.exact[0] == 2.5


@EVERY
def test_a_goal_that_turns_out_to_be_a_trap_is_no_plan(planner):
    arcs: Arcs = {0: [(1, 1.0), (2, 3.0)]}
    check(Network(arcs, {1, 2}, traps=frozenset({1})), planner)


@EVERY
def test_a_state_that_only_seemed_to_be_the_goal_is_gone_on_from(planner):
    arcs: Arcs = {0: [(1, 1.0), (2, 3.0)], 1: [(2, 1.0)]}
    network = Network(arcs, {2}, mirages=frozenset({1}))
    check(network, planner)
    assert network.exact[0] == 2.0


@EVERY
def test_same_seed_and_node_limit_same_result(planner):
    def once() -> tuple[object, ...]:
        result = search(Network(grid(8), {63}), planner=planner, seed=5, node_limit=60)
        return (result.cost, result.actions, result.finalists, result.nodes, result.front)

    assert once() == once()


@EVERY
@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("prune", [True, False])
def test_hashing_and_pruning_can_be_switched_off(planner, merge, prune):
    network = Network(random_dag(3, 12), {11}, merged=merge)
    # Without pruning what is known already is visited again and again.
    limit = math.inf if prune else 0.5
    result = search(network, planner=planner, merge=merge, prune=prune, time_limit=limit)
    assert result.cost == pytest.approx(network.exact[0])


@EVERY
@given(st.integers(0, 2**32 - 1), st.integers(3, 20), st.sampled_from(["zero", "half"]))
@settings(max_examples=60)
def test_any_graph_with_traps_mirages_and_batches(planner, seed, size, bound):
    arcs = random_dag(seed, size, free=seed % 3 == 0)
    random = np.random.default_rng(seed)
    inner = random.permutation(np.arange(1, size - 1)).tolist()
    late = frozenset(
        (state, i)
        for state, ways in arcs.items()
        for i in range(len(ways))
        if random.random() < 0.2
    )
    network = Network(
        arcs,
        {size - 1},
        bound,
        traps=frozenset(inner[: size // 5]),
        mirages=frozenset(inner[size // 5 : 2 * size // 5]),
        late=late,
        confirms_early=seed % 2 == 0,
    )
    check(network, planner, seed=seed)


def test_the_guided_search_needs_fewer_states_than_random_walks():
    def states(planner: str) -> int:
        network = Network(grid(14), {195}, "half")
        result = search(network, planner=planner, node_limit=5000)
        return result.nodes if result.optimal else 10**9

    assert states("mcts") <= states("random")


def test_an_unknown_planner_is_refused_by_name():
    with pytest.raises(KeyError):
        search(Network(grid(2), {3}), planner="guess")
