"""From a problem to a plan: prices, search, race."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from matrl.core.plan import Prediction, Provenance, StepRecord
from matrl.core.precision import PRECISIONS, working_dtype
from matrl.discovery.arguments import (
    allowed_updates,
    check_goal,
    check_limits,
    precisions_of,
    why_unreachable,
)
from matrl.discovery.domains import ScaledDomain, scaled_domains
from matrl.discovery.environment import MAX_STEPS, ScheduleEnvironment
from matrl.discovery.found import Found
from matrl.discovery.pricing import SchedulePricer
from matrl.discovery.problem import Problem
from matrl.discovery.race import race, with_measurements
from matrl.discovery.state import Action
from matrl.errors import UnreachableError
from matrl.iterations import DirectMethod, Update, can_meet_zero
from matrl.plan import Plan
from matrl.profile import Profile, profile_for
from matrl.readings.count import TALL, PriceList
from matrl.search import Budgeted, SearchResult, search
from matrl.search.progress import Callback
from matrl.version import __version__

__all__ = ["Found", "discover", "environment_for"]

FINALISTS = 8
GREATEST_TOL = 0.999
"""An error of 1 is none at all: what is less is a plan, if there is no tolerance."""
REACHED_MARGIN = 1.1
"""The tolerance of a plan made for a budget, over its predicted error."""
RACE_MARGIN = 1.3
"""Plans predicted to cost up to this factor more than the best run in the race."""


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
    planner: str = "mcts",
    minimize: Literal["cost", "error"] = "cost",
    budget: float | None = None,
    expected_calls: float | None = None,
    progress: Callback | None = None,
) -> Found:
    """Return the cheapest plan found for a problem.

    ``profile`` gives the prices (a :class:`~matrl.Profile` or the path of its JSON); without one
    this machine's are measured, once, and the finalists race on real matrices. ``allow`` filters
    actions by shell-style patterns, ``precision`` the dtypes steps may work in, ``steps`` is the
    largest number of steps. The search ends after ``time_limit`` seconds or ``nodes`` simulated
    steps, or when it has proved its plan optimal; it is deterministic for ``seed`` and ``nodes``.
    With ``minimize="error"`` the plan has the least error found instead, of those with at most
    ``steps`` steps and a cost of at most ``budget``, one of which must be given; the ``tol`` of the
    problem is not used then, and that of the plan is what it reaches. ``planner`` is ``"mcts"``,
    ``"exhaustive"`` (uniform cost: the reference), ``"beam"`` or ``"random"``. With
    ``expected_calls``, how often the plan will run, the search also ends once it has taken longer
    than a better plan could still save (prices must be in seconds).
    ``progress`` is called with a :class:`~matrl.search.Progress` now and then.

    Raises :class:`~matrl.errors.UnreachableError` if no allowed schedule reaches the tolerance.

    >>> from matrl import Profile, Spectrum
    >>> prices = Profile.from_json('''{"schema": 1, "name": "unit", "ops": [
    ...   {"op": "matmul", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.0},
    ...   {"op": "inv_spd", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.5},
    ...   {"op": "add", "dtype": "float64", "n": 512, "batch": 1, "seconds": 0.0}]}''')
    >>> problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512))
    >>> found = discover(problem, profile=prices, allow="zolotarev-*")
    >>> [step.name for step in found.plan.steps], found.cost
    (['zolotarev-1', 'zolotarev-1'], 5.0)
    """
    check_limits(steps, time_limit, nodes, seed, planner, expected_calls)
    check_goal(minimize, budget, steps)
    precisions = precisions_of(precision)
    updates = allowed_updates(problem, allow)
    given = profile is not None
    if isinstance(profile, str | os.PathLike):
        profile = Profile.load(profile)
    elif profile is None:
        dtypes = [working_dtype(name, problem.dtype) for name in precisions]
        profile = profile_for(dtypes, problem.n, problem.batch, rows=problem.m)
    least_error = minimize == "error"
    environment = environment_for(
        problem,
        profile,
        updates,
        precisions,
        given=given,
        steps=steps,
        minimizes_error=least_error,
    )
    result = search(
        _budgeted(environment, budget) if least_error else environment,
        planner=planner,
        seed=seed,
        time_limit=time_limit,
        node_limit=float("inf") if nodes is None else nodes,
        expected_calls=float("inf") if expected_calls is None else expected_calls,
        finalists=FINALISTS,
        progress=_in_errors(progress) if least_error else progress,
    )
    if not result.actions and result.interrupted:
        raise KeyboardInterrupt
    if least_error:
        return _of_least_error(problem, environment, profile, result, seed)
    if not result.actions:
        raise UnreachableError(why_unreachable(problem, profile, updates, precisions, result))
    provenance = _provenance(result, seed)
    plans = [
        _plan(problem, environment, actions, cost, profile.name, provenance)
        for cost, actions in result.finalists
        if cost <= RACE_MARGIN * result.cost or given
    ]
    best = plans[0]
    if not given:
        # Safe havens, in case every iteration misses the tolerance on the real matrices.
        others = _direct_plans(problem, environment, profile, provenance)
        ranked = race(plans, problem, seed) or race(others, problem, seed)
        if not ranked:
            raise UnreachableError(
                f"tol: {problem.tol:g} was predicted to be reachable, but no finalist met it on "
                f"the matrices; ask for a larger tol or dtype='float64'"
            )
        winner = ranked[0]
        cheapest = winner.plan.predicted.cost <= result.cost * (1.0 + 1e-9)
        best = with_measurements(winner, optimal=result.optimal and cheapest)
    return Found(
        plan=best,
        cost=best.predicted.cost,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=best.provenance.optimal,
        interrupted=result.interrupted,
        reason=result.reason,
        finalists=tuple(plans),
        front=tuple(
            _plan(problem, environment, elite.actions, elite.cost, profile.name, provenance)
            for elite in result.front
            if len(elite.actions) > (len(environment.domains) > 1)
        ),
    )


def _provenance(result: SearchResult, seed: int) -> Provenance:
    return Provenance(
        version=__version__,
        seed=seed,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=result.optimal,
    )


def _budgeted(environment: ScheduleEnvironment, budget: float | None) -> Budgeted:
    return Budgeted(environment, math.inf if budget is None else budget)


def _in_errors(progress: Callback | None) -> Callback | None:
    """Return a callback that is told errors where the search counts their prices."""
    if progress is None:
        return None
    return lambda one: progress(replace(one, cost=one.error))


def _of_least_error(
    problem: Problem,
    environment: ScheduleEnvironment,
    profile: Profile,
    result: SearchResult,
    seed: int,
) -> Found:
    """Return what was found for a budget: its tolerance is what it reaches, and a little."""
    provenance = _provenance(result, seed)
    plans = []
    for _, paid in result.finalists:
        actions, cost = Budgeted.actions_of(paid), Budgeted.spent_by(paid)
        domain, found = environment.replay(actions)
        found = environment.refined(actions, seed) or found
        reached = found.total_error * REACHED_MARGIN
        within = replace(problem, tol=min(max(reached, problem.least_tol), GREATEST_TOL))
        steps, rounding = found.steps, found.rounding
        plans.append(_make(within, domain, steps, cost, rounding, profile.name, provenance))
    plans.sort(key=lambda plan: plan.predicted.error + plan.predicted.rounding)
    if not plans:
        raise UnreachableError(
            "budget: no schedule of the allowed actions fits into it and has an error below 1; "
            "allow more steps, a larger budget, or more actions"
        )
    front = tuple(
        _plan(
            problem,
            environment,
            Budgeted.actions_of(elite.actions),
            Budgeted.spent_by(elite.actions),
            profile.name,
            provenance,
        )
        for elite in result.front
        if len(Budgeted.actions_of(elite.actions)) > (len(environment.domains) > 1)
    )
    return Found(
        plan=plans[0],
        cost=plans[0].predicted.cost,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=result.optimal,
        interrupted=result.interrupted,
        reason=result.reason,
        finalists=tuple(plans),
        front=front,
    )


def environment_for(
    problem: Problem,
    profile: Profile,
    updates: Sequence[Update | DirectMethod],
    precisions: Sequence[str] = PRECISIONS,
    *,
    given: bool = True,
    steps: int | None = None,
    minimizes_error: bool = False,
) -> ScheduleEnvironment:
    """Return what :func:`discover` searches, for those who run a planner themselves.

    ``updates`` are those of :func:`~matrl.discovery.arguments.allowed_updates`, ``precisions`` the
    dtypes their steps may work in. Prices ``given`` by the user leave out what scaling costs.
    ``steps`` is the largest number of steps, at most 64; ``minimizes_error`` is for a search by
    :class:`~matrl.search.Budgeted`.

    >>> from matrl import Profile, Spectrum
    >>> from matrl.discovery.arguments import allowed_updates
    >>> prices = Profile.from_json('''{"schema": 1, "name": "unit", "ops": [
    ...   {"op": "eigh", "dtype": "float64", "n": 512, "batch": 1, "seconds": 9.0},
    ...   {"op": "matmul", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.0}]}''')
    >>> problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512))
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
    actions = [(update, precision) for update in updates for precision in precisions]
    if problem.spectrum.zeros:
        actions = [action for action in actions if can_meet_zero(*action)]
    return ScheduleEnvironment(
        problem.measure,
        scaled_domains(problem.spectrum, problem.measure, problem.n, problem.tol),
        actions,
        SchedulePricer(problem.matrix_function, problem.dtype, prices),
        tol=GREATEST_TOL if minimizes_error else problem.tol,
        n=problem.n,
        m=problem.m,
        dtype=problem.dtype,
        max_steps=MAX_STEPS if steps is None else min(steps, MAX_STEPS),
        scaling_price=scaling_price,
        minimizes_error=minimizes_error,
    )


def price_list(profile: Profile, problem: Problem) -> PriceList:
    """Return the prices of a profile at the problem's size, tall operations at its m x n."""

    def prices(name: str, dtype: str) -> float | None:
        op, tall, _ = name.partition(TALL)
        if op == "outer":  # m x m from m x n is the Gram matrix of the adjoint
            return profile.seconds("gram", dtype, problem.m, batch=problem.batch, m=problem.n)
        rows = problem.m if tall else problem.n
        return profile.seconds(op, dtype, problem.n, batch=problem.batch, m=rows)

    return prices


def _plan(
    problem: Problem,
    environment: ScheduleEnvironment,
    actions: Sequence[Action],
    cost: float,
    profile_name: str,
    provenance: Provenance,
) -> Plan:
    domain, found = environment.replay(actions)
    return _make(problem, domain, found.steps, cost, found.rounding, profile_name, provenance)


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
    for precision in PRECISIONS:
        name = "eigh"
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
