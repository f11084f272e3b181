"""States and actions of the search for a schedule."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

import numpy as np

from matrl.discovery.states.pricing import Structure
from matrl.iterations import FORMS
from matrl.iterations.schedule import DIRECT

__all__ = ["Action", "ScheduleState"]


@dataclass(frozen=True)
class Action:
    """Choose a scaling (``domain`` an index), or take a step (update, form, precision, product).

    ``variation`` says which coefficients the step has: 0 those of the update's rule.
    """

    name: str
    form: str = ""
    precision: str = ""
    product: str = "mirrored"
    domain: int = -1
    variation: int = 0

    @property
    def structure(self) -> Structure:
        """What the price of the step depends on."""
        return (self.name, self.form, self.precision, self.product)


@dataclass(frozen=True, eq=False)
class ScheduleState:
    """Where a schedule stands, in exact arithmetic: the range of x and the error it means.

    ``is_exact`` says that the range tells the error; ``points`` (q,) are the iterates of the
    domain's points where it does not, or where a rule fits to them. ``actions`` are the steps
    taken, ``before`` is the state one step earlier.
    """

    domain: int = -1
    lower: float = 0.0
    upper: float = 0.0
    is_exact: bool = True
    points: np.ndarray | None = None
    error: float = math.inf
    actions: tuple[Action, ...] = ()
    pending: float = 0.0
    overshoots: bool = False
    """Whether eigenvalues below the domain may by now lie far above the range (a pole at 0)."""
    before: Optional["ScheduleState"] = None

    @property
    def form(self) -> str | None:
        """The form of the last step, ``None`` at the start."""
        return self.actions[-1].form if self.actions else None

    @property
    def precision(self) -> str | None:
        """The precision of the last step, ``None`` at the start."""
        return self.actions[-1].precision if self.actions else None

    @property
    def previous(self) -> Structure | None:
        """The structure of the last step, ``None`` at the start."""
        return self.actions[-1].structure if self.actions else None

    @property
    def is_direct(self) -> bool:
        """Whether a direct method has ended the schedule."""
        return self.form == DIRECT

    @property
    def keeps_rounding(self) -> bool:
        """Whether the last step keeps the rounding of those before it, or ends the schedule."""
        return self.form is None or self.is_direct or FORMS.get(self.form).keeps_rounding

    def coarse_way(self, finest: str) -> tuple[float, ...]:
        """Return the spreads from which steps of less than the ``finest`` precision were taken."""
        way: list[float] = []
        state = self
        while state.before is not None:
            if state.actions and state.actions[-1].precision not in ("", finest):
                way.append(round(state.before.spread, 1))
            state = state.before
        return tuple(way)

    @property
    def spread(self) -> float:
        """log(upper/lower - 1), minus infinity for a range that is one point."""
        gap = (self.upper - self.lower) / self.lower
        return math.log(gap) if gap > 0.0 else -math.inf

    @cached_property
    def range_key(self) -> tuple[object, ...]:
        """Range and samples to ten digits: equal keys have equal outcomes."""
        points = None
        if self.points is not None:
            points = np.round(self.points, 10).tobytes()
        ends = (_rounded(self.lower), _rounded(self.upper))
        return (self.domain, *ends, points, self.overshoots)

    @cached_property
    def structure(self) -> tuple[tuple[str, str, str], ...]:
        """What rounding depends on, beside the ranges: (form, precision, product) of each step.

        Direct methods have no form of their own and go by their name.
        """
        return tuple(
            (a.name if a.form == DIRECT else a.form, a.precision, a.product) for a in self.actions
        )


def _rounded(value: float) -> float:
    """Return the value to ten significant digits, near 1 those of its distance from 1."""
    return float(f"{value - 1.0:.9e}") if abs(value - 1.0) < 0.5 else float(f"{value:.9e}")
