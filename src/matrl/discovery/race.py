"""The race: finalists run on matrices of the true size; measured error and time decide."""

import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from matrl.core.precision import is_complex
from matrl.core.spectrum import Spectrum
from matrl.discovery.accuracy import Reference
from matrl.discovery.problem import Problem
from matrl.errors import MatrlError
from matrl.execute.executor import Executor
from matrl.plan import Plan

__all__ = ["RaceResult", "matrices_for", "race", "with_measurements"]

REPETITIONS = 7
MATRICES = 3
LARGEST_ORDER = 2048
PAUSE = 0.1
"""Seconds for the BLAS threads of the references to stop spinning before plans are timed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RaceResult:
    """One finalist's measurements: largest error over the matrices, median seconds of a run."""

    plan: Plan
    error: float
    seconds: float


def matrices_for(problem: Problem, seed: int) -> list[np.ndarray]:
    """Return the given matrices, or one random matrix of the given spectrum and the true size."""
    spectrum = problem.spectrum
    if spectrum.matrices:
        largest = sorted(spectrum.matrices, key=lambda a: a.size)[-MATRICES:]
        return [a.astype(problem.dtype) for a in largest if _casts(a, problem.dtype)]
    if problem.m > LARGEST_ORDER or spectrum.lower == 0.0:
        return []
    random = np.random.default_rng(seed)
    values = _eigenvalues(spectrum, problem.n, random)
    structure = problem.matrix_function.structure
    right = _orthonormal(random, (problem.n, problem.n), problem.dtype)
    if structure == "rectangular":
        left = _orthonormal(random, (problem.m, problem.n), problem.dtype)
        a = (left * values) @ right.conj().T
        assert problem.shape is not None
        if problem.shape[0] < problem.shape[1]:
            a = a.conj().T
        return [np.ascontiguousarray(a.astype(problem.dtype))]
    if structure == "hermitian":
        values = values * random.choice([-1.0, 1.0], problem.n)
    a = (right * values) @ right.conj().T
    return [(0.5 * (a + a.conj().T)).astype(problem.dtype)]


def _casts(a: np.ndarray, dtype: str) -> bool:
    return is_complex(dtype) or not np.iscomplexobj(a)


def _orthonormal(random: np.random.Generator, shape: tuple[int, int], dtype: str) -> np.ndarray:
    """Return random orthonormal columns, (m, n)."""
    a = random.standard_normal(shape)
    if is_complex(dtype):
        a = a + 1j * random.standard_normal(shape)
    return np.linalg.qr(a)[0]


def _eigenvalues(spectrum: Spectrum, n: int, random: np.random.Generator) -> np.ndarray:
    if spectrum.kind == "samples":
        points = np.concatenate([np.zeros(spectrum.zeros), spectrum.points])
        if n >= len(points):
            chosen = np.resize(points, n)
        else:
            chosen = random.choice(points, n)
            chosen[n // 2] = spectrum.lower
        chosen[0], chosen[-1] = points[0], points[-1]
        return chosen
    # The ends belong to the domain, but a rounded matrix would leave it: stay inside by rounding.
    inside = (spectrum.lower * (1 + 1e-6), spectrum.upper * (1 - 1e-6))
    if inside[0] >= inside[1]:
        return np.full(n, spectrum.upper)
    return np.geomspace(*inside, n) if n > 1 else np.array([inside[1]])


def race(plans: Sequence[Plan], problem: Problem, seed: int) -> list[RaceResult]:
    """Run the plans on the problem's matrices; return those within tolerance, fastest first.

    A plan that fails or misses the tolerance on any matrix is dropped. Times are of the schedule
    without the guard, which costs the same for all; repetitions are interleaved.
    """
    matrices = matrices_for(problem, seed)
    if not matrices:
        return [RaceResult(plan, plan.predicted.error, plan.predicted.cost) for plan in plans]
    least = problem.spectrum.lower if problem.spectrum.zeros else 0.0
    references = [Reference(problem.measure, a, least=least) for a in matrices]
    accurate: list[tuple[Plan, float]] = []
    for plan in plans:
        worst = 0.0
        for a, reference in zip(matrices, references, strict=True):
            try:
                value = Executor(plan, a.shape, verify="off")(a).value
            except MatrlError as error:
                logger.info("finalist dropped: %s", error)
                worst = np.inf
                break
            worst = max(worst, reference.error(value))
        if worst <= problem.tol:
            accurate.append((plan, worst))
        else:
            logger.info("finalist dropped: error %.3g above the tolerance", worst)
    times = _interleaved([plan for plan, _ in accurate], matrices[-1])
    results = [
        RaceResult(plan, error, seconds)
        for (plan, error), seconds in zip(accurate, times, strict=True)
    ]
    return sorted(results, key=lambda result: result.seconds)


def _interleaved(plans: Sequence[Plan], a: np.ndarray) -> list[float]:
    executors = [Executor(plan, a.shape, verify="off") for plan in plans]
    # A first run has the shapes of the outputs.
    outs = [executor(a).value for executor in executors]
    time.sleep(PAUSE)
    times: list[list[float]] = [[] for _ in plans]
    for repetition in range(REPETITIONS + 1):
        for executor, out, seconds in zip(executors, outs, times, strict=True):
            started = time.perf_counter()
            executor(a, out=out)
            if repetition > 0:  # the first run warms the workspace up
                seconds.append(time.perf_counter() - started)
    return [statistics.median(seconds) for seconds in times]


def with_measurements(result: RaceResult, *, optimal: bool) -> Plan:
    """Return the plan with its measured error and time in the provenance."""
    provenance = replace(
        result.plan.provenance,
        optimal=optimal,
        measured_error=result.error,
        measured_seconds=result.seconds,
    )
    return replace(result.plan, provenance=provenance)
