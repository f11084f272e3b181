"""Leading workers, in this process: optimum, reproducibility, lost workers, limits, Ctrl-C."""

import logging
import math
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.search.parallel.crews import Inline, never
from tests.search.test_budget import Anywhere
from tests.search.toys import Arcs, Network, grid, random_dag, two_way_grid

from matrl.errors import WorkersLostError
from matrl.search import PLANNERS, Budgeted, Limits, Progress, SearchResult, search
from matrl.search.budget import End
from matrl.search.parallel import exchange as module
from matrl.search.parallel.conductor import Conductor
from matrl.search.parallel.exchange import AtOnce, InRounds
from matrl.search.parallel.merge import merged
from matrl.search.parallel.messages import Assignment, Lost, Order, Report
from matrl.search.parallel.team import Team
from matrl.search.parallel.worker import Worker, seeds_of

BOTH = pytest.mark.parametrize("exchange", [AtOnce, InRounds])


def assignments(network: Any, workers: int, planner: str = "mcts", seed: int = 0) -> Any:
    return [Assignment(network, one, {"planner": planner}) for one in seeds_of(seed, workers)]


def lead(
    network: Any,
    workers: int = 2,
    exchange: Any = AtOnce,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    planner: str = "mcts",
    order: int = 0,
    lost_after: dict[int, int] | None = None,
    progress: Any = None,
    finalists: int = 8,
) -> SearchResult:
    crew = Inline(assignments(network, workers, planner), order, lost_after)
    return Conductor(crew, exchange(), limits, progress).run(never, finalists)


@BOTH
@pytest.mark.parametrize("planner", list(PLANNERS))
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_optimum_of_a_random_graph(workers, planner, exchange):
    for seed in range(4):
        make = partial(Network, random_dag(seed, free=seed == 1), {29}, "half")
        result = lead(make, workers, exchange, planner=planner, order=seed)
        network = make()
        assert result.optimal
        assert result.reason == "optimal"
        assert result.cost == pytest.approx(network.exact[0], rel=1e-8)
        assert network.cost_of(result.actions) == pytest.approx(result.cost, rel=1e-12)
        assert result.bound <= result.cost * (1.0 + 1e-12)


@BOTH
def test_loops(exchange):
    make = partial(Network, two_way_grid(4), {15})
    assert lead(make, 2, exchange).cost == pytest.approx(make().exact[0])


@BOTH
def test_a_goal_out_of_reach(exchange):
    network = partial(Network, {0: [(1, 1.0), (2, 1.0)], 1: [(3, None)], 2: [(3, 1.0)]}, {9})
    result = lead(network, 2, exchange)
    assert (result.cost, result.actions, result.reason) == (math.inf, (), "exhausted")
    assert not result.optimal
    assert result.best_quality == 0.25


@BOTH
def test_a_root_that_is_done(exchange):
    result = lead(partial(Network, {}, {0}), 2, exchange)
    assert (result.cost, result.actions, result.optimal) == (0.0, (), True)


@BOTH
def test_one_worker_finds_what_the_search_alone_finds(exchange):
    make = partial(Network, grid(10), {99})
    alone, led = search(make(), seed=0), lead(make, 1, exchange)
    assert (led.cost, led.actions, led.nodes) == (alone.cost, alone.actions, alone.nodes)


@pytest.mark.parametrize("limit", [2, 60, 300, 1000])
def test_rounds_give_the_same_result_in_whatever_order_answers_come(limit, monkeypatch):
    """Turns of no time at all, too: rounds then take many of them."""

    def once(order: int, turn: float) -> tuple[object, ...]:
        monkeypatch.setattr(module, "TURN", turn)
        make = partial(Network, grid(20), {399})
        one = lead(make, 3, InRounds, limits=Limits(nodes=limit, grace=50), order=order)
        return (one.cost, one.actions, one.finalists, one.nodes, one.front, one.bound, one.reason)

    first = once(0, 10.0)
    assert [once(order, turn) for order, turn in ((1, 10.0), (2, 10.0), (3, 0.0), (4, 0.0))] == [
        first
    ] * 4


@BOTH
@pytest.mark.parametrize("limit", [5, 50, 400])
def test_the_limit_of_nodes_is_for_all_together(limit, exchange):
    result = lead(partial(Network, grid(20), {399}), 2, exchange, limits=Limits(nodes=limit))
    assert result.reason == "nodes"
    # An iteration that has begun is ended; each worker may be in one.
    assert limit <= result.nodes <= limit + 2 * 2 * 40


@BOTH
def test_a_plan_is_searched_for_beyond_the_limit_of_nodes_but_not_without_end(exchange):
    arcs: Arcs = {s: [(s + 1, 1.0)] for s in range(200)}
    found = lead(partial(Network, arcs, {200}), 2, exchange, limits=Limits(nodes=10))
    assert found.cost == 200.0
    lost = lead(partial(Network, grid(30), {-1}), 2, exchange, limits=Limits(nodes=10, grace=200))
    assert (lost.cost, lost.reason) == (math.inf, "nodes")
    assert lost.nodes >= 210


@BOTH
def test_a_time_limit_still_returns(exchange):
    result = lead(partial(Network, grid(30), {899}), 2, exchange, limits=Limits(seconds=1e-9))
    assert result.reason == "time"
    assert result.cost == math.inf or result.actions


def test_searching_ends_when_it_costs_more_than_it_can_save():
    limits = Limits(expected_calls=1e-9)
    result = lead(partial(Network, grid(20), {399}), 2, limits=limits)
    assert result.reason == "break-even"
    assert result.actions


@BOTH
@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_a_lost_worker_costs_its_share_only(after, exchange, caplog):
    make = partial(Network, grid(9), {80})
    with caplog.at_level(logging.WARNING, logger="matrl"):
        result = lead(make, 2, exchange, lost_after={1: after}, order=2)
    assert result.optimal
    assert result.cost == pytest.approx(make().exact[0])
    if after <= 1:
        assert "worker 2 of 2 was lost: it was given up by the test" in caplog.text
        assert "one goes on" in caplog.text


def test_the_plan_of_a_lost_worker_is_kept_and_proved_by_another():
    """The other hears of the optimum before its first step and never has a plan of its own."""
    make = partial(Network, grid(6), {35}, "exact")
    optimum = make().exact[0]
    conductor = Conductor(Inline(assignments(make, 2)), AtOnce(), Limits())
    lost, other = conductor._team.members
    finding, hearing = (Worker(one) for one in assignments(make, 2))
    while not lost.cost <= optimum * (1.0 + 1e-9):
        report = finding.answer(Order(0.0, math.inf))
        assert isinstance(report, Report)
        lost.take(replace(report, proved=None))
    conductor._take(lost, Lost("was given up by the test"))
    conductor._take(other, hearing.answer(Order(10.0, math.inf, lost.cost)))
    assert math.isinf(other.cost)
    assert other.proved == lost.cost
    result = conductor.run(never, 8)
    assert (result.reason, result.optimal) == ("optimal", True)
    assert result.cost == pytest.approx(optimum)
    assert make().cost_of(result.actions) == pytest.approx(result.cost)
    assert result.front[-1].actions == result.actions


def test_where_all_are_lost_the_best_reported_is_returned():
    make = partial(Network, grid(20), {399})
    result = lead(make, 2, lost_after={0: 3, 1: 0})
    assert result.reason == "lost"
    assert not result.optimal
    assert make().cost_of(result.actions) == pytest.approx(result.cost)
    assert result.finalists[0] == (result.cost, result.actions)


def within_a_budget() -> Budgeted:
    return Budgeted(Anywhere(random_dag(3, 18), set(), merged=False), 3.0)


def test_a_front_is_of_errors_and_what_they_take_of_the_budget_whoever_is_lost():
    """What a search counts, the price of an error, stood beside prices of plans before."""
    worker = Worker(assignments(within_a_budget, 1)[0])
    conductor = Conductor(Inline(assignments(within_a_budget, 2)), AtOnce(), Limits())
    lost = conductor._team.members[0]
    while len(lost.complete) < 2:
        report = worker.answer(Order(0.0, math.inf))
        assert isinstance(report, Report)
        lost.take(replace(report, proved=None))
    conductor._take(lost, Lost("was given up by the test"))
    reported = merged(conductor._team, "lost", 0.0, 8)
    result = conductor.run(never, 8)
    check_front(reported)
    check_front(result)
    assert result.cost <= reported.cost


def check_front(result: SearchResult) -> None:
    assert result.front
    for elite in result.front:
        assert elite.cost == pytest.approx(Budgeted.spent_by(elite.actions))
        assert elite.cost <= 3.0 * (1.0 + 1e-9)
    for cost, actions in result.finalists:
        assert isinstance(actions[-1], End)
        assert cost == pytest.approx(Budgeted.cost_of(actions[-1].quality))
    assert Budgeted.quality_of(result.cost) == pytest.approx(result.front[-1].quality)


def test_where_all_are_lost_before_there_is_a_plan_that_is_an_error():
    with pytest.raises(WorkersLostError, match=r"workers: all 2 were lost before.*given up"):
        lead(partial(Network, grid(20), {399}), 2, lost_after={0: 1, 1: 1})


def test_finalists_are_sorted_distinct_and_complete():
    make = partial(Network, random_dag(5, 40), {39})
    result = lead(make, 3, limits=Limits(nodes=400), finalists=5)
    costs = [cost for cost, _ in result.finalists]
    assert costs == sorted(costs)
    assert len({actions for _, actions in result.finalists}) == len(result.finalists) <= 5
    assert result.finalists[0] == (result.cost, result.actions)
    for cost, actions in result.finalists:
        assert make().cost_of(actions) == pytest.approx(cost)


def test_the_front_is_one_front():
    result = lead(partial(Network, random_dag(5, 40), {39}), 3)
    assert list(result.front) == sorted(result.front, key=lambda one: one.cost)
    qualities = [one.quality for one in result.front]
    assert qualities == sorted(set(qualities), reverse=True)


def test_progress_is_that_of_all(monkeypatch):
    monkeypatch.setattr("matrl.search.parallel.conductor.PROGRESS_SECONDS", 0.0)
    reports: list[Progress] = []
    limits = Limits(seconds=60.0)
    result = lead(partial(Network, grid(9), {80}), 2, limits=limits, progress=reports.append)
    costs = [one.cost for one in reports]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(result.cost)
    assert [one.nodes for one in reports] == sorted(one.nodes for one in reports)
    assert reports[-1].nodes == result.nodes
    assert reports[-1].error == 1e-3


@BOTH
def test_an_interrupt_returns_the_best_so_far(exchange, monkeypatch):
    monkeypatch.setattr("matrl.search.parallel.conductor.PROGRESS_SECONDS", 0.0)

    def interrupt(progress: Progress) -> None:
        if progress.cost < math.inf:
            raise KeyboardInterrupt

    make = partial(Network, grid(20), {399})
    result = lead(make, 2, exchange, progress=interrupt)
    assert result.interrupted
    assert make().cost_of(result.actions) == pytest.approx(result.cost)


def test_an_interrupt_in_a_worker_ends_the_search_like_any():
    result = lead(partial(Network, grid(20), {399}, interrupt_at=200), 2)
    assert result.interrupted
    assert result.actions


@pytest.mark.parametrize("nodes", [math.inf, 10_000])
def test_no_worker_waits_while_there_are_steps_to_take(nodes):
    """Without a limit of steps the first order is for infinitely many, and leaves as many."""
    team, exchange = Team(3, Limits(nodes=nodes)), AtOnce()
    for member in team.members:
        member.state = "idle"
    for member in team.members:
        order = exchange.order(member, team)
        assert order is not None
        assert order.nodes > 0
        member.state, member.target = "busy", order.nodes + order.grace
