"""Finalists differ in structure."""

from matrl.core.precision import PRECISIONS
from matrl.discovery.phases.finalists import FINALISTS, LARGE, distinct, restrictions, varied
from matrl.discovery.states.state import Action
from matrl.iterations import UPDATES, DirectMethod


def schedule(cost, *steps, domain=0, precision="float64"):
    actions = [Action(name, form, precision) for name, form in steps]
    return (cost, (Action("", domain=domain), *actions))


def test_scalings_alone_make_no_difference():
    one = schedule(1.0, ("newton", "product"))
    other = schedule(1.1, ("newton", "product"), domain=1)
    coarse = schedule(1.2, ("newton", "product"), precision="float32")
    assert distinct([one, other, coarse]) == [one, coarse]


def test_kinds_go_before_orders():
    alike = [
        schedule(1.0 + k / 100, ("minimax-3", "zm"), *[("minimax-5", "zm")] * k) for k in range(12)
    ]
    other = schedule(1.25, ("zolotarev-1", "zm"))
    chosen = varied([*alike, other], 64)
    assert len(chosen) == FINALISTS
    assert other in chosen
    assert [cost for cost, _ in chosen] == sorted(cost for cost, _ in chosen)
    assert chosen[0] == alike[0]
    assert len(varied([*alike, other], LARGE + 1)) == FINALISTS // 2


def test_restrictions_are_smaller_sets():
    updates = [u for u in UPDATES if isinstance(u, DirectMethod) or u.supports(2)]
    sets = list(restrictions(updates, ("float32", "float64")))
    assert all(len(a) < len(updates) or len(p) == 1 for a, p in sets)
    kinds = [{getattr(u, "kind", "direct") for u in actions} for actions, _ in sets[:3]]
    assert kinds[0] == {"polynomial", "repair"}
    assert "polynomial" not in kinds[1]
    assert kinds[2] == {"direct"}
    assert [p for _, p in sets[3:]] == [("float32",), ("float64",)]
    # Nothing to leave out, no search.
    only = [u for u in updates if u.name == "minimax-3"]
    assert list(restrictions(only, PRECISIONS[-1:])) == []
