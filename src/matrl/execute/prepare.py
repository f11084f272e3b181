"""What happens to a matrix before its schedule, and to a value after it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.core.function import MatrixFunction
from matrl.core.matrices import check_symmetry as require_symmetry
from matrl.core.plan import PlanRecord
from matrl.errors import ConvergenceError, NonFiniteError
from matrl.execute.direct import rank_deficient_error
from matrl.execute.scaling import (
    exact_exponent,
    norm_bound,
    scale_in_place,
    times_power_of_two,
    two_norm_bound,
)

__all__ = ["Prepared", "checked_norms", "prepare", "rescale"]


@dataclass(frozen=True)
class Prepared:
    """A = 2^exponent a, ``a`` of moderate size; the schedule runs on a/bound."""

    a: Matrix
    exponent: int
    norms: MatrixNorms | None
    bound: float

    @property
    def size(self) -> float:
        """An upper bound on the 2-norm of ``a``; infinity where no norm was needed."""
        return np.inf if self.norms is None else float(two_norm_bound(self.norms))

    @property
    def wide_dtype(self) -> type:
        """The dtype values are judged in."""
        return np.complex128 if self.a.dtype.kind == "c" else np.float64


def checked_norms(
    function: MatrixFunction, a: Matrix, backend: Backend, *, check_symmetry: bool = True
) -> MatrixNorms:
    """Return the norms of ``a``, which is finite and, unless of any shape, Hermitian.

    Raises :class:`~matrl.errors.NonFiniteError` or NotHermitianError otherwise.
    """
    norms = backend.norms(a)
    if not np.isfinite(norms.max_abs):
        raise NonFiniteError("A: holds NaN or infinity; clean it before calling")
    if check_symmetry and function.structure != "rectangular":
        require_symmetry(backend.asymmetry(a), norms.max_abs, a.shape[-1], a.dtype)
    return norms


def prepare(
    plan: PlanRecord,
    function: MatrixFunction,
    a: Matrix,
    norms: MatrixNorms | None,
    room: Callable[[], Matrix],
    backend: Backend,
) -> Prepared:
    """Return ``a`` with a power of two taken out if it is badly scaled (into ``room()``).

    ``norms`` may be missing where the scaling is constant. Raises
    :class:`~matrl.errors.IndefiniteMatrixError` where a Lanczos bound is not positive.
    """
    size = 1.0 / plan.scaling.factor if norms is None else norms.max_abs
    exponent = exact_exponent(function, size)
    if exponent:
        into = room()
        if into is a:
            scale_in_place(a, -exponent)
        else:
            a = backend.scale_by_power_of_two(into, a, -exponent)
        norms = None if norms is None else backend.norms(a)
    if plan.scaling.kind == "constant":
        bound = times_power_of_two(1.0 / plan.scaling.factor, -exponent)
    else:
        bound = float(norm_bound(plan, a, norms, backend))
    if plan.scaling.kind == "lanczos" and not bound > 0.0:
        why = f"not: its largest Ritz value is {bound * plan.scaling.factor:.3g}"
        raise rank_deficient_error(function, why)
    return Prepared(a, exponent, norms, bound)


def rescale(
    function: MatrixFunction, values: tuple[Matrix, ...], exponent: int, *, check: bool
) -> None:
    """Turn f(2^-exponent A) into f(A), exactly.

    With ``check`` :class:`~matrl.errors.ConvergenceError` where that leaves the dtype's range.
    """
    if not exponent:
        return
    for value, power in zip(values, function.exponents, strict=True):
        shift = round(exponent * power)
        if not shift:
            continue
        scale_in_place(value, shift)
        if not check:
            continue
        largest = float(np.abs(value).max())
        if not np.isfinite(largest) or 0.0 < largest < float(np.finfo(value.dtype).tiny):
            raise ConvergenceError(
                f"A: f(A) is out of the range of {value.dtype}; scale A to norm near 1"
            )
