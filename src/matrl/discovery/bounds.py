"""A lower bound on what a schedule must still cost."""

import math
from collections.abc import Mapping, Sequence

from matrl.coefficients import chebyshev_degree, zolotarev_degree
from matrl.core.function import MatrixFunction
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.state import Action, ScheduleState

__all__ = ["DegreeBounds"]


class DegreeBounds:
    """Bounds from degrees: they multiply along a composition.

    No composition of degree N beats the best rational (k = 2) or polynomial (k = 1) map of degree
    N; so the logarithm of the degree still missing, times the cheapest price per unit of
    log-degree, must be paid. For samples only the cheapest next step is certain. ``degrees`` has
    the iterative actions' degrees by name; the other actions are direct methods.
    """

    def __init__(
        self,
        function: MatrixFunction,
        pricer: SchedulePricer,
        actions: Sequence[Action],
        degrees: Mapping[str, int],
        tol: float,
    ) -> None:
        self._needed = zolotarev_degree if function.root_index == 2 else chebyshev_degree
        self._tol = tol
        iterative = [action for action in actions if action.name in degrees]
        later: list[tuple[float, float, float]] = []
        self._first_prices: list[tuple[float, float]] = []
        for action in iterative:
            log_degree = math.log(degrees[action.name])
            first = pricer.step_price(action.structure, None, False)
            self._first_prices.append((first, log_degree))
            # Mirrored products and an unchanged precision are the cheapest company for a step.
            own = pricer.step_price(action.structure, action.structure, True) - pricer.pending(
                action.structure, True
            )
            later.append((max(own, 0.0), pricer.pending(action.structure, False), log_degree))
        self._last_rate = min((own / log for own, _, log in later), default=0.0)
        self._full_rate = min(((own + rest) / log for own, rest, log in later), default=0.0)
        self._largest_pending = max((rest for _, rest, _ in later), default=0.0)
        self._least = min((own for own, _, _ in later), default=math.inf)
        self._direct_price = min(
            (pricer.cost((a.structure,)) for a in actions if a.name not in degrees),
            default=math.inf,
        )

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price from a state to the goal."""
        if state.is_direct:
            return math.inf
        if state.domain < 0:
            return 0.0
        if not state.steps:
            return self._bound_at_start(state)
        return state.pending + self._bound_of_rest(self._missing(state))

    def _missing(self, state: ScheduleState) -> float:
        """Return the logarithm of the least degree that reaches the tolerance from a state."""
        if state.points is not None:
            return 0.0
        return math.log(max(self._needed(state.lower, state.upper, self._tol), 1.0))

    def _bound_of_rest(self, missing: float) -> float:
        full = missing * self._full_rate - self._largest_pending
        return max(missing * self._last_rate, full, self._least)

    def _bound_at_start(self, state: ScheduleState) -> float:
        missing = self._missing(state)
        best = self._direct_price
        for first, log_degree in self._first_prices:
            rest = missing - log_degree
            best = min(best, first + (self._bound_of_rest(rest) if rest > 1e-9 else 0.0))
        return best
