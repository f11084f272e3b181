"""Simulated steps per second of all workers together, with one process and with two."""

import os
import resource
import statistics
from collections.abc import Callable
from typing import Any

from rich.table import Table

from benchmarks.search.problems import Case, profile
from benchmarks.search.scale import Scale
from matrl.core.precision import PRECISIONS
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.workers import Recipe
from matrl.search import SearchResult, search_in_parallel

__all__ = ["measure", "table"]

WORKERS = (1, 2)
PROBLEMS = (
    Case("sign", 1e3, 1e-6, "products only"),
    Case("invsqrt", 1e6, 1e-8, "products only", "frobenius"),
)
"""Not proved within the time; on ranges and on points."""


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Search with one worker and with two by turns, each from nothing, for the same time."""
    rows = []
    for case in PROBLEMS:
        found: dict[int, list[dict[str, float | str]]] = {count: [] for count in WORKERS}
        for repetition in range(scale.repetitions):
            for count in WORKERS:
                tell(f"parallel: {case}, {count} workers, {repetition + 1}/{scale.repetitions}")
                found[count].append(once(case, count, scale.parallel_seconds))
        rates = {count: [float(one["steps_per_second"]) for one in found[count]] for count in found}
        rows.append(
            {
                "problem": str(case),
                **case.to_dict(),
                "workers": {str(count): runs for count, runs in found.items()},
                "steps_per_second": {str(c): statistics.median(all_) for c, all_ in rates.items()},
                "ratio": statistics.median(
                    two / one for one, two in zip(*rates.values(), strict=True)
                ),
            }
        )
    return {
        "seconds": scale.parallel_seconds,
        "usable_cores": len(os.sched_getaffinity(0)),
        "rows": rows,
    }


def once(case: Case, workers: int, seconds: float) -> dict[str, float | str]:
    """Return the rate of one search, and how much of its time each worker had a processor.

    That share counts the start of the workers too, and may be a little above 1.
    """
    updates = tuple(allowed_updates(case.problem, "*"))
    recipe = Recipe(case.problem, profile(case.table), updates, PRECISIONS)
    before = cpu_of_children()
    result: SearchResult = search_in_parallel(recipe, workers=workers, time_limit=seconds)
    cpu = cpu_of_children() - before
    return {
        "steps_per_second": result.nodes / result.seconds,
        "steps_per_cpu_second": result.nodes / cpu,
        "nodes": result.nodes,
        "seconds": result.seconds,
        "reason": result.reason,
        "cpu_share": cpu / (workers * result.seconds),
    }


def cpu_of_children() -> float:
    """Return the processor seconds of all processes started from here that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(figure: dict[str, Any]) -> Table:
    """Return the medians and their ratio, and what share of a processor each worker had."""
    title = (
        f"Workers: simulated steps per second of all together, {figure['seconds']:g} s, "
        f"{figure['usable_cores']} cores"
    )
    heads = [f"{count} process{'es' * (count > 1)}" for count in WORKERS]
    rates = Table("problem", *heads, "ratio", "cpu shares", "ended", title=title)
    for row in figure["rows"]:
        runs = [one for several in row["workers"].values() for one in several]
        shares = " ".join(f"{one['cpu_share']:.0%}" for one in runs)
        ends = " ".join(sorted({str(one["reason"]) for one in runs}))
        medians = [f"{rate:,.0f}" for rate in row["steps_per_second"].values()]
        rates.add_row(row["problem"], *medians, f"{row['ratio']:.2f}", shares, ends)
    return rates
