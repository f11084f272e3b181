"""The iterates x after a step: their range, their values at the points, the error they mean."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.discovery.problem.domains import ScaledDomain, grid_points
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import UPDATES, DirectMethod, Update
from matrl.readings.scalar import apply_update, image

__all__ = ["Iterates", "fine_error"]

LEAST_PROGRESS = 1e-6
FARTHEST = 1e12
"""No schedule comes back from so far above 1, and powers of x would overflow."""
FARTHEST_PRODUCT = 1e9
"""For k > 8, how far from 1 the largest m may be: float32 has its fourth power, as p does."""
FINE_GRID = 4096
PEAKS, WITHIN, REFINEMENTS = 32, 33, 2
"""How many points of the grid are searched around, by how many new ones each, how often."""


@dataclass(frozen=True, eq=False)
class Iterates:
    """Range [lower, upper] and values at the points after a step, and the error in the measure."""

    lower: float
    upper: float
    points: np.ndarray | None
    error: float

    @classmethod
    def after(
        cls,
        measure: Measure,
        domain: ScaledDomain,
        state: ScheduleState,
        update: Update,
        coefficients: tuple[float, ...],
    ) -> "Iterates | None":
        """Return the iterates after an update; ``None`` if they leave the usable numbers."""
        k = measure.function.root_index
        lower, upper = image(update, k, coefficients, state.lower, state.upper)
        if not (0.0 < lower <= upper < FARTHEST):
            return None
        if k > 8 and not abs(k * math.log(upper)) < math.log(FARTHEST_PRODUCT):
            return None
        points = None
        if state.points is not None:
            points = apply_update(update, k, coefficients, state.points)
        if domain.is_exact or points is None:
            return cls(lower, upper, points, measure.of_range(lower, upper))
        error = measure.of_points(points, domain.weights, domain.density)
        return cls(lower, upper, points, error)

    def is_progress(self, state: ScheduleState) -> bool:
        """Whether range or error are better than before: loops are not schedules."""
        closer = self.lower / self.upper > (1.0 + LEAST_PROGRESS) * state.lower / state.upper
        return closer or self.error < 0.9 * state.error


def fine_error(
    measure: Measure,
    domain: ScaledDomain,
    updates: Mapping[str, Update | DirectMethod],
    steps: Sequence[StepRecord],
) -> float:
    """Return the error of a schedule on a grid sixteen times as fine as the one it was made on.

    Where the maximum counts, its highest peaks on that grid are then searched between the nodes.
    """
    function = measure.function
    lower, upper = (function.matrix(np.array(domain.sampled[i])) for i in (0, -1))
    a = grid_points(float(lower), float(upper), FINE_GRID)
    coarse = np.log(function.matrix(domain.sampled))
    density = np.interp(np.log(a), coarse, domain.density)
    density /= density.sum()

    def iterates(eigenvalues: np.ndarray) -> np.ndarray:
        x = function.iterate(eigenvalues)
        for step in steps:
            # Refined steps go by the name of the fit of their degree, allowed or not.
            update = updates.get(step.name) or UPDATES.get(step.name)
            assert not isinstance(update, DirectMethod)
            x = apply_update(update, function.root_index, step.coefficients, x)
        return x

    x, weights = iterates(a), measure.weights(a, density)
    error = measure.of_points(x, weights, density)
    if measure.aggregate != "max" or not math.isfinite(error):
        return error
    errors = weights * measure.errors(x)
    peaks = np.argsort(errors)[-PEAKS:]
    for _ in range(REFINEMENTS):
        # Between the neighbours of each of the highest points; weights are normalised by the ends.
        logs = np.log(a)
        left, right = logs[np.maximum(peaks - 1, 0)], logs[np.minimum(peaks + 1, len(a) - 1)]
        inside = np.exp(np.linspace(left, right, WITHIN)).ravel()
        a = np.concatenate([[lower], np.clip(np.sort(inside), lower, upper), [upper]])
        uniform = np.full(len(a), 1.0 / len(a))
        errors = measure.weights(a, uniform) * measure.errors(iterates(a))
        peaks = np.argsort(errors)[-PEAKS:]
        error = max(error, float(errors.max()))
    return error
