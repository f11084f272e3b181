"""Searching with several workers: their arguments, and what each makes its environment from."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.least_error import budgeted
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.problem.problem import Problem
from matrl.errors import InputError
from matrl.iterations import DirectMethod, Update
from matrl.profile import Profile
from matrl.search import Environment, SearchResult, search, search_in_parallel
from matrl.search.parallel.on_ray import LOCAL

__all__ = ["Recipe", "check_workers", "is_alone", "search_for"]


@dataclass(frozen=True)
class Recipe:
    """All an environment is made from; it can be pickled.

    The fields are those of :func:`~matrl.discovery.phases.assembly.environment_for`, and the
    ``budget``.
    """

    problem: Problem
    profile: Profile
    updates: tuple[Update | DirectMethod, ...]
    precisions: tuple[str, ...]
    given: bool = True
    steps: int | None = None
    minimizes_error: bool = False
    budget: float | None = None
    widens: bool = False

    def schedules(self) -> ScheduleEnvironment:
        """Return the schedules of the problem as an environment."""
        return environment_for(
            self.problem,
            self.profile,
            self.updates,
            self.precisions,
            given=self.given,
            steps=self.steps,
            minimizes_error=self.minimizes_error,
            widens=self.widens,
        )

    def __call__(self) -> Environment[Any]:
        """Return what is searched: these schedules, or where errors are prices those with an end.

        >>> from matrl import Profile, Spectrum
        >>> from matrl.discovery.problem.arguments import allowed_updates
        >>> prices = Profile.from_json('''{"schema": 1, "name": "unit", "ops": [
        ...   {"op": "eigh", "dtype": "float64", "n": 512, "batch": 1, "seconds": 9.0},
        ...   {"op": "matmul", "dtype": "float64", "n": 512, "batch": 1, "seconds": 1.0}]}''')
        >>> problem = Problem("inv", Spectrum.interval(1e-2, 1), shape=(512, 512))
        >>> updates = tuple(allowed_updates(problem, "eigh"))
        >>> search(Recipe(problem, prices, updates, ("float64",))()).cost
        10.0
        """
        return self.of(self.schedules())

    def of(self, schedules: ScheduleEnvironment) -> Environment[Any]:
        """Return what is searched, made from schedules."""
        if not self.minimizes_error:
            return schedules
        return budgeted(schedules, self.budget, self.problem.tol)

    def without_matrices(self) -> "Recipe":
        """Return the same without the given matrices: their spectra are all that is needed."""
        lean = copy.copy(self.problem)  # not made anew, which would check the matrices again
        object.__setattr__(lean, "spectrum", replace(self.problem.spectrum, matrices=()))
        return replace(self, problem=lean)


def check_workers(
    workers: int | None,
    ray: str | None,
    deterministic: bool,
    nodes: int | None,
    log: object = None,
) -> None:
    """Raise :class:`~matrl.errors.InputError` for workers that cannot be."""
    is_count = isinstance(workers, int) and not isinstance(workers, bool) and workers >= 1
    if workers is not None and not is_count:
        raise InputError(f"workers: must be an integer >= 1, got {workers!r}")
    if ray is not None and not (isinstance(ray, str) and ray.strip()):
        raise InputError(f"ray: must be the address of a cluster, or 'local', got {ray!r}")
    if log is not None and ray is not None and (ray != LOCAL or workers is None):
        raise InputError(
            "log: is written where the workers are; search with workers=N processes, or with ray="
            f"{LOCAL!r} and workers=N, or leave it out"
        )
    if deterministic and nodes is None:
        raise InputError(
            "deterministic: needs a limit of nodes; a limit of time alone ends every search "
            "elsewhere"
        )


def is_alone(workers: int | None, ray: str | None) -> bool:
    """Whether a search is one of this process, without workers."""
    return ray is None and workers in (None, 1)


def search_for(
    recipe: Recipe, workers: int | None, ray: str | None, deterministic: bool
) -> Callable[..., SearchResult]:
    """Return what searches an environment, given with options: here alone, or with workers."""
    if is_alone(workers, ray):
        return search

    def by_workers(environment: Environment[Any], **options: Any) -> SearchResult:
        # Each worker makes an environment of its own; this one knows nothing of theirs.
        return search_in_parallel(
            recipe.without_matrices(),
            workers=workers,
            ray=ray,
            deterministic=deterministic,
            **options,
        )

    return by_workers
