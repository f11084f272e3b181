"""What each update does to a range of x: coefficients, the range after it, the error it means.

Outcomes do not depend on form, precision (but for the widened end of polynomial steps) or product,
so all actions with one update share them.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from matrl.core.measure import Measure
from matrl.core.precision import FORMATS, eps_of, is_half
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.iterates import Iterates
from matrl.discovery.memory import OutcomeMemory
from matrl.discovery.state import ScheduleState
from matrl.errors import InputError
from matrl.iterations import Samples, Update
from matrl.readings.scalar import is_positive

__all__ = ["Outcome", "OutcomeTable", "slack_of", "slack_precision"]

LARGEST_SLACK = 0.01
HALF_SLACK = 4.0
"""The slack of a half precision, in units of its unit roundoff."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """One update on one state: its coefficients and the iterates after it."""

    coefficients: tuple[float, ...]
    iterates: Iterates


def slack_of(precision: str, n: int) -> float:
    """Return by how much the upper end of a range is widened before a polynomial step.

    In a half precision each result is rounded by itself, whatever n is; in the others the rounding
    of long sums may be as systematic as n says.

    >>> slack_of("bfloat16", 64), slack_of("float32", 64) == 512 * 2.0**-23
    (0.015625, True)
    """
    if is_half(precision):
        return HALF_SLACK * FORMATS[precision].unit_roundoff
    return min(8.0 * n * eps_of(precision), LARGEST_SLACK)


def slack_precision(precision: str, previous: str | None) -> str:
    """Return the precision whose slack a step needs after one in ``previous``.

    A half precision pushes eigenvalues out of the range the step after it starts from. Of two half
    precisions it is the coarser one.

    >>> slack_precision("float32", "bfloat16"), slack_precision("float16", "float32")
    ('bfloat16', 'float16')
    """
    if previous is None or not is_half(previous):
        return precision
    return max(precision, previous, key=eps_of)


class OutcomeTable:
    """Outcomes of the allowed updates, computed once for equal ranges and samples.

    ``simulated`` counts those that were computed.
    """

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Sequence[Update],
        n: int,
    ) -> None:
        self._measure, self._domains, self._n = measure, domains, n
        self._updates = {update.name: update for update in updates}
        self._known: dict[Hashable, Outcome | None] = {}
        self.memory = OutcomeMemory()
        self.simulated = 0

    def of(self, name: str, precision: str, state: ScheduleState) -> Outcome | None:
        """Return what an update does; ``None`` if it is unsafe or makes no progress.

        ``precision`` is that whose slack the step needs.
        """
        update = self._updates[name]
        is_polynomial = update.kind == "polynomial"
        if is_polynomial and state.overshoots:
            return None
        kind = precision if is_polynomial else ""
        place = self.memory.key(name, kind, state)
        if place not in self._known:
            remembered = self.memory.get(place)
            if remembered is not None:
                self._known[place] = self.recalled(update, *remembered)
                return self._known[place]
            outcome = self._known[place] = self._compute(update, precision, state)
            self.memory.keep(name, kind, state, None if outcome is None else outcome.coefficients)
            self.simulated += 1
        return self._known[place]

    def recalled(
        self, update: Update, state: ScheduleState, coefficients: tuple[float, ...] | None
    ) -> Outcome | None:
        """Return an outcome whose coefficients are known."""
        if coefficients is None:
            return None
        domain = self._domains[state.domain]
        iterates = Iterates.after(self._measure, domain, state, update, coefficients)
        return None if iterates is None else Outcome(coefficients, iterates)

    def _compute(self, update: Update, precision: str, state: ScheduleState) -> Outcome | None:
        k = self._measure.function.root_index
        domain = self._domains[state.domain]
        upper = state.upper
        if update.kind == "polynomial":
            upper *= 1.0 + slack_of(precision, self._n)
        try:
            coefficients = tuple(
                update.coefficients(k, state.lower, upper, self._samples(state, domain, update))
            )
        except InputError:
            return None  # this range is beyond the coefficient rule
        if not is_positive(update, k, coefficients, upper):
            return None
        iterates = Iterates.after(self._measure, domain, state, update, coefficients)
        if iterates is None or not iterates.is_progress(state):
            return None
        return Outcome(coefficients, iterates)

    def _samples(
        self, state: ScheduleState, domain: ScaledDomain, update: Update
    ) -> Samples | None:
        if not update.uses_samples or state.points is None:
            return None
        weights = domain.weights * self._measure.power
        return Samples(state.points, weights, domain.density, self._measure.aggregate)
