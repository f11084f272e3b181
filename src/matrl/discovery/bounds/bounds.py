"""A lower bound on what a schedule must still cost."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.bounds.degrees import MissingDegree
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import FORMS

__all__ = ["DegreeBounds"]


class DegreeBounds:
    """Bounds from degrees: they multiply along a composition.

    No composition of degree N beats the best map of degree N, and what that needs has a closed
    form: for even k, where x p(x^k) is odd, that of Zolotarev; for polynomials in m alone, which
    all are for k = 1, that of Chebyshev. So the logarithm of the degree still missing, times the
    cheapest price per unit of log-degree, must be paid. Where neither applies (rational maps of odd
    k), and for samples and weighted measures, only the cheapest next step is certain.

    ``table`` has the actions at the start of a schedule and those later.
    ``tol`` is the largest |x - 1| a schedule may end with.
    """

    def __init__(
        self,
        function: MatrixFunction,
        pricer: SchedulePricer,
        table: ActionTable,
        tol: float,
    ) -> None:
        k = function.root_index
        places = (table.first, table.mirrored_later)
        degrees = {update.name: update.degree_for(k) for update in table.iterative}
        only_polynomials = all(update.kind == "polynomial" for update in table.iterative)
        self._missing = MissingDegree(k, tol, only_polynomials=only_polynomials)
        first, later, self._direct_price = _sorted_out(pricer, places, degrees)
        self._first_prices = first
        users = [step for step in later if step[3]]
        others = [step for step in later if not step[3]]
        rates = [(own + rest) / log for own, rest, log, _ in users]
        subtracted = max((rest for _, rest, _, _ in later), default=0.0)
        self._alternates = bool(others) and function.carries == "x"
        if self._alternates:
            least_rest = min((rest for _, rest, _, _ in later), default=0.0)
            rates = [(own + least_rest) / log for own, _, log, _ in users]
            subtracted = 0.0
        rates += [own / log for own, _, log, _ in others]
        lasts = [pricer.last(a.structure) for place in places for a in place if a.name in degrees]
        self._saved = max(lasts, default=0.0) - min(lasts, default=0.0)
        """What a change of precision may save of the step before it."""
        self._full_rate = min(rates, default=0.0)
        self._subtracted = subtracted
        self._last_rate = min((own / log for own, _, log, _ in later), default=0.0)
        self._least = min((own for own, _, _, _ in later), default=math.inf)
        self._other_rate = min((own / log for own, _, log, _ in others), default=math.inf)
        self._least_other = min((own for own, _, _, _ in others), default=math.inf)

    @property
    def missing(self) -> MissingDegree:
        """The degree a range still asks for."""
        return self._missing

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price from a state to the goal."""
        if state.is_direct:
            return math.inf
        if state.domain < 0:
            return 0.0
        missing = self._missing(np.array([state.spread])) if state.is_exact else np.zeros(1)
        if not state.actions:
            return self._bound_at_start(float(missing[0]))
        needs = FORMS.get(state.actions[-1].form).needs_residual
        return float(self.after(missing, np.array([state.pending]), np.array([needs]))[0])

    def after(
        self, missing: np.ndarray, pending: np.ndarray, needs_residual: np.ndarray
    ) -> np.ndarray:
        """Return lower bounds after steps, elementwise.

        ``missing`` is the log-degree still to come, ``pending`` what the residual update of the
        step would cost, ``needs_residual`` whether its form keeps one.
        """
        rest = self._bound_of_rest(missing)
        if self._alternates:
            return rest
        # A step that recomputes its residual leaves the update before it undone, and only such
        # steps follow it.
        some = missing > 0.0
        paid = np.where(some, missing, 1.0) * self._other_rate  # never for sign and polar factor
        others = np.maximum(np.where(some, paid, 0.0), self._least_other)
        return np.where(needs_residual, np.minimum(pending + rest, others), others)

    def _bound_of_rest(self, missing: np.ndarray) -> np.ndarray:
        full = missing * self._full_rate - self._subtracted
        least = np.maximum(np.maximum(missing * self._last_rate, full), self._least)
        return np.maximum(least - self._saved, 0.0)

    def _bound_at_start(self, missing: float) -> float:
        best = self._direct_price
        for first, log_degree in self._first_prices:
            rest = missing - log_degree
            later = float(self._bound_of_rest(np.array(rest))) if rest > 1e-9 else 0.0
            best = min(best, first + later)
        return best


def _sorted_out(
    pricer: SchedulePricer,
    places: tuple[Sequence[Action], Sequence[Action]],
    degrees: Mapping[str, int],
) -> tuple[list[tuple[float, float]], list[tuple[float, float, float, bool]], float]:
    """Return (price, log-degree) of first steps, those of later ones, and the least direct price.

    Of a later step: its own price, that of the residual update after it, its log-degree, and
    whether it needs the residual update before it.
    """
    at_start, later_on = places
    first = [
        (pricer.step_price(action.structure, None, False), math.log(degrees[action.name]))
        for action in at_start
        if action.name in degrees
    ]
    direct = min(
        (pricer.cost((a.structure,)) for a in at_start if a.name not in degrees), default=math.inf
    )
    later = []
    for action in later_on:
        structure = action.structure
        own, rest = pricer.own(structure), pricer.pending(structure, False)
        needs = FORMS.get(action.form).needs_residual
        later.append((own, rest, math.log(degrees[action.name]), needs))
    return first, later, direct
