"""What would make a tolerance reachable: prices, precisions, steps or actions, each tried out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from matrl.core.precision import precision_of, working_dtype
from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.phases.assembly import price_list
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.unreachable.imprecision import PricedOperation
from matrl.discovery.unreachable.reachable import SHARE, Deadline, Question, reaches
from matrl.iterations import DirectMethod, Update
from matrl.profile import OperationTime, Profile
from matrl.readings.count import TALL

__all__ = ["count_of_actions", "missing_operations", "missing_prices", "remedies", "with_prices"]

WIDEST = "float64"
TRIED = 8
"""At most so many sets of missing operations are tried."""
# What a profile without an operation prices by another one, if it has that.
SUBSTITUTES = {
    "gram": "matmul",
    "outer": "matmul",
    "matmul_herm": "matmul",
    "cast": "add",
    "norm": "add",
    "matvec": "add",
}
RECTANGULAR = ("matmul", "add", "svd")


@dataclass(frozen=True)
class _Recorder:
    """A price list that takes note of what has no price, and makes it free."""

    question: Question
    asked: set[PricedOperation]

    def __call__(self, name: str, dtype: str) -> float:
        seconds = price_list(self.question.profile, self.question.problem)(name, dtype)
        if seconds is None:
            op = name.partition(TALL)[0]
            self.asked.add((SUBSTITUTES.get(op, op), dtype))
        return seconds or 0.0


def missing_operations(
    question: Question, update: Update | DirectMethod, precision: str
) -> frozenset[PricedOperation]:
    """Return the operations without a price that steps of an update need, in one form or other."""
    return _without_price(question, [(update, precision)])


def _without_price(
    question: Question, actions: Sequence[tuple[Update | DirectMethod, str]]
) -> frozenset[PricedOperation]:
    function = question.problem.matrix_function
    asked: set[PricedOperation] = set()
    pricer = SchedulePricer(function, question.problem.dtype, _Recorder(question, asked))
    ActionTable.of(function, actions, pricer)
    return frozenset(asked)


def with_prices(question: Question, operations: Iterable[PricedOperation]) -> Question:
    """Return the question with prices for some more operations, as if they were there."""
    problem, profile = question.problem, question.profile
    typical = max((entry.seconds for entry in profile.entries), default=1.0)
    added = [
        OperationTime(
            op,
            dtype,
            problem.n,
            problem.batch,
            typical,
            problem.m if op in RECTANGULAR and problem.m != problem.n else None,
        )
        for op, dtype in sorted(operations)
    ]
    return replace(question, profile=Profile(profile.name, (*profile.entries, *added)))


def missing_prices(question: Question, deadline: Deadline) -> list[frozenset[PricedOperation]]:
    """Return the smallest sets of operations whose prices would make the tolerance reachable.

    Tried are the sets that single updates need, in the order of their size, and all together.
    """
    everything = [(update, p) for update in question.updates for p in question.precisions]
    if not _without_price(question, everything):
        return []
    known = count_of_actions(question)
    needed = {
        missing_operations(question, update, precision)
        for update in question.updates
        for precision in question.precisions
    }
    needed.discard(frozenset())
    candidates = sorted(needed, key=_promise)[:TRIED]
    if len(needed) > 1:
        candidates.append(frozenset().union(*needed))
    found: list[frozenset[PricedOperation]] = []
    for candidate in candidates:
        is_union = candidate is candidates[-1] and len(needed) > 1
        if deadline.has_passed or (is_union and found):
            break
        if any(one <= candidate for one in found):
            continue
        if _reaches_with(question, candidate, known, deadline):
            smallest = _reduced(question, candidate, known, deadline)
            if smallest not in found:
                found.append(smallest)
    return found


def _promise(operations: frozenset[PricedOperation]) -> tuple[bool, int, list[PricedOperation]]:
    """Return what sets are tried in the order of: accurate ones first, then small ones."""
    accurate = any(precision_of(dtype) == WIDEST for _, dtype in operations)
    return (not accurate, len(operations), sorted(operations))


def _reduced(
    question: Question, operations: frozenset[PricedOperation], known: int, deadline: Deadline
) -> frozenset[PricedOperation]:
    """Return a set from which nothing can be left out."""
    for one in sorted(operations):
        fewer = operations - {one}
        if fewer and _reaches_with(question, fewer, known, deadline):
            operations = fewer
    return operations


def _reaches_with(
    question: Question, operations: frozenset[PricedOperation], known: int, deadline: Deadline
) -> bool:
    priced = with_prices(question, operations)
    return count_of_actions(priced) > known and _reaches(priced, deadline)


def count_of_actions(question: Question, *, first: bool = False) -> int:
    """Return how many actions have a price, the ``first`` ones only if asked for."""
    function, problem = question.problem.matrix_function, question.problem
    prices = price_list(question.profile, problem)
    table = ActionTable.of(
        function,
        [(update, precision) for update in question.updates for precision in question.precisions],
        SchedulePricer(function, problem.dtype, prices),
    )
    later = [actions for one in (table.usual, table.repairs) for actions in one.values()]
    return len(table.first) + (0 if first else sum(len(actions) for actions in later))


def _reaches(question: Question, deadline: Deadline) -> bool:
    tol = question.problem.tolerance
    return reaches(question, tol, deadline.part(SHARE)).total <= tol


def remedies(question: Question, allow: str | Sequence[str], deadline: Deadline) -> list[str]:
    """Return what would make the tolerance reachable, in words; each was tried by itself."""
    said = [
        f"with {'prices' if len(one) > 1 else 'a price'} for {_listed(one)}, which the profile "
        f"{question.profile.name!r} lacks"
        for one in missing_prices(question, deadline)
    ]
    for words, other in _relaxed(question, allow):
        if deadline.has_passed:
            break
        if _reaches(other, deadline):
            said.append(words)
            continue
        found = [] if said else missing_prices(other, deadline)
        said += [
            f"{words} and {'prices' if len(one) > 1 else 'a price'} for {_listed(one)}"
            for one in found[:1]
        ]
    return said


def _relaxed(question: Question, allow: str | Sequence[str]) -> Iterator[tuple[str, Question]]:
    """Yield what might be asked for instead, and the question then."""
    problem = question.problem
    if WIDEST not in question.precisions:
        wider = replace(question, precisions=(*question.precisions, WIDEST))
        yield f"with precision {WIDEST} allowed too", wider
    if problem.precision != WIDEST:
        dtype = working_dtype(WIDEST, problem.dtype)
        wider = replace(question, problem=replace(problem, dtype=dtype))
        yield f"with dtype={dtype!r}", wider
    if question.steps is not None:
        several = f"{question.steps} step{'s' if question.steps > 1 else ''}"
        yield f"with more than {several}", replace(question, steps=None)
    every = allowed_updates(problem, "*")
    if len(every) > len(question.updates):
        yield f"with other actions than {allow!r} allowed", replace(question, updates=every)


def _listed(operations: Iterable[PricedOperation]) -> str:
    return " and ".join(f"{op} ({dtype})" for op, dtype in sorted(operations))
