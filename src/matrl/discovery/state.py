"""States and actions of the search for a schedule."""

import math
from dataclasses import dataclass

import numpy as np

from matrl.core.plan import StepRecord
from matrl.discovery.pricing import Structure
from matrl.iterations.schedule import DIRECT
from matrl.readings.noisy import NoisyValue

__all__ = ["Action", "ScheduleState"]


@dataclass(frozen=True)
class Action:
    """Choose a scaling (``domain`` an index), or take a step (update, precision, product)."""

    name: str
    precision: str = ""
    product: str = "mirrored"
    domain: int = -1

    @property
    def structure(self) -> Structure:
        """What the price of the step depends on."""
        return (self.name, self.precision, self.product)


@dataclass(frozen=True, eq=False)
class ScheduleState:
    """Where a schedule stands: the range of x, its error, and the rounding it has accumulated."""

    domain: int = -1
    lower: float = 0.0
    upper: float = 0.0
    points: np.ndarray | None = None
    error: float = math.inf
    rounding: float = 0.0
    carried: NoisyValue | None = None
    residual: NoisyValue | None = None
    steps: tuple[StepRecord, ...] = ()
    previous: Structure | None = None
    pending: float = 0.0
    overshoots: bool = False
    """Whether eigenvalues below the domain may by now lie far above the range (Newton's pole)."""

    @property
    def total_error(self) -> float:
        """Worst error in exact arithmetic plus the predicted rounding level."""
        return self.error + self.rounding

    @property
    def is_direct(self) -> bool:
        """Whether a direct method has ended the schedule."""
        return bool(self.steps) and self.steps[-1].form == DIRECT
