"""States and actions of the search for a schedule."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from matrl.core.plan import StepRecord
from matrl.discovery.pricing import Structure
from matrl.discovery.rounding import Noise
from matrl.iterations.schedule import DIRECT

__all__ = ["Action", "ScheduleState"]


@dataclass(frozen=True)
class Action:
    """Choose a scaling (``domain`` an index), or take a step (update, form, precision, product)."""

    name: str
    form: str = ""
    precision: str = ""
    product: str = "mirrored"
    domain: int = -1

    @property
    def structure(self) -> Structure:
        """What the price of the step depends on."""
        return (self.name, self.form, self.precision, self.product)


@dataclass(frozen=True, eq=False)
class ScheduleState:
    """Where a schedule stands: the range of x, its error, and the rounding it has accumulated.

    ``is_exact`` says that the range tells the error; ``points`` (q,) are the iterates of the
    domain's points where it does not, or where a rule fits to them; ``nodes`` those of its nodes
    for the noisy reading, ``noise`` the live registers' errors.
    """

    domain: int = -1
    lower: float = 0.0
    upper: float = 0.0
    is_exact: bool = True
    points: np.ndarray | None = None
    nodes: np.ndarray | None = None
    error: float = math.inf
    rounding: float = 0.0
    noise: Mapping[str, Noise] = field(default_factory=dict)
    steps: tuple[StepRecord, ...] = ()
    previous: Structure | None = None
    pending: float = 0.0
    overshoots: bool = False
    """Whether eigenvalues below the domain may by now lie far above the range (a pole at 0)."""

    @property
    def total_error(self) -> float:
        """Worst error in exact arithmetic plus the predicted rounding level."""
        return self.error + self.rounding

    @property
    def form(self) -> str | None:
        """The form of the last step, ``None`` at the start."""
        return self.steps[-1].form if self.steps else None

    @property
    def is_direct(self) -> bool:
        """Whether a direct method has ended the schedule."""
        return self.form == DIRECT
