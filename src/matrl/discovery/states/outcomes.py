"""What each update does to a range of x: coefficients, the range after it, the error it means.

Outcomes do not depend on form, precision (but for the widened end of polynomial steps) or product,
so all actions with one update share them.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from matrl.core.measure import Measure
from matrl.core.safety import slack_of
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.states.iterates import Iterates
from matrl.discovery.states.memory import OutcomeMemory
from matrl.discovery.states.state import ScheduleState
from matrl.errors import InputError
from matrl.iterations import Samples, Update
from matrl.readings.scalar import is_positive

__all__ = ["KnownOutcomes", "Outcome", "OutcomeTable"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One update on one state: its coefficients and the iterates after it."""

    coefficients: tuple[float, ...]
    iterates: Iterates


Rule = Callable[[float], tuple[float, ...] | None]
"""Gives coefficients for an upper end, ``None`` or an ``InputError`` where it has none."""


class KnownOutcomes:
    """Outcomes of steps by name, each worked out once for equal ranges and samples.

    ``simulated`` counts those that were computed, ``memory`` has them for checkpoints.
    """

    def __init__(self, measure: Measure, domains: Sequence[ScaledDomain], n: int) -> None:
        self._measure, self._domains, self._n = measure, domains, n
        self._known: dict[Hashable, Outcome | None] = {}
        self.memory = OutcomeMemory()
        self.simulated = 0

    def of(
        self, name: str, update: Update, precision: str, state: ScheduleState, rule: Rule
    ) -> Outcome | None:
        """Return what an update does with the coefficients of a rule.

        ``None`` if it is unsafe or makes no progress. ``precision`` is that whose slack the step
        needs.
        """
        is_polynomial = update.kind == "polynomial"
        if is_polynomial and state.overshoots:
            return None
        kind = precision if is_polynomial else ""
        place = self.memory.key(name, kind, state)
        if place not in self._known:
            remembered = self.memory.get(place)
            if remembered is not None:
                before, coefficients = remembered
                self._known[place] = self._after(update, before, coefficients)
                return self._known[place]
            slack = slack_of(precision, self._n) if is_polynomial else 0.0
            outcome = self._made(update, state, state.upper * (1.0 + slack), rule)
            self._known[place] = outcome
            self.memory.keep(name, kind, state, None if outcome is None else outcome.coefficients)
            self.simulated += 1
        return self._known[place]

    def _made(
        self, update: Update, state: ScheduleState, upper: float, rule: Rule
    ) -> Outcome | None:
        k = self._measure.function.root_index
        try:
            coefficients = rule(upper)
        except InputError:
            return None  # this range is beyond the coefficient rule
        if coefficients is None or not is_positive(update, k, coefficients, upper):
            return None
        outcome = self._after(update, state, coefficients)
        return outcome if outcome is not None and outcome.iterates.is_progress(state) else None

    def _after(
        self, update: Update, state: ScheduleState, coefficients: tuple[float, ...] | None
    ) -> Outcome | None:
        if coefficients is None:
            return None
        domain = self._domains[state.domain]
        iterates = Iterates.after(self._measure, domain, state, update, coefficients)
        return None if iterates is None else Outcome(coefficients, iterates)


class OutcomeTable:
    """Outcomes of the allowed updates, by their rules."""

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Sequence[Update],
        n: int,
    ) -> None:
        self._measure, self._domains = measure, domains
        self._updates = {update.name: update for update in updates}
        self._outcomes = KnownOutcomes(measure, domains, n)

    @property
    def memory(self) -> OutcomeMemory:
        """What has been computed, for checkpoints."""
        return self._outcomes.memory

    @property
    def simulated(self) -> int:
        """How many outcomes were computed."""
        return self._outcomes.simulated

    def of(self, name: str, precision: str, state: ScheduleState) -> Outcome | None:
        """Return what an update does; ``None`` if it is unsafe or makes no progress.

        ``precision`` is that whose slack the step needs.
        """
        update = self._updates[name]

        def rule(upper: float) -> tuple[float, ...]:
            samples = self._samples(state, update)
            k = self._measure.function.root_index
            return tuple(update.coefficients(k, state.lower, upper, samples))

        return self._outcomes.of(name, update, precision, state, rule)

    def _samples(self, state: ScheduleState, update: Update) -> Samples | None:
        if not update.uses_samples or state.points is None:
            return None
        domain = self._domains[state.domain]
        weights = domain.weights * self._measure.power
        return Samples(state.points, weights, domain.density, self._measure.aggregate)
