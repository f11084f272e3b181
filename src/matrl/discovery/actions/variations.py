"""Variations of a step: other coefficients than its rule would choose, where those may do better.

Where a range tells the error, a rule's own coefficients are the best there are. On samples and in
weighted measures they are not: the rule looks at the safe domain up to its end, beyond all samples,
or fits what it sees and not what later steps make of it. Variations are tried as the visits of a
state grow, a batch at a time. All of them keep the safety rule, and the same state always has the
same ones.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matrl.coefficients import perturbed_coefficients
from matrl.core.measure import Measure
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.states.memory import OutcomeMemory
from matrl.discovery.states.outcomes import KnownOutcomes, Outcome, OutcomeTable
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import Samples, Update

__all__ = ["BATCHES", "HULL", "RAISED", "OneVariation", "VariedOutcomes", "hull_of"]

HULL = 1
"""Designed for the range the samples have, and safe beyond it."""
RAISED = {2: 1.0 / 16.0, 3: 1.0 / 6.0}
"""As before, the lower end raised by this share of the logarithm of upper/lower."""
PERTURBED = {4: 0.1}
"""The rule's own coefficients with random deviates, in units of their size."""
OTHER_FIT = 5
"""Fits by the greatest error where the mean square counts, all points alike."""
VARIED = "@"
"""Between the name of an update and its variation, where outcomes are remembered."""
BATCHES: tuple[tuple[int, ...], ...] = ((HULL,), tuple(RAISED), (*PERTURBED, OTHER_FIT))
"""The variations of a state by the batch they come in, the first at width 1."""


def hull_of(state: ScheduleState) -> tuple[float, float]:
    """Return the range of a state's points, but of those below what must be resolved."""
    assert state.points is not None
    resolved = state.points[state.points >= state.lower * (1.0 - 1e-12)]
    if not len(resolved):
        return state.lower, state.upper
    return float(resolved.min()), float(resolved.max())


class VariedOutcomes:
    """Outcomes of variations, each computed once; those of the rules are the table's."""

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Sequence[Update],
        n: int,
        table: OutcomeTable,
    ) -> None:
        self._measure = measure
        self._updates = {update.name: update for update in updates}
        self._table = table
        self._outcomes = KnownOutcomes(measure, domains, n)

    @property
    def memory(self) -> OutcomeMemory:
        """What has been computed of variations, for checkpoints."""
        return self._outcomes.memory

    @property
    def simulated(self) -> int:
        """How many outcomes of variations were computed."""
        return self._outcomes.simulated

    def of(
        self, name: str, precision: str, state: ScheduleState, variation: int = 0
    ) -> Outcome | None:
        """Return what a step does; ``None`` if it is unsafe, makes no progress, or is no other."""
        if variation == 0:
            return self._table.of(name, precision, state)
        update = self._updates[name]
        if state.points is None:
            return None

        def rule(upper: float) -> tuple[float, ...] | None:
            return self._coefficients(update, precision, state, variation, upper)

        return self._outcomes.of(f"{name}{VARIED}{variation}", update, precision, state, rule)

    def _coefficients(
        self, update: Update, precision: str, state: ScheduleState, variation: int, upper: float
    ) -> tuple[float, ...] | None:
        """Return the coefficients of a variation, ``None`` where the update has none such."""
        if variation in PERTURBED:
            return self._perturbed(update, precision, state, variation, upper)
        if variation == OTHER_FIT:
            return self._fitted_otherwise(update, state, upper)
        if update.uses_samples or update.kind == "repair":
            return None
        lower, highest = hull_of(state)
        if update.kind == "polynomial":
            highest = upper  # a sign may flip beyond the range they are designed for
        share = RAISED.get(variation, 0.0)
        lower = math.exp((1.0 - share) * math.log(lower) + share * math.log(highest))
        if variation == HULL and lower <= state.lower * (1.0 + 1e-6) and highest >= state.upper:
            return None  # what the rule looks at itself
        return tuple(update.coefficients(self._measure.function.root_index, lower, highest))

    def _perturbed(
        self, update: Update, precision: str, state: ScheduleState, variation: int, upper: float
    ) -> tuple[float, ...] | None:
        known = self._table.of(update.name, precision, state)
        if known is None or update.kind not in ("polynomial", "rational"):
            return None
        seed, spread = _seed(state, update.name, variation), PERTURBED[variation]
        if update.kind == "polynomial":
            k = self._measure.function.root_index
            return perturbed_coefficients(k, known.coefficients, upper, spread=spread, seed=seed)
        deviates = np.random.default_rng(seed).normal(size=len(known.coefficients))
        factors = np.exp(spread * deviates)  # which keep them positive, and the map with them
        return tuple((np.array(known.coefficients) * factors).tolist())

    def _fitted_otherwise(
        self, update: Update, state: ScheduleState, upper: float
    ) -> tuple[float, ...] | None:
        if not update.uses_samples or update.kind != "polynomial":
            return None
        if self._measure.aggregate == "max":
            return None
        assert state.points is not None
        kept = state.points >= state.lower * (1.0 - 1e-12)
        points = state.points[kept]
        alike = np.ones(len(points))
        samples = Samples(points, alike, alike / len(points), "max")
        k = self._measure.function.root_index
        return tuple(update.coefficients(k, state.lower, upper, samples))


def _seed(state: ScheduleState, name: str, variation: int) -> int:
    """Return a seed for a variation of a step, the same whenever the state is met."""
    text = repr((state.range_key, name, variation)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class OneVariation:
    """The outcomes of one variation of every step."""

    outcomes: VariedOutcomes
    variation: int

    @property
    def simulated(self) -> int:
        """How many outcomes of variations were computed."""
        return self.outcomes.simulated

    def of(self, name: str, precision: str, state: ScheduleState) -> Outcome | None:
        """Return what a step does; ``None`` if it is unsafe, makes no progress, or is no other."""
        return self.outcomes.of(name, precision, state, self.variation)
