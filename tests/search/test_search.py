"""The driver and the default planner on toy problems whose optimum is known."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.toys import Arcs, Network, grid, random_dag, two_way_grid

from matrl.search import Environment, Progress, search


def check(network: Network, **options: float) -> None:
    result = search(network, **options)  # type: ignore[arg-type]
    assert result.optimal
    assert not result.interrupted
    assert result.cost == pytest.approx(network.exact[0], rel=1e-8, abs=1e-12)
    assert network.cost_of(result.actions) == pytest.approx(result.cost, rel=1e-12, abs=1e-12)


def test_the_toy_is_an_environment():
    environment: Environment[tuple[int, int]] = Network({0: [(1, 1.0)]}, {1})
    assert search(environment).actions == (0,)


@pytest.mark.parametrize("bound", ["zero", "half", "exact"])
@pytest.mark.parametrize("side", [2, 3, 6, 9])
def test_shortest_path_through_a_grid(side, bound):
    check(Network(grid(side, side), {side * side - 1}, bound))


@pytest.mark.parametrize("bound", ["zero", "half", "exact"])
@pytest.mark.parametrize("seed", range(12))
def test_random_graphs_with_dead_ends_and_illegal_actions(seed, bound):
    check(Network(random_dag(seed), {29}, bound), seed=seed)


@pytest.mark.parametrize("seed", range(8))
def test_zero_prices(seed):
    check(Network(random_dag(seed, free=True), {29}))


def test_everything_for_free():
    arcs: Arcs = {s: [(s + 1, 0.0), (s + 2, 0.0)] for s in range(10)}
    check(Network(arcs, {10, 11}))


@pytest.mark.parametrize("bound", ["zero", "half", "exact"])
def test_loops_through_equal_keys(bound):
    check(Network(two_way_grid(4), {15}, bound))


def test_a_loop_without_exit_is_left():
    arcs: Arcs = {0: [(1, 1.0), (3, 5.0)], 1: [(2, 0.0)], 2: [(1, 0.0)], 3: [(4, 5.0)]}
    result = search(Network(arcs, {4}), time_limit=0.3)
    assert result.cost == 10.0
    assert result.actions == (1, 0)


def test_a_loop_without_exit_does_not_outlive_the_time_limit():
    arcs: Arcs = {0: [(1, 1.0)], 1: [(2, 0.0)], 2: [(1, 0.0)]}
    result = search(Network(arcs, {4}), time_limit=0.05)
    assert result.actions == ()
    assert not result.optimal


def test_a_step_onto_the_spot_is_ignored():
    check(Network({0: [(0, 0.0), (1, 1.0)], 1: [(1, 0.0), (2, 1.0)]}, {2}))


def test_infinite_prices_are_no_actions():
    check(Network({0: [(1, math.inf), (2, 1.0)], 2: [(1, 1.0)]}, {1}))


def test_a_root_that_is_done():
    result = search(Network({}, {0}))
    assert (result.cost, result.actions, result.optimal) == (0.0, (), True)


@pytest.mark.parametrize("bound", ["zero", "half"])
def test_an_unreachable_goal(bound):
    network = Network({0: [(1, 1.0), (2, 1.0)], 1: [(3, None)], 2: [(3, 1.0)]}, {9}, bound)
    result = search(network)
    assert result.cost == math.inf
    assert result.actions == ()
    assert result.finalists == ()
    assert not result.optimal
    assert result.best_quality == 0.25  # that of state 3, the nearest


@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.sampled_from(["zero", "half", "exact"]))
@settings(max_examples=120)
def test_any_graph(seed, size, bound):
    check(Network(random_dag(seed, size, free=seed % 2 == 0), {size - 1}, bound), seed=seed)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 5), st.none() | st.floats(0, 10)), max_size=5),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=150)
def test_graphs_by_hypothesis(ways):
    goal = len(ways)
    arcs: Arcs = {
        state: [(min(state + ahead, goal), price) for ahead, price in leaving]
        for state, leaving in enumerate(ways)
    }
    network = Network(arcs, {goal})
    if 0 in network.exact:
        check(network)
    else:
        assert search(network).cost == math.inf


@pytest.mark.parametrize("limit", [1, 7, 40, 200])
def test_same_seed_and_node_limit_same_result(limit):
    def once() -> tuple[object, ...]:
        result = search(Network(grid(8), {63}), seed=5, node_limit=limit)
        return (result.cost, result.actions, result.finalists, result.nodes, result.optimal)

    assert once() == once()


@pytest.mark.parametrize("limit", [1, 5, 50, 150])
def test_node_limit_is_respected(limit):
    network = Network(grid(12), {143})
    result = search(network, node_limit=limit)
    # One iteration may finish what it began: it expands the states on its path.
    assert result.nodes <= limit + 2 * 24


def test_a_tiny_time_limit_still_returns():
    result = search(Network(grid(30), {899}), time_limit=1e-9)
    assert result.cost == math.inf or result.actions
    assert not result.interrupted


@pytest.mark.parametrize("k", [1, 2, 3, 10, 30, 100, 200])
def test_interrupt_returns_the_best_so_far(k):
    network = Network(grid(12), {143}, interrupt_at=k)
    result = search(network)
    if not result.interrupted:
        assert network.calls < k
        assert result.optimal
        return
    assert network.calls == k
    if result.actions:
        assert network.cost_of(result.actions) == pytest.approx(result.cost)
    else:
        assert result.cost == math.inf
    if result.optimal:
        assert result.cost == pytest.approx(network.exact[0])


def test_interrupt_after_a_plan_keeps_it():
    network = Network(grid(12), {143}, interrupt_at=120)
    result = search(network)
    assert result.interrupted
    assert network.cost_of(result.actions) == result.cost < math.inf


@pytest.mark.parametrize("interrupt_at", range(1, 60, 3))
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_an_interrupted_search_claims_no_more_than_is_true(seed, interrupt_at):
    network = Network(random_dag(seed), {29}, "half", interrupt_at=interrupt_at)
    result = search(network)
    if result.optimal:
        assert result.cost == pytest.approx(network.exact[0], rel=1e-8)


@pytest.mark.parametrize("limit", [20, 60, math.inf])
@pytest.mark.parametrize("seed", range(30))
def test_finalists_are_sorted_complete_and_distinct(seed, limit):
    network = Network(random_dag(seed, 40), {39})
    result = search(network, seed=seed, node_limit=limit, finalists=6)
    costs = [cost for cost, _ in result.finalists]
    assert costs == sorted(costs)
    assert len(result.finalists) <= 6
    assert len({actions for _, actions in result.finalists}) == len(result.finalists)
    for cost, actions in result.finalists:
        assert network.cost_of(actions) == pytest.approx(cost, rel=1e-12)
    if result.finalists:
        assert result.finalists[0] == (pytest.approx(result.cost), result.actions)


def test_finalists_of_a_ladder_are_the_cheapest_plans():
    arcs: Arcs = {0: [(1, 1.0), (1, 2.0), (1, 4.0)], 1: [(2, 1.0), (2, 1.5)]}
    result = search(Network(arcs, {2}), finalists=3)
    assert result.finalists[0] == (2.0, (0, 0))


@pytest.mark.parametrize("count", [1, 2])
def test_the_number_of_finalists(count):
    result = search(Network(random_dag(3), {29}), finalists=count)
    assert 1 <= len(result.finalists) <= count


def test_progress_reports_falling_costs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("matrl.search.reporting.PROGRESS_SECONDS", 0.0)
    reports: list[Progress] = []
    keep: Callable[[Progress], None] = reports.append
    result = search(Network(grid(9), {80}), progress=keep, time_limit=60.0)
    assert len(reports) > 2
    costs = [report.cost for report in reports]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(result.cost)
    assert [r.nodes for r in reports] == sorted(r.nodes for r in reports)
    assert [r.seconds for r in reports] == sorted(r.seconds for r in reports)
    assert all(r.seconds_left >= 0.0 and r.nodes_per_second >= 0.0 for r in reports)
    assert reports[-1].error == 1e-3


def test_progress_is_called_once_at_least():
    reports: list[Progress] = []
    search(Network({}, {0}), progress=reports.append)
    assert len(reports) == 1


def test_a_different_seed_finds_the_same_optimum():
    costs = {round(search(Network(grid(9, 4), {80}), seed=s).cost, 9) for s in range(6)}
    assert len(costs) == 1
