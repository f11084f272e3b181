"""From a problem to a plan: prices, search, race."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from matrl.core.precision import working_dtype
from matrl.discovery.environment.resumption import facts_of
from matrl.discovery.found import Found
from matrl.discovery.least_cost import found_for_tolerance
from matrl.discovery.least_error import BudgetGoal, found_for_budget, in_errors
from matrl.discovery.phases.assembly import Assembler, environment_for
from matrl.discovery.phases.finalists import MET
from matrl.discovery.phases.polish import Polishing
from matrl.discovery.phases.sequence import polished_plans, searched
from matrl.discovery.problem.arguments import (
    allowed_updates,
    check_goal,
    check_limits,
)
from matrl.discovery.problem.precisions import check_precisions, precisions_of, usable_precisions
from matrl.discovery.problem.problem import Problem
from matrl.discovery.race.raced import Alternatives
from matrl.discovery.recording import journal_for, kept_profile, recorded
from matrl.discovery.states.state import Action
from matrl.discovery.unreachable.reachable import Question
from matrl.discovery.unreachable.unreachable import why_unreachable
from matrl.discovery.workers import Recipe, check_workers, is_alone, search_for
from matrl.errors import UnreachableError
from matrl.profile import Profile, profile_for
from matrl.search import SearchResult
from matrl.search.progress import Callback

__all__ = ["Found", "discover"]


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
    workers: int | None = None,
    ray: str | None = None,
    deterministic: bool = False,
    progress: Callback | None = None,
    log: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> Found:
    """Return the cheapest plan found for a problem.

    ``profile`` gives the prices (a :class:`~matrl.Profile` or the path of its JSON); without one
    this machine's are measured, once, with the kernels of the problem's library, and the best plans
    of different structures race on matrices of the true size: those given, or random ones with the
    spectrum. ``allow`` filters actions by shell-style patterns, ``precision`` the precisions steps
    may work in (bfloat16 and float16 only where the profile prices products in them, which NumPy's
    never does), ``steps`` is the largest number of steps. The search ends after ``time_limit``
    seconds or ``nodes`` simulated steps, or when it has proved its plan optimal; it is
    deterministic for ``seed`` and ``nodes``.
    With ``minimize="error"`` the plan has the least error found instead, of those with at most
    ``steps`` steps and a cost of at most ``budget``, one of which must be given. The problem needs
    no ``tol`` then; if it has one, that is an error small enough: less counts as no better, the
    search ends when it is reached, and the cheapest of such plans is taken. The ``tol`` of the plan
    is what it reaches. ``planner`` is ``"mcts"``,
    ``"exhaustive"`` (uniform cost: the reference), ``"beam"`` or ``"random"``. With
    ``expected_calls``, how often the plan will run, the search also ends once it has taken longer
    than a better plan could still save (prices must be in seconds). On samples and in weighted
    measures the search chooses among coefficients made by rules, and two fifths of the time are
    kept to try variations of them, and to optimise those of promising schedules together, which
    may make a cheaper one do (``Found.refined``).
    ``workers`` processes search side by side, each with one thread, and share the least cost known;
    by default there is one. With ``ray`` they are spread over a Ray cluster at that address, or
    over this machine if it is ``"local"``, by default one a core. ``nodes`` are those of all
    together, and seconds count from when the first worker is ready. Where the search is to be
    ``deterministic`` with several workers, which needs ``nodes``, they wait for one another to
    share the cost: then the same number of workers finds the same plan.
    ``progress`` is called with a :class:`~matrl.search.Progress` now and then. ``log`` is a file
    to write the search down in, as JSON lines, which must not exist yet; beside it a checkpoint
    (``search.jsonl.checkpoint``) holds all that has been evaluated. ``resume`` goes on from that,
    with the same arguments: ``time_limit`` is then what the search may take in addition, ``nodes``
    counts from its start. Of several ``workers`` each has a log and a checkpoint, the second
    ``search.jsonl.2``, and so on; they are resumed from where each of them was, which no longer is
    ``deterministic``.

    Raises :class:`~matrl.errors.UnreachableError` if no allowed schedule reaches the tolerance,
    :class:`~matrl.errors.ArtifactError` if the checkpoint or the log to resume is missing, damaged
    or of another search, :class:`~matrl.errors.MissingExtraError` if ``ray`` is not installed, and
    :class:`~matrl.errors.WorkersLostError` if all workers are lost before they find a plan.

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
    check_goal(minimize, budget, steps, expected_calls)
    check_workers(workers, ray, deterministic, nodes, log)
    precisions = precisions_of(precision)
    updates = allowed_updates(problem, allow)
    journal = journal_for(log, resume)
    given = profile is not None
    if isinstance(profile, str | os.PathLike):
        profile = Profile.load(profile)
    library = problem.array_library
    if precision is not None:
        check_precisions(precisions, problem.dtype, profile, library)
    precisions = usable_precisions(precisions, problem.dtype, profile, library)
    if profile is None:
        dtypes = [working_dtype(name, problem.dtype) for name in precisions]
        profile = kept_profile(journal) or profile_for(
            dtypes, problem.n, problem.batch, rows=problem.m, library=library
        )
    least_error = minimize == "error"
    recipe = Recipe(problem, profile, tuple(updates), precisions, given, steps, least_error, budget)
    environment = recipe.schedules()
    facts = facts_of(
        problem,
        profile,
        updates,
        precisions,
        prices="given" if given else "measured",
        steps=steps,
        minimize=minimize,
        budget=budget,
        planner=planner,
        seed=seed,
    )
    limits = {"time_limit": time_limit, "nodes": nodes, "expected_calls": expected_calls}

    def run(
        seconds: float, nodes: float, seeds: Sequence[Sequence[Action]], *, widens: bool = False
    ) -> SearchResult:
        made = replace(recipe, widens=widens)
        schedules = made.schedules() if widens else environment
        return search_for(made, workers, ray, deterministic)(
            made.of(schedules),
            planner=planner,
            seed=seed,
            time_limit=seconds,
            node_limit=nodes,
            expected_calls=float("inf") if expected_calls is None else expected_calls,
            finalists=MET,
            seeds=seeds,
            progress=in_errors(progress) if least_error else progress,
            **({} if widens else written),
        )

    most = float("inf") if nodes is None else nodes
    polishing = Polishing()
    alone = is_alone(workers, ray)
    with recorded(journal, facts, profile, alone=alone, **limits) as written:
        if least_error:
            result = run(time_limit, most, ())
        else:
            result, polishing = searched(
                environment,
                problem.measure,
                run,
                time_limit=time_limit,
                nodes=most,
                seed=seed,
                resumes=resume,
            )
    if not (result.actions or polishing.plans) and result.interrupted:
        raise KeyboardInterrupt
    assembler = Assembler(problem, environment, profile, result, seed)
    if least_error:
        goal = BudgetGoal(budget, is_raced=not given)
        return found_for_budget(problem, environment, assembler, result, seed, goal)
    polished = polished_plans(assembler, polishing)
    if not (result.actions or polished):
        question = Question(problem, profile, updates, precisions, steps, seed)
        raise UnreachableError(why_unreachable(question, result, allow, time_limit))
    if given:
        return found_for_tolerance(problem, assembler, result, polished, seed)
    environment_of = partial(environment_for, problem, profile, given=given, steps=steps)
    others = Alternatives(environment_of, updates, precisions, seed, time_limit)
    return found_for_tolerance(problem, assembler, result, polished, seed, others)
