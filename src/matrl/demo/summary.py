"""The numbers of a demonstration, as JSON-ready data."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from matrl.demo.judging import Outcome
from matrl.demo.patches import Sample, Split
from matrl.demo.timing import PAUSE, Ratio, median_ratio
from matrl.discovery import Found

__all__ = ["Measurements", "summarise", "variance_limit"]


@dataclass(frozen=True)
class Measurements:
    """Everything a demonstration measured.

    ``errors`` and ``seconds`` are by contender; the plan is there under ``PLAN`` with its guard and
    under ``UNGUARDED`` without.
    """

    split: Split
    found: Found
    outcomes: tuple[Outcome, ...]
    errors: dict[str, float]
    seconds: dict[str, np.ndarray]
    profile_seconds: float
    profile_cached: bool
    discover_seconds: float
    machine: dict[str, str | int]
    load_average: float | None
    seed: int


PLAN, UNGUARDED = "plan, guarded", "plan, no guard"


def variance_limit(tol: float) -> float:
    """Return how far whitened variances may be from 1 if no factor errs by more than ``tol``.

    >>> round(variance_limit(0.01), 4)
    0.0201
    """
    return (1.0 + tol) ** 2 - 1.0


def summarise(m: Measurements) -> dict[str, Any]:
    """Return the content of ``summary.json``; what cannot be said is ``None``."""
    plan = m.found.plan
    medians = {name: float(np.median(values)) for name, values in m.seconds.items()}
    direct = {name: medians[name] for name, error in m.errors.items() if error <= plan.tol}
    best = min(direct, key=direct.__getitem__, default=None)
    ratio = None if best is None else median_ratio(m.seconds[best], m.seconds[PLAN], m.seed)
    saved = 0.0 if best is None else direct[best] - medians[PLAN]
    return {
        "tol": plan.tol,
        "predicted_error": plan.predicted.error,
        "predicted_rounding": plan.predicted.rounding,
        "measured_error": max(o.error for o in m.outcomes),
        "predicted_seconds": plan.predicted.cost,
        "seconds_plan": medians[PLAN],
        "seconds_plan_unguarded": medians[UNGUARDED],
        "seconds_best_direct": None if best is None else direct[best],
        "best_direct": best,
        "ratio": None if ratio is None else ratio.value,
        "ratio_interval": None if ratio is None else [ratio.lower, ratio.upper],
        "search_seconds": m.discover_seconds,
        "search_seconds_planner": m.found.search_seconds,
        "profile_seconds": m.profile_seconds,
        "profile_cached": m.profile_cached,
        "break_even_calls": _calls(m.discover_seconds, saved),
        "break_even_calls_with_profile": _calls(m.discover_seconds + m.profile_seconds, saved),
        "status": _status(m.outcomes),
        "residual": _largest([o.residual for o in m.outcomes]),
        "residual_bound": _largest([o.residual_bound for o in m.outcomes]),
        "whitened_deviation": max(o.deviation for o in m.outcomes),
        "whitened_limit": variance_limit(plan.tol),
        "optimal": m.found.optimal,
        "steps": m.found.to_dict()["steps"],
        "scaling": plan.scaling.kind,
        "plan_id": plan.id,
        "seed": m.seed,
        "routes": {
            name: {
                "seconds": medians[name],
                "error": error if math.isfinite(error) else None,
                "meets_tol": error <= plan.tol,
                "repetitions": len(m.seconds[name]),
                "seconds_over_plan": _over_plan(m, name),
            }
            for name, error in m.errors.items()
        },
        "held_out": [asdict(outcome) for outcome in m.outcomes],
        "data": {
            "training": [_described(sample) for sample in m.split.training],
            "held_out": [_described(sample) for sample in m.split.held_out],
        },
        "repetitions": len(m.seconds[PLAN]),
        "pause_seconds": PAUSE,
        "threads": m.machine["blas_threads"],
        "load_average": m.load_average,
        "machine": m.machine,
        "versions": {
            "matrl": plan.provenance.version,
            **{key: m.machine[key] for key in ("numpy", "scipy", "python", "blas")},
        },
    }


def _over_plan(m: Measurements, name: str) -> list[float]:
    ratio: Ratio = median_ratio(m.seconds[name], m.seconds[PLAN], m.seed)
    return [ratio.value, ratio.lower, ratio.upper]


def _calls(spent: float, saved: float) -> int | None:
    return math.ceil(spent / saved) if saved > 0.0 else None


def _largest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _status(outcomes: Sequence[Outcome]) -> str:
    """Return the status all runs share, or the first that is not plain convergence."""
    return next((o.status for o in outcomes if o.status != "converged"), "converged")


def _described(sample: Sample) -> dict[str, Any]:
    region = sample.region
    return {
        "region": region.name,
        "rows": [region.top, region.bottom],
        "columns": [region.left, region.right],
        "patches": sample.patches,
        "smallest": sample.smallest,
        "largest": sample.largest,
        "condition": sample.condition,
    }
