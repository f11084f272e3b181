"""The front: plans no other beats in cost and error, of all precisions, as they really are."""

import pytest

from matrl import Problem, Spectrum
from matrl.discovery.phases.assembly import Assembler, environment_for
from matrl.discovery.problem.arguments import allowed_updates
from matrl.search import Search
from matrl.search.limits import Limits

N = 256
BOTH = ("float32", "float64")


@pytest.fixture(scope="module")
def searched(make_profile):
    """Return a problem's environment, a search in it, and what it has found."""
    problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-7, shape=(N, N))
    ops = {"matmul": 1.0, "matmul_herm": 0.7, "add": 0.01}
    entries = [
        make_profile({op: s * share for op, s in ops.items()}, N, (dtype,)).entries
        for dtype, share in (("float32", 0.4), ("float64", 1.0))
    ]
    profile = type(make_profile())("both", (*entries[0], *entries[1]))
    environment = environment_for(problem, profile, allowed_updates(problem, "minimax-*"), BOTH)
    search = Search(environment)
    result = search.result(search.advance(Limits(nodes=4000)))
    return problem, environment, profile, search, result


def precisions(actions):
    return tuple(sorted({action.precision for action in actions if action.domain < 0}))


def test_labels_are_the_precisions_of_the_steps(searched):
    *_, search, _ = searched
    elites = search._archive.elites
    assert {elite.label for elite in elites} >= {("float32",), ("float64",), BOTH}
    assert all(elite.label == precisions(elite.actions) for elite in elites)


def test_plans_of_every_precision_stay_where_nothing_beats_them(searched):
    """Float32 steps are the cheap ones, float64 steps the accurate ones."""
    *_, result = searched
    kinds = [precisions(elite.actions) for elite in result.front]
    assert ("float32",) in kinds
    assert "float64" in kinds[-1]
    costs = [elite.cost for elite in result.front]
    errors = [elite.quality for elite in result.front]
    assert costs == sorted(costs)
    assert errors == sorted(errors, reverse=True)
    assert len(set(errors)) == len(errors)


def test_the_front_is_confirmed(searched):
    """Errors are with rounding, so that nothing of float32 alone looks as good as float64."""
    problem, environment, profile, _, result = searched
    for elite in result.front:
        _, found = environment.replay(elite.actions)
        assert elite.quality == pytest.approx(found.total_error, rel=1e-3)
        if precisions(elite.actions) == ("float32",):
            assert elite.quality > 1e-7
    plans = Assembler(problem, environment, profile, result, 0).front(
        (elite.actions, elite.cost) for elite in result.front
    )
    assert len(plans) == len(result.front)
    for plan, elite in zip(plans, result.front, strict=True):
        total = plan.predicted.error + plan.predicted.rounding
        assert total == pytest.approx(elite.quality, rel=1e-3)
        assert {step.precision for step in plan.steps} == set(precisions(elite.actions))


def test_the_cheapest_of_each_cell_is_kept(searched):
    """A grid of error, cost and precision: within a cell quality differs by less than a cell."""
    *_, search, _ = searched
    cells = search._archive._cells
    assert len(cells) > 10
    assert len({key[2] for key in cells}) >= 3
    assert all(key[2] == elite.label for key, elite in cells.items())
