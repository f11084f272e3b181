"""A lower bound on what a schedule must still cost."""

import math
from collections.abc import Mapping, Sequence

from matrl.coefficients import chebyshev_degree, zolotarev_degree
from matrl.core.function import MatrixFunction
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.state import Action, ScheduleState
from matrl.iterations import FORMS

__all__ = ["DegreeBounds"]


class DegreeBounds:
    """Bounds from degrees: they multiply along a composition.

    No composition of degree N beats the best map of degree N, and what that needs has a closed
    form: for even k, where x p(x^k) is odd, that of Zolotarev; for polynomials in m alone, which
    all are for k = 1, that of Chebyshev. So the logarithm of the degree still missing, times the
    cheapest price per unit of log-degree, must be paid. Where neither applies (rational maps of odd
    k), and for samples and weighted measures, only the cheapest next step is certain.

    ``places`` are the actions at the start of a schedule and those later; ``degrees`` has the
    iterative actions' degrees by name, the other actions are direct methods.
    ``tol`` is the largest |x - 1| a schedule may end with.
    """

    def __init__(
        self,
        function: MatrixFunction,
        pricer: SchedulePricer,
        places: tuple[Sequence[Action], Sequence[Action]],
        degrees: Mapping[str, int],
        tol: float,
        *,
        only_polynomials: bool,
    ) -> None:
        self._function, self._tol = function, tol
        self._only_polynomials = only_polynomials
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
        self._full_rate = min(rates, default=0.0)
        self._subtracted = subtracted
        self._last_rate = min((own / log for own, _, log, _ in later), default=0.0)
        self._least = min((own for own, _, _, _ in later), default=math.inf)
        self._other_rate = min((own / log for own, _, log, _ in others), default=math.inf)
        self._least_other = min((own for own, _, _, _ in others), default=math.inf)

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price from a state to the goal."""
        if state.is_direct:
            return math.inf
        if state.domain < 0:
            return 0.0
        if not state.steps:
            return self._bound_at_start(state)
        return self.after(
            state.is_exact, state.lower, state.upper, state.pending, state.steps[-1].form
        )

    def after(self, is_exact: bool, lower: float, upper: float, pending: float, form: str) -> float:
        """Return a lower bound after a step of a form, with what its residual update would cost."""
        missing = self._missing(is_exact, lower, upper)
        if self._alternates:
            return self._bound_of_rest(missing)
        # A step that recomputes its residual leaves the update before it undone, and only such
        # steps follow it.
        others = max(missing * self._other_rate, self._least_other)
        if not FORMS.get(form).needs_residual:
            return others
        return min(pending + self._bound_of_rest(missing), others)

    def _missing(self, is_exact: bool, lower: float, upper: float) -> float:
        """Return the logarithm of the least degree that reaches the tolerance from a range."""
        if not is_exact:
            return 0.0
        k = self._function.root_index
        needed = 1.0
        if k % 2 == 0:
            needed = zolotarev_degree(lower, upper, self._tol)
        if k == 1 or (k % 2 == 1 and self._only_polynomials):
            # 1 - m p(m)^k is a polynomial of degree D in m, 1 at m = 0.
            error = (1.0 + self._tol) ** k - 1.0
            if error < 1.0:
                needed = max(needed, chebyshev_degree(lower**k, upper**k, error))
        return math.log(max(needed, 1.0))

    def _bound_of_rest(self, missing: float) -> float:
        full = missing * self._full_rate - self._subtracted
        return max(missing * self._last_rate, full, self._least)

    def _bound_at_start(self, state: ScheduleState) -> float:
        missing = self._missing(state.is_exact, state.lower, state.upper)
        best = self._direct_price
        for first, log_degree in self._first_prices:
            rest = missing - log_degree
            best = min(best, first + (self._bound_of_rest(rest) if rest > 1e-9 else 0.0))
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
