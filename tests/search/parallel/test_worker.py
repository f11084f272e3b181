"""One worker: what it does with a cost it hears, when it reports, and its seed."""

import math
from functools import partial

import pytest
from tests.search.toys import Network, grid, random_dag

from matrl.search import PLANNERS, Limits, Search
from matrl.search.parallel.messages import Assignment, Finish, Order, Report
from matrl.search.parallel.worker import Worker, seeds_of
from matrl.search.result import SearchResult

LONG = 60.0


def searched(worker: Worker, order: Order) -> Report:
    report = worker.answer(order)
    assert isinstance(report, Report)
    return report


def result_of(worker: Worker) -> SearchResult:
    result = worker.answer(Finish(8))
    assert isinstance(result, SearchResult)
    return result


@pytest.mark.parametrize("planner", list(PLANNERS))
@pytest.mark.parametrize("seed", range(6))
def test_who_hears_of_the_optimum_proves_it_without_a_plan_of_its_own(planner, seed):
    make = partial(Network, random_dag(seed), {29}, "half")
    worker = Worker(Assignment(make, seed, {"planner": planner}))
    optimum = make().exact[0]
    report = searched(worker, Order(LONG, math.inf, optimum))
    assert report.proved == optimum
    result = result_of(worker)
    assert not result.optimal or result.cost == pytest.approx(optimum)
    assert result.bound <= optimum * (1.0 + 1e-9)


def test_what_is_heard_leaves_out_what_cannot_beat_it():
    alone = told = 0
    for seed in range(6):
        make = partial(Network, random_dag(seed, 60, dead_ends=False), {59}, "half")
        for heard in (math.inf, make().exact[0]):
            search = Search(make())
            search.hear(heard)
            search.advance(Limits())
            alone += search.nodes if math.isinf(heard) else 0
            told += search.nodes if math.isfinite(heard) else 0
    assert told < 0.95 * alone


def test_what_is_heard_is_no_plan():
    search = Search(Network(grid(6), {35}))
    search.hear(1.0)
    assert search.incumbent == 1.0
    assert search.cost == math.inf
    assert search.best_plan() == (math.inf, ())
    result = search.result(search.advance(Limits()))
    assert (result.actions, result.optimal) == ((), False)


def test_a_dearer_cost_changes_nothing():
    def found(heard: float) -> tuple[object, ...]:
        search = Search(Network(grid(8), {63}), seed=3)
        search.advance(Limits(nodes=40))
        search.hear(heard)
        one = search.result(search.advance(Limits()))
        return one.cost, one.actions, one.nodes, one.optimal

    assert found(1e6) == found(math.inf)


def test_the_best_plan_comes_with_what_ends_along_it():
    network = Network(grid(6), {35})
    search = Search(network)
    search.advance(Limits(nodes=60))
    cost, plans = search.best_plan()
    assert network.cost_of(plans[-1].actions) == plans[-1].cost == cost == search.cost
    assert [plan.actions for plan in plans] == [
        plans[-1].actions[: length + 1] for length in range(len(plans))
    ]
    assert plans[-1].quality == 1e-3


def test_a_plan_is_reported_at_what_it_costs_where_ways_meet():
    """What the root knew of a plan was not always what it costs by the better way to its end."""
    better = 0
    for seed in range(4):
        network, search = Network(grid(20), {399}), Search(Network(grid(20), {399}), seed=seed)
        for nodes in range(200, 3000, 40):
            search.advance(Limits(nodes=nodes))
            cost, plans = search.best_plan()
            assert cost == network.cost_of(plans[-1].actions) == plans[-1].cost
            better += cost < search.cost
    assert better


def test_a_better_plan_is_reported_at_once_and_once_only():
    worker = Worker(Assignment(partial(Network, grid(20), {399}), 0))
    costs = []
    for _ in range(200):
        report = searched(worker, Order(LONG, math.inf))
        if report.proved is not None:
            break
        assert report.plans
        costs.append(report.plans[-1].cost)
    assert costs == sorted(set(costs), reverse=True)
    assert costs
    assert searched(worker, Order(0.0, math.inf)).plans == ()


def test_a_worker_stops_at_its_count_and_not_earlier():
    worker = Worker(Assignment(partial(Network, grid(30), {-1}), 0))
    report = searched(worker, Order(LONG, 100))
    assert 100 <= report.nodes < 100 + 2 * 60
    again = searched(worker, Order(LONG, 100))
    assert again.nodes == report.nodes
    assert (again.proved, again.plans) == (None, ())


def test_seeds_are_distinct_and_the_first_is_that_of_the_search():
    seeds = seeds_of(5, 64)
    assert seeds[0] == 5
    assert len(set(seeds)) == 64
    assert seeds[:8] == seeds_of(5, 8)
    assert not set(seeds[1:]) & set(seeds_of(6, 64))
