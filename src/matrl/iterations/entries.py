"""Everything the registries can do: an update, in a form, at a place of a schedule, for a function.

The functions are an argument, because they are registered in a layer above this one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from matrl.core.function import MatrixFunction
from matrl.iterations.catalogue import FORMS, UPDATES
from matrl.iterations.schedule import DIRECT, forms_of
from matrl.iterations.update import DirectMethod, Update, UpdateKind

__all__ = ["Entry", "Position", "catalogue_entries", "schedule_structure"]

Position = Literal["first", "later", "direct"]

Chain = tuple[tuple[str, str], ...]
"""The (update, form) of the steps of a schedule, by their names."""


@dataclass(frozen=True)
class Entry:
    """One thing the catalogue can do: an update in a form at a place of a schedule, for a function.

    ``form`` is the name of a form, ``"direct"`` for a direct method. ``position``: ``"first"`` in a
    schedule, ``"later"`` in it, or ``"direct"`` for a direct method, which is all of a schedule.
    """

    function: MatrixFunction
    update: Update | DirectMethod
    form: str
    position: Position

    @property
    def order(self) -> int | None:
        """Order of convergence near 1; ``None`` for a direct method."""
        if isinstance(self.update, DirectMethod):
            return None
        return self.update.order(self.function.root_index)

    def __str__(self) -> str:
        return f"{self.function.name}/{self.update.name}/{self.position} ({self.form})"


def catalogue_entries(
    functions: Iterable[MatrixFunction], updates: Iterable[Update | DirectMethod] | None = None
) -> tuple[Entry, ...]:
    """Return every entry for these functions, by function, update and position.

    ``updates`` is by default all that are registered, and for a function with root index k those
    made on demand for k. A later entry is one that some form before
    it admits; it is listed once, however many there are.

    >>> from matrl.functions import FUNCTIONS
    >>> for entry in catalogue_entries([FUNCTIONS.get("sqrt")], [UPDATES.get("zolotarev-2")]):
    ...     print(entry)
    sqrt/zolotarev-2/first (partial-fractions)
    sqrt/zolotarev-2/later (ym)
    """
    given = None if updates is None else tuple(updates)
    return tuple(
        entry
        for function in functions
        for entry in _entries_of(function, _all_for(function) if given is None else given)
    )


def schedule_structure(entry: Entry) -> list[tuple[str, str]]:
    """Return the (update, form) names of a shortest schedule that ends with the entry.

    Before a later entry its own update is taken where that can be, in whatever form the place
    asks for, so that the schedule is a chain of one update; where not, the first registered
    update that can, one without a pole at 0 if possible. Raises ``ValueError`` for an entry no
    schedule contains.

    >>> from matrl.functions import FUNCTIONS
    >>> later = Entry(FUNCTIONS.get("sqrt"), UPDATES.get("zolotarev-2"), "ym", "later")
    >>> schedule_structure(later)
    [('zolotarev-2', 'partial-fractions'), ('zolotarev-2', 'ym')]
    >>> repair = Entry(FUNCTIONS.get("invsqrt"), UPDATES.get("newton-repair"), "lyapunov", "later")
    >>> schedule_structure(repair)
    [('fitted-3', 'zm'), ('newton-repair', 'lyapunov')]
    """
    function, update, last = entry.function, entry.update, (entry.update.name, entry.form)
    if isinstance(update, DirectMethod):
        if update.supports(function) and last[1] == DIRECT:
            return [last]
    elif update.supports(function.root_index):
        form = FORMS.get(entry.form)
        if entry.position == "first" and form.admits(update.kind, function, None):
            return [last]
        if entry.position == "later":
            for previous, chain in _chains(function, update).items():
                if form.admits(update.kind, function, previous):
                    return [*chain, last]
    raise ValueError(f"entry: no schedule contains {entry}; take one of catalogue_entries")


def _entries_of(
    function: MatrixFunction, updates: tuple[Update | DirectMethod, ...]
) -> Iterator[Entry]:
    reachable = tuple(_chains(function))
    for update in updates:
        if isinstance(update, DirectMethod):
            if update.supports(function):
                yield Entry(function, update, DIRECT, "direct")
        elif update.supports(function.root_index):
            for form in forms_of(update, function, None):
                yield Entry(function, update, form.name, "first")
            for form in FORMS:
                if any(form.admits(update.kind, function, previous) for previous in reachable):
                    yield Entry(function, update, form.name, "later")


def _all_for(function: MatrixFunction) -> tuple[Update | DirectMethod, ...]:
    return (*UPDATES, *UPDATES.on_demand(function.root_index))


def _chains(function: MatrixFunction, leading: Update | None = None) -> dict[str, Chain]:
    """Return the forms a schedule can get to, each with a shortest chain that ends in it.

    Breadth first. What a form admits depends on the kind of an update only, so one update stands
    for each kind: ``leading`` for its own.
    """
    updates = _representatives(function, leading)
    chains: dict[str, Chain] = {}
    frontier: list[Chain] = [()]
    while frontier:
        longer: list[Chain] = []
        for chain in frontier:
            previous = chain[-1][1] if chain else None
            for update in updates:
                for form in forms_of(update, function, previous):
                    if form.name not in chains:
                        chains[form.name] = (*chain, (update.name, form.name))
                        longer.append(chains[form.name])
        frontier = longer
    return chains


def _representatives(function: MatrixFunction, leading: Update | None) -> tuple[Update, ...]:
    chosen: dict[UpdateKind, Update] = {} if leading is None else {leading.kind: leading}
    available = [u for u in _all_for(function) if not isinstance(u, DirectMethod)]
    # No polynomial should follow an update with a pole at 0, so those come last.
    for update in sorted(available, key=lambda update: update.has_pole_at_zero):
        if update.supports(function.root_index):
            chosen.setdefault(update.kind, update)
    return tuple(chosen.values())
