"""What there is to judge after a run: the case of one matrix, or of all matrices of a stack."""

from dataclasses import replace
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.execute.direct import Direct, zero_levels
from matrl.execute.residuals import Case
from matrl.execute.residuals.check import frobenius_norms
from matrl.execute.residuals.powers import word_exponents

__all__ = ["case_of", "restricted"]


def case_of(
    plan: PlanRecord,
    function: MatrixFunction,
    a: Matrix,
    values: tuple[Matrix, ...],
    size: Any,
    exponent: Any,
    backend: Backend,
    *,
    has_threshold: bool = False,
    is_direct: bool = False,
) -> Case:
    """Return the case of ``values`` as the outputs of f(``a``), both as the schedule had them.

    ``a`` is (..., m, n), m >= n, of the plan's dtype, and 2^``exponent`` a the matrix that was
    given; ``size`` is an upper bound of the 2-norm of ``a``. Of a stack both are arrays (...) or
    the same number for all. ``has_threshold`` says that eigenvalues which count as 0 are taken out
    (``rank_deficient="pseudo"``), ``is_direct`` that a decomposition made the values.
    """
    least: Any = 0.0
    zero: Any = 0.0
    if plan.domain.has_zero and not has_threshold:
        least, zero = _zero_levels(plan, a, size, exponent)
    condition = _condition(plan, function, values[-1], size, is_direct)
    eps = float(np.finfo(plan.dtype).eps)
    return Case(
        function, a, values, plan.tol, plan.norm, condition, size, backend, least, zero, eps
    )


def _zero_levels(plan: PlanRecord, a: Matrix, size: Any, exponent: Any) -> tuple[Any, Any]:
    """Return the least positive eigenvalue of the domain and what counts as 0, matrix by matrix."""
    if a.ndim == 2:
        return zero_levels(plan, a.shape[-1], float(size), int(exponent))
    batch = a.shape[:-2]
    sizes = np.broadcast_to(size, batch).ravel()
    exponents = np.broadcast_to(exponent, batch).ravel()
    levels = [
        zero_levels(plan, a.shape[-1], float(one), int(power))
        for one, power in zip(sizes, exponents, strict=True)
    ]
    least, zero = np.array(levels, dtype=float).reshape(-1, 2).T
    return least.reshape(batch), zero.reshape(batch)


def _condition(
    plan: PlanRecord, function: MatrixFunction, value: Matrix, size: Any, is_direct: bool
) -> Any:
    """Return an upper estimate of the condition of A, from what the residual uses."""
    is_power = function.carries == "y"
    if function.carries == "x" or (is_power and plan.norm != "eigenvalue"):
        return 1.0
    allowed = plan.domain.upper / plan.domain.lower if plan.domain.lower > 0.0 else 1.0
    if is_power:
        return allowed
    p, q = word_exponents(function)
    condition = size * frobenius_norms(value) ** (p / q)
    # The Frobenius norm overestimates ||A^-1|| by up to n^(p/2q): beyond square roots what the
    # plan is for may say more, and beyond that an iteration has not converged.
    is_sharp = p <= 2 * q or is_direct
    return condition if is_sharp else np.minimum(condition, allowed)


def restricted(case: Case, direct: Direct) -> Case:
    """Return the case with the condition now known, on the range of A*, where f was applied."""
    if case.function.carries == "z" or (case.norm == "eigenvalue" and case.function.carries != "x"):
        case = replace(case, condition=direct.condition)
    if direct.basis is None:
        return case
    basis = np.ascontiguousarray(direct.basis)
    is_rectangular = case.function.structure == "rectangular"

    def inside(x: Matrix) -> Matrix:
        """Return V* x V."""
        return case.adjoint_times(basis, case.times(x, basis))

    first = case.times(case.value, basis) if is_rectangular else inside(case.value)
    # P of A = P U is not of the space V spans.
    others = [x if case.function.factor == "left" else inside(x) for x in case.values[1:]]
    a = case.times(case.a, basis) if is_rectangular else inside(case.a)
    return replace(case, a=a, values=(first, *others))
