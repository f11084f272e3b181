"""Guesses change the order in which children are tried, and nothing else."""

import pytest
from tests.search.toys import Network, random_dag

from matrl.search import Limits, Search, search

GOAL, SAFE = 901, 900
TRAPS = range(1, 301)


def trapped(kinds: bool) -> Network:
    """Return a network of many cheap ways that are traps, and one dear way that is none."""
    arcs = {0: [(trap, 0.1 + 1e-4 * trap) for trap in TRAPS] + [(SAFE, 2.0)]}
    arcs |= {trap: [(GOAL, 0.1)] for trap in TRAPS}
    arcs[SAFE] = [(GOAL, 1.0)]
    return Network(
        arcs,  # type: ignore[arg-type]
        {GOAL},
        "half",
        traps=frozenset(TRAPS),
        kinds=dict.fromkeys(TRAPS, 1) if kinds else None,
    )


def looks_until_a_plan(network: Network) -> int:
    one = Search(network)
    nodes = 0
    while one.incumbent == float("inf"):
        nodes += 1
        one.advance(Limits(nodes=nodes))
    return len(network.confirmed)


def test_what_failed_is_put_off() -> None:
    assert looks_until_a_plan(trapped(kinds=True)) < 30
    assert looks_until_a_plan(trapped(kinds=False)) > 250


@pytest.mark.parametrize("planner", ["mcts", "beam", "exhaustive", "random"])
def test_nothing_is_left_out(planner: str) -> None:
    """The last of the traps is none, and the cheapest way."""
    network = trapped(kinds=True)
    network.traps = frozenset(list(TRAPS)[:-1])
    found = search(network, planner=planner)
    assert found.optimal
    assert found.cost == pytest.approx(0.23)


@pytest.mark.parametrize("seed", range(12))
def test_wrong_kinds_do_no_harm(seed: int) -> None:
    arcs = random_dag(seed, size=40)
    traps = frozenset(range(5, 35, 4))
    kinds = {state: state % 3 for state in range(40)}
    network = Network(arcs, {39}, "half", traps=traps, kinds=kinds)
    found = search(network, seed=seed)
    assert found.optimal
    assert found.cost == pytest.approx(network.exact[0])
    assert network.cost_of(found.actions) == pytest.approx(found.cost)


def test_the_same_seed_takes_the_same_way() -> None:
    runs = [
        search(
            Network(
                random_dag(3, size=60),
                {59},
                "half",
                traps=frozenset(range(4, 50, 5)),
                kinds={state: state % 2 for state in range(60)},
            ),
            node_limit=60,
            seed=5,
        )
        for _ in range(2)
    ]
    assert runs[0].actions == runs[1].actions
    assert runs[0].nodes == runs[1].nodes
    assert runs[0].bound == runs[1].bound
