"""How near to the optimum the planner comes, and how soon: interval problems x price tables."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table

from benchmarks.search.cells import cost, number
from benchmarks.search.problems import PRICES, Case, environment_of
from benchmarks.search.scale import Scale
from benchmarks.search.trace import Trace, ratio, trace

__all__ = ["measure", "table"]

FUNCTIONS = ("inv", "sqrt", "invsqrt", "root(3)", "sign", "polar")
KAPPAS = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6)
TOLERANCES = (1e-2, 1e-4, 1e-6, 1e-8)
EARLY = 2.0
"""Seconds after which the cost is looked at, besides the end."""
WORSE = 1.01
EQUAL = 1.0 + 1e-6
"""Costs that differ by less are the same."""


def cases(every: int) -> list[Case]:
    """Return each ``every``-th problem."""
    grid = itertools.product(FUNCTIONS, KAPPAS, TOLERANCES, PRICES)
    return [Case(*one) for one in list(grid)[::every]]


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Run both planners on every problem."""
    rows = []
    for case in cases(scale.every):
        tell(f"optimum: {case}")
        rows.append(compare(case, scale.optimum_seconds))
    return {"seconds": scale.optimum_seconds, "rows": rows, "summary": summary(rows)}


def compare(case: Case, seconds: float) -> dict[str, Any]:
    """Return what both planners find for one problem, and when.

    A third search may take steps in float64 only. It is smaller, so that it may find plans the
    whole one should have found and did not.
    """
    mcts, exhaustive = (
        trace(environment_of(case.problem, case.table), seconds, planner=planner)
        for planner in ("mcts", "exhaustive")
    )
    fewer = trace(environment_of(case.problem, case.table, ("float64",)), seconds)
    best = min(one.result.cost for one in (mcts, exhaustive, fewer))
    bound = max(mcts.claim, exhaustive.claim)
    early = min(EARLY, seconds)
    return {
        **case.to_dict(),
        "mcts": mcts.to_dict(),
        "exhaustive": exhaustive.to_dict(),
        "float64_only": fewer.to_dict(),
        "best_cost": best,
        "proved_bound": bound,
        "ratio_to_exhaustive": ratio(mcts.result.cost, exhaustive.result.cost)
        if math.isfinite(exhaustive.result.cost)
        else None,
        "ratio_to_best_early": ratio(mcts.cost_at(early), best),
        "ratio_to_best": ratio(mcts.result.cost, best),
        "ratio_to_bound": ratio(mcts.result.cost, bound),
        "seconds_within_1_percent": mcts.seconds_to(1.01 * best),
        "seconds_within_2_percent": mcts.seconds_to(1.02 * best),
        "contradiction": contradicts([mcts, exhaustive], [mcts, exhaustive, fewer]),
    }


def contradicts(claiming: Sequence[Trace], finding: Sequence[Trace]) -> bool:
    """Whether a search claims that no plan is as cheap as one that was found."""
    cheapest = min(one.result.cost for one in finding)
    return any(one.claim > EQUAL * cheapest for one in claiming)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return distributions and shares, and how many of the rows each is of."""
    proved = [row for row in rows if row["exhaustive"]["optimal"]]
    return {
        "problems": len(rows),
        "proved_by_mcts": sum(row["mcts"]["optimal"] for row in rows),
        "proved_by_exhaustive": len(proved),
        "proved_by_either": sum(
            row["mcts"]["optimal"] or row["exhaustive"]["optimal"] for row in rows
        ),
        "ratio_to_proved_exhaustive": _spread([row["ratio_to_exhaustive"] for row in proved]),
        "ratio_to_best_early": _spread([row["ratio_to_best_early"] for row in rows]),
        "ratio_to_best": _spread([row["ratio_to_best"] for row in rows]),
        "ratio_to_bound": _spread([row["ratio_to_bound"] for row in rows]),
        "seconds_within_1_percent": _spread([row["seconds_within_1_percent"] for row in rows]),
        "seconds_within_2_percent": _spread([row["seconds_within_2_percent"] for row in rows]),
        "contradictions": sum(row["contradiction"] for row in rows),
    }


def _spread(values: list[float]) -> dict[str, float | int | None]:
    if not values:
        return {"count": 0, "median": None, "worst": None}
    return {
        "count": len(values),
        "median": float(np.median(values)),
        "worst": float(np.max(values)),
    }


def table(figure: dict[str, Any]) -> Group:
    """Return the distributions, and every problem mcts is worse on."""
    total = figure["summary"]
    spreads = Table("figure", "problems", "median", "worst", title="Optimum: mcts")
    for name, spread in total.items():
        if isinstance(spread, dict):
            spreads.add_row(
                name.replace("_", " "),
                str(spread["count"]),
                number(spread["median"]),
                number(spread["worst"]),
            )
        else:
            spreads.add_row(name.replace("_", " "), str(spread), "", "")
    title = "Contradictions, and where mcts is worse than the best by over 1 % (* not proved)"
    worse = Table(
        "problem",
        f"{EARLY:g} s",
        "end",
        "end/bound",
        "s to 1 %",
        "mcts",
        "exhaustive",
        "float64",
        title=title,
    )
    for row in figure["rows"]:
        ratios = [row["ratio_to_best_early"], row["ratio_to_best"]]
        if row["contradiction"] or any(r is None or r > WORSE for r in ratios):
            worse.add_row(
                ("CONTRADICTION " if row["contradiction"] else "") + name_of(row),
                *(number(r) for r in ratios),
                number(row["ratio_to_bound"]),
                number(row["seconds_within_1_percent"]),
                cost(row["mcts"]),
                cost(row["exhaustive"]),
                cost(row["float64_only"]),
            )
    return Group(spreads, worse)


def name_of(row: dict[str, Any]) -> str:
    """Return the name of a problem."""
    return str(Case(**{key: row[key] for key in ("function", "kappa", "tol", "table", "norm")}))
