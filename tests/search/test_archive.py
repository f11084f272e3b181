"""The grid of elites and the front."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.search.toys import Arcs, Network, grid

from matrl.search import search
from matrl.search.archive import Archive, Elite, front_of

PLANS = st.lists(
    st.builds(Elite, st.floats(0.0, 1e3), st.floats(0.0, 1.0), st.sampled_from("ab"), st.just(())),
    max_size=40,
)


def beats(one: Elite, other: Elite) -> bool:
    """Whether a plan is as good in both ways, and better in one."""
    no_worse = one.cost <= other.cost and one.quality <= other.quality
    return no_worse and (one.cost, one.quality) != (other.cost, other.quality)


@given(PLANS)
def test_the_front_is_what_nothing_beats(plans):
    archive = Archive()
    for plan in plans:
        archive.add(plan)
    front = front_of(archive.elites)
    assert [e.cost for e in front] == sorted(e.cost for e in front)
    assert [e.quality for e in front] == sorted((e.quality for e in front), reverse=True)
    for plan in plans:
        assert any(e == plan or not beats(plan, e) for e in front)
    # The cells are coarse, but within one the cheaper plan stays: nothing on the front is beaten.
    for elite in front:
        assert not any(beats(other, elite) for other in archive.elites)


def test_the_cheapest_of_a_cell_stays():
    archive = Archive()
    archive.add(Elite(1.02, 0.51, None, ("dear",)))
    archive.add(Elite(1.01, 0.52, None, ("cheap",)))
    assert [e.actions for e in archive.elites] == [("cheap",)]


def test_kinds_have_cells_of_their_own():
    archive = Archive()
    archive.add(Elite(1.02, 0.5, "a", ()))
    archive.add(Elite(1.02, 0.5, "b", ()))
    assert len(archive.elites) == 2


@pytest.mark.parametrize(("cost", "quality"), [(math.inf, 0.1), (1.0, math.inf), (1.0, math.nan)])
def test_what_is_not_finite_stays_out(cost, quality):
    assert not Archive().wants(cost, quality, None)


def test_a_search_returns_the_front_of_all_it_met():
    arcs: Arcs = {0: [(2, 1.0), (5, 1.5)], 2: [(5, 1.0), (9, 2.0)], 5: [(9, 3.0)]}
    front = search(Network(arcs, {9})).front
    assert [(e.cost, e.actions) for e in front] == [(1.0, (0,)), (1.5, (1,)), (3.0, (0, 1))]
    assert front[-1].quality == 1e-3


def test_elites_are_confirmed():
    arcs: Arcs = {0: [(2, 1.0), (3, 1.5)], 2: [(9, 1.0)], 3: [(9, 3.0)]}
    result = search(Network(arcs, {9}, traps=frozenset({2})))
    assert [e.actions for e in result.front] == [(1,), (1, 0)]


def test_elites_do_not_change_what_is_found():
    result = search(Network(grid(6), {35}))
    assert result.front[-1].cost == result.cost
