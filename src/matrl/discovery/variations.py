"""Variations of a step: other coefficients than its rule would choose, where those may do better.

Where a range tells the error, a rule's own coefficients are the best there are. On samples and in
weighted measures they are not: the rule looks at the safe domain up to its end, beyond all samples,
or fits what it sees and not what later steps make of it. Variations are tried as the visits of a
state grow, a batch at a time. All of them keep the safety rule, and the same state always has the
same ones.
"""

import hashlib
import math
from collections.abc import Hashable, Sequence

import numpy as np

from matrl.coefficients import perturbed_coefficients
from matrl.core.measure import Measure
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.iterates import Iterates
from matrl.discovery.memory import OutcomeMemory
from matrl.discovery.outcomes import Outcome, OutcomeTable, slack_of
from matrl.discovery.reach import Reach, ReachedRanges
from matrl.discovery.state import ScheduleState
from matrl.errors import InputError
from matrl.iterations import Samples, Update
from matrl.readings.scalar import is_positive

__all__ = ["BATCHES", "HULL", "RAISED", "VariedOutcomes", "VariedReach", "hull_of"]

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
    """Outcomes of variations, computed once for equal states; those of the rules are the table's.

    ``simulated`` counts the variations that were computed.
    """

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        updates: Sequence[Update],
        n: int,
        table: OutcomeTable,
    ) -> None:
        self._measure, self._domains, self._n = measure, domains, n
        self._updates = {update.name: update for update in updates}
        self._table = table
        self._known: dict[Hashable, Outcome | None] = {}
        self.memory = OutcomeMemory()
        self.simulated = 0

    def of(
        self, name: str, precision: str, state: ScheduleState, variation: int = 0
    ) -> Outcome | None:
        """Return what a step does; ``None`` if it is unsafe, makes no progress, or is no other."""
        if variation == 0:
            return self._table.of(name, precision, state)
        update = self._updates[name]
        is_polynomial = update.kind == "polynomial"
        if state.points is None or (is_polynomial and state.overshoots):
            return None
        varied = f"{name}{VARIED}{variation}"
        kind = precision if is_polynomial else ""
        place = self.memory.key(varied, kind, state)
        if place not in self._known:
            remembered = self.memory.get(place)
            if remembered is not None:
                self._known[place] = self._table.recalled(update, *remembered)
                return self._known[place]
            outcome = self._known[place] = self._compute(update, precision, state, variation)
            made = None if outcome is None else outcome.coefficients
            self.memory.keep(varied, kind, state, made)
            self.simulated += 1
        return self._known[place]

    def _compute(
        self, update: Update, precision: str, state: ScheduleState, variation: int
    ) -> Outcome | None:
        k, domain = self._measure.function.root_index, self._domains[state.domain]
        upper = state.upper
        if update.kind == "polynomial":
            upper *= 1.0 + slack_of(precision, self._n)
        try:
            coefficients = self._coefficients(update, precision, state, variation, upper)
        except InputError:
            return None  # the range is beyond the coefficient rule
        if coefficients is None or not is_positive(update, k, coefficients, upper):
            return None
        iterates = Iterates.after(self._measure, domain, state, update, coefficients)
        if iterates is None or not iterates.is_progress(state):
            return None
        return Outcome(coefficients, iterates)

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


class VariedReach(Reach):
    """Where the maps of one variation lead, worked out one by one."""

    def __init__(
        self,
        outcomes: VariedOutcomes,
        updates: Sequence[Update],
        precisions: Sequence[str],
        variation: int,
    ) -> None:
        super().__init__(updates, precisions)
        self._outcomes, self._variation = outcomes, variation

    def of(self, state: ScheduleState) -> ReachedRanges:
        """Return where the maps lead from one state."""
        before = self._outcomes.simulated
        lower, upper, error = (np.full((1, len(self.maps) + 1), math.nan) for _ in range(3))
        for i, (update, precision) in enumerate(self.maps):
            outcome = self._outcomes.of(update.name, precision, state, self._variation)
            if outcome is not None:
                one = outcome.iterates
                lower[0, i], upper[0, i], error[0, i] = one.lower, one.upper, one.error
        with np.errstate(divide="ignore"):
            spread = np.log(upper / lower - 1.0)
        simulated = self._outcomes.simulated - before
        return ReachedRanges(lower, upper, spread, error, np.isfinite(error), simulated)
