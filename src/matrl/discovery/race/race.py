"""The race: finalists run on matrices of the true size; measured error and time decide."""

import logging
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from matrl.backends.libraries import Library, library_of
from matrl.discovery.phases.assembly import GREATEST_TOL
from matrl.discovery.problem.problem import Problem
from matrl.discovery.race.race_matrices import matrices_for
from matrl.errors import MatrlError
from matrl.execute.accuracy import Reference
from matrl.execute.executor import Executor
from matrl.plan import Plan

__all__ = ["RaceEntry", "race", "with_measurements"]

REPETITIONS = (3, 7)
TIMING_SECONDS = 6.0
"""All finalists are timed as often as fits into this, within the bounds above."""
BATCH_SECONDS = 2.0
BATCH_BYTES = 2**28
"""A batch is timed on fewer matrices where all would take longer, or more memory, than this."""
PAUSE = 0.1
"""Seconds for the BLAS threads of the references to stop spinning before plans are timed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RaceEntry:
    """How a finalist did in the race.

    ``error`` is its largest measured error over the matrices, infinite if a run failed, and
    ``seconds`` the median time of a run on one batch, ``None`` if it was dropped before. The
    ``status`` is ``"won"``, ``"ran"`` (as accurate, but slower, or less accurate where the error is
    minimised), ``"over budget"`` or ``"dropped"``, for the ``reason`` given.
    """

    plan: Plan
    error: float
    seconds: float | None
    status: Literal["won", "ran", "over budget", "dropped"]
    reason: str = ""

    @property
    def ratio(self) -> float | None:
        """Predicted over measured seconds."""
        return self.plan.predicted.cost / self.seconds if self.seconds else None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as JSON-ready data."""
        return {
            "plan_id": self.plan.id,
            "steps": [f"{s.name}/{s.form}/{s.precision}" for s in self.plan.steps],
            "status": self.status,
            "reason": self.reason,
            "predicted_seconds": self.plan.predicted.cost,
            "measured_seconds": self.seconds,
            "predicted_over_measured": self.ratio,
            "measured_error": self.error if math.isfinite(self.error) else None,
        }


def race(
    plans: Sequence[Plan],
    problem: Problem,
    seed: int,
    *,
    minimizes_error: bool = False,
    budget: float | None = None,
) -> list[RaceEntry]:
    """Run the plans on the problem's matrices; return how they did, the best first.

    A plan that fails or misses the tolerance on any matrix is dropped; of the others the fastest
    wins. Where the error is minimised, that with the least measured error wins, errors up to the
    tolerance counting alike, among those measured to take no more than ``budget`` seconds; the
    fastest, if all take more. Times are of the schedule on a whole batch, without the guard, which
    costs the same for all; repetitions are interleaved. Empty where there are no matrices to run
    on.
    """
    matrices = matrices_for(problem, seed)
    if not matrices:
        return []
    tol = GREATEST_TOL if minimizes_error else problem.tolerance
    entries = _judged(plans, problem, matrices, tol)
    kept = [entry for entry in entries if entry.status != "dropped"]
    times = _interleaved(
        [entry.plan for entry in kept], matrices[-1], problem.batch, problem.array_library
    )
    limit = math.inf if budget is None else budget
    timed = [
        replace(entry, seconds=seconds, status="ran" if seconds <= limit else "over budget")
        for entry, seconds in zip(kept, times, strict=True)
    ]
    enough = problem.tol or 0.0

    def place(entry: RaceEntry) -> tuple[float, float, float]:
        assert entry.seconds is not None
        over = entry.status == "over budget"
        error = max(entry.error, enough) if minimizes_error and not over else 0.0
        return (over, error, entry.seconds)

    timed.sort(key=place)
    if timed:
        timed[0] = replace(timed[0], status="won")
    return timed + [entry for entry in entries if entry.status == "dropped"]


def _judged(
    plans: Sequence[Plan], problem: Problem, matrices: Sequence[np.ndarray], tol: float
) -> list[RaceEntry]:
    """Return the plans with their measured errors, those above ``tol`` dropped."""
    least = problem.spectrum.lower if problem.spectrum.zeros else 0.0
    references = [Reference(problem.measure, a, least=least) for a in matrices]
    entries, library = [], problem.array_library
    for plan in plans:
        worst, reason = 0.0, ""
        for a, reference in zip(matrices, references, strict=True):
            try:
                value = _on_host(Executor(plan, a.shape, verify="off")(_placed(a, library)).value)
            except MatrlError as error:
                worst, reason = math.inf, str(error)
                break
            worst = max(worst, reference.error(value))
            if worst > tol:
                reason = f"error {worst:.3g} above {tol:.3g}"
                break
        if reason:
            logger.info("finalist dropped: %s", reason)
        entries.append(RaceEntry(plan, worst, None, "dropped" if reason else "ran", reason))
    return entries


def _placed(a: np.ndarray, library: Library | None) -> Any:
    """Return the matrices as an array of the library."""
    return a if library is None else library.backend.from_host(a)


def _on_host(value: Any) -> Any:
    """Return an array of any library, or a pair of them, as NumPy's."""
    if isinstance(value, tuple):
        return tuple(_on_host(one) for one in value)
    library = library_of(value)
    return value if library is None else library.view(value, "value")


def _interleaved(
    plans: Sequence[Plan], a: np.ndarray, batch: int, library: Library | None
) -> list[float]:
    """Return the median seconds of the plans on a batch of copies of ``a``."""
    count = _stacked(plans, a, batch)
    stack = _placed(a if batch == 1 else np.repeat(a[None], count, axis=0), library)
    executors = [Executor(plan, a.shape, verify="off") for plan in plans]
    # A first run has the shapes of the outputs, and compiles where that is done.
    outs = [executor(stack).value for executor in executors]
    if library is not None and not library.writes_in_place:
        outs = [None] * len(plans)
    time.sleep(PAUSE)
    times: list[list[float]] = [[] for _ in plans]
    repetitions, started = REPETITIONS[1], time.perf_counter()
    for repetition in range(REPETITIONS[1] + 1):
        if repetition > repetitions:
            break
        for executor, out, seconds in zip(executors, outs, times, strict=True):
            before = time.perf_counter()
            executor(stack, out=out)
            if repetition > 0:  # the first run warms the workspace up
                seconds.append(time.perf_counter() - before)
        if repetition == 0 and plans:
            fitting = int(TIMING_SECONDS / max(time.perf_counter() - started, 1e-9))
            repetitions = max(REPETITIONS[0], min(fitting, REPETITIONS[1]))
    return [statistics.median(seconds) * batch / count for seconds in times]


def _stacked(plans: Sequence[Plan], a: np.ndarray, batch: int) -> int:
    """Return how many matrices a batch is timed on; its time is in proportion."""
    total = sum(plan.predicted.cost for plan in plans)
    by_time = batch * BATCH_SECONDS / total if total > BATCH_SECONDS else batch
    return int(max(1, min(batch, by_time, BATCH_BYTES // max(a.nbytes, 1))))


def with_measurements(entry: RaceEntry, *, optimal: bool) -> Plan:
    """Return the plan with its measured error and time in the provenance."""
    provenance = replace(
        entry.plan.provenance,
        optimal=optimal,
        measured_error=entry.error,
        measured_seconds=entry.seconds,
        predicted_over_measured=entry.ratio,
    )
    return replace(entry.plan, provenance=provenance)
