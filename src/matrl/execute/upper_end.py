"""Checking the upper end of a spectrum before a schedule."""

from typing import Any

import numpy as np

from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.errors import DomainError
from matrl.execute.lanczos import largest_ritz_value
from matrl.execute.scaling import slack, times_power_of_two, two_norm_bound
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES

__all__ = ["check_upper_end", "keeps_upper_end"]

CHECK_STEPS = 12


def _only_rational(plan: PlanRecord) -> bool:
    return all(getattr(UPDATES.get(step.name), "kind", "") != "polynomial" for step in plan.steps)


def check_upper_end(
    plan: PlanRecord,
    a: Matrix,
    bound: float,
    norms: MatrixNorms,
    backend: Backend,
    exponent: int = 0,
    *,
    room: Matrix | None = None,
) -> None:
    """Raise :class:`~matrl.errors.DomainError` if the spectrum exceeds the plan's domain.

    ``a`` is the matrix before scaling, up to a factor 2^``exponent`` that was taken out of it (and
    ``norms`` are of what is left); ``bound`` is what it will be divided by. Eigenvalues are meant,
    their moduli for the sign, singular values for the polar factor. Schedules with polynomials,
    which may flip signs beyond the domain, get a proof: a norm, or a Cholesky factorisation of
    upper I - A (upper^2 I - A* A). Rational schedules cannot, and an estimate serves. Where the
    plan was designed on 1.2 times the range (domain not ``proved``), an estimate is what it is for.
    The proof writes into ``room`` (n, n), C-contiguous, if it is given.
    """
    domain, function = plan.domain, FUNCTIONS.get(plan.function)
    if domain.relative and domain.proved:
        return  # the norm divided by is itself the proof
    upper, limit = _limit(plan, a, bound, exponent)
    if _least_bound(function, norms) <= limit:
        return
    estimate = _estimate(function, a, backend)
    shown = times_power_of_two(upper, exponent)
    remedy = "scale A, or discover a plan for its spectrum"
    if estimate > limit:
        raise DomainError(
            f"A: {_largest(function)} is at least {times_power_of_two(estimate, exponent):.6g}, "
            f"above the upper end {shown:.6g} of the plan's domain; {remedy}"
        )
    if (
        domain.proved
        and not _only_rational(plan)
        and not _is_below(function, a, limit, backend, room)
    ):
        raise DomainError(
            f"A: {_largest(function)} is above the upper end {shown:.6g} of the plan's domain (a "
            f"Cholesky factorisation of the difference broke down); {remedy}"
        )


def keeps_upper_end(
    plan: PlanRecord, a: Matrix, bound: Any, norms: MatrixNorms, backend: Backend
) -> np.ndarray:
    """Return for which matrices of a stack (c, m, n) nothing speaks against the upper end.

    For others :func:`check_upper_end` may find that it is kept, by means for one matrix.
    """
    domain, function = plan.domain, FUNCTIONS.get(plan.function)
    if domain.relative and domain.proved:
        return np.ones(len(a), dtype=bool)
    _, limit = _limit(plan, a, bound, 0)
    kept = _least_bound(function, norms) <= limit
    if not domain.proved or _only_rational(plan):
        unsure = np.flatnonzero(~kept)
        if len(unsure):
            limits = np.broadcast_to(limit, kept.shape)[unsure]
            kept[unsure] = _estimate(function, a[unsure], backend) <= limits
    return kept


def _limit(plan: PlanRecord, a: Matrix, bound: Any, exponent: int) -> tuple[Any, Any]:
    """Return the upper end for ``a``, and what rounding may add to it."""
    domain = plan.domain
    upper = domain.upper * bound if domain.relative else times_power_of_two(domain.upper, -exponent)
    return upper, upper * (1.0 + slack(max(a.shape[-2:]), plan.dtype))


def _least_bound(function: MatrixFunction, norms: MatrixNorms) -> Any:
    bound = two_norm_bound(norms)
    return np.minimum(bound, norms.gershgorin) if function.structure == "positive" else bound


def _largest(function: MatrixFunction) -> str:
    return {
        "positive": "its largest eigenvalue",
        "hermitian": "its largest eigenvalue in modulus",
        "rectangular": "its largest singular value",
    }[function.structure]


def _estimate(function: MatrixFunction, a: Matrix, backend: Backend) -> Any:
    if function.structure == "positive":
        return largest_ritz_value(a, CHECK_STEPS, backend)
    squared = largest_ritz_value(a, CHECK_STEPS, backend, squared=True)
    return np.sqrt(np.maximum(squared, 0.0))


def _is_below(
    function: MatrixFunction, a: Matrix, limit: float, backend: Backend, room: Matrix | None
) -> bool:
    n = a.shape[-1]
    difference = backend.empty((n, n), a.dtype) if room is None else room
    if function.structure == "positive":
        backend.linear(difference, (-1.0,), (a,), limit)
    else:
        backend.gram(difference, a, a, alpha=-1.0, shift=limit * limit)
    return backend.cholesky(difference, difference)
