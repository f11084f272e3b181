"""The safety rule of a schedule, proved: positive and near 1 beyond the range it was made for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from matrl.certify.exact.intervals import Interval
from matrl.certify.exact.maps import PolynomialMap, RationalMap, StepMap
from matrl.certify.exact.ranges import LARGEST, MOST_CELLS, Range, cells_of, halved, image
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.core.safety import highest, safety_of, slack_of

__all__ = ["SafetyStatement", "certify_safety", "is_positive"]

ROUNDS = 40


@dataclass(frozen=True)
class SafetyStatement:
    """Whether every step is positive, and the whole map at most ``allowed``, on the safe domain.

    That are the iterates x in (0, ``upper``], or from the lower end of the domain on if a step has
    a pole at 0. ``largest`` bounds the whole map there, ``None`` where there is no bound;
    ``reason`` says why the rule does not hold.
    """

    upper: float
    largest: float | None
    allowed: float
    holds: bool
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-ready data."""
        return asdict(self)


def is_positive(step: StepMap, upper: float) -> bool:
    """Return whether p(x^k) > 0 is proved for all x in [0, upper], so that h > 0 but at 0.

    >>> step = PolynomialMap(2, (1.5, -0.5))
    >>> is_positive(step, 1.7), is_positive(step, 1.8)
    (True, False)
    """
    if isinstance(step, RationalMap):
        terms = (step.constant, *step.weights, *step.shifts)
        is_zero = not any(float(t.lower) > 0.0 for t in (step.constant, *step.weights))
        return all(float(t.lower) >= 0.0 for t in terms) and not is_zero
    assert isinstance(step, PolynomialMap)
    cells = cells_of(Range(0.0, upper))
    for _ in range(ROUNDS):
        values = step.multiplier(cells**step.root_index)
        cells = cells[~(values.lower > 0.0)]
        if cells.lower.size == 0:
            return True
        ends = step.multiplier(Interval(cells.upper, cells.upper) ** step.root_index)
        # Where p is 0 as far as can be told, cells do not get fewer by being halved.
        if np.any(ends.upper <= 0.0) or cells.lower.size > MOST_CELLS:
            return False
        cells = halved(cells)
    return False


def certify_safety(
    plan: PlanRecord, function: MatrixFunction, maps: Sequence[StepMap], start: Range
) -> SafetyStatement:
    """Return what is proved of the maps of a plan, whose first iterates are in ``start``."""
    n = min(plan.shape)
    upper = start.upper * (1.0 if plan.domain.proved else safety_of(function))
    allowed = float(highest(function, plan.tol))
    has_pole = any(_has_pole_at_zero(step) for step in maps)
    over, reason = Range(start.lower if has_pole else 0.0, upper), ""
    for index, (step, record) in enumerate(zip(maps, plan.steps, strict=True)):
        slack = slack_of(record.precision, n) if isinstance(step, PolynomialMap) else 0.0
        widened = float(np.nextafter(over.upper * (1.0 + slack), np.inf))
        if not reason and not (widened < LARGEST and is_positive(step, widened)):
            reason = f"step {index + 1} ({record.name}) is not proved positive up to {widened:.6g}"
        if not over.is_bounded:
            return SafetyStatement(upper, None, allowed, False, reason)
        over = image(step, over)
    if not reason and not over.upper <= allowed:
        reason = f"the whole map may reach {over.upper:.6g}"
    largest = over.upper if over.is_bounded else None
    return SafetyStatement(upper, largest, allowed, not reason, reason)


def _has_pole_at_zero(step: StepMap) -> bool:
    return isinstance(step, RationalMap) and any(float(s.lower) <= 0.0 for s in step.shifts)
