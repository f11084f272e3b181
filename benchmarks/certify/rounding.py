"""Bounds of rounding errors over the errors of many runs, by schedule and order."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.certify.scale import Scale
from benchmarks.certify.schedules import SCHEDULES, Schedule
from benchmarks.certify.trials import SPECTRA, VECTORS, draw, rounding_error
from matrl.certify.rounded.rounding import certify_rounding

__all__ = ["GOAL", "measure", "table"]

GOAL = 100.0
"""What the median of the probabilistic bound over the error is wished to be at most."""


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Run every schedule on matrices of all kinds; say how far the bounds are from the errors.

    A bound that is not given counts as infinity: it is not exceeded, and has no ratio. So does the
    error of a run that broke down.
    """
    rows = []
    for number, schedule in enumerate(SCHEDULES):
        tell(f"rounding: {schedule.function} {schedule.form}")
        for n in scale.orders:
            if schedule.dtype == "float64" and n not in (16, 64):
                continue
            rows.append(_row(schedule, n, scale, np.random.default_rng((number, n))))
    given = [row for row in rows if row["probabilistic"] < math.inf]
    return {
        "rows": rows,
        "matrices": sum(row["matrices"] for row in rows),
        "exceeded": sum(row["exceeded"] for row in rows),
        "largest_over_deterministic": max(row["largest_over_deterministic"] for row in rows),
        "largest_over_probabilistic": max(row["largest_over_probabilistic"] for row in rows),
        "goal": GOAL,
        "within_goal": sum(row["median_ratio"] <= GOAL for row in given) / len(given),
        "median_of_medians": float(np.median([row["median_ratio"] for row in given])),
    }


def _row(schedule: Schedule, n: int, scale: Scale, generator: Any) -> dict[str, Any]:
    plan = schedule.plan(n)
    statement = certify_rounding(plan)
    probabilistic, deterministic = (
        math.inf if bound is None else bound
        for bound in (statement.probabilistic, statement.deterministic)
    )
    by_vectors = {
        vectors: [
            rounding_error(plan, draw(plan, spectrum, vectors, generator))
            for spectrum in SPECTRA
            for _ in range(scale.repetitions)
        ]
        for vectors in VECTORS
    }
    errors = np.concatenate([by_vectors[vectors] for vectors in VECTORS])
    bounded = [bound for bound in (probabilistic, deterministic) if bound < math.inf]
    return {
        "function": schedule.function,
        "form": schedule.form,
        "n": n,
        "steps": len(plan.steps),
        "matrices": len(errors),
        "deterministic": deterministic,
        "probabilistic": probabilistic,
        "median_error": float(np.median(errors)),
        "largest_error": float(errors.max()),
        "largest_over_deterministic": float(errors.max()) / deterministic,
        "largest_over_probabilistic": float(errors.max()) / probabilistic,
        "median_ratio": probabilistic / float(np.median(errors)),
        "median_ratio_by_vectors": {
            vectors: probabilistic / float(np.median(some)) for vectors, some in by_vectors.items()
        },
        "exceeded": int(sum((errors > bound).sum() for bound in bounded)),
    }


def table(figure: dict[str, Any]) -> Table:
    """Return a line a schedule and order, what all have in common in the title."""
    title = (
        f"rounding: {figure['matrices']} matrices, bounds exceeded {figure['exceeded']} times; "
        f"median bound/error {figure['median_of_medians']:.3g}, goal {figure['goal']:g} met by "
        f"{figure['within_goal']:.0%}"
    )
    found = Table("function", "form", "n", "deterministic", "probabilistic", title=title)
    for heading in ("median error", "largest/det.", "largest/prob.", "prob./median"):
        found.add_column(heading)
    for row in figure["rows"]:
        numbers = (
            "deterministic",
            "probabilistic",
            "median_error",
            "largest_over_deterministic",
            "largest_over_probabilistic",
            "median_ratio",
        )
        texts = ("-" if row[name] in (None, math.inf) else f"{row[name]:.2g}" for name in numbers)
        found.add_row(row["function"], row["form"], str(row["n"]), *texts)
    return found
