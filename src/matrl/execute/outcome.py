"""What is known of one value after a run."""

from dataclasses import dataclass

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What is known of one value."""

    status: str
    residual: float | None = None
    residual_bound: float | None = None
    error_bound: float | None = None
    message: str = ""
    rank: int | None = None
