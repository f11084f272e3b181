"""The coefficients of a polynomial schedule, optimised together where a range tells too little.

On an interval the greedy minimax composition is the best of its degrees already; on samples and in
weighted measures each step fits what it sees, and not what the later ones will make of it.
"""

import math
from collections.abc import Iterable

import numpy as np

from matrl.coefficients import Kind, refined_coefficients
from matrl.core.measure import Measure
from matrl.discovery.confirmation import Confirmation
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.outcomes import slack_of
from matrl.errors import InputError
from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.partial_fractions import RationalUpdate
from matrl.iterations.updates.newton import Newton

__all__ = ["fitted_name", "is_better", "kinds_of", "refined"]

MOST_POINTS = 1024


def refined(
    measure: Measure,
    domain: ScaledDomain,
    found: Confirmation,
    n: int,
    ceiling: float,
    seed: int,
    *,
    starts: int = 8,
    enough: float = 0.0,
) -> tuple[tuple[float, ...], ...] | None:
    """Return better coefficients for the steps of a schedule, ``None`` where there are none.

    Steps may be polynomials, rational maps in partial fractions and Newton's. ``ceiling`` is how
    far the whole map may go on the safe domain; an error of ``enough`` ends the optimisation.
    """
    kinds = kinds_of(step.name for step in found.steps)
    if domain.is_exact or not kinds:
        return None
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
            starts=starts,
            enough=enough,
            kinds=() if all(kind == "polynomial" for kind in kinds) else kinds,
            lower=domain.lower,
        )
    except InputError:
        return None  # the schedule is no safe start, by a rounding error
    return None if better == start else better


def kinds_of(names: Iterable[str]) -> tuple[Kind, ...]:
    """Return what the maps of these updates are, nothing if one cannot be optimised.

    Of rational updates that are positive combinations of 1/(m + s), s >= 0, and Newton's can.

    >>> kinds_of(["zolotarev-2", "newton", "minimax-5"]), kinds_of(["minimax-5", "eigh"])
    (('rational', 'newton', 'polynomial'), ())
    """
    kinds: list[Kind] = []
    for name in names:
        update = UPDATES.get(name)
        if isinstance(update, Newton):
            kinds.append("newton")
        elif isinstance(update, RationalUpdate):
            kinds.append("rational")
        elif not isinstance(update, DirectMethod) and update.kind == "polynomial":
            kinds.append("polynomial")
        else:
            return ()
    return tuple(kinds)


def _thinned(count: int) -> np.ndarray:
    """Return places among sorted points, evenly spread, the ends among them."""
    if count <= MOST_POINTS:
        return np.arange(count)
    return np.unique(np.round(np.linspace(0, count - 1, MOST_POINTS)).astype(int))


def fitted_name(name: str) -> str:
    """Return the name of the update that fits polynomials of the same degree to samples.

    Others keep their names.

    >>> fitted_name("minimax-5")
    'fitted-5'
    >>> fitted_name("zolotarev-2")
    'zolotarev-2'
    """
    if kinds_of([name]) != ("polynomial",):
        return name
    return f"fitted-{name.rpartition('-')[2]}"


def is_better(new: Confirmation | None, old: Confirmation) -> bool:
    """Whether a schedule is better than another, with its rounding."""
    return new is not None and math.isfinite(new.rounding) and new.total_error < old.total_error
