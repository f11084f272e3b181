"""The coefficients of a polynomial schedule, optimised together where a range tells too little.

On an interval the greedy minimax composition is the best of its degrees already; on samples and in
weighted measures each step fits what it sees, and not what the later ones will make of it.
"""

import math

import numpy as np

from matrl.coefficients import refined_coefficients
from matrl.core.measure import Measure
from matrl.core.precision import is_half
from matrl.discovery.confirmation import Confirmation
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.outcomes import slack_of
from matrl.errors import InputError
from matrl.iterations import UPDATES, DirectMethod

__all__ = ["fitted_name", "is_better", "refined"]

MOST_POINTS = 1024


def refined(
    measure: Measure, domain: ScaledDomain, found: Confirmation, n: int, ceiling: float, seed: int
) -> tuple[tuple[float, ...], ...] | None:
    """Return better coefficients for the steps of a schedule, ``None`` where there are none.

    All steps must be polynomials. ``ceiling`` is how far the whole map may go on the safe domain.
    """
    updates = [UPDATES.get(step.name) for step in found.steps]
    if domain.is_exact or not found.steps:
        return None
    if any(isinstance(u, DirectMethod) or u.kind != "polynomial" for u in updates):
        return None
    if any(is_half(step.precision) for step in found.steps):
        return None  # each step needs its own end widened, not the first one all of it
    start = tuple(step.coefficients for step in found.steps)
    slack = sum(slack_of(step.precision, n) for step in found.steps)
    chosen = _thinned(len(domain.sampled))
    density = domain.density[chosen]
    try:
        better = refined_coefficients(
            measure.function.root_index,
            start,
            domain.upper * (1.0 + slack),
            domain.sampled[chosen],
            domain.weights[chosen],
            density / density.sum(),
            aggregate=measure.aggregate,
            power=measure.power,
            ceiling=ceiling,
            seed=seed,
        )
    except InputError:
        return None  # the schedule is no safe start, by a rounding error
    return None if better == start else better


def _thinned(count: int) -> np.ndarray:
    """Return places among sorted points, evenly spread, the ends among them."""
    if count <= MOST_POINTS:
        return np.arange(count)
    return np.unique(np.round(np.linspace(0, count - 1, MOST_POINTS)).astype(int))


def fitted_name(name: str) -> str:
    """Return the name of the update that fits polynomials of the same degree to samples.

    >>> fitted_name("minimax-5")
    'fitted-5'
    """
    return f"fitted-{name.rpartition('-')[2]}"


def is_better(new: Confirmation | None, old: Confirmation) -> bool:
    """Whether a schedule is better than another, with its rounding."""
    return new is not None and math.isfinite(new.rounding) and new.total_error < old.total_error
