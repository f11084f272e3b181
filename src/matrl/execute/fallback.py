"""The direct method behind every plan: an eigendecomposition in float64."""

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.errors import DomainError, IndefiniteMatrixError
from matrl.execute.scaling import slack

__all__ = ["run_direct"]


def run_direct(
    plan: PlanRecord, function: MatrixFunction, a: Matrix, value: Matrix, backend: Backend
) -> None:
    """Write f(a) into ``value``, from eigenvalues and eigenvectors in float64.

    Raises :class:`~matrl.errors.IndefiniteMatrixError` where A is not positive definite to the
    plan's precision, and :class:`~matrl.errors.DomainError` where the plan's domain is absolute
    and the eigenvalues, now known, lie outside.
    """
    n = a.shape[-1]
    wide = a.astype(np.float64)
    result = backend.empty((n, n), np.float64)

    def power(eigenvalues: np.ndarray) -> np.ndarray:
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        floor = n * float(np.finfo(np.float64).eps) * abs(largest)
        if not smallest > floor:
            kind = "singular to working precision" if smallest > -floor else "indefinite"
            raise IndefiniteMatrixError(
                f"A: must be positive definite, but it is {kind}: its smallest eigenvalue is "
                f"{smallest:.6g} and its largest {largest:.6g}; add a ridge (A + c*I)"
            )
        domain, end = plan.domain, slack(n, plan.dtype)
        if not domain.relative and (
            smallest < domain.lower * (1.0 - end) - end * domain.upper * 0.25
            or largest > domain.upper * (1.0 + end)
        ):
            raise DomainError(
                f"A: its eigenvalues lie in [{smallest:.6g}, {largest:.6g}], outside the plan's "
                f"domain [{domain.lower:.6g}, {domain.upper:.6g}]; discover a plan for them"
            )
        return eigenvalues**function.exponent

    backend.spectral_function(result, wide, power)
    backend.cast(value, result)
