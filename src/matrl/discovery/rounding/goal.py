"""When a schedule has arrived: its error, its rounding, and how far its map may go."""

from dataclasses import dataclass

import numpy as np

from matrl.core.measure import Measure
from matrl.core.precision import eps_of
from matrl.core.safety import highest
from matrl.discovery.rounding.confirmation import Confirmation

__all__ = ["Goal"]

MOST_OVER_MEAN = 3.0
"""How often the mean square of errors a single one may be, where the mean is minimised."""
NOTICEABLE = 0.2
"""Averaged products and repairs are tried where rounding is more than this share of tol."""
LEAST_ROUNDING = 0.1
"""No step that keeps rounding errors makes less of them than this many unit roundoffs."""
HOPE = 1e-4
"""A first look takes what misses the tolerance by this fraction for good: it interpolates."""


@dataclass(frozen=True)
class Goal:
    """An error of at most ``tol`` in a measure, and a map that stays near 1.

    ``minimizes_error`` says that ``tol`` is only where a schedule may end at all, and
    ``interpolates`` that errors are not known exactly before a closer look.
    """

    measure: Measure
    tol: float
    minimizes_error: bool = False
    interpolates: bool = False

    def seems_met(self, error: float | np.ndarray, upper: float | np.ndarray) -> bool | np.ndarray:
        """Whether a schedule has arrived at first sight, whose map goes up to ``upper``."""
        hope = 1.0 + HOPE if self.interpolates else 1.0
        return (error <= self.tol * hope) & (upper <= self.highest(error) * hope)

    def is_met(self, known: Confirmation, is_direct: bool) -> bool:
        """Whether truncation and rounding together are within the tolerance.

        Nor may the map exceed 1 by much anywhere on the safe domain, where the measure does not
        look.
        """
        if known.total_error > self.tol:
            return False
        return is_direct or bool(known.exact.upper <= self.highest(known.error))

    def highest(self, error: float | np.ndarray) -> float | np.ndarray:
        """Return how far a schedule's map may go anywhere on the safe domain."""
        tol: float | np.ndarray = self.tol
        if self.minimizes_error:
            tol = error * (MOST_OVER_MEAN if self.measure.aggregate == "rms" else 1.0)
        return highest(self.measure.function, tol)

    def is_noticeable(self, known: Confirmation | None) -> bool:
        """Whether rounding is much of what it may be: the tolerance, or the error it adds to."""
        if known is None:
            return False
        most = min(self.tol, known.error) if self.minimizes_error else self.tol
        return known.rounding > NOTICEABLE * most

    def is_out_of_reach_of(self, precision: str) -> bool:
        """Whether rounding in a precision rules the tolerance out, without a closer look."""
        return LEAST_ROUNDING * eps_of(precision) > self.tol
