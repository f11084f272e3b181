"""How right the plan and its competitors are on held-out matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matrl.backends.numpy import numpy_backend
from matrl.demo.patches import Sample
from matrl.demo.routes import Route
from matrl.execute.accuracy import eigenvalue_error
from matrl.execute.scaling import norm_bound
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.plan import Plan
from matrl.readings.scalar import apply_update

__all__ = ["Outcome", "judge", "route_error", "step_errors", "whitened_deviation"]

FUNCTION = FUNCTIONS.get("invsqrt")


@dataclass(frozen=True)
class Outcome:
    """One run of the plan on one held-out matrix, and how good it was.

    ``deviation`` is the largest distance from 1 of an eigenvalue of W C W^T, the variances after
    whitening, with the covariance C in float64.
    """

    region: str
    error: float
    deviation: float
    status: str
    residual: float | None
    residual_bound: float | None
    message: str


def judge(plan: Plan, sample: Sample) -> Outcome:
    """Run a plan, guard on, on a sample in the plan's precision."""
    a = sample.covariance.astype(plan.dtype)
    solution = plan.run(a)
    return Outcome(
        sample.region.name,
        eigenvalue_error(FUNCTION, a, solution.value),
        whitened_deviation(sample.covariance, solution.value),
        solution.status,
        solution.residual,
        solution.residual_bound,
        solution.message,
    )


def whitened_deviation(c: np.ndarray, w: np.ndarray) -> float:
    """Return max |eigenvalue of W C W^T - 1|, in float64.

    >>> whitened_deviation(np.diag([4.0, 1.0]), np.diag([0.5, 1.1]))
    0.21
    """
    wide = w.astype(np.float64)
    whitened = wide @ c @ wide.T
    eigenvalues = np.linalg.eigvalsh(0.5 * (whitened + whitened.T))
    return round(float(np.abs(eigenvalues - 1.0).max()), 12)


def route_error(route: Route, samples: Sequence[Sample]) -> float:
    """Return the largest error of a route over the samples; infinite where it yields no number."""
    worst = 0.0
    for sample in samples:
        a = sample.covariance.astype(np.float32)
        try:
            value = route.run(a.copy())
        except np.linalg.LinAlgError:
            return np.inf
        if not np.all(np.isfinite(value)):
            return np.inf
        worst = max(worst, eigenvalue_error(FUNCTION, a, value))
    return worst


def step_errors(plan: Plan, sample: Sample) -> list[tuple[str, np.ndarray]]:
    """Return |x - 1| at every eigenvalue of a sample after each step of a plan.

    A schedule acts on each eigenvalue by itself, x = (a/scale)^(1/k) being driven to 1; in exact
    arithmetic, so a direct method has no error at all.
    """
    a = sample.covariance.astype(plan.dtype)
    scale = norm_bound(plan, a, numpy_backend.norms(a), numpy_backend)
    k = FUNCTION.root_index
    x = (sample.eigenvalues / scale) ** (1.0 / k)
    errors = []
    for step in plan.steps:
        update = UPDATES.get(step.name)
        if isinstance(update, DirectMethod):
            x = np.ones_like(x)
        else:
            x = apply_update(update, k, step.coefficients, x)
        errors.append((step.name, np.abs(x - 1.0)))
    return errors
