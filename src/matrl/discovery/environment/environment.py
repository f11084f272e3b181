"""Schedules as an environment for planners: the state is a spectrum on its way to 1."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np

from matrl.core.measure import Measure
from matrl.core.precision import eps_of
from matrl.discovery.actions.actions import ActionTable, undominated
from matrl.discovery.actions.variations import VariedOutcomes
from matrl.discovery.bounds.bounds import DegreeBounds
from matrl.discovery.bounds.guide import Guide
from matrl.discovery.bounds.lookahead import Lookahead
from matrl.discovery.bounds.stages import Stages
from matrl.discovery.environment.children import ScheduleChildren
from matrl.discovery.environment.description import Description
from matrl.discovery.environment.open_actions import OpenActions
from matrl.discovery.environment.resumption import ResumableSchedules
from matrl.discovery.environment.revision import RevisableSchedules
from matrl.discovery.environment.transitions import Transitions
from matrl.discovery.environment.widening import Widening
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.reach.reaches import Reaches
from matrl.discovery.rounding.confirmation import Confirmations
from matrl.discovery.rounding.goal import Goal
from matrl.discovery.rounding.rounding import RoundingModel
from matrl.discovery.rounding.standing import Standing
from matrl.discovery.states.memory import OutcomeMemory
from matrl.discovery.states.outcomes import OutcomeTable
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import DirectMethod, Update
from matrl.search import NO_CHILDREN, Children, Verdict

__all__ = ["Action", "ScheduleEnvironment", "ScheduleState"]

MAX_STEPS = 64


class ScheduleEnvironment(RevisableSchedules, ResumableSchedules):
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
        self._precisions = tuple(dict.fromkeys(precision for _, precision in allowed))
        self._finest = min(self._precisions, key=eps_of, default=dtype)
        self._reaches = Reaches(
            measure, self._domains, updates, self._precisions, self._outcomes, n=n, tol=tol
        )
        self._goal = Goal(measure, tol, minimizes_error, self._reaches.interpolates)
        self._open = OpenActions(self._function, self._table, self._goal, self._reaches, pricer)
        self._standing = Standing(self._goal, self._confirmations, self._table)
        self._transitions = Transitions(
            self._domains, self._table, pricer, self._reaches, self._varied, self._confirmations
        )
        self._bounds = DegreeBounds(self._function, pricer, self._table, measure.distance(tol))
        widening: Widening | None = None
        # For a budget all finalists are refined, which is worth more.
        if self._reaches.tabulated is None and widens and not minimizes_error:
            lists = {form: one.actions for form, one in self._open.usual.items()}
            usual, first = self._reaches.usual, self._open.first.actions
            widening = Widening(self._varied, usual, self._precisions, first, lists, pricer)
        self._known_guide: Guide | None = None
        lookahead = None
        if self._reaches.sampled is not None and widening is None:
            lookahead = Lookahead(self._open.usual, self._bounds, self._reaches.sampled, tol)
        description = Description(self._goal, self._bounds, self._guide, lookahead, max_steps)
        self._children = ScheduleChildren(
            self._open, self._reaches, description, widening, self._standing, self._confirmations
        )

    def _guide(self) -> Guide | None:
        """Return the guide, made when first asked for; ``None`` where nothing is tabulated."""
        if self._known_guide is None and self._reaches.tabulated is not None:
            count = len(self._domains)
            self._known_guide = Guide(
                Stages(
                    self._open.later(),
                    self._reaches.tabulated,
                    widest=max(self._transitions.scaled(i).spread for i in range(count)),
                    distance=self._measure.distance(self._goal.tol),
                    tol=self._goal.tol,
                    finest=self._finest,
                )
            )
        return self._known_guide

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

    def _memories(self) -> Mapping[str, OutcomeMemory]:
        """Return where outcomes are kept, by name."""
        return {"rules": self._outcomes.memory, "variations": self._varied.memory}

    # Environment protocol ------------------------------------------------------------------

    @property
    def confirms_early(self) -> bool:
        """Whether a closer look costs less than to expand, or every state may be an end.

        Maps worked out one by one cost more, tabulated and batched ones less.
        """
        if self._reaches.sampled is not None:
            return self._goal.minimizes_error
        return self._reaches.tabulated is None

    def root(self) -> ScheduleState:
        """Return the empty schedule; scaled already where there is no choice of scaling."""
        return self._transitions.root()

    def expand(self, state: ScheduleState, width: int) -> Children | None:
        """Return the scalings, then direct methods and updates, then updates only.

        Further batches are variations of their coefficients, where ranges do not tell the error.
        Averaged products and repairs come where they are worth trying, by a closer look.
        """
        if state.domain < 0:
            return self._scalings() if width == 0 else None
        if state.is_direct or len(state.actions) >= self._max_steps:
            return NO_CHILDREN if width == 0 else None
        return self._children.batch(state, width)

    def child(self, state: ScheduleState, action: Action) -> ScheduleState | None:
        """Take an action that was legal at first sight; ``None`` where it is not after all."""
        return self._transitions.after(state, action)

    def confirm(self, state: ScheduleState) -> Verdict:
        """Return whether the rounding of a schedule leaves anything to be hoped for."""
        ended = self.done(state)
        verdict = self._verdict(state)
        guide = self._guide()
        if guide is not None and state.before is not None and state.before.domain >= 0:
            was_spoiled = self._standing.is_spoiled(state.before)
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
        if state.is_direct or not self._standing.rounds_noticeably(state):
            return Verdict(True)
        if len(state.actions) >= self._max_steps:
            return Verdict(True)
        return Verdict(True, self._children.repairs(state))

    def beside(self, state: ScheduleState, action: Action, child: ScheduleState) -> Children:
        """Return the averaged product where the mirrored one rounds much of the tolerance."""
        return self._children.averaged(state, action, child)

    def guess(self, hints: np.ndarray, *, cautious: bool = False) -> np.ndarray:
        """Return what the guide expects children to cost; ``cautious`` in full precision."""
        guide = self._guide()
        assert guide is not None
        return guide.guess(hints, cautious=cautious)

    def done(self, state: ScheduleState) -> bool:
        """Whether the goal is met, at a closer look if there has been one."""
        return self._standing.is_done(state)

    def quality(self, state: ScheduleState) -> float:
        """Return the predicted error if the schedule ended here."""
        return self._standing.quality(state)

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
        if self._reaches.tabulated is not None:
            place = (state.domain, round(state.spread, 5) if state.error > 0.0 else -math.inf)
        # A pure repair goes back to what the update before it has left.
        repairs = self._open.pure_repairs.get(state.form or "")
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
            return max(bound, guide.bound(state, last, is_spoiled=self._standing.is_spoiled(state)))
        first = self._children.batch(state, 0)
        assert first is not None
        return max(bound, float((first.prices + first.bounds).min(initial=math.inf)))

    def _scalings(self) -> Children:
        count = len(self._domains)
        return Children(
            [Action("scaling", domain=i) for i in range(count)],
            np.array([self._scaling_price(domain) for domain in self._domains]),
            np.array([self.bound(self._transitions.scaled(i)) for i in range(count)]),
            np.zeros(count, dtype=bool),
            np.full(count, math.inf),
        )
