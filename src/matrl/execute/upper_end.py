"""Checking the upper end of a spectrum before a schedule."""

import math

from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.errors import DomainError
from matrl.execute.lanczos import largest_ritz_value
from matrl.execute.scaling import slack, times_power_of_two, two_norm_bound
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES

__all__ = ["check_upper_end"]

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
) -> None:
    """Raise :class:`~matrl.errors.DomainError` if the spectrum exceeds the plan's domain.

    ``a`` is the matrix before scaling, up to a factor 2^``exponent`` that was taken out of it (and
    ``norms`` are of what is left); ``bound`` is what it will be divided by. Eigenvalues are meant,
    their moduli for the sign, singular values for the polar factor. Schedules with polynomials,
    which may flip signs beyond the domain, get a proof: a norm, or a Cholesky factorisation of
    upper I - A (upper^2 I - A* A). Rational schedules cannot, and an estimate serves. Where the
    plan was designed on 1.2 times the range (domain not ``proved``), an estimate is what it is for.
    """
    domain, function = plan.domain, FUNCTIONS.get(plan.function)
    if domain.relative and domain.proved:
        return  # the norm divided by is itself the proof
    upper = domain.upper * bound if domain.relative else times_power_of_two(domain.upper, -exponent)
    limit = upper * (1.0 + slack(max(a.shape), plan.dtype))
    least_bound = two_norm_bound(norms)
    if function.structure == "positive":
        least_bound = min(least_bound, norms.gershgorin)
    if least_bound <= limit:
        return
    estimate = _estimate(function, a, backend)
    shown = times_power_of_two(upper, exponent)
    remedy = "scale A, or discover a plan for its spectrum"
    if estimate > limit:
        raise DomainError(
            f"A: {_largest(function)} is at least {times_power_of_two(estimate, exponent):.6g}, "
            f"above the upper end {shown:.6g} of the plan's domain; {remedy}"
        )
    if domain.proved and not _only_rational(plan) and not _is_below(function, a, limit, backend):
        raise DomainError(
            f"A: {_largest(function)} is above the upper end {shown:.6g} of the plan's domain (a "
            f"Cholesky factorisation of the difference broke down); {remedy}"
        )


def _largest(function: MatrixFunction) -> str:
    return {
        "positive": "its largest eigenvalue",
        "hermitian": "its largest eigenvalue in modulus",
        "rectangular": "its largest singular value",
    }[function.structure]


def _estimate(function: MatrixFunction, a: Matrix, backend: Backend) -> float:
    if function.structure == "positive":
        return largest_ritz_value(a, CHECK_STEPS, backend)
    return math.sqrt(max(largest_ritz_value(a, CHECK_STEPS, backend, squared=True), 0.0))


def _is_below(function: MatrixFunction, a: Matrix, limit: float, backend: Backend) -> bool:
    n = a.shape[-1]
    shifted, factor = backend.empty((n, n), a.dtype), backend.empty((n, n), a.dtype)
    if function.structure == "positive":
        backend.linear(shifted, (-1.0,), (a,), limit)
    else:
        backend.gram(factor, a, a)
        backend.linear(shifted, (-1.0,), (factor,), limit * limit)
    return backend.cholesky(factor, shifted)
