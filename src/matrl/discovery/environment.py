"""Schedules as an environment for planners: the state is a spectrum on its way to 1."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.rounding import RoundingModel
from matrl.discovery.state import Action, ScheduleState
from matrl.errors import InputError
from matrl.iterations import DirectMethod, Update
from matrl.iterations.schedule import DIRECT, form_of
from matrl.readings.scalar import apply_update, image, is_positive

__all__ = ["Action", "ScheduleEnvironment", "ScheduleState"]

MAX_STEPS = 64
AVERAGE_ABOVE = 0.2
"""Averaged products are tried where mirrored ones round at more than this share of tol."""


class ScheduleEnvironment:
    """All schedules of the allowed actions for one problem, with their prices.

    Every schedule obeys the safety rule: coefficients are designed on the safe domain, whose upper
    end is widened by 8 n eps (at most 1 %) before each polynomial step, and maps that are not
    positive on it are not legal. Newton's map has a pole at 0 and sends eigenvalues below the
    domain far above it, where a polynomial would flip their sign; so no polynomial follows it.
    """

    def __init__(
        self,
        function: MatrixFunction,
        domains: Sequence[ScaledDomain],
        actions: Sequence[tuple[Update | DirectMethod, str]],
        pricer: SchedulePricer,
        *,
        tol: float,
        n: int,
        dtype: str,
        max_steps: int = MAX_STEPS,
        scaling_price: Callable[[ScaledDomain], float] = lambda domain: 0.0,
    ) -> None:
        self._function = function
        self._domains = tuple(domains)
        self._updates = {update.name: update for update, _ in actions}
        self._pricer = pricer
        self._tol, self._n, self._dtype = tol, n, dtype
        self._max_steps = max_steps
        self._scaling_price = scaling_price
        self._actions = tuple(
            Action(update.name, precision)
            for update, precision in actions
            if math.isfinite(pricer.cost(((update.name, precision, "mirrored"),)))
        )
        self._iterative = tuple(
            a for a in self._actions if not isinstance(self._updates[a.name], DirectMethod)
        )
        self._rounding = RoundingModel(function, n, dtype)
        self._mirrored: dict[Hashable, float] = {}
        degrees = {
            name: update.degree
            for name, update in self._updates.items()
            if not isinstance(update, DirectMethod)
        }
        self._bounds = DegreeBounds(function, pricer, self._actions, degrees, tol)

    @property
    def domains(self) -> tuple[ScaledDomain, ...]:
        """The scaled domains to choose from."""
        return self._domains

    def cost_of_direct(self, name: str, precision: str) -> float | None:
        """Return the cost of a direct method, ``None`` where it has no price or is not allowed."""
        if all((a.name, a.precision) != (name, precision) for a in self._actions):
            return None
        return self._pricer.cost(((name, precision, "mirrored"),))

    # Environment protocol ------------------------------------------------------------------

    def root(self) -> ScheduleState:
        """Return the empty schedule; scaled already where there is no choice of scaling."""
        if len(self._domains) == 1:
            return self._scaled(0)
        return ScheduleState()

    def actions(self, state: ScheduleState) -> Sequence[Action]:
        """Return the scalings, then direct methods and updates, then updates only."""
        if state.domain < 0:
            return [Action("scaling", domain=i) for i in range(len(self._domains))]
        if not state.steps:
            return self._with_averaged(self._actions)
        finished = state.is_direct or len(state.steps) >= self._max_steps
        if finished or state.rounding > self._tol:
            return ()
        return self._with_averaged(self._iterative)

    def step(self, state: ScheduleState, action: Action) -> tuple[ScheduleState, float] | None:
        """Take an action; ``None`` where it is unsafe, makes no progress or is not needed."""
        if action.domain >= 0:
            return self._scaled(action.domain), self._scaling_price(self._domains[action.domain])
        update = self._updates[action.name]
        if isinstance(update, DirectMethod):
            return self._take_direct(state, action, update)
        return self._take_update(state, action, update)

    def done(self, state: ScheduleState) -> bool:
        """Whether truncation and rounding together are within the tolerance."""
        return bool(state.steps) and state.total_error <= self._tol

    def quality(self, state: ScheduleState) -> float:
        """Return the predicted error if the schedule ended here."""
        return state.total_error if state.steps else math.inf

    def key(self, state: ScheduleState) -> Hashable:
        """Return the quantised state: range, samples, what is pending, precision and noise."""
        if not state.steps:
            return (state.domain,)
        points = None if state.points is None else np.round(state.points, 10).tobytes()
        noise = round(math.log10(max(state.rounding, 1e-18)) * 8.0)
        precision = state.steps[-1].precision
        return (
            state.domain,
            _rounded(state.lower),
            _rounded(state.upper),
            points,
            f"{state.pending:.9g}",
            state.overshoots,
            precision,
            noise,
            len(state.steps) if self._max_steps < MAX_STEPS else 0,
            state.is_direct,
        )

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price to the goal, from the degree still missing."""
        return self._bounds.bound(state)

    # Steps ---------------------------------------------------------------------------------

    def _scaled(self, index: int) -> ScheduleState:
        domain = self._domains[index]
        points = None if domain.points is None else np.asarray(domain.points)
        return ScheduleState(domain=index, lower=domain.lower, upper=domain.upper, points=points)

    def _with_averaged(self, actions: Sequence[Action]) -> list[Action]:
        """Return the actions, each iterative one followed by its averaged variant."""
        result = []
        for action in actions:
            result.append(action)
            if not isinstance(self._updates[action.name], DirectMethod):
                result.append(replace(action, product="averaged"))
        return result

    def _take_direct(
        self, state: ScheduleState, action: Action, method: DirectMethod
    ) -> tuple[ScheduleState, float]:
        record = StepRecord(action.name, DIRECT, action.precision)  # type: ignore[arg-type]
        following = replace(
            state,
            error=0.0,
            rounding=self._rounding.of_direct(
                self._domains[state.domain], method, action.precision
            ),
            steps=(record,),
            previous=action.structure,
        )
        return following, self._pricer.cost((action.structure,))

    def _take_update(
        self, state: ScheduleState, action: Action, update: Update
    ) -> tuple[ScheduleState, float] | None:
        is_first = not state.steps
        if action.product == "averaged" and not self._averaging_pays(state, action):
            return None
        k = self._function.root_index
        upper = state.upper
        if update.kind == "polynomial" and state.overshoots:
            return None
        if update.kind == "polynomial":
            slack = 8.0 * self._n * float(np.finfo(action.precision).eps)
            upper *= 1.0 + min(slack, 0.01)
        try:
            coefficients = tuple(update.coefficients(k, state.lower, upper))
        except InputError:
            return None  # this range is beyond the coefficient rule
        if not is_positive(update, k, coefficients, upper):
            return None
        lower, highest = image(update, k, coefficients, state.lower, upper)
        points = None
        error = max(1.0 - lower, highest - 1.0)
        closer = lower / highest > (1.0 + 1e-6) * state.lower / upper
        if not closer and not error < 0.9 * state.error:
            return None  # no progress: loops are not schedules
        if state.points is not None:
            points = apply_update(update, k, coefficients, state.points)
            error = float(np.abs(points - 1.0).max())
        record = StepRecord(
            action.name,
            form_of(update, self._function.carries, is_first),
            action.precision,  # type: ignore[arg-type]
            coefficients,
            action.product,  # type: ignore[arg-type]
            error,
        )
        domain = self._domains[state.domain]
        carried, residual = self._rounding.after_step(domain, state, record)
        rounding = self._rounding.level(
            domain, state, update, coefficients, lower, (carried, residual)
        )
        if not math.isfinite(rounding):
            return None
        following = ScheduleState(
            domain=state.domain,
            lower=lower,
            upper=highest,
            points=points,
            error=error,
            rounding=rounding,
            carried=carried,
            residual=residual,
            steps=(*state.steps, record),
            previous=action.structure,
            pending=self._pricer.pending(action.structure, is_first),
            overshoots=state.overshoots or update.kind == "product",
        )
        if action.product == "mirrored":
            self._mirrored[self.key(state), action.name, action.precision] = following.rounding
        price = self._pricer.step_price(action.structure, state.previous, len(state.steps) == 1)
        return following, price

    def _averaging_pays(self, state: ScheduleState, action: Action) -> bool:
        """Whether the mirrored product, always tried first, rounds too much for the tolerance.

        First products are exactly symmetric anyway.
        """
        if not state.steps:
            return False
        rounding = self._mirrored.get((self.key(state), action.name, action.precision), 0.0)
        return rounding > AVERAGE_ABOVE * self._tol


def _rounded(value: float) -> float:
    """Return the value to ten significant digits, near 1 those of its distance from 1."""
    return float(f"{value - 1.0:.9e}") if abs(value - 1.0) < 0.5 else float(f"{value:.9e}")
