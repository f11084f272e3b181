"""Simulated steps per second, on ranges, on points of an interval and on samples."""

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.search.problems import Case, N, environment_of
from benchmarks.search.scale import Scale
from matrl import Problem, Spectrum
from matrl.search import search

__all__ = ["measure", "table"]

RANGES = (
    Case("invsqrt", 1e6, 1e-8),
    Case("sqrt", 1e6, 1e-8),
    Case("sign", 1e4, 1e-4),
    Case("polar", 1e6, 1e-6),
    Case("inv", 1e4, 1e-6, "products only"),
)
POINTS = (
    Case("sqrt", 1e4, 1e-6, norm="spectral"),
    Case("sqrt", 1e4, 1e-6, norm="frobenius"),
    Case("invsqrt", 1e4, 1e-6, norm="frobenius"),
)


def problems() -> list[tuple[str, str, Problem, str]]:
    """Return kind, name, problem and price table of each."""
    found = [("range", str(case), case.problem, case.table) for case in RANGES]
    found += [("points", str(case), case.problem, case.table) for case in POINTS]
    samples = Spectrum.samples(np.geomspace(1e-4, 1.0, 256))
    sampled = Problem("invsqrt", samples, tol=1e-6, shape=(N, N))
    return [*found, ("samples", "invsqrt, 256 samples, tol=1e-06 cpu", sampled, "cpu")]


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Search every problem a few times, each from nothing, and take the median."""
    rows = []
    for kind, name, problem, prices in problems():
        tell(f"rate: {name}")
        found = [
            search(environment_of(problem, prices), time_limit=scale.rate_seconds)
            for _ in range(scale.repetitions)
        ]
        rates = [one.nodes / one.seconds for one in found]
        rows.append(
            {
                "state": kind,
                "problem": name,
                "steps_per_second": statistics.median(rates),
                "all": rates,
                "nodes": [one.nodes for one in found],
                "seconds": [one.seconds for one in found],
                "found_a_plan": [bool(one.actions) for one in found],
                "reasons": [one.reason for one in found],
            }
        )
    return {"seconds": scale.rate_seconds, "rows": rows}


def table(figure: dict[str, Any]) -> Table:
    """Return the median of each problem, with the range of the repetitions."""
    title = f"Rate: simulated steps per second, {figure['seconds']:g} s"
    rates = Table("state", "problem", "median", "least", "most", "ended", title=title)
    for row in figure["rows"]:
        values = (row["steps_per_second"], min(row["all"]), max(row["all"]))
        ends = " ".join(sorted(set(row["reasons"])))
        rates.add_row(row["state"], row["problem"], *(f"{v:,.0f}" for v in values), ends)
    return rates
