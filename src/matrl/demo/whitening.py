"""The story: whiten image patches with a discovered plan, and compare with the usual routes."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from matrl.core.precision import FULL_PRECISIONS
from matrl.core.spectrum import Spectrum
from matrl.demo.display import data_table, prices_table, result_report
from matrl.demo.judging import judge, route_error, step_errors
from matrl.demo.patches import Split, load_photographs, split
from matrl.demo.routes import ROUTES
from matrl.demo.summary import PLAN, UNGUARDED, Measurements, summarise
from matrl.demo.timing import Contender, interleave
from matrl.discovery import Found, Problem, discover
from matrl.errors import MissingExtraError
from matrl.plan import Plan
from matrl.profile import Profile, load_cached, machine_description, profile_for
from matrl.report.figures import spectrum_and_errors
from matrl.report.plans import steps_table
from matrl.search.progress import Progress

__all__ = ["TOLERANCE", "run_demo"]

TOLERANCE = 1e-2
"""Of the whitening matrix; variances are then within 2 % of 1."""
PATCH = 16
REPETITIONS = 15
SLOW_REPETITIONS = 3


@dataclass(frozen=True)
class _Stage:
    """Where text goes: the story to ``story``, what is going on to ``status``."""

    story: Console
    status: Console

    def begin(self, text: str) -> None:
        self.status.print(f"- {text}", style="dim", highlight=False, markup=False)


def run_demo(
    output: Path,
    *,
    time_limit: float = 10.0,
    seed: int = 0,
    json_output: bool = False,
    patch: int = PATCH,
    repetitions: int = REPETITIONS,
) -> int:
    """Run the demonstration; return 0 if the plan converged within its tolerance, else 1.

    Writes plan.json, summary.json and spectrum.png into the folder ``output``, made if needed;
    prints tables, or with ``json_output`` the summary alone. ``time_limit`` and ``seed`` go to
    :func:`~matrl.discover`; ``patch`` is the side of the patches (16 gives 768 x 768 matrices).
    Raises :class:`~matrl.errors.MissingExtraError` without scikit-learn or Matplotlib.
    """
    _need_matplotlib()
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    stage = _Stage(Console(quiet=json_output, highlight=False), Console(stderr=True))
    stage.begin("reading two photographs, computing covariances of their patches")
    data = split(load_photographs(), patch)
    stage.story.print(data_table(data))
    measurements = _measure(data, stage, time_limit, seed, repetitions)
    summary = summarise(measurements)
    plan = measurements.found.plan
    plan.save(output / "plan.json")
    text = json.dumps(summary, indent=2, allow_nan=False)
    (output / "summary.json").write_text(text + "\n", encoding="utf-8")
    _draw(plan, data, output / "spectrum.png")
    if json_output:
        # Not through rich, which would wrap and colour it.
        stage.story.file.write(text + "\n")
        stage.story.file.flush()
    else:
        files = [str(output / name) for name in ("plan.json", "summary.json", "spectrum.png")]
        stage.story.print(result_report(summary, files))
    good = (
        summary["status"] == "converged"
        and summary["measured_error"] <= summary["tol"]
        and summary["whitened_deviation"] <= summary["whitened_limit"]
    )
    return 0 if good else 1


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401 - is only needed later
    except ImportError:
        raise MissingExtraError(
            "demo: needs Matplotlib; install it with pip install 'matrl[demo]'"
        ) from None


def _measure(
    data: Split, stage: _Stage, time_limit: float, seed: int, repetitions: int
) -> Measurements:
    n = len(data.training[0].covariance)
    profile_seconds, cached, profile = _profiled(n, stage)
    stage.story.print(prices_table(profile, n))
    discover_seconds, found = _discovered(data, stage, time_limit, seed)
    stage.story.print(steps_table(found.plan))
    stage.begin("judging the plan and the direct routes on the held-out matrices")
    outcomes = tuple(judge(found.plan, sample) for sample in data.held_out)
    errors = {route.name: route_error(route, data.held_out) for route in ROUTES}
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    seconds = _timed(found.plan, data, stage, repetitions, seed)
    return Measurements(
        split=data,
        found=found,
        outcomes=outcomes,
        errors=errors,
        seconds=seconds,
        profile_seconds=profile_seconds,
        profile_cached=cached,
        discover_seconds=discover_seconds,
        machine=machine_description(),
        load_average=load,
        seed=seed,
    )


def _profiled(n: int, stage: _Stage) -> tuple[float, bool, Profile]:
    """Return seconds, whether from the cache, and the prices; discover() then finds them cached."""
    stage.begin(f"profiling this machine at n = {n} (at most 5 s, once)")
    before, started = load_cached(), time.perf_counter()
    profile = profile_for(FULL_PRECISIONS, n)
    seconds = time.perf_counter() - started
    cached = before is not None and profile == before
    stage.begin(f"prices {'from the cache' if cached else f'measured in {seconds:.1f} s'}")
    return seconds, cached, profile


def _discovered(data: Split, stage: _Stage, time_limit: float, seed: int) -> tuple[float, Found]:
    """Return the seconds and the result of discovery, from the training matrices alone."""
    stage.begin(f"discovering a plan for invsqrt, tol {TOLERANCE:g}, in float32")
    # The spectrum is taken in float64, where these matrices are far from singular; discovery
    # rounds them to float32 itself.
    started = time.perf_counter()
    spectrum = Spectrum.of([sample.covariance for sample in data.training])
    problem = Problem("invsqrt", spectrum, tol=TOLERANCE, dtype="float32")
    with stage.status.status("searching") as shown:

        def report(progress: Progress) -> None:
            shown.update(f"searching: {progress.nodes} nodes, cost {progress.cost:.3g} s")

        found = discover(problem, time_limit=time_limit, seed=seed, progress=report)
    return time.perf_counter() - started, found


def _timed(
    plan: Plan, data: Split, stage: _Stage, repetitions: int, seed: int
) -> dict[str, np.ndarray]:
    """Return the seconds of all contenders on the held-out matrix of largest condition."""
    sample = max(data.held_out, key=lambda s: s.condition)
    stage.begin(f"timing everyone on {sample.region.name!r}, {repetitions} rounds")
    a = sample.covariance.astype(plan.dtype)
    guarded, unguarded = plan.bind(a), plan.bind(a, verify="off")
    contenders = [
        Contender(PLAN, guarded, repetitions),
        Contender(UNGUARDED, unguarded, repetitions),
    ] + [
        Contender(r.name, r.run, min(repetitions, SLOW_REPETITIONS) if r.slow else repetitions)
        for r in ROUTES
    ]
    with stage.status.status("timing") as shown:
        return interleave(
            contenders,
            a,
            seed=seed,
            progress=lambda i, of: shown.update(f"timing: round {i} of {of}"),
        )


def _draw(plan: Plan, data: Split, path: Path) -> None:
    """Draw the spectrum of the matrix timed, and what each step does to it."""
    sample = max(data.held_out, key=lambda s: s.condition)
    spectrum_and_errors(sample.eigenvalues, step_errors(plan, sample), plan.tol, path)
