"""What a run takes of memory beyond A and f(A), in matrices."""

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.execution.plans import Case
from benchmarks.execution.scale import Scale
from matrl import Plan, Problem, Profile, Spectrum, discover
from matrl.execute.arguments import Verify
from matrl.profile import OperationTime

__all__ = ["measure", "table"]

FORMS = {"coupled": ("minimax-*", "series-*"), "partial fractions": ("zolotarev*",)}
GOALS = {"coupled": 5.0, "partial fractions": 3.0}
PRICES = {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 1.5, "gram": 0.6, "add": 0.1, "cast": 0.1}


def _plan(function: str, dtype: str, n: int, form: str) -> Plan:
    entries = tuple(
        OperationTime(op=op, dtype=one, n=n, m=n, batch=1, seconds=seconds * price)
        for op, seconds in PRICES.items()
        for one, price in {dtype: 0.5 if dtype == "float32" else 1.0, "float64": 1.0}.items()
    )
    problem = Problem(
        function,  # pyright: ignore[reportArgumentType]
        Spectrum.interval(0.02, 1.0),
        tol=1e-4 if dtype == "float32" else 1e-8,
        dtype=dtype,  # pyright: ignore[reportArgumentType]
        shape=(n, n),
    )
    return discover(
        problem, profile=Profile("by hand", entries), allow=FORMS[form], nodes=2000
    ).plan


def _peak(work: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def _matrix(function: str, dtype: str, n: int) -> np.ndarray:
    """Return a matrix of the domain: Wishart, its norm 0.9, for powers shifted from 0."""
    a = Case(function, n, "float64", 0.0).matrix(0)
    a *= 0.9 / np.linalg.norm(a, 2)
    if function != "sign":
        a += 0.05 * np.eye(n)
    return a.astype(dtype)


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Bind and run plans of both kinds, without and with the check."""
    rows = []
    n = scale.order
    levels: tuple[Verify, ...] = ("off", "sketch")
    for function in ("inv", "invsqrt", "sqrt", "sign"):
        for dtype in ("float32", "float64"):
            a, out = _matrix(function, dtype, n), np.empty((n, n), dtype)
            for form, goal in GOALS.items():
                if (function, form) == ("inv", "partial fractions"):
                    continue  # its one pole is the inverse itself
                tell(f"memory: {function} {dtype} {form}")
                plan = _plan(function, dtype, n, form)
                row: dict[str, Any] = {"function": function, "dtype": dtype, "form": form}
                row["steps"] = [f"{step.name} {step.form}" for step in plan.steps]
                for verify in levels:
                    run = partial(plan.run, a, verify=verify, out=out)
                    run()  # what is made once
                    row[verify] = _peak(run) / a.nbytes
                rows.append({**row, "goal": goal})
    return {"order": n, "rows": rows}


def table(figure: dict[str, Any]) -> Table:
    """Return a line a plan."""
    title = f"memory in matrices, n = {figure['order']}"
    found = Table("function", "dtype", "plan", "off", "sketch", "goal", title=title)
    for row in figure["rows"]:
        found.add_row(
            row["function"],
            row["dtype"],
            ", ".join(row["steps"]),
            f"{row['off']:.2f}",
            f"{row['sketch']:.2f}",
            f"{row['goal']:.0f}",
        )
    return found
