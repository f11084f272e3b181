"""Normalising a matrix before its schedule, and checking the upper end of its spectrum."""

import numpy as np

from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.core.plan import PlanRecord
from matrl.errors import DomainError
from matrl.execute.lanczos import largest_ritz_value
from matrl.iterations import UPDATES

__all__ = ["check_upper_end", "norm_bound", "slack"]

CHECK_STEPS = 12


def slack(n: int, dtype: str) -> float:
    """Return the relative slack at the closed ends of a domain: 4 n eps, at most 1 %."""
    return min(4.0 * n * float(np.finfo(dtype).eps), 0.01)


def norm_bound(plan: PlanRecord, a: Matrix, norms: MatrixNorms | None, backend: Backend) -> float:
    """Return what the plan divides a matrix by: 1/factor, a norm, or an upper Lanczos bound.

    ``norms`` may be missing where the scaling is by neither norm.
    """
    scaling = plan.scaling
    if scaling.kind == "constant":
        return 1.0 / scaling.factor
    if scaling.kind == "lanczos":
        return _lanczos_bound(plan, a, backend)
    assert norms is not None
    return norms.frobenius if scaling.kind == "frobenius" else norms.one


def _lanczos_bound(plan: PlanRecord, a: Matrix, backend: Backend) -> float:
    return largest_ritz_value(a, plan.scaling.steps, backend) / plan.scaling.factor


def _only_rational(plan: PlanRecord) -> bool:
    return all(getattr(UPDATES.get(step.name), "kind", "") != "polynomial" for step in plan.steps)


def check_upper_end(
    plan: PlanRecord, a: Matrix, bound: float, norms: MatrixNorms, backend: Backend
) -> None:
    """Raise :class:`~matrl.errors.DomainError` if the spectrum exceeds the plan's domain.

    ``a`` is the matrix before scaling, ``bound`` what it will be divided by. Schedules with
    polynomials, which may flip signs beyond the domain, get a proof: a norm, or a Cholesky
    factorisation of (upper I - A). Rational schedules cannot, and an estimate serves. Where the
    plan was designed on 1.2 times the range (domain not ``proved``), an estimate is what it is for.
    """
    domain = plan.domain
    if domain.relative and domain.proved:
        return  # the norm divided by is itself the proof
    n = a.shape[-1]
    upper = domain.upper * (bound if domain.relative else 1.0)
    limit = upper * (1.0 + slack(n, plan.dtype))
    if min(norms.frobenius, norms.one) <= limit:
        return
    estimate = largest_ritz_value(a, CHECK_STEPS, backend)
    if estimate > limit:
        raise DomainError(
            f"A: its largest eigenvalue is at least {estimate:.6g}, above the upper end "
            f"{upper:.6g} of the plan's domain; scale A, or discover a plan for its spectrum"
        )
    if domain.proved and not _only_rational(plan):
        _prove(a, limit, backend)


def _prove(a: Matrix, limit: float, backend: Backend) -> None:
    shifted = backend.empty(a.shape, a.dtype)
    factor = backend.empty(a.shape, a.dtype)
    backend.linear(shifted, (-1.0,), (a,), limit)
    if not backend.cholesky(factor, shifted):
        raise DomainError(
            f"A: its largest eigenvalue is above the upper end {limit:.6g} of the plan's domain "
            "(a Cholesky factorisation of upper*I - A broke down); scale A, or discover a plan "
            "for its spectrum"
        )
