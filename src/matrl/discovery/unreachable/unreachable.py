"""Why a tolerance is out of reach: the best reachable error, what limits it, and what would help.

Nothing is guessed: what is said to help has been tried, by short searches for the least error with
the price, the precision, the steps or the actions in question. They simulate a fixed number of
steps, and are cut shorter where that takes longer than the search they explain was allowed.
"""

import math
from collections.abc import Sequence

from matrl.discovery.unreachable.imprecision import most_imprecise
from matrl.discovery.unreachable.reachable import Deadline, Question, Reached, least_error
from matrl.discovery.unreachable.remedies import count_of_actions, remedies
from matrl.search import SearchResult

__all__ = ["why_unreachable"]

MOST_SECONDS = 20.0
LIMITS = {"time": "time limit", "nodes": "limit of nodes"}


def why_unreachable(
    question: Question, result: SearchResult, allow: str | Sequence[str], seconds: float
) -> str:
    """Say what is the least reachable error of a search without a plan, and why it is not less.

    ``question`` is what was searched and ``result`` how that ended; ``allow`` are the patterns of
    allowed actions, for the message, and ``seconds`` what to spend on it.
    """
    deadline = Deadline.after(min(seconds, MOST_SECONDS))
    tol = question.problem.tolerance
    best = least_error(question, deadline.part(0.5))
    if best.total <= tol:
        return (
            f"tol: {tol:g} was not reached before the {LIMITS.get(result.reason, 'end')}, but a "
            f"schedule with an error of {best.total:.3g} exists; allow more time or nodes"
        )
    start = f"tol: {tol:g} is out of reach of the {len(question.updates)} allowed actions"
    if question.steps is not None:
        start += f" in {question.steps} step{'s' if question.steps > 1 else ''}"
    if result.reason in LIMITS:
        limit = LIMITS[result.reason]
        start = f"tol: {tol:g} was not reached by any schedule found before the {limit}"
    helping = remedies(question, allow, deadline)
    remedy = f"; it would be reached {', or '.join(helping)}" if helping else ""
    if not math.isfinite(best.total):
        has_steps = count_of_actions(question, first=True) > 0
        what = "no schedule has an error below 1" if has_steps else "no step has a price"
        return f"{start}: {what}{remedy or '; allow more actions, or price more operations'}"
    return f"{start}: {_described(question, best)}{remedy}; or ask for {_more(best.total)} or more"


def _described(question: Question, best: Reached) -> str:
    words = (
        f"the best reachable error found is {best.total:.3g} ({best.error:.2g} in exact arithmetic "
        f"and {best.rounding:.2g} of rounding"
    )
    if best.rounding > best.error and best.domain is not None:
        worst = most_imprecise(question.problem, best.domain, best.steps)
        if worst is not None:
            words += f", for {worst[0]} ({worst[1]}) is too imprecise"
    if best.needed > 1.05 * (best.error + best.rounding):
        words += ", but less of a tolerance would not do for its range"
    return words + ")"


def _more(error: float) -> str:
    """Return an error with two digits, rounded up."""
    scale = 10.0 ** (math.floor(math.log10(error)) - 1)
    return f"{math.ceil(error / scale) * scale:.2g}"
