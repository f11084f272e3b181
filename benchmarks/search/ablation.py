"""What the planners and the parts of mcts are worth: cost against search time."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from rich.table import Table
from scipy import stats

from benchmarks.search.problems import Case, environment_of
from benchmarks.search.scale import Scale
from benchmarks.search.trace import Trace, ratio, trace
from matrl.discovery.phases.polish import polish
from matrl.discovery.phases.seeding import seed_plans

__all__ = ["measure", "table"]

PROBLEMS = (
    Case("invsqrt", 1e6, 1e-8),
    Case("sign", 1e4, 1e-4),
    Case("sqrt", 1e4, 1e-6, norm="frobenius"),
)
VARIANTS: dict[str, dict[str, Any]] = {
    "mcts": {"planner": "mcts"},
    "mcts, not merged": {"planner": "mcts", "merge": False},
    "mcts, not pruned": {"planner": "mcts", "prune": False},
    "mcts, widened": {"planner": "mcts", "widens": True},
    "mcts, seeded": {"planner": "mcts", "seeded": True},
    "mcts, seeded and refined": {"planner": "mcts", "seeded": True, "refined": True},
    "beam": {"planner": "beam"},
    "random": {"planner": "random"},
    "exhaustive": {"planner": "exhaustive"},
}
UNSEEDED = frozenset({"exhaustive"})
"""What does not draw: one run says all, and has no interval."""
REFINING = 0.2
"""The share of the time kept for refinement, as in a discovery."""
TIMES = (0.1, 0.3, 1.0, 3.0)


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Search every problem by every variant, once a seed."""
    times = [t for t in TIMES if t <= scale.ablation_seconds]
    rows = []
    for case in PROBLEMS:
        runs: dict[str, list[Trace]] = {}
        for name, options in VARIANTS.items():
            tell(f"ablation: {case}, {name}")
            seeds = range(1 if name in UNSEEDED else scale.seeds)
            runs[name] = [run(case, scale.ablation_seconds, seed, **options) for seed in seeds]
        best = min(one.result.cost for several in runs.values() for one in several)
        for name, several in runs.items():
            rows.append(
                {
                    **case.to_dict(),
                    "problem": str(case),
                    "variant": name,
                    "best_cost": best,
                    "runs": len(several),
                    "proved": sum(one.result.optimal for one in several),
                    "nodes": [one.result.nodes for one in several],
                    "at": [ratio_at(several, t, best) for t in times],
                }
            )
    return {"times": times, "rows": rows}


def run(
    case: Case,
    seconds: float,
    seed: int,
    *,
    widens: bool = False,
    seeded: bool = False,
    refined: bool = False,
    **options: Any,
) -> Trace:
    """Search once, from the plans of the enclosing range if ``seeded``; what that takes counts.

    If ``refined``, coefficients are optimised together in the last fifth of the time. Where ranges
    tell the error neither changes anything.
    """
    environment = environment_of(case.problem, case.table, widens=widens)
    measure, started = case.problem.measure, time.perf_counter()
    plans, spent = [], 0.0
    if seeded:
        plans = seed_plans(environment, measure, seconds=seconds, nodes=math.inf, seed=seed).plans
        spent = time.perf_counter() - started
    is_sampled = not all(domain.is_exact for domain in environment.domains)
    share = 1.0 - REFINING if refined and is_sampled else 1.0
    found = trace(environment, share * seconds - spent, seed=seed, seeds=plans, **options)
    found = replace(found, seconds=tuple(one + spent for one in found.seconds))
    if not (refined and is_sampled):
        return found
    left = seconds - (time.perf_counter() - started)
    better = polish(environment, found.result, seconds=left, seed=seed).plans
    if not better:
        return found
    return replace(
        found,
        seconds=(*found.seconds, time.perf_counter() - started),
        costs=(*found.costs, better[0].cost),
        result=replace(found.result, cost=better[0].cost, optimal=False),
    )


def ratio_at(runs: list[Trace], seconds: float, best: float) -> dict[str, Any]:
    """Return mean and half the 95 % interval of cost over the best known, where all have a plan."""
    ratios = np.array([ratio(one.cost_at(seconds), best) for one in runs])
    with_plan = int(np.isfinite(ratios).sum())
    if with_plan < len(ratios):
        return {"seconds": seconds, "with_plan": with_plan, "mean": None, "half_width": None}
    half = None
    if len(ratios) > 1:
        quantile = float(stats.t.ppf(0.975, len(ratios) - 1))
        half = quantile * float(ratios.std(ddof=1)) / math.sqrt(len(ratios))
    return {
        "seconds": seconds,
        "with_plan": with_plan,
        "mean": float(ratios.mean()),
        "half_width": half,
    }


def table(figure: dict[str, Any]) -> Table:
    """Return the mean ratio with its interval at each time."""
    title = "Ablation: cost over the best known, mean ± 95 % (t)"
    heads = [f"{t:g} s" for t in figure["times"]]
    rows = Table("problem", "variant", *heads, "proved", title=title)
    for row in figure["rows"]:
        cells = [_cell(one, row["runs"]) for one in row["at"]]
        rows.add_row(row["problem"], row["variant"], *cells, f"{row['proved']}/{row['runs']}")
    return rows


def _cell(one: dict[str, Any], runs: int) -> str:
    if one["mean"] is None:
        return f"{one['with_plan']}/{runs} have a plan"
    half = "" if one["half_width"] is None else f" ± {one['half_width']:.3f}"
    return f"{one['mean']:.3f}{half}"
