"""Who runs in the race: schedules that differ in structure, not in scaling alone."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from matrl.core.precision import is_half
from matrl.discovery.states.state import Action
from matrl.iterations import DirectMethod, Update

__all__ = [
    "FINALISTS",
    "MET",
    "RACE_MARGIN",
    "Schedule",
    "distinct",
    "race_margin",
    "restrictions",
    "varied",
]

FINALISTS = 8
MET = 64
"""How many complete plans a search is asked for: many differ in scaling only."""
RACE_MARGIN = 1.3
"""Plans predicted to cost up to this factor more than the best run in the race."""
HALF_MARGIN = 4.0
"""The same for plans without half steps where the best has some, whose prices may be off."""
LARGE = 1024
"""From this order on half as many run, for measuring their errors takes long."""

Schedule = tuple[float, tuple[Action, ...]]
"""What a search has found: a cost and the actions."""
Actions = list[Update | DirectMethod]


def structure(schedule: Schedule) -> Hashable:
    """Return what tells schedules apart: update, form, precision and product of each step."""
    return tuple(action.structure for action in schedule[1] if action.domain < 0)


def kind(schedule: Schedule) -> Hashable:
    """Return the coarse structure: which families of updates, in which forms and precisions."""
    return frozenset(
        (action.name.partition("-")[0], action.form, action.precision)
        for action in schedule[1]
        if action.domain < 0
    )


def distinct(schedules: Iterable[Schedule]) -> list[Schedule]:
    """Return the first schedule of each structure, in the order given.

    >>> step = Action("newton", "product", "float64")
    >>> first, other = Action("", domain=0), Action("", domain=1)
    >>> [cost for cost, _ in distinct([(1.0, (first, step)), (2.0, (other, step))])]
    [1.0]
    """
    return _first_of_each(schedules, structure)


def varied(schedules: Iterable[Schedule], order: int) -> list[Schedule]:
    """Return up to eight schedules (four, if matrices are large) of different structures.

    The first of each kind go first, so that what differs in degrees or their sequence alone does
    not crowd out what differs in kind. They are taken, and returned, in the order of cost.
    """
    count = FINALISTS if order <= LARGE else FINALISTS // 2
    known = distinct(sorted(schedules, key=lambda schedule: schedule[0]))
    heads = _first_of_each(known, kind)
    rest = [schedule for schedule in known if schedule not in heads]
    return sorted([*heads, *rest][:count], key=lambda schedule: schedule[0])


def race_margin(precisions: Iterable[str], best: Iterable[str]) -> float:
    """Return how much more than the best a plan may cost and race, by the precisions of both.

    >>> race_margin(["float32"], ["bfloat16", "float32"]), race_margin(["float32"], ["float32"])
    (4.0, 1.3)
    """
    without = any(is_half(one) for one in best) and not any(is_half(one) for one in precisions)
    return HALF_MARGIN if without else RACE_MARGIN


def restrictions(
    updates: Sequence[Update | DirectMethod], precisions: Sequence[str]
) -> Iterator[tuple[Actions, tuple[str, ...]]]:
    """Yield smaller sets of actions whose best schedules are likely to differ from the best of all.

    A search prunes what cannot beat its incumbent, so that it meets few plans that are a little
    dearer. But it may be the prices that are off: of products against inverses, or of precisions.
    """
    every = tuple(precisions)
    full = tuple(one for one in every if not is_half(one))

    def of(wanted: Callable[[Update], bool]) -> Actions:
        return [u for u in updates if not isinstance(u, DirectMethod) and wanted(u)]

    sets: list[tuple[Actions, tuple[str, ...]]] = [
        (of(lambda u: u.kind in ("polynomial", "repair")), every),
        (of(lambda u: u.kind != "polynomial"), every),
        ([u for u in updates if isinstance(u, DirectMethod)], every),
        *((list(updates), (one,)) for one in every),
        *([(list(updates), full)] if len(full) > 1 else []),
    ]
    for actions, some in sets:
        if actions and (len(actions) < len(updates) or len(some) < len(every)):
            yield actions, some


def _first_of_each(
    schedules: Iterable[Schedule], key: Callable[[Schedule], Hashable]
) -> list[Schedule]:
    firsts: dict[Hashable, Schedule] = {}
    for schedule in schedules:
        firsts.setdefault(key(schedule), schedule)
    return list(firsts.values())
