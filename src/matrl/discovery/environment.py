"""Schedules as an environment for planners: the state is a spectrum on its way to 1."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.discovery.actions import ActionTable
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.iterates import Iterates, fine_error
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.rounding import RoundingModel, dips_of
from matrl.discovery.state import Action, ScheduleState
from matrl.errors import InputError
from matrl.iterations import FORMS, DirectMethod, Samples, Update
from matrl.iterations.catalogue import has_residual
from matrl.iterations.schedule import DIRECT
from matrl.readings.scalar import apply_update, is_positive

__all__ = ["Action", "ScheduleEnvironment", "ScheduleState"]

MAX_STEPS = 64
OVERSHOOT = 0.05
"""How far above 1 a whole schedule's map may go on the safe domain, if tol is less.

Its j-th power (the multiplicity) is what is off: for j > 8 that times 8/j.
"""
NOTICEABLE = 0.2
"""Averaged products and repairs are tried where rounding is more than this share of tol."""


class ScheduleEnvironment:
    """All schedules of the allowed actions for one problem, with their prices.

    Every schedule obeys the safety rule: coefficients are designed on the safe domain, whose upper
    end is widened by 8 n eps (at most 1 %) before each polynomial step, and maps that are not
    positive on it are not legal. A map with a pole at 0 sends eigenvalues below the domain far
    above it, where a polynomial would flip their sign; so no polynomial follows it.
    """

    def __init__(
        self,
        measure: Measure,
        domains: Sequence[ScaledDomain],
        actions: Sequence[tuple[Update | DirectMethod, str]],
        pricer: SchedulePricer,
        *,
        tol: float,
        n: int,
        dtype: str,
        m: int | None = None,
        max_steps: int = MAX_STEPS,
        scaling_price: Callable[[ScaledDomain], float] = lambda domain: 0.0,
    ) -> None:
        self._measure, self._function = measure, measure.function
        self._domains = tuple(domains)
        self._pricer = pricer
        self._tol, self._n, self._dtype = tol, n, dtype
        self._max_steps = max_steps
        self._scaling_price = scaling_price
        self._table = ActionTable.of(self._function, actions, pricer)
        self._can_repair, self._uses_samples = self._table.can_repair, self._table.uses_samples
        self._rounding = RoundingModel(self._function, n, dtype, measure.norm, m)
        self._mirrored: dict[Hashable, float] = {}
        self._bounds = self._degree_bounds()

    def _degree_bounds(self) -> DegreeBounds:
        k = self._function.root_index
        return DegreeBounds(
            self._function,
            self._pricer,
            (self._table.first, self._table.mirrored_later),
            {update.name: update.degree_for(k) for update in self._table.iterative},
            self._measure.distance(self._tol),
            only_polynomials=all(u.kind == "polynomial" for u in self._table.iterative),
        )

    @property
    def domains(self) -> tuple[ScaledDomain, ...]:
        """The scaled domains to choose from."""
        return self._domains

    def cost_of_direct(self, name: str, precision: str) -> float | None:
        """Return the cost of a direct method, ``None`` where it has no price or is not allowed."""
        action = Action(name, DIRECT, precision)
        return self._pricer.cost((action.structure,)) if action in self._table.first else None

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
            return self._table.first
        finished = state.is_direct or len(state.steps) >= self._max_steps
        if finished or (state.rounding > self._tol and not self._can_repair):
            return ()
        assert state.form is not None
        return self._table.later[state.form]

    def step(self, state: ScheduleState, action: Action) -> tuple[ScheduleState, float] | None:
        """Take an action; ``None`` where it is unsafe, makes no progress or is not needed."""
        if action.domain >= 0:
            return self._scaled(action.domain), self._scaling_price(self._domains[action.domain])
        update = self._table.updates[action.name]
        if isinstance(update, DirectMethod):
            return self._take_direct(state, action, update)
        return self._take_update(state, action, update)

    def done(self, state: ScheduleState) -> bool:
        """Whether truncation and rounding together are within the tolerance.

        Nor may the map exceed 1 by much anywhere on the safe domain, where the measure does not
        look.
        """
        if not state.steps or state.total_error > self._tol:
            return False
        allowed = max(self._tol, OVERSHOOT) * min(1.0, 8.0 / self._function.multiplicity)
        return state.is_direct or state.upper <= 1.0 + allowed

    def quality(self, state: ScheduleState) -> float:
        """Return the predicted error if the schedule ended here."""
        return state.total_error if state.steps else math.inf

    def key(self, state: ScheduleState) -> Hashable:
        """Return the quantised state: range, samples, what is pending, form and noise."""
        if not state.steps:
            return (state.domain,)
        points = None
        if not state.is_exact and state.points is not None:
            points = np.round(state.points, 10).tobytes()
        noise = round(math.log10(max(state.rounding, 1e-18)) * 8.0)
        return (
            state.domain,
            _rounded(state.lower),
            _rounded(state.upper),
            points,
            f"{state.pending:.9g}",
            state.overshoots,
            state.steps[-1].precision,
            self._registers_left(state),
            noise,
            len(state.steps) if self._max_steps < MAX_STEPS else 0,
            state.is_direct,
        )

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price to the goal, from the degree still missing."""
        return self._bounds.bound(state)

    # Steps ---------------------------------------------------------------------------------

    def _registers_left(self, state: ScheduleState) -> Hashable:
        """Return what of the form decides about later steps: the same forms are open to it."""
        return tuple(sorted(state.noise)), state.is_direct or has_residual(state.form)

    def _scaled(self, index: int) -> ScheduleState:
        domain = self._domains[index]
        wanted = not domain.is_exact or self._uses_samples
        return ScheduleState(
            domain=index,
            lower=domain.lower,
            upper=domain.upper,
            is_exact=domain.is_exact,
            points=domain.sampled if wanted else None,
            nodes=self._function.iterate(domain.nodes),
        )

    def _take_direct(
        self, state: ScheduleState, action: Action, method: DirectMethod
    ) -> tuple[ScheduleState, float] | None:
        domain = self._domains[state.domain]
        record = StepRecord(action.name, DIRECT, action.precision)  # type: ignore[arg-type]
        rounding = self._rounding.of_direct(
            domain.nodes, domain.node_density, method, action.precision
        )
        if not math.isfinite(rounding):
            return None  # in this precision the matrix is singular
        following = replace(
            state, error=0.0, rounding=rounding, steps=(record,), previous=action.structure
        )
        return following, self._pricer.cost((action.structure,))

    def _take_update(
        self, state: ScheduleState, action: Action, update: Update
    ) -> tuple[ScheduleState, float] | None:
        if action.product == "averaged" and not self._averaging_pays(state, action):
            return None
        if update.kind == "polynomial" and state.overshoots:
            return None
        repairs = not FORMS.get(action.form).keeps_rounding
        if repairs and state.rounding <= NOTICEABLE * self._tol:
            return None  # there is nothing to repair, and repairs are dearer than other steps
        k = self._function.root_index
        better = update.dominated_by(k)
        if state.is_exact and better != update.name and better in self._table.updates:
            return None
        domain = self._domains[state.domain]
        upper = state.upper
        if update.kind == "polynomial":
            slack = 8.0 * self._n * float(np.finfo(action.precision).eps)
            upper *= 1.0 + min(slack, 0.01)
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
        record = StepRecord(
            action.name,
            action.form,
            action.precision,  # type: ignore[arg-type]
            coefficients,
            action.product,  # type: ignore[arg-type]
            iterates.error,
        )
        following = self._followed(state, action, update, record, iterates)
        if following is None:
            return None
        price = self._pricer.step_price(action.structure, state.previous, len(state.steps) == 1)
        return following, price

    def _samples(
        self, state: ScheduleState, domain: ScaledDomain, update: Update
    ) -> Samples | None:
        if not update.uses_samples or state.points is None:
            return None
        weights = domain.weights * self._measure.power
        return Samples(state.points, weights, domain.density, self._measure.aggregate)

    def _followed(
        self,
        state: ScheduleState,
        action: Action,
        update: Update,
        record: StepRecord,
        iterates: Iterates,
    ) -> ScheduleState | None:
        """Return the state after a step, with its rounding; ``None`` if that is beyond measure."""
        k, domain = self._function.root_index, self._domains[state.domain]
        assert state.nodes is not None
        nodes = apply_update(update, k, record.coefficients, state.nodes)
        if not self._rounding.keeps_zero(
            domain.nodes, domain.node_density, state.noise, update, record
        ):
            return None
        ends = (state.lower, state.upper)
        dips = dips_of(update, record.coefficients, k, ends, state.nodes, nodes, iterates.lower)
        noise, level = self._rounding.after_step(
            domain.nodes,
            domain.node_density,
            state.noise,
            state.steps[-1] if state.steps else None,
            record,
            dips,
        )
        # Relative errors of the carried matrix are permanent, but for the forms that repair them.
        if FORMS.get(action.form).keeps_rounding:
            level = max(state.rounding, level)
        if not math.isfinite(level):
            return None
        error = iterates.error
        steps = (*state.steps, record)
        if domain.domain.kind != "samples" and not domain.is_exact and error <= self._tol:
            error = max(error, fine_error(self._measure, domain, self._table.updates, steps))
        following = ScheduleState(
            domain=state.domain,
            lower=iterates.lower,
            upper=iterates.upper,
            is_exact=state.is_exact,
            points=iterates.points,
            nodes=nodes,
            error=error,
            rounding=level,
            noise=noise,
            steps=(*state.steps, replace(record, error=error)),
            previous=action.structure,
            pending=self._pricer.pending(action.structure, not state.steps),
            overshoots=state.overshoots or update.has_pole_at_zero,
        )
        if action.product == "mirrored":
            self._mirrored[self._mirrored_key(state, action)] = level
        return following

    def _mirrored_key(self, state: ScheduleState, action: Action) -> Hashable:
        return (self.key(state), action.name, action.form, action.precision)

    def _averaging_pays(self, state: ScheduleState, action: Action) -> bool:
        """Whether the mirrored product, always tried first, rounds too much for the tolerance.

        First products are exactly symmetric anyway, and general products know no difference.
        """
        is_square = self._function.structure != "rectangular" or action.form == "gram"
        if not (state.steps and is_square and FORMS.get(action.form).chooses_product):
            return False
        rounding = self._mirrored.get(self._mirrored_key(state, action), 0.0)
        return rounding > NOTICEABLE * self._tol


def _rounded(value: float) -> float:
    """Return the value to ten significant digits, near 1 those of its distance from 1."""
    return float(f"{value - 1.0:.9e}") if abs(value - 1.0) < 0.5 else float(f"{value:.9e}")
