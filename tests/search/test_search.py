"""The planner on toy problems whose optimum is known by Dijkstra's algorithm."""

import heapq
import itertools
import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.search import Environment, Progress, search

Arcs = dict[int, list[tuple[int, float | None]]]


def distances(arcs: Arcs, goals: set[int]) -> dict[int, float]:
    """Return the price from every state to the nearest goal, by Dijkstra on reversed arcs."""
    reverse: dict[int, list[tuple[int, float]]] = {}
    for start, ways in arcs.items():
        for end, price in ways:
            if price is not None:
                reverse.setdefault(end, []).append((start, price))
    found: dict[int, float] = {}
    queue = [(0.0, goal) for goal in goals]
    while queue:
        distance, state = heapq.heappop(queue)
        if state in found:
            continue
        found[state] = distance
        for start, price in reverse.get(state, []):
            heapq.heappush(queue, (distance + price, start))
    return found


class Network:
    """Numbered states and priced arcs; a price of None marks an action that is not legal.

    States are pairs (number, hops), so that equal keys come from different states.
    """

    def __init__(
        self,
        arcs: Arcs,
        goals: set[int],
        bound: str = "zero",
        interrupt_at: int | None = None,
    ) -> None:
        self.arcs, self.goals = arcs, goals
        self.exact = distances(arcs, goals)
        self._bound = bound
        self._interrupt_at = interrupt_at
        self.calls = 0

    def root(self) -> tuple[int, int]:
        return (0, 0)

    def actions(self, state: tuple[int, int]) -> Sequence[int]:
        return range(len(self.arcs.get(state[0], [])))

    def step(self, state: tuple[int, int], action: int) -> tuple[tuple[int, int], float] | None:
        self.calls += 1
        if self.calls == self._interrupt_at:
            raise KeyboardInterrupt
        end, price = self.arcs[state[0]][action]
        return None if price is None else ((end, state[1] + 1), price)

    def done(self, state: tuple[int, int]) -> bool:
        return state[0] in self.goals

    def bound(self, state: tuple[int, int]) -> float:
        exact = self.exact.get(state[0], math.inf)
        return {"zero": 0.0, "exact": exact, "half": min(exact, 1e6) / 2}[self._bound]

    def key(self, state: tuple[int, int]) -> Hashable:
        return state[0]

    def quality(self, state: tuple[int, int]) -> float:
        return 0.0 if state[0] in self.goals else 1.0 / (1.0 + state[0])

    def cost_of(self, actions: Sequence[int]) -> float:
        """Return what a plan costs; infinity unless it ends in a goal."""
        state, total = self.root(), 0.0
        for action in actions:
            assert not self.done(state), "a plan goes on after the goal"
            end, price = self.arcs[state[0]][action]
            assert price is not None, "a plan takes an action that is not legal"
            state, total = (end, 0), total + price
        return total if self.done(state) else math.inf


def random_dag(seed: int, size: int = 30, dead_ends: bool = True, free: bool = False) -> Arcs:
    random = np.random.default_rng(seed)
    arcs: Arcs = {}
    for state in range(size - 1):
        if dead_ends and state % 5 == 3:
            continue
        ends = random.integers(state + 1, min(state + 8, size), random.integers(1, 6))
        arcs[state] = []
        for end in ends.tolist():
            price: float | None = float(random.uniform(0.1, 3.0))
            if random.random() < 0.15:
                price = None
            elif free and random.random() < 0.3:
                price = 0.0
            arcs[state].append((end, price))
    arcs.setdefault(0, []).append((size - 1, 40.0))
    return arcs


def grid(side: int, seed: int = 0) -> Arcs:
    """Return a square with steps right and down from corner to corner, some blocked."""
    random = np.random.default_rng(seed)
    arcs: Arcs = {}
    for row, column in itertools.product(range(side), repeat=2):
        ways = arcs.setdefault(row * side + column, [])
        for r, c in ((row + 1, column), (row, column + 1)):
            if r < side and c < side:
                blocked = random.random() < 0.1 and r not in (0, side - 1)
                ways.append((r * side + c, None if blocked else float(random.integers(1, 9))))
    return arcs


def two_way_grid(side: int) -> Arcs:
    """Return a square in which every step can be taken back."""
    arcs: Arcs = {}
    for row, column in itertools.product(range(side), repeat=2):
        ways = arcs.setdefault(row * side + column, [])
        for r, c in ((row - 1, column), (row, column - 1), (row + 1, column), (row, column + 1)):
            if 0 <= r < side and 0 <= c < side:
                ways.append((r * side + c, 1.0 + 0.1 * ((r * 7 + c * 3) % 5)))
    return arcs


def check(network: Network, **options: float) -> None:
    result = search(network, **options)  # type: ignore[arg-type]
    assert result.optimal
    assert not result.interrupted
    assert result.cost == pytest.approx(network.exact[0], rel=1e-8, abs=1e-12)
    assert network.cost_of(result.actions) == pytest.approx(result.cost, rel=1e-12, abs=1e-12)


def test_the_toy_is_an_environment():
    environment: Environment[tuple[int, int], int] = Network({0: [(1, 1.0)]}, {1})
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
    assert result.nodes == network.calls
    # One iteration may finish what it began: it tries the actions of the states on its path.
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
    monkeypatch.setattr("matrl.search.mcts.PROGRESS_SECONDS", 0.0)
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
    assert reports[-1].error == 0.0


def test_progress_is_called_once_at_least():
    reports: list[Progress] = []
    search(Network({}, {0}), progress=reports.append)
    assert len(reports) == 1


def test_a_different_seed_finds_the_same_optimum():
    costs = {round(search(Network(grid(9, 4), {80}), seed=s).cost, 9) for s in range(6)}
    assert len(costs) == 1
