"""Searches taken to pieces and put together again: nothing is lost, and they go on as they were."""

import itertools
import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.recorded import Recorded, dag, essence, everything, square
from tests.search.toys import two_way_grid

from matrl.errors import ArtifactError
from matrl.search import Limits, Search, driver
from matrl.search.planners.mcts import MonteCarlo
from matrl.search.snapshot import Snapshot


def until(one: Search, nodes: float) -> Any:
    return one.advance(Limits(nodes=nodes))


def moved(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot that has been through bytes."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=Snapshot)


def again(one: Search, environment: Recorded, **options: Any) -> Search:
    return Search.restored(environment, moved(one.snapshot()), **options)


@given(
    seed=st.integers(0, 10**6),
    cut=st.integers(0, 120),
    further=st.integers(0, 200),
    bound=st.sampled_from(["zero", "half", "exact"]),
    early=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_a_search_in_two_parts_is_the_search_in_one(seed, cut, further, bound, early):
    def network() -> Recorded:
        traps = frozenset({5, 11})
        return dag(
            seed,
            bound=bound,
            traps=traps,
            detours={5: [(0, 0)]},
            late=frozenset({(0, 1), (2, 0)}),
            mirages=frozenset({7}),
            confirms_early=early,
        )

    whole, first = Search(network(), seed=seed), Search(network(), seed=seed)
    until(first, cut)
    second = again(first, network())
    assert everything(second) == everything(first)
    reason = until(whole, cut + further)
    assert until(second, cut + further) == reason
    assert everything(second) == everything(whole)
    assert essence(second.result(reason)) == essence(whole.result(reason))


@pytest.mark.parametrize("cuts", [(5, 40, 90), (1, 2, 3, 4, 300)])
def test_many_parts(cuts):
    whole, part = Search(square()), Search(square())
    for cut in cuts:
        until(part, cut)
        part = again(part, square())
    until(whole, cuts[-1])
    assert everything(part) == everything(whole)


@pytest.mark.parametrize("planner", ["exhaustive", "beam", "random"])
@pytest.mark.parametrize("seed", range(6))
def test_other_planners_begin_anew_on_what_is_known(planner, seed):
    first = Search(dag(seed), planner=planner, seed=seed)
    until(first, 20)
    network = dag(seed)
    second = again(first, network, planner=planner)
    assert second.cost == first.cost
    result = second.result(until(second, math.inf))
    assert result.optimal
    assert result.cost == pytest.approx(network.exact[0])
    assert network.cost_of(result.actions) == pytest.approx(result.cost)
    assert result.nodes <= Search(dag(seed)).nodes + 10_000


def test_nothing_is_expanded_or_confirmed_twice():
    network = square()
    first = Search(network)
    until(first, 100)
    fresh = square()
    second = again(first, fresh)
    assert fresh.calls == 0
    assert fresh.looks == 0  # states are made when they are needed
    until(second, 101)
    assert fresh.calls < network.calls


def test_a_deep_state_is_made_without_recursion():
    length = 3000
    arcs: Any = {i: [(i + 1, 1.0)] for i in range(length)}
    network = Recorded(arcs, {length}, "exact")
    first = Search(network)
    until(first, math.inf)
    second = again(first, Recorded(arcs, {length}, "exact"))
    assert len(second.best_path()) == length
    assert second.best_path()[-1][1].child.state == (length, length)


def test_equal_keys_stay_one_node():
    first = Search(Recorded(two_way_grid(4), {15}))
    until(first, 30)
    second = again(first, Recorded(two_way_grid(4), {15}))
    until(second, math.inf)
    assert len(list(second._graph.nodes)) == 16


def test_without_merging():
    def network() -> Recorded:
        return Recorded(two_way_grid(3), {8}, "half", merged=False)

    whole, first = Search(network(), merge=False), Search(network(), merge=False)
    until(first, 25)
    second = again(first, network(), merge=False)
    until(second, 90)
    until(whole, 90)
    assert everything(second) == everything(whole)


def test_seconds_add_up():
    first = Search(square())
    until(first, 50)
    second = again(first, square())
    assert second.seconds == first.seconds
    until(second, 60)
    assert second.seconds > first.seconds


def test_another_environment_is_found_out():
    first = Search(square(5))
    until(first, 60)
    second = again(first, dag(1))
    with pytest.raises(ArtifactError, match="lead to other states here"):
        assert [node.state for _, node in second._graph.nodes]


def _changed(snapshot: Snapshot, table: str, name: str, place: int, value: float) -> Snapshot:
    columns = dict(getattr(snapshot, table))
    kind = "u1" if name in ("flags", "compared", "done") else "<f8"
    if name in ("origin", "origin_action", "edges", "best_edge", "waiting", "action", "child"):
        kind = "<i8"
    values = np.frombuffer(columns[name], kind).copy()
    values[place] = value
    return msgspec.structs.replace(snapshot, **{table: {**columns, name: values.tobytes()}})


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    one = Search(square())
    until(one, 100)
    return one.snapshot()


@pytest.mark.parametrize(
    ("table", "name", "place", "value"),
    [
        ("nodes", "origin", 3, 3),
        ("nodes", "origin", 3, -1),
        ("nodes", "origin", 0, 1),
        ("nodes", "origin_action", 2, 99),
        ("nodes", "edges", 0, 50),
        ("nodes", "edges", 1, -1),
        ("nodes", "best_edge", 0, 9),
        ("nodes", "best_edge", 0, -2),
        ("nodes", "waiting", 0, 1000),
        ("nodes", "best", 0, math.nan),
        ("edges", "action", 0, -1),
        ("edges", "child", 0, 10**6),
        ("edges", "price", 1, math.nan),
        ("waiting", "action", 0, 10**9),
        ("waiting", "price", 0, math.nan),
    ],
)
def test_a_snapshot_that_makes_no_sense_is_refused(snapshot, table, name, place, value):
    wrong = _changed(snapshot, table, name, place, value)
    with pytest.raises(ArtifactError, match=r"my.file: is not a valid checkpoint"):
        Search.restored(square(), wrong, source="my.file")


@pytest.mark.parametrize(
    "change",
    [
        {"actions": ["no arc"]},
        {"actions": []},
        {"looks": []},
        {"digests": b"short"},
        {"memory": "none"},
        {"random": {"bit_generator": "PCG64"}},
        {"random": {"bit_generator": "MT19937"}},
        {"random": {"bit_generator": "PCG64", "state": {"state": "x", "inc": "1"}}},
        {"steps": -1},
        {"seconds": math.nan},
        {"edges": {}},
        {"elites": [(1.0, 1.0, None, [99])]},
    ],
)
def test_a_part_that_makes_no_sense_is_refused(snapshot, change):
    wrong = msgspec.structs.replace(snapshot, **change)
    with pytest.raises(ArtifactError, match="is not a valid checkpoint"):
        Search.restored(square(), wrong)


def test_elites_are_kept():
    first = Search(square())
    until(first, 150)
    second = again(first, square())
    assert second._archive.in_order == first._archive.in_order
    assert len(first._archive.elites) > 1
    assert replace(first._archive.elites[0], label=None).actions


class Counting(MonteCarlo):
    """A planner that notes something itself."""

    count = 0

    def iterate(self) -> bool:
        self.count += 1
        return super().iterate()

    def dump(self) -> Any:
        return self.count

    def load(self, data: Any) -> None:
        if not isinstance(data, int):
            raise ValueError(f"the count {data!r}")
        self.count = data


def test_what_a_planner_notes_is_kept(monkeypatch):
    monkeypatch.setattr(driver, "PLANNERS", {"mcts": Counting})
    first = Search(square())
    until(first, 60)
    second = again(first, square())
    assert second._planner.count == first._planner.count > 1  # type: ignore[attr-defined]
    wrong = msgspec.structs.replace(first.snapshot(), planner="many")
    with pytest.raises(ArtifactError, match="is not a valid checkpoint"):
        Search.restored(square(), wrong)


def test_raised_totals_are_kept():
    first = Search(square())
    until(first, 60)
    node = next(node for _, node in first._graph.nodes if node.waiting.left().actions)
    node.waiting.totals = np.maximum(node.waiting.totals, 99.0)
    second = again(first, square())
    place = [node for _, node in first._graph.nodes].index(node)
    assert next(itertools.islice(second._graph.nodes, place, None))[1].waiting.least() >= 99.0
