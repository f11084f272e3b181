"""From a problem to a plan: prices, search, race."""

import os
from collections.abc import Sequence
from typing import Literal

from matrl.core.precision import working_dtype
from matrl.discovery.arguments import (
    allowed_updates,
    check_goal,
    check_limits,
    precisions_of,
    why_unreachable,
)
from matrl.discovery.assembly import Assembler, environment_for
from matrl.discovery.found import Found
from matrl.discovery.least_error import budgeted, found_for_budget, in_errors
from matrl.discovery.polish import Polishing
from matrl.discovery.problem import Problem
from matrl.discovery.race import race, with_measurements
from matrl.discovery.searching import front_with, polished_plans, searched
from matrl.discovery.state import Action
from matrl.errors import UnreachableError
from matrl.profile import Profile, profile_for
from matrl.search import SearchResult, search
from matrl.search.progress import Callback

__all__ = ["Found", "discover"]

FINALISTS = 8
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
    than a better plan could still save (prices must be in seconds). On samples and in weighted
    measures a fifth of the time is kept to optimise the coefficients of promising schedules
    together, which may make a cheaper one do (``Found.refined``).
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

    def run(seconds: float, limit: float, seeds: Sequence[Sequence[Action]]) -> SearchResult:
        return search(
            budgeted(environment, budget) if least_error else environment,
            planner=planner,
            seed=seed,
            time_limit=seconds,
            node_limit=limit,
            expected_calls=float("inf") if expected_calls is None else expected_calls,
            finalists=FINALISTS,
            seeds=seeds,
            progress=in_errors(progress) if least_error else progress,
        )

    limit = float("inf") if nodes is None else nodes
    if least_error:
        result, polishing = run(time_limit, limit, ()), Polishing()
    else:
        result, polishing = searched(
            environment, problem.measure, run, time_limit=time_limit, nodes=limit, seed=seed
        )
    if not (result.actions or polishing.plans) and result.interrupted:
        raise KeyboardInterrupt
    assembler = Assembler(problem, environment, profile, result, seed)
    if least_error:
        return found_for_budget(problem, environment, assembler, result, seed)
    if not result.actions and not polishing.plans:
        raise UnreachableError(why_unreachable(problem, profile, updates, precisions, result))
    polished = polished_plans(assembler, polishing)
    least = min([result.cost, *(plan.predicted.cost for plan in polished)])
    plans = [*polished, *(assembler.plan(actions, cost) for cost, actions in result.finalists)]
    plans = [plan for plan in plans if plan.predicted.cost <= RACE_MARGIN * least or given]
    best = plans[0]
    if not given:
        # Safe havens, in case every iteration misses the tolerance on the real matrices.
        ranked = race(plans, problem, seed) or race(assembler.direct_plans(), problem, seed)
        if not ranked:
            raise UnreachableError(
                f"tol: {problem.tol:g} was predicted to be reachable, but no finalist met it on "
                f"the matrices; ask for a larger tol or dtype='float64'"
            )
        winner = ranked[0]
        cheapest = winner.plan.predicted.cost <= least * (1.0 + 1e-9)
        proved = winner.plan.provenance.optimal and cheapest
        best = with_measurements(winner, optimal=proved)
    return Found(
        plan=best,
        cost=best.predicted.cost,
        nodes=result.nodes,
        search_seconds=result.seconds,
        optimal=best.provenance.optimal,
        interrupted=result.interrupted,
        reason=result.reason,
        refined=best.id in {plan.id for plan in polished},
        finalists=tuple(plans),
        front=front_with(
            polished, assembler.front((elite.actions, elite.cost) for elite in result.front)
        ),
    )
