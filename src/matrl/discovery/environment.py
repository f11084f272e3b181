"""Schedules as an environment for planners: the state is a spectrum on its way to 1."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matrl.coefficients import chebyshev_degree, zolotarev_degree
from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.program import evaluate
from matrl.core.tracing import Graph
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.pricing import SchedulePricer, Structure
from matrl.errors import InputError
from matrl.iterations import DirectMethod, Registers, Update
from matrl.iterations.schedule import DIRECT, advance, form_of
from matrl.readings.noisy import NoisyReading, NoisyValue, compress, rounding_level
from matrl.readings.scalar import apply_update, image, is_positive

__all__ = ["Action", "ScheduleEnvironment", "ScheduleState"]

MAX_STEPS = 64
AVERAGE_ABOVE = 0.2
"""Averaged products are tried where mirrored ones round at more than this share of the tolerance."""


@dataclass(frozen=True)
class Action:
    """Choose a scaling (``domain`` an index), or take a step (an update, its precision, product)."""

    name: str
    precision: str = ""
    product: str = "mirrored"
    domain: int = -1

    @property
    def structure(self) -> Structure:
        """What the price of the step depends on."""
        return (self.name, self.precision, self.product)


@dataclass(frozen=True, eq=False)
class ScheduleState:
    """Where a schedule stands: the range of x, its error, and the rounding it has accumulated."""

    domain: int = -1
    lower: float = 0.0
    upper: float = 0.0
    points: np.ndarray | None = None
    error: float = math.inf
    rounding: float = 0.0
    carried: NoisyValue | None = None
    residual: NoisyValue | None = None
    steps: tuple[StepRecord, ...] = ()
    previous: Structure | None = None
    pending: float = 0.0

    @property
    def total_error(self) -> float:
        """Worst error in exact arithmetic plus the predicted rounding level."""
        return self.error + self.rounding


class ScheduleEnvironment:
    """All schedules of the allowed actions for one problem, with their prices.

    Every schedule obeys the safety rule: coefficients are designed on the safe domain, whose upper
    end is widened by 8 n eps (at most 1 %) before each polynomial step, and maps that are not
    positive on it are not legal.
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
        self._mirrored: dict[Hashable, float] = {}
        self._prepare_bounds()

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
        finished = self._is_direct(state) or len(state.steps) >= self._max_steps
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
            precision,
            noise,
            len(state.steps) if self._max_steps < MAX_STEPS else 0,
            self._is_direct(state),
        )

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price to the goal.

        Degrees multiply along a composition, and no composition of degree N beats the best
        rational (k = 2) or polynomial (k = 1) map of degree N; so the logarithm of the degree
        still missing, times the cheapest price per unit of log-degree, must be paid. For samples
        only the cheapest next step is certain.
        """
        if self._is_direct(state):
            return math.inf
        if state.domain < 0:
            return 0.0
        if not state.steps:
            return self._bound_at_start(state)
        return state.pending + self._bound_of_rest(self._missing(state))

    # Bounds --------------------------------------------------------------------------------

    def _prepare_bounds(self) -> None:
        later: list[tuple[float, float, float]] = []
        self._first_prices: list[tuple[float, float]] = []
        for action in self._iterative:
            log_degree = math.log(_degree(self._updates[action.name]))
            first = self._pricer.step_price(action.structure, None, False)
            self._first_prices.append((first, log_degree))
            # Mirrored products and an unchanged precision are the cheapest company for a step.
            own = self._pricer.step_price(
                action.structure, action.structure, True
            ) - self._pricer.pending(action.structure, True)
            later.append((max(own, 0.0), self._pricer.pending(action.structure, False), log_degree))
        self._last_rate = min((own / log for own, _, log in later), default=0.0)
        self._full_rate = min(((own + rest) / log for own, rest, log in later), default=0.0)
        self._largest_pending = max((rest for _, rest, _ in later), default=0.0)
        self._least = min((own for own, _, _ in later), default=math.inf)
        self._direct_price = min(
            (self._pricer.cost((a.structure,)) for a in self._actions if a not in self._iterative),
            default=math.inf,
        )

    def _missing(self, state: ScheduleState) -> float:
        """Return the logarithm of the least degree that reaches the tolerance from a state."""
        if state.points is not None:
            return 0.0
        needed = zolotarev_degree if self._function.root_index == 2 else chebyshev_degree
        return math.log(max(needed(state.lower, state.upper, self._tol), 1.0))

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

    # Steps ---------------------------------------------------------------------------------

    def _scaled(self, index: int) -> ScheduleState:
        domain = self._domains[index]
        points = None if domain.points is None else np.asarray(domain.points)
        return ScheduleState(
            domain=index, lower=domain.lower, upper=domain.upper, points=points
        )

    def _is_direct(self, state: ScheduleState) -> bool:
        return bool(state.steps) and state.steps[-1].form == DIRECT

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
        a = NoisyValue.exact(np.asarray(self._domains[state.domain].nodes))
        graph = Graph()
        start = graph.input("A", self._dtype).cast(action.precision)
        program = graph.program(method.apply(start, self._function).cast(self._dtype))
        (value,) = evaluate(program, self._noisy_reading(state), {"A": a})
        record = StepRecord(action.name, DIRECT, action.precision)  # type: ignore[arg-type]
        following = replace(
            state,
            error=0.0,
            rounding=self._rounding(state, value),
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
        carried, residual = self._advance_noise(state, record)
        dips = self._dips(state, update, coefficients, lower, residual)
        # Relative errors of the carried matrix are permanent: the worst so far stays.
        rounding = max(state.rounding, self._rounding(state, carried, dips))
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
        )
        if action.product == "mirrored":
            self._mirrored[self.key(state), action.name, action.precision] = following.rounding
        price = self._pricer.step_price(
            action.structure, state.previous, len(state.steps) == 1
        )
        return following, price

    def _averaging_pays(self, state: ScheduleState, action: Action) -> bool:
        """Whether the mirrored product, always tried first, rounds too much for the tolerance.

        First products are exactly symmetric anyway.
        """
        if not state.steps:
            return False
        rounding = self._mirrored.get((self.key(state), action.name, action.precision), 0.0)
        return rounding > AVERAGE_ABOVE * self._tol

    # Rounding ------------------------------------------------------------------------------

    def _noisy_reading(self, state: ScheduleState, sources: int = 0) -> NoisyReading:
        weights = np.asarray(self._domains[state.domain].weights)
        return NoisyReading(self._n, weights, sources)

    def _rounding(
        self, state: ScheduleState, value: NoisyValue, dips: np.ndarray | float = 1.0
    ) -> float:
        weights = np.asarray(self._domains[state.domain].weights)
        return rounding_level(value, self._n, weights, dips)

    def _dips(
        self,
        state: ScheduleState,
        update: Update,
        coefficients: tuple[float, ...],
        lower: float,
        residual: NoisyValue,
    ) -> np.ndarray:
        """Return, per node, how far below it the map may send an eigenvalue close by.

        Beyond its first maximum an equioscillating map comes back to the lower end of its range.
        """
        k = self._function.root_index
        before = np.asarray(self._domains[state.domain].nodes)
        if state.residual is not None:
            before = state.residual.values
        critical = update.critical_points(coefficients, k, state.lower, state.upper)
        first = min(critical, default=math.inf)
        after = np.abs(residual.values) ** (1.0 / k)
        return np.where(before ** (1.0 / k) > first, np.maximum(after / lower, 1.0), 1.0)

    def _advance_noise(
        self, state: ScheduleState, record: StepRecord
    ) -> tuple[NoisyValue, NoisyValue]:
        """Read one step with errors, from the errors of the registers before it."""
        graph = Graph()
        held = state.steps[-1].precision if state.steps else self._dtype
        residual = graph.input("M", held)
        if state.steps:
            carried: Any = graph.input("carried", held)
        elif self._function.carries == "z":
            carried = graph.identity(held)
        else:
            carried = residual
        registers = advance(
            Registers(carried, residual, self._function.carries),
            record,
            self._function.root_index,
        )
        program = graph.program(registers.carried, registers.residual)
        if state.carried is None or state.residual is None:
            inputs = {"M": NoisyValue.exact(np.asarray(self._domains[state.domain].nodes))}
            sources = 0
        else:
            inputs = {"M": state.residual, "carried": state.carried}
            sources = len(state.carried.errors)
        values = evaluate(program, self._noisy_reading(state, sources), inputs)
        carried_value, residual_value = compress(*values)
        return carried_value, residual_value


def _degree(update: Update | DirectMethod) -> int:
    assert not isinstance(update, DirectMethod)
    return update.degree


def _rounded(value: float) -> float:
    """Return the value to ten significant digits, near 1 those of its distance from 1."""
    return float(f"{value - 1.0:.9e}") if abs(value - 1.0) < 0.5 else float(f"{value:.9e}")
