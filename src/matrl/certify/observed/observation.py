"""The errors of a plan on held-out matrices: what the statistical statement is made of."""

from collections.abc import Iterable

import numpy as np

from matrl.certify.observed.held_out import check_held_out
from matrl.certify.observed.statistical import StatisticalStatement, certify_statistically
from matrl.core.matrices import require_hermitian
from matrl.core.measure import Measure
from matrl.core.plan import PlanRecord
from matrl.core.precision import is_complex
from matrl.errors import InputError, MatrlError
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
    itself remembers. Raises :class:`~matrl.errors.InputError` for a matrix among them, for one that
    comes twice, and for one the plan is not for: not Hermitian where it must be, complex where the
    plan is real, or too large for its dtype.
    """
    kept = [np.asarray(a) for a in matrices]
    check_held_out(kept, {*used, *plan.provenance.matrices})
    for index, a in enumerate(kept):
        _check_fits(plan, a, f"matrices[{index}]")
    return certify_statistically(
        errors_on(plan, kept), tol=plan.tol, norm=plan.norm, plan_id=plan.id, confidence=confidence
    )


def _check_fits(plan: PlanRecord, a: np.ndarray, name: str) -> None:
    """Raise where a matrix is no draw of what the plan is for, which says nothing of its error."""
    if FUNCTIONS.get(plan.function).structure != "rectangular":
        if a.shape[0] != a.shape[1]:
            raise InputError(
                f"{name}: must be square for {plan.function}, has shape {a.shape}; pass matrices "
                "like those the plan is for"
            )
        require_hermitian(a, name)
    if np.iscomplexobj(a) and not is_complex(plan.dtype):
        raise InputError(
            f"{name}: is complex, and the plan is for {plan.dtype}; pass real matrices, or find a "
            "plan of a complex dtype"
        )
    if np.abs(a).max() > np.finfo(plan.dtype).max:
        raise InputError(f"{name}: has entries too large for {plan.dtype}; scale it before calling")
