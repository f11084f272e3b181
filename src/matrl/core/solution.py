"""What a run returns."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Solution", "Status"]

Status = Literal["converged", "continued", "fell_back", "refused", "unchecked"]


@dataclass(frozen=True)
class Solution:
    """The value of a matrix function and what is known of it.

    ``value`` is f(A), of A's shape and dtype. ``status``: ``"converged"`` (the schedule ran and the
    check passed), ``"fell_back"`` (the check failed, a direct method gave the value),
    ``"unchecked"`` (``verify="off"``), ``"refused"`` (only within a stack: that matrix has no
    value, its entries are NaN); for a stack (..., n, n) an array of these. ``residual`` is the
    largest residual seen, ``residual_bound`` what it is at most with ``failure_probability``,
    ``error_bound`` a rigorous bound on the error (``verify="full"``); ``None`` where not asked for.
    ``seconds`` is the wall time of the call. ``message`` says why, where the status is not plain.
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
