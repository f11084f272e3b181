"""The coefficients of a polynomial schedule, optimised together where a range tells too little.

On an interval the greedy minimax composition is the best of its degrees already; on samples and in
weighted measures each step fits what it sees, and not what the later ones will make of it.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from matrl.coefficients import Kind, refined_coefficients
from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.core.precision import is_half
from matrl.core.safety import slack_of
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.rounding.confirmation import Confirmation
from matrl.errors import InputError
from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.partial_fractions import RationalUpdate
from matrl.iterations.updates.newton import Newton
from matrl.readings.scalar import image, is_positive

__all__ = ["fitted_name", "is_better", "keeps_safety", "kinds_of", "refined"]

MOST_POINTS = 1024
_CAP = 4.0
"""The given schedule may go so far between its steps; better ones go no farther than it does."""
_BELOW = 0.995
"""A given schedule above the ceiling is scaled down to this share of it."""


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
    if any(is_half(step.precision) for step in found.steps):
        return None  # each step needs its own end widened, not the first one all of it
    start = tuple(step.coefficients for step in found.steps)
    slacks = [
        slack_of(step.precision, n) if kind == "polynomial" else 0.0
        for step, kind in zip(found.steps, kinds, strict=True)
    ]
    if found.exact.upper > ceiling * _BELOW:
        factor = ceiling * _BELOW / (found.exact.upper * (1.0 + slacks[-1]))
        start = (*start[:-1], _times(kinds[-1], start[-1], factor))
    chosen = _thinned(len(domain.sampled))
    density = domain.density[chosen]
    try:
        better = refined_coefficients(
            measure.function.root_index,
            start,
            domain.upper * (1.0 + slacks[0]),
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
            rooms=slacks[1:],
            cap=_CAP,
        )
    except InputError:
        return None  # the schedule is no safe start, by a rounding error
    return None if better == start else better


def keeps_safety(domain: ScaledDomain, steps: Sequence[StepRecord], k: int, n: int) -> bool:
    """Whether each map is positive on the range before it, for polynomials widened by rounding."""
    lower, upper = domain.lower, domain.upper
    for step in steps:
        update = UPDATES.get(step.name)
        assert not isinstance(update, DirectMethod)
        slack = slack_of(step.precision, n) if update.kind == "polynomial" else 0.0
        if not is_positive(update, k, step.coefficients, upper * (1.0 + slack)):
            return False
        lower, upper = image(update, k, step.coefficients, lower, upper)
    return True


def _times(kind: Kind, coefficients: tuple[float, ...], factor: float) -> tuple[float, ...]:
    """Return the coefficients of a map times a factor."""
    if kind == "newton":
        return (coefficients[0], coefficients[1] * factor)
    if kind == "rational":
        constant, rest = coefficients[0] * factor, list(coefficients[1:])
        rest[0::2] = [weight * factor for weight in rest[0::2]]
        return (constant, *rest)
    return tuple(c * factor for c in coefficients)


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
