"""What a run returns."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Solution", "Status"]

Status = Literal["converged", "continued", "fell_back", "refused", "unchecked"]


@dataclass(frozen=True)
class Solution:
    """The value of a matrix function and what is known of it.

    ``value`` is f(A), of the dtype of A; of functions with two outputs the pair of them: (A^(1/2),
    A^(-1/2)) for ``sqrt+invsqrt``, (U, H) with A = U H for ``polar-right`` and (U, P) with A = P U
    for ``polar-left``. ``status``: ``"converged"`` (the schedule ran and the check passed, or A is
    empty), ``"continued"`` (the check failed by a little, and passed after one or two more steps),
    ``"fell_back"`` (the check failed or A is rank deficient, a direct method gave the
    value), ``"unchecked"`` (``verify="off"``), ``"refused"`` (only within a stack: that matrix has
    no value, its entries are NaN); for a stack (..., m, n) an array of these. ``residual`` is the
    largest residual seen, ``residual_bound`` what it is at most with ``failure_probability``,
    ``error_bound`` a rigorous bound on the error in the plan's measure (``verify="full"``),
    infinite where that measure cannot be evaluated to the digits needed; ``None`` where not asked
    for. ``seconds`` is the wall time of the call. ``message`` says why,
    where the status is not plain. ``rank`` is the numerical rank, ``None`` (-1 in a stack) where
    it was not determined: the direct method finds it, and ``rank_deficient="pseudo"`` asks for it.
    """

    value: Any
    status: Any
    residual: Any
    residual_bound: Any
    failure_probability: float | None
    error_bound: Any
    steps: int
    seconds: float
    plan_id: str
    message: str = ""
    rank: Any = None
