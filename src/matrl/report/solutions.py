"""What a run returned, as a table and as JSON-ready data."""

import math
import re
from collections import Counter
from typing import Any

import numpy as np
from rich.console import RenderableType

from matrl.core.solution import Solution
from matrl.report.tables import facts_table
from matrl.report.units import in_engineering_units

__all__ = ["solution_document", "solution_report", "status_counts"]

_STATUSES = ("converged", "continued", "fell_back", "unchecked", "refused")
_SHOWN_NOTES = 10


def status_counts(solution: Solution) -> dict[str, int]:
    """Return how many matrices have each status that occurs."""
    found = Counter(np.asarray(solution.status).ravel().tolist())
    known = [status for status in _STATUSES if status in found]
    return {status: found[status] for status in [*known, *sorted(set(found) - set(known))]}


def solution_report(solution: Solution) -> RenderableType:
    """Return status, residuals and time; over a stack, counts and the largest values."""
    counts = status_counts(solution)
    total = sum(counts.values())
    if np.ndim(solution.status) == 0:
        status = str(solution.status)
    else:
        parts = ", ".join(f"{count} {status}" for status, count in counts.items())
        status = f"{total} matrices: {parts}" if parts else "0 matrices"
    facts: list[tuple[str, object]] = [("status", status)]
    largest = _largest(solution.residual)
    if largest is not None:
        facts.append(("residual", f"{largest:.3g}"))
    bound = _largest(solution.residual_bound)
    if bound is not None:
        failing = solution.failure_probability
        but = f" (except with probability {failing:.0e})" if failing else ""
        facts.append(("residual at most", f"{bound:.3g}{but}"))
    error = _largest(solution.error_bound)
    if error is not None:
        facts.append(("error at most", f"{error:.3g}"))
    if solution.rank is not None:
        facts.append(("rank", _ranks(solution)))
    facts += [
        ("steps", solution.steps),
        ("time", in_engineering_units(solution.seconds)),
        ("plan", solution.plan_id),
    ]
    notes = [note for note in re.split(r"; (?=A\[)", solution.message) if note]
    facts += [("" if i else "note", note) for i, note in enumerate(notes[:_SHOWN_NOTES])]
    if len(notes) > _SHOWN_NOTES:
        facts.append(("", f"... and {len(notes) - _SHOWN_NOTES} more"))
    return facts_table(facts)


def solution_document(solution: Solution) -> dict[str, Any]:
    """Return all but the value as JSON-ready data: numbers, or nested lists for a stack.

    What is not a finite number becomes ``None``.
    """
    return {
        "status": np.asarray(solution.status).tolist(),
        "counts": status_counts(solution),
        "residual": _jsonable(solution.residual),
        "residual_bound": _jsonable(solution.residual_bound),
        "failure_probability": solution.failure_probability,
        "error_bound": _jsonable(solution.error_bound),
        "steps": solution.steps,
        "seconds": solution.seconds,
        "plan_id": solution.plan_id,
        "rank": None if solution.rank is None else np.asarray(solution.rank).tolist(),
        "message": solution.message,
    }


def _ranks(solution: Solution) -> str:
    """Return the ranks, -1 meaning that a matrix's was not determined."""
    ranks = np.ravel(solution.rank)[:_SHOWN_NOTES].tolist()
    return ", ".join("unknown" if rank < 0 else str(rank) for rank in ranks)


def _largest(numbers: Any) -> float | None:
    if numbers is None:
        return None
    values = np.asarray(numbers, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    return float(values.max()) if values.size else None


def _jsonable(numbers: Any) -> Any:
    if numbers is None:
        return None
    nested = np.asarray(numbers, dtype=np.float64).tolist()

    def finite(value: Any) -> Any:
        if isinstance(value, list):
            return [finite(item) for item in value]
        return value if math.isfinite(value) else None

    return finite(nested)
