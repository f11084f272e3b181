"""The errors of a plan on held-out matrices: what the statistical statement is made of."""

from collections.abc import Iterable

import numpy as np

from matrl.certify.observed.held_out import check_held_out
from matrl.certify.observed.statistical import StatisticalStatement, certify_statistically
from matrl.core.measure import Measure
from matrl.core.plan import PlanRecord
from matrl.errors import MatrlError
from matrl.execute.accuracy import Reference
from matrl.execute.executor import Executor
from matrl.functions import FUNCTIONS

__all__ = ["certify_held_out", "errors_on"]


def errors_on(plan: PlanRecord, matrices: Iterable[np.ndarray]) -> list[float | None]:
    """Return the measured error of the schedule on each matrix, ``None`` where it was refused.

    The schedule runs by itself, ``verify="off"``: with a check it would be mended where it fails.
    Errors are against a decomposition in float64, good to about n eps times the condition.
    """
    measure = Measure(plan.norm, FUNCTIONS.get(plan.function))
    found: list[float | None] = []
    for a in matrices:
        matrix = np.asarray(a).astype(plan.dtype)
        try:
            value = Executor(plan, matrix.shape, verify="off")(matrix).value
            found.append(Reference(measure, matrix).error(value))
        except MatrlError:
            found.append(None)
    return found


def certify_held_out(
    plan: PlanRecord,
    matrices: Iterable[np.ndarray],
    *,
    used: Iterable[str] = (),
    confidence: float = 0.99,
) -> StatisticalStatement:
    """Return what the errors of a plan on held-out ``matrices`` (m, n) prove of others like them.

    ``used`` are fingerprints of matrices that were used to find the plan, beside those the plan
    itself remembers. Raises :class:`~matrl.errors.InputError` for a matrix among them, and for one
    that comes twice.
    """
    kept = [np.asarray(a) for a in matrices]
    check_held_out(kept, {*used, *plan.provenance.matrices})
    return certify_statistically(
        errors_on(plan, kept), tol=plan.tol, norm=plan.norm, plan_id=plan.id, confidence=confidence
    )
