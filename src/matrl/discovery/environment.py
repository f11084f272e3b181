"""Schedules as an environment for planners: the state is a spectrum on its way to 1."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from matrl.core.measure import Measure
from matrl.core.precision import eps_of
from matrl.discovery.action_list import ActionList
from matrl.discovery.actions import ActionTable, undominated
from matrl.discovery.bounds import DegreeBounds
from matrl.discovery.confirmation import Confirmation, Confirmations
from matrl.discovery.description import Description
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.goal import Goal
from matrl.discovery.guide import Guide
from matrl.discovery.lookahead import Lookahead
from matrl.discovery.map_blocks import can_be_sampled
from matrl.discovery.memory import OutcomeMemory, ReachMemory
from matrl.discovery.outcomes import OutcomeTable, slack_precision
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.reach import ExactReach, Reach, ReachedRanges, TabulatedReach
from matrl.discovery.refinement import fitted_name, is_better, keeps_safety, refined
from matrl.discovery.resumption import ResumableSchedules
from matrl.discovery.rounding import RoundingModel
from matrl.discovery.sampled_reach import SampledReach
from matrl.discovery.stages import Stages
from matrl.discovery.state import Action, ScheduleState
from matrl.discovery.structures import cheapest_forms
from matrl.discovery.variations import VariedOutcomes
from matrl.discovery.widening import Widening
from matrl.iterations import FORMS, DirectMethod, Update
from matrl.iterations.schedule import DIRECT
from matrl.search import NO_CHILDREN, Children, Verdict

__all__ = ["Action", "ScheduleEnvironment", "ScheduleState"]

MAX_STEPS = 64


class ScheduleEnvironment(ResumableSchedules):
    """All schedules of the allowed actions for one problem, with their prices.

    Every schedule obeys the safety rule: coefficients are designed on the safe domain, whose upper
    end is widened before each polynomial step by 8 n eps (at most 1 %; for half precisions, and
    after them, by four unit roundoffs), and maps that are not positive on it are not legal. A map
    with a pole at 0 sends eigenvalues below the domain far above it, where a polynomial would flip
    their sign; so no polynomial follows it.

    Where ranges tell the error and all updates equioscillate, states are interpolated ranges;
    otherwise they are exact, and only what their children would be is looked at with tabulated
    coefficients. What rounding makes of a schedule is asked when it is confirmed.
    ``minimizes_error`` says that ``tol`` is only where a schedule may end at all. Where an
    environment ``widens``, steps have variations too, and bounds know no more than the next step.
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
        minimizes_error: bool = False,
        widens: bool = False,
    ) -> None:
        self._measure, self._function, self._n = measure, measure.function, n
        self._domains = tuple(domains)
        self._pricer, self._made_of = pricer, tuple(actions)
        self._dtype, self._m = dtype, m
        self._max_steps = max_steps
        self._scaling_price = scaling_price
        exact = all(domain.is_exact for domain in self._domains)
        allowed = undominated(actions, self._function.root_index) if exact else actions
        self._table = ActionTable.of(self._function, allowed, pricer)
        updates = self._table.iterative
        self._outcomes = OutcomeTable(measure, self._domains, updates, n)
        self._varied = VariedOutcomes(measure, self._domains, updates, n, self._outcomes)
        self._confirmations = Confirmations(
            measure,
            self._domains,
            self._table.updates,
            self._varied,
            RoundingModel(self._function, n, dtype, measure.norm, m),
            tol,
        )
        self._bounds = self._degree_bounds(tol)
        self._precisions = tuple(dict.fromkeys(precision for _, precision in allowed))
        precisions = self._precisions
        usual = [update for update in updates if update.kind != "repair"]
        pure = [update for update in updates if update.kind == "repair"]
        self._finest = min(precisions, key=eps_of, default=dtype)
        self._tabulated: TabulatedReach | None = None
        if exact and all(update.equioscillates for update in usual):
            self._tabulated = TabulatedReach(measure, usual, precisions, n)
        self._sampled: SampledReach | None = None
        k = self._function.root_index
        if not exact and usual and all(can_be_sampled(update, k) for update in usual):
            self._sampled = SampledReach(measure, self._domains, usual, precisions, n=n, tol=tol)
        interpolates = (self._tabulated or self._sampled) is not None
        self._goal = Goal(measure, tol, minimizes_error, interpolates)
        self._exact_reach = ExactReach(self._outcomes, usual, precisions)
        self._repair_reach = ExactReach(self._outcomes, pure, precisions)
        self._first = self._list(self._table.first)
        self._usual = {form: self._list(a) for form, a in self._table.usual.items()}
        self._repairs = {form: self._list(a) for form, a in self._table.repairs.items()}
        self._pure_repairs = {
            form: ActionList([x for x in a if self._is_pure(x)], self._repair_reach, pricer)
            for form, a in self._table.repairs.items()
        }
        self._widening: Widening | None = None
        # For a budget all finalists are refined, which is worth more.
        if self._tabulated is None and widens and not minimizes_error:
            lists = {form: one.actions for form, one in self._usual.items()}
            first = self._first.actions
            self._widening = Widening(self._varied, usual, precisions, first, lists, pricer)
        self._known_guide: Guide | None = None
        lookahead = None
        if self._sampled is not None and self._widening is None:
            lookahead = Lookahead(self._usual, self._bounds, self._sampled, tol)
        self._description = Description(self._goal, self._bounds, self._guide, lookahead, max_steps)
        self._alone: dict[Action, ActionList] = {}
        self._reached: dict[Hashable, ReachedRanges] = {}
        self._firsts = ReachMemory()

    def _guide(self) -> Guide | None:
        """Return the guide, made when first asked for; ``None`` where nothing is tabulated."""
        if self._known_guide is None and self._tabulated is not None:
            later = {
                form: self._list([*actions, *self._averaged(actions)])
                for form, actions in self._table.later.items()
            }
            self._known_guide = Guide(
                Stages(
                    later,
                    self._tabulated,
                    widest=max(self._scaled(i).spread for i in range(len(self._domains))),
                    distance=self._measure.distance(self._goal.tol),
                    tol=self._goal.tol,
                    finest=self._finest,
                )
            )
        return self._known_guide

    def _list(self, actions: Sequence[Action]) -> ActionList:
        reach: Reach = self._tabulated or self._sampled or self._exact_reach
        kept = [a for a in actions if not (self._is_too_coarse(a) or self._is_pure(a))]
        return ActionList(kept, reach, self._pricer)

    def _is_too_coarse(self, action: Action) -> bool:
        """Whether the step's precision alone rules the tolerance out, without a closer look."""
        if action.form == DIRECT or self._table.can_repair:
            return False
        keeps = FORMS.get(action.form).keeps_rounding
        return keeps and self._goal.is_out_of_reach_of(action.precision)

    def _is_pure(self, action: Action) -> bool:
        """Whether the step does nothing but repair, and no table knows it."""
        update = self._table.updates[action.name]
        return not isinstance(update, DirectMethod) and update.kind == "repair"

    def _degree_bounds(self, tol: float) -> DegreeBounds:
        k = self._function.root_index
        return DegreeBounds(
            self._function,
            self._pricer,
            (self._table.first, self._table.mirrored_later),
            {update.name: update.degree_for(k) for update in self._table.iterative},
            self._measure.distance(tol),
            only_polynomials=all(u.kind == "polynomial" for u in self._table.iterative),
        )

    @property
    def domains(self) -> tuple[ScaledDomain, ...]:
        """The scaled domains to choose from."""
        return self._domains

    @property
    def updates(self) -> Mapping[str, Update | DirectMethod]:
        """What the actions name."""
        return self._table.updates

    @property
    def precisions(self) -> tuple[str, ...]:
        """What steps may work in."""
        return self._precisions

    @property
    def tol(self) -> float:
        """The largest error a schedule may end with."""
        return self._goal.tol

    @property
    def measure(self) -> Measure:
        """The error measure."""
        return self._measure

    def enclosing(
        self, domains: Sequence[ScaledDomain], measure: Measure, tol: float
    ) -> "ScheduleEnvironment":
        """Return the same problem for all of some ranges, by rules that look at nothing else."""
        kept = [
            (update, precision)
            for update, precision in self._made_of
            if isinstance(update, DirectMethod) or update.equioscillates
        ]
        return ScheduleEnvironment(
            measure,
            domains,
            kept,
            self._pricer,
            tol=tol,
            n=self._n,
            dtype=self._dtype,
            m=self._m,
            max_steps=self._max_steps,
            scaling_price=self._scaling_price,
        )

    def cost_of_direct(self, name: str, precision: str) -> float | None:
        """Return the cost of a direct method, ``None`` where it has no price or is not allowed."""
        action = Action(name, DIRECT, precision)
        return self._pricer.cost((action.structure,)) if action in self._table.first else None

    def state_of(self, actions: Sequence[Action]) -> ScheduleState:
        """Return the state legal actions lead to."""
        state = self.root()
        for action in actions:
            state = self._taken(state, action)
        return state

    def replay(self, actions: Sequence[Action]) -> tuple[ScaledDomain, Confirmation]:
        """Return the domain of a schedule, and what a closer look at it says."""
        state = self.state_of(actions)
        return self._domains[state.domain], self.look(state)

    def look(self, state: ScheduleState) -> Confirmation:
        """Return what a closer look at a state says."""
        return self._confirmations.of(state)

    def refined(
        self,
        state: ScheduleState,
        seed: int = 0,
        *,
        starts: int = 8,
        enough: float = 0.0,
        least: float = math.inf,
    ) -> Confirmation | None:
        """Return the schedule of a state with better coefficients, ``None`` if none are found.

        They are optimised together, from several ``starts``, until the error is ``enough``. The map
        may go as far above 1 as one with an error of ``least`` may, if that is less than its own.
        """
        domain, found = self._domains[state.domain], self.look(state)
        ceiling = float(self._goal.highest(min(found.error, least)))
        better = refined(
            self._measure, domain, found, self._n, ceiling, seed, starts=starts, enough=enough
        )
        if better is None:
            return None
        steps = [replace(a, name=fitted_name(a.name), variation=0) for a in state.actions]
        new = self._confirmations.with_coefficients(self._scaled(state.domain), steps, better)
        k = self._function.root_index
        if new is None or not keeps_safety(domain, new.steps, k, self._n):
            return None
        if self.is_met(new):
            return new if not self.is_met(found) or is_better(new, found) else None
        return new if is_better(new, found) else None

    def is_met(self, known: Confirmation) -> bool:
        """Whether an iterative schedule that has been looked at is within the tolerance."""
        return self._goal.is_met(known, False)

    def cheapest_forms(self, actions: Sequence[Action]) -> tuple[tuple[Action, ...], float] | None:
        """Return the same updates, precisions and products in the cheapest forms, with the cost.

        ``None`` where there are no forms for them, or no prices.
        """
        scaling = tuple(action for action in actions if action.domain >= 0)
        steps = [action for action in actions if action.domain < 0]
        if len(steps) > self._max_steps or len(scaling) != (len(self._domains) > 1):
            return None
        found = cheapest_forms(steps, self._first, self._usual, self._pricer)
        if found is None:
            return None
        paid = sum(self._scaling_price(self._domains[action.domain]) for action in scaling)
        return (*scaling, *found[0]), paid + found[1]

    def _memories(self) -> Mapping[str, OutcomeMemory]:
        """Return where outcomes are kept, by name."""
        return {"rules": self._outcomes.memory, "variations": self._varied.memory}

    # Environment protocol ------------------------------------------------------------------

    @property
    def confirms_early(self) -> bool:
        """Whether a closer look costs less than to expand, or every state may be an end.

        Maps worked out one by one cost more, tabulated and batched ones less.
        """
        if self._sampled is not None:
            return self._goal.minimizes_error
        return self._tabulated is None

    def root(self) -> ScheduleState:
        """Return the empty schedule; scaled already where there is no choice of scaling."""
        if len(self._domains) == 1:
            return self._scaled(0)
        return ScheduleState()

    def expand(self, state: ScheduleState, width: int) -> Children | None:
        """Return the scalings, then direct methods and updates, then updates only.

        Further batches are variations of their coefficients, where ranges do not tell the error.
        Averaged products and repairs come where they are worth trying, by a closer look.
        """
        if width > 0 and self._widening is None:
            return None  # the rules' coefficients are the best there are
        if state.domain < 0:
            return self._scalings() if width == 0 else None
        if state.is_direct or len(state.actions) >= self._max_steps:
            return NO_CHILDREN if width == 0 else None
        if width > 0:
            assert self._widening is not None
            return self._widening.children(state, width, self._description)
        if not state.actions:
            return self._described(state, self._first)
        assert state.form is not None
        return self._described(state, self._usual[state.form])

    def child(self, state: ScheduleState, action: Action) -> ScheduleState | None:
        """Take an action that was legal at first sight; ``None`` where it is not after all."""
        if action.domain >= 0:
            return self._scaled(action.domain)
        update = self._table.updates[action.name]
        actions = (*state.actions, action)
        if isinstance(update, DirectMethod):
            return replace(state, error=0.0, actions=actions, before=state)
        following = replace(
            state,
            actions=actions,
            pending=self._pricer.pending(action.structure, not state.actions),
            overshoots=state.overshoots or update.has_pole_at_zero,
            before=state,
        )
        precision = slack_precision(action.precision, state.precision)
        if self._tabulated is None or update.kind == "repair":
            exact = state if self._tabulated is None else self._confirmations.of(state).exact
            outcome = self._varied.of(action.name, precision, exact, action.variation)
            if outcome is None:
                return None
            one = outcome.iterates
            return replace(
                following, lower=one.lower, upper=one.upper, points=one.points, error=one.error
            )
        reached = self._reach(state)
        i = self._tabulated.index_of(action.name, precision)
        ends = float(reached.lower[0, i]), float(reached.upper[0, i])
        return replace(following, lower=ends[0], upper=ends[1], error=float(reached.error[0, i]))

    def confirm(self, state: ScheduleState) -> Verdict:
        """Return whether the rounding of a schedule leaves anything to be hoped for."""
        ended = self.done(state)
        verdict = self._verdict(state)
        guide = self._guide()
        if guide is not None and state.before is not None and state.before.domain >= 0:
            was_spoiled = self._is_spoiled(state.before)
            if was_spoiled and state.keeps_rounding:
                return verdict  # that could be known
            excess = self._confirmations.of(state).rounding / self._goal.tol
            stands = verdict.legal and excess <= 1.0 and self.done(state) == ended
            guide.learn(state, ended=ended, was_spoiled=was_spoiled, stands=stands, excess=excess)
        return verdict

    def _verdict(self, state: ScheduleState) -> Verdict:
        if not state.actions:
            return Verdict(True)
        rounding = self._confirmations.of(state).rounding
        can_repair = self._table.can_repair and not state.is_direct
        if not math.isfinite(rounding):
            return Verdict(False)
        if rounding > self._goal.tol and not can_repair:
            return Verdict(False, sound=True)
        if state.is_direct or not self._goal.is_noticeable(self._confirmations.known(state)):
            return Verdict(True)
        assert state.form is not None
        if len(state.actions) >= self._max_steps:
            return Verdict(True)
        repairs, pure = self._repairs[state.form], self._pure_repairs[state.form]
        mixed = self._described(state, repairs) if repairs.actions else NO_CHILDREN
        if not pure.actions:
            return Verdict(True, mixed)
        reached = self._repair_reach.of(self._confirmations.of(state).exact)
        return Verdict(True, mixed.joined(self._description.of(state, pure, reached)))

    def beside(self, state: ScheduleState, action: Action, child: ScheduleState) -> Children:
        """Return the averaged product where the mirrored one rounds much of the tolerance.

        First products are exactly symmetric anyway, and general products know no difference.
        """
        if not child.actions or child.is_direct or action.product != "mirrored":
            return NO_CHILDREN
        if not state.actions or not self._has_averaged(action):
            return NO_CHILDREN
        if not self._goal.is_noticeable(self._confirmations.known(child)):
            return NO_CHILDREN
        averaged = replace(action, product="averaged")
        if self._is_pure(action):
            actions = ActionList([averaged], self._repair_reach, self._pricer)
            reached = self._repair_reach.of(self._confirmations.of(state).exact)
            return self._description.of(state, actions, reached)
        if action.variation and self._widening is not None:
            return self._widening.of(state, averaged, self._description)
        if averaged not in self._alone:
            self._alone[averaged] = self._list([averaged])
        return self._described(state, self._alone[averaged])

    def _has_averaged(self, action: Action) -> bool:
        """Whether a later step may average its products instead."""
        is_square = self._function.structure != "rectangular" or action.form == "gram"
        return is_square and FORMS.get(action.form).chooses_product

    def _averaged(self, actions: Sequence[Action]) -> list[Action]:
        return [replace(a, product="averaged") for a in actions if self._has_averaged(a)]

    def guess(self, hints: np.ndarray, *, cautious: bool = False) -> np.ndarray:
        """Return what the guide expects children to cost; ``cautious`` in full precision."""
        guide = self._guide()
        assert guide is not None
        return guide.guess(hints, cautious=cautious)

    def done(self, state: ScheduleState) -> bool:
        """Whether the goal is met, at a closer look if there has been one."""
        if not state.actions:
            return False
        known = self._confirmations.known(state)
        if known is None:
            if self._is_spoiled(state):
                return False
            return state.is_direct or bool(self._goal.seems_met(state.error, state.upper))
        return self._goal.is_met(known, state.is_direct)

    def quality(self, state: ScheduleState) -> float:
        """Return the predicted error if the schedule ended here."""
        if not state.actions:
            return math.inf
        known = self._confirmations.known(state)
        return state.error if known is None else known.total_error

    def cost(self, state: ScheduleState, paid: float) -> float:
        """Return the price of the steps."""
        return paid

    def label(self, state: ScheduleState) -> Hashable:
        """Return the precisions of a schedule's steps."""
        return tuple(sorted({action.precision for action in state.actions}))

    def key(self, state: ScheduleState) -> Hashable:
        """Return range and samples, what is pending, and what the rounding depends on.

        Optimal maps commute when composed, so the range at the end does not say in what order they
        came; where steps of less than full precision were taken from does.
        """
        if not state.actions:
            return (state.domain,)
        place: Hashable = state.range_key
        if self._tabulated is not None:
            place = (state.domain, round(state.spread, 5) if state.error > 0.0 else -math.inf)
        # A pure repair goes back to what the update before it has left.
        repairs = self._pure_repairs.get(state.form or "")
        last = state.actions[-1].name if repairs and repairs.actions else ""
        way = state.coarse_way(self._finest)
        return (place, f"{state.pending:.9g}", state.overshoots, state.structure, last, way)

    def bound(self, state: ScheduleState) -> float:
        """Return a lower bound on the price to the goal, from the degree still missing."""
        bound = self._bounds.bound(state)
        guide = None if state.domain < 0 or state.is_direct else self._guide()
        if guide is None:
            return bound
        if state.actions:
            last = self._pricer.last(state.actions[-1].structure)
            return max(bound, guide.bound(state, last, is_spoiled=self._is_spoiled(state)))
        first = self._described(state, self._first)
        return max(bound, float((first.prices + first.bounds).min(initial=math.inf)))

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
        )

    def _described(self, state: ScheduleState, actions: ActionList) -> Children:
        is_spoiled = self._is_spoiled(state)
        return self._description.of(state, actions, self._reach(state), is_spoiled=is_spoiled)

    def _is_spoiled(self, state: ScheduleState) -> bool:
        """Whether a closer look has shown that it rounds too much, and no step since repairs it."""
        if not self._table.can_repair or not state.actions or state.is_direct:
            return False
        known = self._confirmations.known(state)
        if known is not None:
            return known.rounding > self._goal.tol
        assert state.before is not None
        return state.keeps_rounding and self._is_spoiled(state.before)

    def _taken(self, state: ScheduleState, action: Action) -> ScheduleState:
        following = self.child(state, action)
        if following is None:
            raise ValueError(f"{action} is not legal here")
        return following

    def _scalings(self) -> Children:
        count = len(self._domains)
        return Children(
            [Action("scaling", domain=i) for i in range(count)],
            np.array([self._scaling_price(domain) for domain in self._domains]),
            np.array([self.bound(self._scaled(i)) for i in range(count)]),
            np.zeros(count, dtype=bool),
            np.full(count, math.inf),
        )

    def _reach(self, state: ScheduleState) -> ReachedRanges:
        """Return where the maps lead from a state, computed once for equal states."""
        key = state.range_key
        if key not in self._reached:
            first, at_start, is_new = self._firsts.of(state)
            if self._tabulated is None:
                seen = None if self._sampled is None else self._sampled.of(first)
                one = seen or self._exact_reach.of(first)
            else:
                one = self._tabulated.of(np.array([first.spread]), at_start=at_start)
            self._reached[key] = one
            if is_new:
                return one
        return replace(self._reached[key], simulated=0)
