"""Every entry of the catalogue conforms, and the check notices entries that do not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from matrl.core.tracing import Expression
from matrl.functions import FUNCTIONS
from matrl.iterations import FORMS, UPDATES, DirectMethod, Multiplier, Update
from matrl.iterations.polynomial import PolynomialUpdate
from matrl.testing import Entry, catalogue_entries, check_entry, check_update


def documented_order(update: Update | DirectMethod, root_index: int) -> int | None:
    family = update.name.partition("-")[0]
    if family in ("series", "minimax"):
        assert not isinstance(update, DirectMethod)
        return (update.degree - 1) // root_index + 1
    return {"newton": 2, "halley": 3}.get(family)


def test_every_entry_of_the_catalogue_conforms() -> None:
    failures, covered, orders = [], 0, 0
    for entry in catalogue_entries():
        order = documented_order(entry.update, entry.function.root_index)
        try:
            check_entry(entry, order=order)
        except AssertionError as error:
            failures.append(str(error))
        covered += 1
        orders += order is not None
    expected = 0
    for function in FUNCTIONS:
        for update in UPDATES:
            if isinstance(update, DirectMethod):
                expected += update.supports(function)
            else:
                expected += 2 * update.supports(function.root_index)
    print(f"conformance: covered {covered} of {expected} entries, {orders} with their order")
    assert not failures, "\n".join(failures)
    assert covered == expected
    assert orders >= 60


def test_every_form_is_covered() -> None:
    assert {entry.form for entry in catalogue_entries()} == {f.name for f in FORMS} | {"direct"}


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

    def coefficients(self, root_index: int, lower: float, upper: float) -> tuple[float, ...]:
        return (1.5, -0.5)


class LostCriticalPoint(Sound):
    def coefficients(self, root_index: int, lower: float, upper: float) -> tuple[float, ...]:
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
        (WrongResidualTimes(), None, "(M|Y) after .* steps differs"),
        (Sound(), 3, r"converges with order .*, not 3"),
    ],
)
def test_the_check_names_what_is_wrong(
    broken: dict[str, object], update: Update, order: int | None, message: str
) -> None:
    broken["mine"] = update
    with pytest.raises(AssertionError, match=f"^(inv)?sqrt/mine/first .*{message}"):
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

    entry = next(e for e in catalogue_entries() if e.update.name == "series-5")
    monkeypatch.setattr(conformance, "count", lambda program: {("add", "float64"): 1})
    with pytest.raises(AssertionError, match=re.escape(str(entry)) + ".*counted .*executed"):
        check_entry(entry)


def test_a_wrong_direct_method_is_noticed() -> None:
    entry = Entry(FUNCTIONS.get("invsqrt"), UPDATES.get("cholesky"), "direct")
    with pytest.raises(AssertionError, match=r"invsqrt/cholesky.* computes another function"):
        check_entry(entry)
