"""Searches that start from plans: they are used where they are legal and do no harm elsewhere."""

import pytest
from tests.search.toys import Arcs, Network, grid, random_dag

from matrl.search import PLANNERS, search

SIDE = 6


def network(**options):
    return Network(grid(SIDE, 3), {SIDE * SIDE - 1}, **options)


def best():
    return search(network()).actions


def test_a_plan_is_known_before_anything_else_is_tried():
    seeded = search(network(), seeds=[best()], node_limit=1)
    alone = search(network(), node_limit=1)
    assert seeded.cost == pytest.approx(network().exact[0], rel=1e-12)
    assert seeded.actions == best()
    assert alone.cost > seeded.cost or alone.nodes > seeded.nodes


@pytest.mark.parametrize("planner", sorted(PLANNERS))
@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_is_found_from_any_plan(planner, seed):
    arcs = random_dag(seed)
    toy = Network(arcs, {29})
    dear = (len(arcs[0]) - 1,)  # straight to the goal, for 40
    assert toy.cost_of(dear) == 40.0
    result = search(toy, planner=planner, seeds=[dear], time_limit=20.0)
    assert result.cost == pytest.approx(toy.exact[0], rel=1e-9)
    assert toy.cost_of(result.actions) == pytest.approx(result.cost, rel=1e-12)


def test_plans_that_are_none_are_passed_over():
    toy = network()
    for nonsense in [(7,), (0, 9, 0), (), (0,), (0,) * 30]:
        result = search(network(), seeds=[nonsense])
        assert result.optimal
        assert result.cost == pytest.approx(toy.exact[0], rel=1e-12)


def test_a_plan_through_a_trap_is_not_believed():
    arcs: Arcs = {0: [(1, 1.0), (2, 5.0)], 1: [(3, 1.0)], 2: [(3, 1.0)]}
    result = search(Network(arcs, {3}, traps=frozenset({1})), seeds=[(0, 0)])
    assert (result.cost, result.actions, result.optimal) == (6.0, (1, 0), True)


def test_a_plan_may_use_what_comes_in_a_later_batch():
    arcs: Arcs = {0: [(1, 3.0), (2, 1.0)], 1: [(3, 1.0)], 2: [(3, 1.0)]}
    toy = Network(arcs, {3}, late=frozenset({(0, 1)}))
    result = search(toy, seeds=[(1, 0)], node_limit=1)
    assert (result.cost, result.actions) == (2.0, (1, 0))
