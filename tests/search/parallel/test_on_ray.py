"""The same over Ray, where it is installed; and what is said where it is not."""

import logging
import math
import sys
from collections.abc import Iterator
from functools import partial

import pytest
from tests.search.parallel.crews import Drowsy
from tests.search.toys import Network, random_dag

from matrl.errors import InputError, MissingExtraError
from matrl.search import Limits, Progress, search_in_parallel
from matrl.search.parallel.conductor import Conductor
from matrl.search.parallel.exchange import AtOnce
from matrl.search.parallel.interrupts import Interrupts
from matrl.search.parallel.messages import Assignment
from matrl.search.parallel.on_ray import Actors, Cluster


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"ray: .* pip install 'matrl\[ray\]'"):
        search_in_parallel(partial(Network, {}, {0}), ray="local")


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:1"])
def test_an_address_where_nobody_answers(address):
    pytest.importorskip("ray", reason="needs ray")
    with pytest.raises(InputError, match=f"ray: no cluster answers at '{address}'"):
        search_in_parallel(partial(Network, {}, {0}), ray=address)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="needs ray")
    one = Cluster("local", 2)
    yield one
    one.close()


@pytest.mark.slow
def test_two_actors_find_and_prove_the_optimum_and_leave_the_cluster_to_its_owner(cluster):
    make = partial(Network, random_dag(3, 40), {39}, "half")
    result = search_in_parallel(make, workers=2, ray="local", deterministic=True, seed=1)
    assert (result.optimal, result.reason) == (True, "optimal")
    assert result.cost == pytest.approx(make().exact[0])
    alone = search_in_parallel(make, workers=2, deterministic=True, seed=1)
    assert (result.actions, result.nodes, result.front) == (alone.actions, alone.nodes, alone.front)
    assert cluster.ray.is_initialized()
    assert cluster.cores >= 2


@pytest.mark.slow
def test_a_killed_actor_costs_its_share_only(cluster, caplog):
    crew = Actors(cluster, [Assignment(Drowsy, "mcts", seed) for seed in (0, 1)])
    killed: list[bool] = []

    def kill(progress: Progress) -> None:
        if progress.cost < math.inf and not killed:
            killed.append(True)
            cluster.ray.kill(crew._actors[1])

    try:
        with caplog.at_level(logging.WARNING, logger="matrl"):
            limits = Limits(nodes=1000)
            result = Conductor(crew, AtOnce(), limits, kill).run(Interrupts(), 8)
    finally:
        crew.close()
    assert killed
    assert "worker 2 of 2 was lost: it is out of reach" in caplog.text
    assert result.reason == "nodes"
    assert result.nodes >= 1000
    assert Drowsy().cost_of(result.actions) == pytest.approx(result.cost)
