"""The catalogue lists what forms admit, and knows a schedule for each entry."""

from dataclasses import dataclass

import pytest

from matrl.core.plan import StepRecord
from matrl.functions import FUNCTIONS
from matrl.iterations import FORMS, UPDATES, DirectMethod, Registers
from matrl.iterations.entries import Entry, catalogue_entries, schedule_structure
from matrl.iterations.schedule import check_schedule, trace_schedule

ENTRIES = catalogue_entries(FUNCTIONS)


def entry(function: str, update: str, form: str, position: str) -> Entry:
    return Entry(FUNCTIONS.get(function), UPDATES.get(update), form, position)  # type: ignore[arg-type]


def steps_of(listed: Entry) -> list[StepRecord]:
    steps = []
    for name, form in schedule_structure(listed):
        update, coefficients = UPDATES.get(name), ()
        if not isinstance(update, DirectMethod):
            coefficients = tuple(update.coefficients(listed.function.root_index, 0.1, 1.0))
        steps.append(StepRecord(name, form, "float64", coefficients))
    return steps


def test_entries_are_distinct_and_cover_all_registries() -> None:
    assert len(set(ENTRIES)) == len(set(map(str, ENTRIES))) == len(ENTRIES)
    assert {e.function.name for e in ENTRIES} == {function.name for function in FUNCTIONS}
    assert {e.update.name for e in ENTRIES} == {update.name for update in UPDATES}
    assert {e.form for e in ENTRIES} == {form.name for form in FORMS} | {"direct"}


@pytest.mark.parametrize("name", ["inv", "invsqrt", "sqrt+invsqrt", "sign", "root-3", "power--2/3"])
def test_entries_are_the_ends_of_all_schedules_of_up_to_three_steps(name: str) -> None:
    function = FUNCTIONS.get(name)
    expected: set[tuple[str, str, str]] = set()
    available = []
    for update in UPDATES:
        if isinstance(update, DirectMethod):
            if update.supports(function):
                expected.add((update.name, "direct", "direct"))
        elif update.supports(function.root_index):
            available.append(update)
    ends: set[str | None] = {None}
    for length in (1, 2, 3):
        following: set[str | None] = set()
        for previous in ends:
            for update in available:
                for form in FORMS:
                    if form.admits(update.kind, function, previous):
                        place = "first" if length == 1 else "later"
                        expected.add((update.name, form.name, place))
                        following.add(form.name)
        ends = following
    listed = catalogue_entries([function])
    assert {(e.update.name, e.form, e.position) for e in listed} == expected


def test_every_entry_has_a_schedule_that_ends_with_it() -> None:
    for listed in ENTRIES:
        steps = steps_of(listed)
        assert (steps[-1].name, steps[-1].form) == (listed.update.name, listed.form)
        assert (len(steps) == 1) == (listed.position != "later"), str(listed)
        check_schedule(listed.function, steps)
        assert trace_schedule(listed.function, steps, "float64").inputs == ("A",)


@pytest.mark.parametrize(
    ("listed", "before"),
    [
        (entry("inv", "series-2", "anchored", "later"), ("series-2", "zm")),
        (entry("invsqrt", "series-3", "zm", "later"), ("series-3", "zm")),
        (entry("invsqrt", "series-3", "yz", "later"), ("series-3", "yz")),
        (entry("sqrt", "zolotarev-3", "ym", "later"), ("zolotarev-3", "partial-fractions")),
        (entry("sqrt+invsqrt", "newton", "product", "later"), ("newton", "product")),
        (entry("polar", "halley", "gram", "later"), ("halley", "chained")),
    ],
    ids=str,
)
def test_the_step_before_is_of_the_same_update(listed: Entry, before: tuple[str, str]) -> None:
    assert schedule_structure(listed) == [before, (listed.update.name, listed.form)]


def test_where_it_cannot_be_another_update_without_a_pole_comes_before() -> None:
    (leading, _), last = schedule_structure(entry("invsqrt", "newton-repair", "lyapunov", "later"))
    update = UPDATES.get(leading)
    assert not isinstance(update, DirectMethod)
    assert not update.has_pole_at_zero
    assert last == ("newton-repair", "lyapunov")


@pytest.mark.parametrize(
    "listed",
    [
        entry("invsqrt", "halley", "zm", "first"),
        entry("sqrt", "series-3", "zm", "later"),
        entry("inv", "newton", "product", "first"),
        entry("invsqrt", "halley", "partial-fractions", "later"),
        entry("sqrt", "cholesky", "direct", "direct"),
        entry("inv", "cholesky", "zm", "direct"),
    ],
    ids=str,
)
def test_other_entries_have_no_schedule(listed: Entry) -> None:
    with pytest.raises(ValueError, match="entry: no schedule contains"):
        schedule_structure(listed)


def test_updates_may_be_chosen() -> None:
    newton = UPDATES.get("newton")
    chosen = catalogue_entries(FUNCTIONS, [newton])
    assert chosen == tuple(e for e in ENTRIES if e.update is newton)
    assert len(chosen) > 0


def test_orders_are_those_of_the_updates() -> None:
    assert entry("root-3", "series-7", "ym", "first").order == 3
    assert entry("inv", "series-7", "zm", "first").order == 7
    assert entry("sqrt", "zolotarev-2", "ym", "later").order == 5
    assert entry("sqrt", "eigh", "direct", "direct").order is None


@dataclass(frozen=True)
class AfterAnchored:
    """A form that can be reached in three steps only."""

    name: str = "third"
    description: str = "as its name says"
    source: str = "this file"
    needs_residual: bool = False
    updates_residual: bool = False
    chooses_product: bool = False
    keeps_rounding: bool = False

    def admits(self, kind: str, function: object, previous: str | None) -> bool:
        return kind == "polynomial" and previous == "anchored"

    def advance(self, registers: Registers, *_: object) -> Registers:
        return registers


def test_a_form_that_is_far_from_the_start_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FORMS, "_entries", dict(FORMS._entries))
    FORMS.register(AfterAnchored())  # type: ignore[arg-type]
    series = [UPDATES.get("series-2")]
    (listed,) = [e for e in catalogue_entries(FUNCTIONS, series) if e.form == "third"]
    assert str(listed) == "inv/series-2/later (third)"
    assert schedule_structure(listed) == [
        ("series-2", "zm"),
        ("series-2", "anchored"),
        ("series-2", "third"),
    ]
