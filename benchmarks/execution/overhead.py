"""The time of a run over the sum of the times of its kernels, called by themselves."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.execution.plans import Case, plan_found
from benchmarks.execution.recorder import Recorder
from benchmarks.execution.scale import Scale
from matrl.execute.executor import Executor

__all__ = ["cases", "measure", "table"]

GOALS = {1: 1.10, 2: 1.25}
"""Of single matrices, and of stacks."""
TOLS = {"float32": 1e-4, "float64": 1e-10}


def cases(scale: Scale) -> list[Case]:
    """Return functions and dtypes at every order, and two stacks."""
    found = [
        Case(function, n, dtype, tol, 2 * n if function == "polar" else 0)
        for n in scale.orders
        for dtype, tol in TOLS.items()
        for function in ("invsqrt", "sign", "polar")
    ]
    found += [
        Case("invsqrt", scale.small, dtype, tol, batch=scale.stack) for dtype, tol in TOLS.items()
    ]
    return found


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Time runs and kernels by turns."""
    rows = []
    for case in cases(scale):
        tell(f"overhead: {case}")
        plan, a = plan_found(case, scale.seconds).plan, case.matrices(0)
        recorder: Any = Recorder()
        Executor(plan, case.shape, verify="off", backend=recorder)(a)
        executor = plan.bind(a, verify="off")
        out = np.empty_like(executor(a).value)
        runs, sums = [], []
        for _ in range(scale.repetitions):
            started = time.perf_counter()
            executor(a, out=out)
            runs.append(time.perf_counter() - started)
            sums.append(recorder.seconds())
        run, kernels = statistics.median(runs), statistics.median(sums)
        rows.append(
            {
                "case": str(case),
                "steps": [f"{step.name} {step.form}" for step in plan.steps],
                "run_seconds": run,
                "kernel_seconds": kernels,
                "kernels": len(recorder.calls),
                "ratio": run / kernels,
                "goal": GOALS[min(case.batch, 2)],
            }
        )
    return {"rows": rows}


def table(figure: dict[str, Any]) -> Table:
    """Return a line a case."""
    found = Table("case", "plan", "run ms", "kernels ms", "ratio", "goal", title="overhead")
    for row in figure["rows"]:
        found.add_row(
            row["case"],
            ", ".join(row["steps"]),
            f"{1e3 * row['run_seconds']:.2f}",
            f"{1e3 * row['kernel_seconds']:.2f}",
            f"{row['ratio']:.3f}",
            f"{row['goal']:.2f}",
        )
    return found
