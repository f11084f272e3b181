"""Plans, checked, against the fastest way of other libraries that is as accurate as asked."""

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.execution.plans import Case, plan_found
from benchmarks.execution.routes import Route, invsqrt_routes, polar_routes, stack_routes
from benchmarks.execution.scale import Scale
from matrl.demo.timing import Contender, interleave, median_ratio

__all__ = ["contests", "error_of", "measure", "table"]


def contests(scale: Scale) -> list[tuple[Case, dict[str, Route], float]]:
    """Return cases, what each competes with, and the ratio wished for."""
    n, small = scale.order, scale.small
    return [
        (Case("invsqrt", n, "float32", 1e-5), invsqrt_routes("float32"), 2.3),
        (Case("polar", n, "float32", 1e-4, rows=2 * n), polar_routes(), 2.0),
        (Case("invsqrt", small, "float32", 1e-4, batch=scale.stack), stack_routes(), 3.0),
        (Case("invsqrt", n, "float64", 1e-10), invsqrt_routes("float64"), 1.4),
    ]


def error_of(case: Case, a: np.ndarray, value: np.ndarray) -> float:
    """Return the largest relative error of a value over the eigenvectors (of U: ‖U − value‖₂)."""
    if a.ndim > 2:
        return max(error_of(case, one, z) for one, z in zip(a, value, strict=True))
    wide, z = a.astype(np.float64), value.astype(np.float64)
    if case.function == "polar":
        left, _, right = np.linalg.svd(wide, full_matrices=False)
        return float(np.linalg.norm(left @ right - z, 2))
    values, vectors = np.linalg.eigh(wide)
    root = (vectors * values**0.25) @ vectors.T
    return float(np.abs(np.linalg.eigvalsh(root @ (0.5 * (z + z.T)) @ root) - 1.0).max())


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Time the plan and its competitors by turns, on a matrix it was not made for."""
    rows = []
    for case, routes, goal in contests(scale):
        tell(f"speed: {case}")
        plan, a = plan_found(case, scale.seconds).plan, case.matrices(0)
        executor, unchecked = plan.bind(a), plan.bind(a, verify="off")
        solution = executor(a)
        runs: dict[str, Callable[[np.ndarray], object]] = {
            "plan": executor,
            "plan, verify off": unchecked,
            **routes,
        }
        times = interleave(
            [Contender(name, run, scale.repetitions) for name, run in runs.items()], a
        )
        errors = {name: error_of(case, a, run(a.copy())) for name, run in routes.items()}
        errors["plan"] = error_of(case, a, solution.value)
        accurate = [name for name in routes if errors[name] <= case.tol]
        fastest = min(accurate, key=lambda name: statistics.median(times[name]), default=None)
        ratio = None if fastest is None else median_ratio(times[fastest], times["plan"])
        rows.append(
            {
                "case": str(case),
                "steps": [f"{step.name} {step.form}" for step in plan.steps],
                "status": sorted(set(np.ravel(solution.status).tolist())),
                "seconds": {name: statistics.median(found) for name, found in times.items()},
                "errors": errors,
                "fastest": fastest,
                "ratio": None if ratio is None else ratio.value,
                "interval": None if ratio is None else [ratio.lower, ratio.upper],
                "goal": goal,
            }
        )
    return {"rows": rows}


def table(figure: dict[str, Any]) -> Table:
    """Return a line a competitor."""
    found = Table("case", "way", "ms", "error", "ratio", "goal", title="speed")
    for row in figure["rows"]:
        for name, seconds in sorted(row["seconds"].items(), key=lambda item: item[1]):
            error = row["errors"].get(name)
            ratio = ""
            if name == row["fastest"]:
                low, high = row["interval"]
                ratio = f"{row['ratio']:.2f} [{low:.2f}, {high:.2f}]"
            way = f"plan: {', '.join(row['steps'])}" if name == "plan" else name
            found.add_row(
                row["case"],
                way,
                f"{1e3 * seconds:.2f}",
                "" if error is None else f"{error:.1e}",
                ratio,
                f"{row['goal']:.1f}" if ratio else "",
            )
        found.add_section()
    return found
