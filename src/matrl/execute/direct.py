"""The direct method behind every plan: a decomposition in float64."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from matrl.backends.protocol import Matrix
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.core.precision import precision_of
from matrl.errors import (
    ConvergenceError,
    DomainError,
    IndefiniteMatrixError,
    MatrlError,
    NonFiniteError,
    RankDeficientError,
)
from matrl.execute.scaling import slack, times_power_of_two

__all__ = [
    "Direct",
    "check_rank",
    "default_threshold",
    "rank_deficient_error",
    "run_direct",
    "zero_levels",
]


@dataclass(frozen=True)
class Direct:
    """Values of f in float64 (complex128), the rank of A, and the range they are of.

    ``basis`` (n, r) is an orthonormal basis of the range of A* (all of the space: ``None``);
    ``condition`` is the largest over the smallest modulus that does not count as zero.
    """

    values: tuple[Matrix, ...]
    rank: int
    condition: float
    basis: Matrix | None


def default_threshold(shape: tuple[int, int], dtype: str) -> float:
    """Return max(m, n) eps of the dtype: what counts as zero, relative to the largest."""
    return max(shape) * float(np.finfo(dtype).eps)


def zero_levels(plan: PlanRecord, n: int, largest: float, exponent: int) -> tuple[float, float]:
    """Return the least positive eigenvalue of a domain with 0, and up to which they count as 0.

    The latter is n eps of the plan's dtype times the ``largest`` (of the matrix, or a bound, or of
    the domain), at most half of the former; both are of the matrix up to its factor 2^``exponent``.
    """
    least = times_power_of_two(plan.domain.lower, -exponent)
    largest = min(largest, times_power_of_two(plan.domain.upper, -exponent))
    return least, min(default_threshold((n, n), plan.dtype) * largest, 0.5 * least)


def _refusal_floor(shape: tuple[int, int], dtype: str) -> float:
    """Return below what, relative to the largest, a matrix is refused as singular.

    A float32 matrix is taken as it is given down to its unit roundoff: float64 resolves that.
    """
    return max(default_threshold(shape, "float64"), float(np.finfo(precision_of(dtype)).eps) / 2)


def rank_deficient_error(function: MatrixFunction, why: str) -> MatrlError:
    """Return the error that says that A is singular, with the remedy."""
    if function.structure == "positive":
        return IndefiniteMatrixError(
            f"A: must be positive definite, but it is {why}; add a ridge (A + c*I), or pass "
            "rank_deficient='pseudo' for the function on the range of A"
        )
    what = "sign" if function.structure == "hermitian" else "unitary polar factor"
    return RankDeficientError(
        f"A: has no unique {what}, for it is {why}; pass rank_deficient='pseudo' for the "
        "partial isometry on its range"
    )


def _singular(
    function: MatrixFunction, smallest: float, largest: float, exponent: int
) -> MatrlError:
    kind = "eigenvalue" if function.structure == "positive" else "singular value"
    return rank_deficient_error(
        function,
        f"singular to working precision: its smallest {kind} is "
        f"{times_power_of_two(smallest, exponent):.6g} and its largest "
        f"{times_power_of_two(largest, exponent):.6g}",
    )


def check_rank(
    plan: PlanRecord,
    function: MatrixFunction,
    a: Matrix,
    exponent: int,
    seen: Matrix | None = None,
    power: int = 1,
) -> None:
    """Raise :class:`~matrl.errors.RankDeficientError` if 2^exponent a (m, n) is singular.

    ``seen`` are the eigenvalues or singular values of a multiple of ``a``, or those to this
    ``power``, as a run found them in its own precision. Only where they cannot tell the singular
    values are computed, in float64.
    """
    floor = _refusal_floor(a.shape, plan.dtype)
    if seen is not None:
        # n eps: LAPACK's proved bounds have a modest polynomial of n there, in practice it is less.
        rounding = default_threshold(a.shape, str(seen.dtype))
        moduli = np.abs(seen)
        if float(moduli.min()) > (floor**power + rounding) * float(moduli.max()):
            return
    values = scipy.linalg.svdvals(a.astype(np.complex128 if a.dtype.kind == "c" else np.float64))
    smallest, largest = float(values[-1]), float(values[0])
    if not smallest > floor * largest:
        raise _singular(function, smallest, largest, exponent)


def run_direct(
    plan: PlanRecord, function: MatrixFunction, a: Matrix, exponent: int, threshold: float | None
) -> Direct:
    """Return f(a) of a float64 or complex128 matrix (m, n), m >= n, from its decomposition.

    ``a`` is the matrix up to a factor 2^``exponent``. With a ``threshold``, eigenvalues (singular
    values) at most that times the largest count as zero, and f is applied on the range. Without
    one, :class:`~matrl.errors.IndefiniteMatrixError` or RankDeficientError where A is singular to
    the plan's precision; roots whose domain has 0 take 0, up to rounding, for 0.
    IndefiniteMatrixError for indefinite A, DomainError where the domain is absolute and the
    eigenvalues, now known, lie outside, NonFiniteError for NaN or infinity.
    """
    # With verify="off" nothing has looked before; no eigenvalue that is NaN exceeds a threshold,
    # and the value would be a plausible 0.
    if not np.all(np.isfinite(a)):
        raise NonFiniteError("A: holds NaN or infinity; clean it before calling")
    try:
        if function.structure == "rectangular":
            left, values, right = scipy.linalg.svd(a, full_matrices=False, check_finite=False)
            vectors = right.conj().T
        else:
            values, vectors = scipy.linalg.eigh(a, check_finite=False)
            left = None
    except np.linalg.LinAlgError as error:
        raise ConvergenceError(f"A: LAPACK gave up on its decomposition ({error})") from None
    moduli = np.abs(values)
    largest = float(moduli.max())
    if threshold is not None:
        floor = threshold * largest
    elif plan.domain.has_zero:
        _, floor = zero_levels(plan, a.shape[-1], largest, exponent)
    else:
        floor = _refusal_floor(a.shape, plan.dtype) * largest
    used = moduli > floor
    if function.structure == "positive" and float(values.min()) < -floor:
        raise IndefiniteMatrixError(
            "A: must be positive definite, but it is indefinite: its smallest eigenvalue is "
            f"{times_power_of_two(float(values.min()), exponent):.6g} and its largest "
            f"{times_power_of_two(largest, exponent):.6g}; add a ridge (A + c*I)"
        )
    if threshold is None and not np.all(used):
        if not (function.vanishes_at_zero and plan.domain.includes_zero):
            raise _singular(function, float(moduli.min()), largest, exponent)
        if not plan.domain.has_zero:
            used = np.maximum(values, 0.0) > 0.0
    rank = int(np.count_nonzero(moduli > floor))
    _check_domain(plan, moduli[used], exponent, max(a.shape))
    vectors, moduli, values = vectors[:, used], moduli[used], values[used]
    if left is not None:
        left = left[:, used]
    basis = vectors if threshold is not None and rank < a.shape[-1] else None
    condition = largest / float(moduli.min()) if moduli.size else 1.0
    return Direct(_values(function, values, vectors, left), rank, condition, basis)


def _check_domain(plan: PlanRecord, moduli: np.ndarray, exponent: int, n: int) -> None:
    domain, end = plan.domain, slack(n, plan.dtype)
    if domain.relative or not moduli.size:
        return
    smallest = times_power_of_two(float(moduli.min()), exponent)
    largest = times_power_of_two(float(moduli.max()), exponent)
    if smallest < domain.lower * (1.0 - end) - end * domain.upper * 0.25 or largest > (
        domain.upper * (1.0 + end)
    ):
        raise DomainError(
            f"A: its eigenvalues (or singular values) lie in [{smallest:.6g}, {largest:.6g}], "
            f"outside the plan's domain [{domain.lower:.6g}, {domain.upper:.6g}]"
            f"{' (but for those that are 0)' if domain.has_zero else ''}; discover a plan for them"
        )


def _composed(vectors: Matrix, values: np.ndarray) -> Matrix:
    result = (vectors * values) @ vectors.conj().T
    return 0.5 * (result + result.conj().T)


def _values(
    function: MatrixFunction, values: np.ndarray, vectors: Matrix, left: Matrix | None
) -> tuple[Matrix, ...]:
    if left is not None:
        unitary = left @ vectors.conj().T
        if not function.factor:
            return (unitary,)
        return unitary, _composed(vectors if function.factor == "right" else left, values)
    if function.structure == "hermitian":
        return (_composed(vectors, np.sign(values)),)
    return tuple(_composed(vectors, values**exponent) for exponent in function.exponents)
