"""What errors on held-out matrices say of the matrices to come from the same distribution."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from matrl.certify.arguments import checked_fraction, checked_positive
from matrl.certify.observed.binomial import count_for_quantile_bound, failure_bound, quantile_rank
from matrl.core.measure import Norm
from matrl.errors import InputError

__all__ = ["StatisticalStatement", "certify_statistically"]


@dataclass(frozen=True)
class StatisticalStatement:
    """What is known of a plan's error on one more matrix, by its errors on ``count`` others.

    ``failures`` of the ``count`` errors exceed ``tol``, and ``failure_probability`` bounds the
    probability that the next one does. ``quantiles`` are pairs (q, bound): at least a fraction q
    of all errors is no greater than the bound. ``worst_error`` is the largest error observed, in
    the measure ``norm``. ``None`` for an error or a bound stands for infinity, which JSON lacks.

    Each bound holds with probability ``confidence`` over the draw of the matrices; m of them hold
    together with at least 1 - m (1 - ``confidence``). All of it is about matrices drawn
    independently from one distribution: nothing is said of any other.
    """

    plan_id: str
    norm: Norm
    tol: float
    confidence: float
    count: int
    failures: int
    failure_probability: float
    worst_error: float | None
    quantiles: tuple[tuple[float, float | None], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-ready data.

        With each quantile goes ``count_needed``, the number of matrices it takes to bound it: a
        bound that is ``None`` with ``count`` no less than that is of matrices that failed.
        """
        return {
            "plan_id": self.plan_id,
            "norm": self.norm,
            "tol": self.tol,
            "confidence": self.confidence,
            "count": self.count,
            "failures": self.failures,
            "failure_probability": self.failure_probability,
            "worst_error": self.worst_error,
            "quantiles": [
                {
                    "quantile": quantile,
                    "bound": bound,
                    "count_needed": count_for_quantile_bound(quantile, confidence=self.confidence),
                }
                for quantile, bound in self.quantiles
            ],
        }


def certify_statistically(
    errors: ArrayLike | Sequence[float | None],
    *,
    tol: float,
    norm: Norm,
    plan_id: str,
    confidence: float = 0.99,
    quantiles: tuple[float, ...] = (0.5, 0.9, 0.99),
) -> StatisticalStatement:
    """Return what ``errors`` (n,) of a plan on n independent held-out matrices prove.

    Every matrix that was tried must be among them: one that the plan refused, or whose error is
    not known, is ``None`` or NaN and counts as a failure with an infinite error. An error equal to
    ``tol`` is none. Errors are compared in float64. ``norm`` and ``plan_id`` say whose errors they
    are and in what measure, and are taken as given. The matrices must not have been used to find
    the plan, nor to choose it among others (:func:`~matrl.certify.check_held_out`), and their
    number, ``tol`` and ``quantiles`` must be chosen before the errors are seen.

    Raises :class:`~matrl.errors.InputError` for errors that are empty, negative or no vector of
    real numbers, a ``tol`` that is not positive and finite, a ``confidence`` or quantile outside
    (0, 1), or a quantile so near 1 that it would take more than 10^7 matrices to bound it.
    Source: :func:`~matrl.certify.failure_bound` and :func:`~matrl.certify.quantile_rank`.

    >>> errors = [(1 + i % 8) / 8 for i in range(499)] + [None]
    >>> said = certify_statistically(errors, tol=1.0, norm="spectral", plan_id="0123456789ab")
    >>> said.failures, said.count, round(said.failure_probability, 4), said.worst_error
    (1, 500, 0.0132, None)
    >>> said.quantiles
    ((0.5, 0.625), (0.9, 1.0), (0.99, None))
    """
    tol = checked_positive("tol", tol)
    confidence = checked_fraction("confidence", confidence)
    ascending = np.sort(_known_errors(errors))
    count = len(ascending)
    failures = int(np.count_nonzero(ascending > tol))
    if not isinstance(quantiles, Iterable):
        raise InputError(f"quantiles: must be a tuple, got {quantiles!r}; pass ({quantiles!r},)")
    bounds = []
    for index, quantile in enumerate(quantiles):
        quantile = checked_fraction(f"quantiles[{index}]", quantile)
        count_for_quantile_bound(quantile, confidence=confidence)  # refuses what none can bound
        rank = quantile_rank(count, quantile, confidence=confidence)
        bounds.append((quantile, None if rank is None else _finite(ascending[rank - 1])))
    return StatisticalStatement(
        plan_id=plan_id,
        norm=norm,
        tol=tol,
        confidence=confidence,
        count=count,
        failures=failures,
        failure_probability=failure_bound(failures, count, confidence=confidence),
        worst_error=_finite(ascending[-1]),
        quantiles=tuple(bounds),
    )


def _known_errors(errors: ArrayLike | Sequence[float | None]) -> np.ndarray:
    """Return the errors as a vector of float64 >= 0, those that are unknown infinite."""
    if isinstance(errors, np.ma.MaskedArray):
        raise InputError("errors: is a masked array; pass errors.filled(numpy.nan) of it")
    try:
        given = np.asarray(cast(ArrayLike, errors))
        if given.size and given.dtype.kind not in "fiuO":
            raise TypeError
        array = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            "errors: must be real numbers; pass a vector of them, with NaN for matrices refused"
        ) from None
    if array.ndim != 1:
        raise InputError(f"errors: must be a vector, but its shape is {array.shape}; ravel it")
    if array.size == 0:
        raise InputError("errors: is empty; pass the error on one held-out matrix at least")
    if np.any(array < 0.0):
        index = int(np.argmax(array < 0.0))
        raise InputError(f"errors[{index}]: is {array[index]:g}; pass errors, which are >= 0")
    array[np.isnan(array)] = math.inf
    return array


def _finite(error: float) -> float | None:
    return float(error) if math.isfinite(error) else None
