"""Putting things together: the environment of a problem, and the plans of what is found in it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from matrl.certify import fingerprint, is_proved
from matrl.core.plan import Prediction, Provenance, StepRecord
from matrl.core.precision import FULL_PRECISIONS, PRECISIONS
from matrl.discovery.environment.environment import MAX_STEPS, ScheduleEnvironment
from matrl.discovery.problem.domains import ScaledDomain, scaled_domains
from matrl.discovery.problem.precisions import usable_precisions
from matrl.discovery.problem.problem import Problem
from matrl.discovery.rounding.confirmation import Confirmation
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action
from matrl.iterations import DirectMethod, Update, can_meet_zero
from matrl.iterations.schedule import DIRECT
from matrl.plan import Plan
from matrl.profile import Profile
from matrl.readings.count import TALL, PriceList
from matrl.search import SearchResult
from matrl.version import __version__

__all__ = [
    "GREATEST_TOL",
    "Assembler",
    "environment_for",
    "price_list",
    "replayed",
]

GREATEST_TOL = 0.999
"""An error of 1 is none at all: what is less is a plan, if there is no tolerance."""


def environment_for(
    problem: Problem,
    profile: Profile,
    updates: Sequence[Update | DirectMethod],
    precisions: Sequence[str] = PRECISIONS,
    *,
    given: bool = True,
    steps: int | None = None,
    minimizes_error: bool = False,
    widens: bool = False,
) -> ScheduleEnvironment:
    """Return what :func:`~matrl.discover` searches, for those who run a planner themselves.

    ``updates`` are those of :func:`~matrl.discovery.problem.arguments.allowed_updates`,
    ``precisions`` the ones their steps may work in, half precisions only where the profile has
    products in them. Prices ``given`` by the user leave out what scaling costs. ``steps`` is
    the largest number of steps, at most 64; ``minimizes_error`` is for a search by
    :class:`~matrl.search.Budgeted`; ``widens`` says whether steps have variations, too.

    >>> from matrl import Profile, Spectrum
    >>> from matrl.discovery.problem.arguments import allowed_updates
    >>> prices = Profile.from_json('''{"schema": 1, "name": "unit", "ops": [
    ...   {"op": "eigh", "dtype": "float64", "n": 512, "batch": 1, "seconds": 9.0},
    ...   {"op": "matmul", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.0}]}''')
    >>> problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512))
    >>> from matrl.search import search
    >>> environment = environment_for(problem, prices, allowed_updates(problem, "eigh"))
    >>> search(environment).cost
    10.0
    """

    def scaling_price(domain: ScaledDomain) -> float:
        if given:
            return 0.0  # with given prices, cost is the operations of the schedule alone
        norm, matvec = prices("norm", problem.dtype), prices("matvec", problem.dtype)
        return (norm or 0.0) + domain.matvecs * (matvec or 0.0)

    prices = price_list(profile, problem)
    precisions = usable_precisions(precisions, problem.dtype, profile)
    actions = [(update, precision) for update in updates for precision in precisions]
    if problem.spectrum.zeros:
        actions = [action for action in actions if can_meet_zero(*action)]
    return ScheduleEnvironment(
        problem.measure,
        scaled_domains(problem.spectrum, problem.measure, problem.n, problem.tolerance),
        actions,
        SchedulePricer(problem.matrix_function, problem.dtype, prices),
        tol=GREATEST_TOL if minimizes_error else problem.tolerance,
        n=problem.n,
        m=problem.m,
        dtype=problem.dtype,
        max_steps=MAX_STEPS if steps is None else min(steps, MAX_STEPS),
        scaling_price=scaling_price,
        minimizes_error=minimizes_error,
        widens=widens,
    )


def replayed(
    environment: ScheduleEnvironment, actions: Sequence[Action]
) -> tuple[ScaledDomain, Confirmation] | None:
    """Return the domain of a schedule and a closer look at it, ``None`` if it is not legal."""
    try:
        return environment.replay(actions)
    except ValueError:
        return None


def price_list(profile: Profile, problem: Problem) -> PriceList:
    """Return the prices of a profile at the problem's size, tall operations at its m x n."""

    def prices(name: str, dtype: str) -> float | None:
        op, tall, _ = name.partition(TALL)
        if op == "outer":  # m x m from m x n is the Gram matrix of the adjoint
            return profile.seconds("gram", dtype, problem.m, batch=problem.batch, m=problem.n)
        rows = problem.m if tall else problem.n
        return profile.seconds(op, dtype, problem.n, batch=problem.batch, m=rows)

    return prices


class Assembler:
    """Makes the plans of one search: schedules with the problem, the prices and how they came."""

    def __init__(
        self,
        problem: Problem,
        environment: ScheduleEnvironment,
        profile: Profile,
        result: SearchResult,
        seed: int,
    ) -> None:
        self._problem, self._environment, self._profile = problem, environment, profile
        self._provenance = Provenance(
            version=__version__,
            seed=seed,
            nodes=result.nodes,
            search_seconds=result.seconds,
            optimal=result.optimal,
            matrices=tuple(fingerprint(a) for a in problem.spectrum.matrices),
        )

    def standing(
        self,
        actions: Sequence[Action],
        cost: float,
        environment: ScheduleEnvironment | None = None,
        *,
        slack: float = 0.0,
    ) -> Plan | None:
        """Return the plan of a schedule if it is what the search took it for, up to a fraction.

        Nearly equal states are one node of the search, and a schedule put together from ways that
        meet in one may be illegal, or just miss the tolerance, as it really is.
        """
        found = replayed(environment or self._environment, actions)
        tol = self._problem.tolerance * (1.0 + slack)
        if found is None or found[1].total_error > tol:
            return None
        plan = self.plan_of(*found, cost)
        return plan if self.is_certain(plan, tol) else None

    def is_certain(self, plan: Plan, tol: float) -> bool:
        """Return whether the error over an interval is proved, as it is of what is returned.

        Of samples and matrices nothing is asked of what lies between; in the Frobenius measure the
        error over an interval is that of a density.
        """
        if self._problem.spectrum.kind != "interval" or self._problem.norm == "frobenius":
            return True
        return is_proved(plan, tol)

    def plan_of(
        self, domain: ScaledDomain, found: Confirmation, cost: float, tol: float | None = None
    ) -> Plan:
        """Return the plan of a schedule that has been looked at, for another tolerance if given."""
        return self._made(domain, found.steps, cost, found.rounding, self._provenance, tol)

    def front(self, schedules: Iterable[tuple[Sequence[Action], float]]) -> tuple[Plan, ...]:
        """Return the plans of schedules with their costs, but of those with no step."""
        plans = []
        for actions, cost in schedules:
            found = replayed(self._environment, actions)
            if found is not None and found[1].steps:
                plans.append(self.plan_of(*found, cost))
        return tuple(plans)

    def direct_plans(self) -> list[Plan]:
        """Return the plans of an eigendecomposition that have a price, one a precision."""
        plans = []
        for precision in FULL_PRECISIONS:
            cost = self._environment.cost_of_direct("eigh", precision)
            if cost is not None:
                step = StepRecord("eigh", DIRECT, precision)  # type: ignore[arg-type]
                domain = self._environment.domains[0]
                unproved = replace(self._provenance, optimal=False)
                plans.append(self._made(domain, (step,), cost, 0.0, unproved))
        return plans

    def _made(
        self,
        domain: ScaledDomain,
        steps: tuple[StepRecord, ...],
        cost: float,
        rounding: float,
        provenance: Provenance,
        tol: float | None = None,
    ) -> Plan:
        problem = self._problem
        assert problem.shape is not None
        return Plan(
            function=problem.function,
            dtype=problem.dtype,
            shape=problem.shape,
            tol=problem.tolerance if tol is None else tol,
            norm=problem.norm,
            domain=domain.domain,
            scaling=domain.scaling,
            steps=steps,
            predicted=Prediction(steps[-1].error, rounding, cost, self._profile.name),
            batch=problem.batch,
            provenance=provenance,
        )
