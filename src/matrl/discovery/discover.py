"""From a problem to a plan: prices, search, race."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from matrl.core.matrices import DTYPES
from matrl.core.plan import Prediction, Provenance, StepRecord
from matrl.discovery.domains import ScaledDomain, scaled_domains
from matrl.discovery.environment import MAX_STEPS, Action, ScheduleEnvironment
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.problem import Problem
from matrl.discovery.race import race, with_measurements
from matrl.errors import InputError, UnreachableError
from matrl.iterations import UPDATES, DirectMethod, Update
from matrl.plan import Plan
from matrl.profile import Profile, profile_for
from matrl.search import SearchResult, search
from matrl.search.progress import Callback
from matrl.version import __version__

__all__ = ["Found", "discover"]

logger = logging.getLogger(__name__)

FINALISTS = 8
RACE_MARGIN = 1.3
"""Plans predicted to cost up to this factor more than the best run in the race."""


@dataclass(frozen=True)
class Found:
    """What :func:`discover` found: the plan, its predicted cost, and how the search went.

    ``cost`` is in seconds, or in the unit of the profile given; ``optimal`` says that the search
    proved that no cheaper schedule of the allowed actions exists; ``interrupted`` that it was
    stopped by Ctrl-C with the best so far.
    """

    plan: Plan
    cost: float
    nodes: int
    search_seconds: float
    optimal: bool
    interrupted: bool
    finalists: tuple[Plan, ...] = field(repr=False, default=())

    @property
    def error(self) -> float:
        """Predicted error over the domain, in exact arithmetic."""
        return self.plan.predicted.error

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        plan = self.plan
        return {
            "function": plan.function,
            "cost": self.cost,
            "error": self.error,
            "rounding": plan.predicted.rounding,
            "tol": plan.tol,
            "norm": plan.norm,
            "dtype": plan.dtype,
            "shape": list(plan.shape),
            "batch": plan.batch,
            "domain": [plan.domain.lower, plan.domain.upper],
            "scaling": plan.scaling.kind,
            "steps": [
                {
                    "name": step.name,
                    "form": step.form,
                    "precision": step.precision,
                    "product": step.product,
                    "error": step.error,
                }
                for step in plan.steps
            ],
            "profile": plan.predicted.profile,
            "optimal": self.optimal,
            "interrupted": self.interrupted,
            "nodes": self.nodes,
            "search_seconds": self.search_seconds,
            "measured_error": plan.provenance.measured_error,
            "measured_seconds": plan.provenance.measured_seconds,
            "plan_id": plan.id,
        }


def discover(
    problem: Problem,
    *,
    profile: Profile | str | os.PathLike[str] | None = None,
    allow: str | Sequence[str] = "*",
    precision: str | Sequence[str] | None = None,
    steps: int | None = None,
    time_limit: float = 10.0,
    nodes: int | None = None,
    seed: int = 0,
    progress: Callback | None = None,
) -> Found:
    """Return the cheapest plan found for a problem.

    ``profile`` gives the prices (a :class:`~matrl.Profile` or the path of its JSON); without one
    this machine's are measured, once, and the finalists race on real matrices. ``allow`` filters
    actions by shell-style patterns, ``precision`` the dtypes steps may work in, ``steps`` is the
    largest number of steps. The search ends after ``time_limit`` seconds or ``nodes`` simulated
    steps, or when it has proved its plan optimal; it is deterministic for ``seed`` and ``nodes``.
    ``progress`` is called with a :class:`~matrl.search.Progress` now and then.

    Raises :class:`~matrl.errors.UnreachableError` if no allowed schedule reaches the tolerance.

    >>> from matrl import Profile, Spectrum
    >>> prices = Profile.from_json('''{"schema": 1, "name": "unit", "ops": [
    ...   {"op": "matmul", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.0},
    ...   {"op": "inv_spd", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.0},
    ...   {"op": "add", "dtype": "float64", "n": 512, "batch": 1, "seconds": 0.0}]}''')
    >>> problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512))
    >>> found = discover(problem, profile=prices, allow="zolotarev-*")
    >>> [step.name for step in found.plan.steps], found.cost
    (['zolotarev-1', 'zolotarev-1'], 4.0)
    """
    _check_limits(steps, time_limit, nodes)
    precisions = _precisions(precision)
    updates = _updates(problem, allow)
    given = profile is not None
    if isinstance(profile, str | os.PathLike):
        profile = Profile.load(profile)
    elif profile is None:
        profile = profile_for(precisions, problem.n, problem.batch)
    environment = _environment(problem, profile, given, updates, precisions, steps)
    result = search(
        environment,
        seed=seed,
        time_limit=time_limit,
        node_limit=float("inf") if nodes is None else nodes,
        finalists=FINALISTS,
        progress=progress,
    )
    if not result.actions:
        raise UnreachableError(_why_unreachable(problem, profile, updates, precisions, result))
    provenance = Provenance(
        version=__version__,
        seed=seed,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=result.optimal,
    )
    plans = [
        _plan(problem, environment, actions, cost, profile.name, provenance)
        for cost, actions in result.finalists
        if cost <= RACE_MARGIN * result.cost or given
    ]
    best = plans[0]
    if not given:
        # Safe havens, in case every iteration misses the tolerance on the real matrices.
        others = [p for p in _direct_plans(problem, environment, profile, provenance)]
        ranked = race(plans, problem, seed) or race(others, problem, seed)
        if not ranked:
            raise UnreachableError(
                f"tol: {problem.tol:g} was predicted to be reachable, but no finalist met it on "
                f"the matrices; ask for a larger tol or dtype='float64'"
            )
        best = with_measurements(ranked[0])
    return Found(
        plan=best,
        cost=best.predicted.cost,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=result.optimal,
        interrupted=result.interrupted,
        finalists=tuple(plans),
    )


def _check_limits(steps: int | None, time_limit: float, nodes: int | None) -> None:
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise InputError(f"steps: must be an integer >= 1, got {steps!r}")
    if not time_limit > 0.0:
        raise InputError(f"time_limit: must be a positive number of seconds, got {time_limit!r}")
    if nodes is not None and (not isinstance(nodes, int) or nodes < 1):
        raise InputError(f"nodes: must be an integer >= 1, got {nodes!r}")


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else [str(part) for part in value]
    return tuple(part.strip() for part in parts if part.strip())


def _precisions(precision: str | Sequence[str] | None) -> tuple[str, ...]:
    names = DTYPES if precision is None else _names(precision)
    unknown = [name for name in names if name not in DTYPES]
    if unknown or not names:
        raise InputError(f"precision: must be among {', '.join(DTYPES)}, got {precision!r}")
    return names


def _updates(problem: Problem, allow: str | Sequence[str]) -> list[Update | DirectMethod]:
    function = problem.matrix_function
    matching = UPDATES.matching(_names(allow))
    fitting = [
        update
        for update in matching
        if (
            update.supports(function)
            if isinstance(update, DirectMethod)
            else update.supports(function.root_index)
        )
    ]
    if not fitting:
        raise InputError(
            f"allow: none of the actions matching {allow!r} computes {function.name}"
        )
    return fitting


def _environment(
    problem: Problem,
    profile: Profile,
    given: bool,
    updates: Sequence[Update | DirectMethod],
    precisions: Sequence[str],
    steps: int | None,
) -> ScheduleEnvironment:
    def prices(op: str, dtype: str) -> float | None:
        return profile.seconds(op, dtype, problem.n, batch=problem.batch)

    def scaling_price(domain: ScaledDomain) -> float:
        if given:
            return 0.0  # with given prices, cost is the operations of the schedule alone
        norm, matvec = prices("norm", problem.dtype), prices("matvec", problem.dtype)
        return (norm or 0.0) + domain.matvecs * (matvec or 0.0)

    function = problem.matrix_function
    return ScheduleEnvironment(
        function,
        scaled_domains(problem.spectrum, function, problem.n),
        [(update, precision) for update in updates for precision in precisions],
        SchedulePricer(function, problem.dtype, prices),
        tol=problem.tol,
        n=problem.n,
        dtype=problem.dtype,
        max_steps=MAX_STEPS if steps is None else min(steps, MAX_STEPS),
        scaling_price=scaling_price,
    )


def _plan(
    problem: Problem,
    environment: ScheduleEnvironment,
    actions: Sequence[Action],
    cost: float,
    profile_name: str,
    provenance: Provenance,
) -> Plan:
    state = environment.root()
    for action in actions:
        taken = environment.step(state, action)
        assert taken is not None
        state = taken[0]
    domain = environment.domains[state.domain]
    return _make(problem, domain, state.steps, cost, state.rounding, profile_name, provenance)


def _make(
    problem: Problem,
    domain: ScaledDomain,
    steps: tuple[StepRecord, ...],
    cost: float,
    rounding: float,
    profile_name: str,
    provenance: Provenance,
) -> Plan:
    assert problem.shape is not None
    return Plan(
        function=problem.function,
        dtype=problem.dtype,
        shape=problem.shape,
        tol=problem.tol,
        norm=problem.norm,
        domain=domain.domain,
        scaling=domain.scaling,
        steps=steps,
        predicted=Prediction(steps[-1].error, rounding, cost, profile_name),
        batch=problem.batch,
        provenance=provenance,
    )


def _direct_plans(
    problem: Problem,
    environment: ScheduleEnvironment,
    profile: Profile,
    provenance: Provenance,
) -> list[Plan]:
    plans = []
    for precision in DTYPES:
        name: Literal["eigh"] = "eigh"
        cost = environment.cost_of_direct(name, precision)
        if cost is not None:
            step = StepRecord(name, "direct", precision)  # type: ignore[arg-type]
            plans.append(
                _make(
                    problem,
                    environment.domains[0],
                    (step,),
                    cost,
                    0.0,
                    profile.name,
                    replace(provenance, optimal=False),
                )
            )
    return plans


def _why_unreachable(
    problem: Problem,
    profile: Profile,
    updates: Sequence[Update | DirectMethod],
    precisions: Sequence[str],
    result: SearchResult,
) -> str:
    missing = [
        f"{op} ({dtype})"
        for op in ("matmul", "inv_spd", "eigh", "add")
        for dtype in precisions
        if profile.seconds(op, dtype, problem.n, batch=problem.batch) is None
    ]
    best = result.best_quality
    reached = f"the best error reached is {best:.3g}" if best < 1e300 else "no step has a price"
    lacking = f"; the profile {profile.name!r} has no price for {', '.join(missing)}" if missing else ""
    remedy = "allow more actions, steps or time, or ask for a larger tol"
    if problem.dtype == "float32" or "float64" not in precisions:
        remedy += " or float64"
    return (
        f"tol: {problem.tol:g} is out of reach of the {len(updates)} allowed actions: "
        f"{reached}{lacking}; {remedy}"
    )
