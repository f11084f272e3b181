"""Polynomial updates of degrees that are not registered, and what a name has to be for one."""

import pytest

from matrl.core.plan import StepRecord
from matrl.errors import InputError, UnknownNameError
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.entries import catalogue_entries, schedule_structure
from matrl.iterations.schedule import check_schedule


@pytest.mark.parametrize("k", range(1, 65))
def test_every_root_index_has_its_polynomials(k: int) -> None:
    known = [update.name for update in UPDATES]
    degrees = [k * d + 1 for d in range(1, 9 if k == 1 else 5)]
    for family in ("fitted", "minimax", "series"):
        for degree in degrees:
            update = UPDATES.get(f"{family}-{degree}")
            assert not isinstance(update, DirectMethod)
            assert (update.name, update.degree) == (f"{family}-{degree}", degree)
            assert update.supports(k)
            assert update == UPDATES.get(update.name)
            assert (update.name in known) != (update in UPDATES.on_demand(k))
    assert [update.name for update in UPDATES] == known
    assert (len(UPDATES.on_demand(k)) > 0) == (k > 8)


@pytest.mark.parametrize(
    "name",
    [
        *("minimax-1", "minimax-10000", "minimax-065", "minimax-258", "minimax--65", "minimax-65 "),
        *("-65", "minimax-6.5", "newton-65", "Minimax-65", "minimax", f"minimax-{'9' * 5000}"),
    ],
)
def test_other_names_are_none(name: str) -> None:
    with pytest.raises(UnknownNameError, match="update: there is no"):
        UPDATES.get(name)


@pytest.mark.parametrize("k", [0, 65, 128])
def test_there_are_none_beyond(k: int) -> None:
    for update in (*UPDATES, *UPDATES.on_demand(64)):
        assert isinstance(update, DirectMethod) or not update.supports(k)


def test_schedules_of_other_root_indices_are_refused() -> None:
    step = StepRecord("minimax-65", "ym", "float64", (1.0, 0.0))
    check_schedule(FUNCTIONS.get("root(64)"), [step])
    with pytest.raises(InputError, match=r"step 1 \(minimax-65\): does not exist for root-3"):
        check_schedule(FUNCTIONS.get("root(3)"), [step])


@pytest.mark.parametrize("name", ["root-9", "invroot-64", "power-3/10"])
def test_every_entry_has_a_schedule_that_ends_with_it(name: str) -> None:
    entries = catalogue_entries([FUNCTIONS.get(name)])
    assert len(entries) == len(set(entries)) == 49
    for entry in entries:
        chain = schedule_structure(entry)
        assert chain[-1] == (entry.update.name, entry.form)
        assert (len(chain) == 1) == (entry.position != "later")
