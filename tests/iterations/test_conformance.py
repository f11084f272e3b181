"""Every entry of the catalogue conforms, and the check notices entries that do not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from matrl.core.tracing import Expression
from matrl.functions import FUNCTIONS
from matrl.iterations import FORMS, UPDATES, DirectMethod, Multiplier, Samples, Update
from matrl.iterations.polynomial import PolynomialUpdate
from matrl.report.catalogue import catalogue_document
from matrl.testing import Entry, catalogue_entries, check_entry, check_map, check_update


def iterative() -> list[tuple[Update, int]]:
    return [
        (update, k)
        for update in UPDATES
        if not isinstance(update, DirectMethod)
        for k in range(1, 9)
        if update.supports(k)
    ]


def test_every_entry_of_the_catalogue_conforms() -> None:
    failures, covered = [], 0
    for entry in catalogue_entries(FUNCTIONS):
        try:
            check_entry(entry)
        except AssertionError as error:
            failures.append(str(error))
        covered += 1
    announced = len(catalogue_document()["entries"])
    print(f"conformance: covered {covered} of {announced} entries (function, update, form, place)")
    assert not failures, "\n".join(failures)
    assert covered == announced


ON_DEMAND = ("root-9", "power-3/10", "invroot-11", "root-16", "power--7/10", "invroot-64")
ON_DEMAND += ("power-63/64", "power--33/64")


def entries_on_demand(name: str) -> list[Entry]:
    """Every place of a function, each with one update of every kind, a different one in turn."""
    entries = catalogue_entries([FUNCTIONS.get(name)])
    families: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        family = re.split(r"-\d", entry.update.name)[0]
        families.setdefault((family, entry.form, entry.position), []).append(entry)
    turn = ON_DEMAND.index(name)
    return [members[turn % len(members)] for members in families.values()]


@pytest.mark.parametrize("name", ON_DEMAND)
def test_functions_made_on_demand_conform(name: str) -> None:
    """A sample of what is in no registry, counted by itself."""
    entries = entries_on_demand(name)
    for entry in entries:
        check_entry(entry)
    everything = catalogue_document(name)["entries"]
    print(f"conformance, on demand: {name}: {len(entries)} of {len(everything)} entries")
    assert len({(e.form, e.position) for e in entries}) == len(
        {(row["form"], row["position"]) for row in everything}
    )
    assert {e.update.name.partition("-")[0] for e in entries} == {
        row["update"].partition("-")[0] for row in everything
    }


@pytest.mark.parametrize("k", [9, 16, 33, 64])
def test_maps_of_large_root_indices_conform(k: int) -> None:
    updates = [u for u in (*UPDATES, *UPDATES.on_demand(k)) if not isinstance(u, DirectMethod)]
    supported = [update for update in updates if update.supports(k)]
    assert len(supported) == 24
    for update in supported:
        check_map(update, k)


def test_check_update_knows_updates_made_on_demand() -> None:
    check_update(UPDATES.get("minimax-33"), 32)
    with pytest.raises(AssertionError, match="series-33: register the update"):
        check_update(replace(UPDATES.get("series-33"), rule="another"), 32)  # type: ignore[type-var]


def test_every_map_of_the_catalogue_conforms() -> None:
    """Images, critical points and orders of convergence, for every root index."""
    failures = []
    for update, k in iterative():
        try:
            check_map(update, k)
        except AssertionError as error:
            failures.append(str(error))
    print(f"conformance: {len(iterative())} maps (update, root index) with their order")
    assert not failures, "\n".join(failures)


def test_orders_are_those_of_the_literature() -> None:
    """Written down here once more, so that an update cannot agree with itself alone."""
    for update, k in iterative():
        family = update.name.partition("-")[0]
        if family in ("series", "minimax", "fitted"):
            assert update.order(k) == (update.degree - 1) // k + 1
        elif update.name.startswith("zolotarev-even"):
            assert update.order(k) == 2 * int(update.name.rpartition("-")[2])
        elif family in ("zolotarev", "rational"):
            assert update.order(k) == 2 * int(update.name.rpartition("-")[2]) + 1
        elif family == "pade":
            s, r = (int(part) for part in update.name.partition("-")[2].split("/"))
            assert update.order(k) == s + r + 1
        else:
            assert update.order(k) == {"newton": 2, "halley": 3}[family]


def test_every_form_is_covered() -> None:
    covered = {entry.form for entry in catalogue_entries(FUNCTIONS)}
    assert covered == {f.name for f in FORMS} | {"direct"}


def test_check_update_checks_all_functions_of_a_root_index() -> None:
    check_update(UPDATES.get("zolotarev-2"), 2)
    check_update(UPDATES.get("cholesky"), 1)


@pytest.mark.parametrize(("name", "root_index"), [("newton", 1), ("minimax-4", 2), ("cholesky", 2)])
def test_check_update_refuses_an_unsupported_root_index(name: str, root_index: int) -> None:
    with pytest.raises(AssertionError, match=f"{name}: no function of root index {root_index}"):
        check_update(UPDATES.get(name), root_index)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The entries of the registry of updates, restored after the test."""
    entries = dict(UPDATES._entries)
    monkeypatch.setattr(UPDATES, "_entries", entries)
    return entries  # type: ignore[return-value]


@dataclass(frozen=True)
class Sound(PolynomialUpdate):
    """Newton-Schulz, written anew."""

    degree: int = 3
    name: str = "mine"
    source: str = "this file"

    rule: str = "Taylor polynomial"

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        return (1.5, -0.5)


class LostCriticalPoint(Sound):
    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        return (2.5, -1.5)

    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        return ()


class InventedCriticalPoint(Sound):
    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        return (0.5 * (lower + upper),)


class WrongResidualTimes(Sound):
    def multiplier(
        self, m: Expression, coefficients: Sequence[float], root_index: int
    ) -> Multiplier:
        p = super().multiplier(m, coefficients, root_index).p
        return Multiplier(p, residual_times=m + 0.1 * (m @ m))


@pytest.mark.parametrize(
    ("update", "order", "message"),
    [
        (LostCriticalPoint(), None, "beyond its image"),
        (InventedCriticalPoint(), None, "slope .* at a critical point"),
        (WrongResidualTimes(), None, "(M|sqrt|sign|unitary) after .* steps differs"),
        (Sound(), 3, r"converges with order .*, not 3"),
    ],
)
def test_the_check_names_what_is_wrong(
    broken: dict[str, object], update: Update, order: int | None, message: str
) -> None:
    broken["mine"] = update
    with pytest.raises(AssertionError, match=f"mine.*{message}"):
        check_update(update, 2, order=order)


def test_a_sound_update_of_a_third_party_passes(broken: dict[str, object]) -> None:
    update = Sound()
    broken["mine"] = update
    check_update(update, 2, order=2)


def test_an_update_must_be_registered() -> None:
    with pytest.raises(AssertionError, match="mine: register the update"):
        check_update(Sound(), 2)


def test_a_dishonest_count_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from matrl.testing import conformance

    entry = catalogue_entries([FUNCTIONS.get("sqrt")], [UPDATES.get("series-5")])[0]
    monkeypatch.setattr(conformance, "count", lambda program: {("add", "float64"): 1})
    with pytest.raises(AssertionError, match=re.escape(str(entry)) + ".*counted .*executed"):
        check_entry(entry)


def test_a_wrong_direct_method_is_noticed() -> None:
    entry = Entry(FUNCTIONS.get("invsqrt"), UPDATES.get("cholesky"), "direct", "direct")
    with pytest.raises((AssertionError, ValueError), match=r"invsqrt/cholesky"):
        check_entry(entry)
