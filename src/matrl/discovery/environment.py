"""Schedules as an environment for planners: the state is a spectrum on its way to 1."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from matrl.core.measure import Measure
from matrl.core.plan import StepRecord
from matrl.discovery.actions import ActionTable
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.confirmation import Confirmation, Confirmations
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.outcomes import Outcome, OutcomeTable
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.rounding import RoundingModel
from matrl.discovery.state import Action, ScheduleState
from matrl.iterations import FORMS, DirectMethod, Update
from matrl.iterations.schedule import DIRECT
from matrl.readings.scalar import apply_update
from matrl.search import NO_CHILDREN, Children, Verdict

__all__ = ["Action", "ScheduleEnvironment", "ScheduleState"]

MAX_STEPS = 64
OVERSHOOT = 0.05
"""How far above 1 a whole schedule's map may go on the safe domain, if tol is less."""
NOTICEABLE = 0.2
"""Averaged products and repairs are tried where rounding is more than this share of tol."""
LEAST_ROUNDING = 0.1
"""No step that keeps rounding errors makes less of them than this many unit roundoffs."""


class ScheduleEnvironment:
    """All schedules of the allowed actions for one problem, with their prices.

    Every schedule obeys the safety rule: coefficients are designed on the safe domain, whose upper
    end is widened by 8 n eps (at most 1 %) before each polynomial step, and maps that are not
    positive on it are not legal. A map with a pole at 0 sends eigenvalues below the domain far
    above it, where a polynomial would flip their sign; so no polynomial follows it.

    States are exact arithmetic; what rounding makes of a schedule is asked when it is confirmed.
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
        self._tol = tol
        self._max_steps = max_steps
        self._scaling_price = scaling_price
        self._table = ActionTable.of(self._function, actions, pricer)
        self._outcomes = OutcomeTable(measure, self._domains, self._table.iterative, n)
        rounding = RoundingModel(self._function, n, dtype, measure.norm, m)
        self._confirmations = Confirmations(
            measure, self._domains, self._table.updates, rounding, tol
        )
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

    def replay(
        self, actions: Sequence[Action]
    ) -> tuple[ScaledDomain, tuple[StepRecord, ...], Confirmation]:
        """Return the domain and the steps of a schedule, and what a closer look at it says."""
        state = self.root()
        for action in actions:
            following = self.child(state, action)
            assert following is not None
            state = following
        confirmation = self._confirmations.of(state)
        return self._domains[state.domain], self._confirmations.steps_of(state), confirmation

    # Environment protocol ------------------------------------------------------------------

    def root(self) -> ScheduleState:
        """Return the empty schedule; scaled already where there is no choice of scaling."""
        if len(self._domains) == 1:
            return self._scaled(0)
        return ScheduleState()

    def expand(self, state: ScheduleState, width: int) -> Children | None:
        """Return the scalings, then direct methods and updates, then updates only.

        Averaged products and repairs come where they are worth trying, by a closer look.
        """
        if width > 0:
            return None
        if state.domain < 0:
            return self._scalings()
        if not state.steps:
            return self._children(state, self._table.first)
        if state.is_direct or len(state.steps) >= self._max_steps:
            return NO_CHILDREN
        assert state.form is not None
        return self._children(state, self._table.usual[state.form])

    def child(self, state: ScheduleState, action: Action) -> ScheduleState | None:
        """Take an action; ``None`` where it is unsafe, makes no progress or is not needed."""
        if action.domain >= 0:
            return self._scaled(action.domain)
        update = self._table.updates[action.name]
        record = StepRecord(
            action.name,
            action.form,
            action.precision,  # type: ignore[arg-type]
            product=action.product,  # type: ignore[arg-type]
        )
        if isinstance(update, DirectMethod):
            return replace(
                state, error=0.0, steps=(record,), previous=action.structure, before=state
            )
        outcome = self._outcome(state, action)
        if outcome is None:
            return None
        assert state.nodes is not None
        iterates, coefficients = outcome.iterates, outcome.coefficients
        record = replace(record, coefficients=coefficients, error=iterates.error)
        return ScheduleState(
            domain=state.domain,
            lower=iterates.lower,
            upper=iterates.upper,
            is_exact=state.is_exact,
            points=iterates.points,
            nodes=apply_update(update, self._function.root_index, coefficients, state.nodes),
            error=iterates.error,
            steps=(*state.steps, record),
            previous=action.structure,
            pending=self._pricer.pending(action.structure, not state.steps),
            overshoots=state.overshoots or update.has_pole_at_zero,
            before=state,
        )

    def confirm(self, state: ScheduleState) -> Verdict:
        """Return whether the rounding of a schedule leaves anything to be hoped for."""
        if not state.steps:
            return Verdict(True)
        rounding = self._confirmations.of(state).rounding
        if not math.isfinite(rounding):
            return Verdict(False)
        hopeless = rounding > self._tol and not (self._table.can_repair and not state.is_direct)
        if hopeless:
            return Verdict(False)
        if state.is_direct or rounding <= NOTICEABLE * self._tol:
            return Verdict(True)
        assert state.form is not None
        room = len(state.steps) < self._max_steps
        repairs = self._table.repairs[state.form] if room else ()
        return Verdict(True, self._children(state, repairs))

    def beside(self, state: ScheduleState, action: Action, child: ScheduleState) -> Children:
        """Return the averaged product where the mirrored one rounds much of the tolerance.

        First products are exactly symmetric anyway, and general products know no difference.
        """
        if not child.steps or child.is_direct or action.product != "mirrored":
            return NO_CHILDREN
        is_square = self._function.structure != "rectangular" or action.form == "gram"
        if not (state.steps and is_square and FORMS.get(action.form).chooses_product):
            return NO_CHILDREN
        confirmation = self._confirmations.known(child)
        if confirmation is None or confirmation.rounding <= NOTICEABLE * self._tol:
            return NO_CHILDREN
        return self._children(state, [replace(action, product="averaged")])

    def done(self, state: ScheduleState) -> bool:
        """Whether truncation and rounding together are within the tolerance.

        Nor may the map exceed 1 by much anywhere on the safe domain, where the measure does not
        look.
        """
        if not state.steps or self._total_error(state) > self._tol:
            return False
        return state.is_direct or self._is_safe(state.upper)

    def _is_safe(self, upper: float) -> bool:
        return upper <= 1.0 + max(self._tol, OVERSHOOT)

    def quality(self, state: ScheduleState) -> float:
        """Return the predicted error if the schedule ended here."""
        return self._total_error(state) if state.steps else math.inf

    def _total_error(self, state: ScheduleState) -> float:
        confirmation = self._confirmations.known(state)
        return state.error if confirmation is None else confirmation.total_error

    def label(self, state: ScheduleState) -> Hashable:
        """Return the precisions of a schedule's steps."""
        return tuple(sorted({step.precision for step in state.steps}))

    def key(self, state: ScheduleState) -> Hashable:
        """Return range and samples, what is pending, and what the rounding depends on."""
        if not state.steps:
            return (state.domain,)
        return (*state.range_key, f"{state.pending:.9g}", state.structure)

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price to the goal, from the degree still missing."""
        return self._bounds.bound(state)

    # Children ------------------------------------------------------------------------------

    def _scaled(self, index: int) -> ScheduleState:
        domain = self._domains[index]
        wanted = not domain.is_exact or self._table.uses_samples
        return ScheduleState(
            domain=index,
            lower=domain.lower,
            upper=domain.upper,
            is_exact=domain.is_exact,
            points=domain.sampled if wanted else None,
            nodes=self._function.iterate(domain.nodes),
        )

    def _scalings(self) -> Children:
        count = len(self._domains)
        return Children(
            [Action("scaling", domain=i) for i in range(count)],
            np.array([self._scaling_price(domain) for domain in self._domains]),
            np.array([self.bound(self._scaled(i)) for i in range(count)]),
            np.zeros(count, dtype=bool),
        )

    def _outcome(self, state: ScheduleState, action: Action) -> Outcome | None:
        return self._outcomes.of(action.name, action.precision, state, state.range_key)

    def _children(self, state: ScheduleState, actions: Sequence[Action]) -> Children:
        """Return those of the actions that are legal, with price, bound and whether they end."""
        before = self._outcomes.simulated
        kept, prices, bounds, done = [], [], [], []
        is_first = len(state.steps) == 1
        for action in actions:
            structure = action.structure
            if isinstance(self._table.updates[action.name], DirectMethod):
                price, bound, ends = self._pricer.cost((structure,)), 0.0, True
            else:
                if self._is_too_coarse(action):
                    continue
                outcome = self._outcome(state, action)
                if outcome is None:
                    continue
                price = self._pricer.step_price(structure, state.previous, is_first)
                iterates = outcome.iterates
                ends = iterates.error <= self._tol and self._is_safe(iterates.upper)
                pending = self._pricer.pending(structure, not state.steps)
                place = (state.is_exact, iterates.lower, iterates.upper)
                bound = 0.0 if ends else self._bounds.after(*place, pending, action.form)
            kept.append(action)
            prices.append(price)
            bounds.append(bound)
            done.append(ends)
        simulated = self._outcomes.simulated - before
        return Children(
            kept, np.array(prices), np.array(bounds), np.array(done, dtype=bool), simulated
        )

    def _is_too_coarse(self, action: Action) -> bool:
        """Whether the step's precision alone rules the tolerance out, without a closer look."""
        if self._table.can_repair or not FORMS.get(action.form).keeps_rounding:
            return False
        return LEAST_ROUNDING * float(np.finfo(action.precision).eps) > self._tol
