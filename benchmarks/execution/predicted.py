"""The predicted time of plans against the measured one."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.execution.overhead import TOLS
from benchmarks.execution.plans import Case, plan_found
from benchmarks.execution.scale import Scale

__all__ = ["measure", "table"]

FUNCTIONS = ("inv", "sqrt", "invsqrt", "sign", "polar")
GOAL = 0.10


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Discover and run plans over the grid of orders, dtypes and functions."""
    rows = []
    for n in scale.orders:
        for dtype, tol in TOLS.items():
            for function in FUNCTIONS:
                case = Case(function, n, dtype, tol, 2 * n if function == "polar" else 0)
                tell(f"predicted: {case}")
                plan, a = plan_found(case, scale.seconds).plan, case.matrix(0)
                executor = plan.bind(a, verify="off")
                out, times = np.empty_like(executor(a).value), []
                for _ in range(scale.repetitions):
                    started = time.perf_counter()
                    executor(a, out=out)
                    times.append(time.perf_counter() - started)
                measured = statistics.median(times)
                rows.append(
                    {
                        "case": str(case),
                        "steps": [f"{step.name} {step.form}" for step in plan.steps],
                        "predicted_seconds": plan.predicted.cost,
                        "measured_seconds": measured,
                        "ratio": plan.predicted.cost / measured,
                    }
                )
    errors = [abs(row["ratio"] - 1.0) for row in rows]
    return {"rows": rows, "median_error": statistics.median(errors), "goal": GOAL}


def table(figure: dict[str, Any]) -> Table:
    """Return a line a plan, the median error in the title."""
    title = f"predicted over measured; median error {figure['median_error']:.1%}, goal 10 %"
    found = Table("case", "plan", "predicted ms", "measured ms", "ratio", title=title)
    for row in figure["rows"]:
        found.add_row(
            row["case"],
            ", ".join(row["steps"]),
            f"{1e3 * row['predicted_seconds']:.2f}",
            f"{1e3 * row['measured_seconds']:.2f}",
            f"{row['ratio']:.2f}",
        )
    return found
