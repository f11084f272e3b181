"""Measurement of a machine's prices within a budget of wall-clock time."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matrl.errors import InputError, UnknownNameError
from matrl.profile.fingerprint import machine_description
from matrl.profile.profile import KNOWN_OPERATIONS, OperationTime, Profile, nominal_exponent
from matrl.profile.workloads import MEASURED_DTYPES, Workload

__all__ = [
    "Progress",
    "machine_entries",
    "measure",
    "measure_entries",
    "measure_for",
    "measure_machine",
    "profile_name",
]

# Receives the tasks done, their total number, and what comes next.
Progress = Callable[[int, int, str], None]

_MACHINE_OPERATIONS = tuple(op for op in KNOWN_OPERATIONS if op != "gram")
_MACHINE_SIZES = (64, 128, 256, 512, 1024, 2048)
_PLAN_OPERATIONS = (
    *("add", "cast", "norm", "matvec", "chol"),
    *("matmul", "matmul_herm", "inv_spd", "eigh"),
)

# Building matrices and a last prediction gone wrong come out of the rest of the budget.
_SHARE = 0.92
_BURST = 3

# Rough prices in units of a product, only to order the tasks; elementwise ones per n^2.
_WEIGHTS = {"eigh": 12.0, "svd": 20.0, "schur": 60.0, "qr": 3.0, "inv": 2.0, "chol": 0.3}
_ELEMENTWISE_WEIGHT = 30.0

# Five float64 matrices of this order take 0.7 GB; beyond, prices are extrapolated.
_LARGEST_ORDER = 4096
_FIRST_PROBE = 256
_SMALLEST = 64
# A probe may take this share of the time left.
_PROBE_SHARE = 0.12
# How wrong a prediction may be. Other processes on the same cores slow threaded LAPACK tenfold
# (measured: svd at n = 2048 took 20 s instead of 2 s), so a size that could as well be
# extrapolated is not worth the risk of an overrun.
_SAFETY, _SAFETY_EXTRAPOLABLE = 1.25, 8.0
# Runs this long need no warm-up: the first one counts.
_LONG_SECONDS = 0.1
# What is set aside for each operation not measured yet, as a share of the budget.
_RESERVE, _LARGEST_RESERVE = 0.04, 0.5
_SHORT_SECONDS, _MOST_RUNS, _FEWEST_RUNS = 0.03, 31, 3


@dataclass(frozen=True)
class _Task:
    op: str
    dtype: str
    n: int

    @property
    def cost(self) -> float:
        exponent = nominal_exponent(self.op)
        weight = _WEIGHTS.get(self.op, 1.0 if exponent == 3 else _ELEMENTWISE_WEIGHT)
        return weight * float(self.n) ** exponent * (2.0 if self.dtype == "float64" else 1.0)

    @property
    def pair(self) -> tuple[str, str]:
        return (self.op, self.dtype)


class _Session:
    """Timings so far, the time left, and the matrices last used."""

    def __init__(self, budget: float, tasks: Sequence[_Task]) -> None:
        self._budget = budget
        self._deadline = time.perf_counter() + budget
        self._waiting = {task.pair for task in tasks}
        self._known: dict[tuple[str, str], tuple[int, float]] = {}
        self._workload: tuple[tuple[str, int, int], Workload] | None = None

    def measure(self, task: _Task, batch: int) -> OperationTime | None:
        """Measure the task, a smaller one if too long, or nothing if that exists already."""
        first = task.pair in self._waiting
        self._waiting.discard(task.pair)
        if task.n > _LARGEST_ORDER:
            if not first:
                return None
            task = _Task(task.op, task.dtype, _LARGEST_ORDER)
        self._probe(task)
        n, used = task.n, batch
        safety = _SAFETY if first else _SAFETY_EXTRAPOLABLE
        while not self._fits(task, n, used, safety):
            if used > 1:
                used = 1
            elif not first:
                return None
            elif n <= _SMALLEST:
                break
            else:
                n = max(n // 2, _SMALLEST)
        seconds = self._timed(task, n, used, self._allowance())
        return OperationTime(task.op, task.dtype, n, used, seconds)

    def _allowance(self) -> float:
        reserve = self._budget * min(_LARGEST_RESERVE, _RESERVE * len(self._waiting))
        return self._deadline - time.perf_counter() - reserve

    def _predicted(self, task: _Task, n: int) -> float:
        size, seconds = self._known[task.pair]
        return seconds * (n / size) ** nominal_exponent(task.op)

    def _fits(self, task: _Task, n: int, batch: int, safety: float) -> bool:
        seconds = batch * self._predicted(task, n)
        runs = 1 if seconds > _LONG_SECONDS else 2
        return runs * safety * seconds <= self._allowance()

    def _probe(self, task: _Task) -> None:
        """Time smaller sizes until the price at the task's n can be predicted."""
        if task.pair in self._known:
            return
        size = min(task.n, _FIRST_PROBE if self._allowance() > 0 else _SMALLEST)
        if task.cost / task.n**3 > 2 * _WEIGHTS["svd"]:
            size = min(size, _SMALLEST)
        self._timed(task, size, 1, 0.0)
        while 2 * size < task.n:
            size *= 2
            if 2 * self._predicted(task, size) > _PROBE_SHARE * self._allowance():
                return
            self._timed(task, size, 1, 0.0)

    def _timed(self, task: _Task, n: int, batch: int, allowance: float) -> float:
        """Return the typical seconds of runs after a warm-up, in at most half the allowance."""
        key = (task.dtype, n, batch)
        started = time.perf_counter()
        if self._workload is None or self._workload[0] != key:
            # Free the old matrices before the new ones are allocated.
            self._workload = None
            self._workload = (key, Workload(*key))
        workload = self._workload[1]
        warm_up = _once(workload, task.op)
        left = allowance - (time.perf_counter() - started)
        fitting = int(0.5 * left / warm_up)
        if warm_up > _LONG_SECONDS:
            runs = min(_FEWEST_RUNS - 1, fitting)
            samples = [warm_up, *(_once(workload, task.op) for _ in range(runs))]
        else:
            wanted = min(_MOST_RUNS, max(_FEWEST_RUNS, math.ceil(_SHORT_SECONDS / warm_up)))
            samples = [_once(workload, task.op) for _ in range(max(1, min(wanted, fitting)))]
        seconds = _typical(samples)
        self._known[task.pair] = (n, seconds / batch)
        return seconds


def _typical(samples: Sequence[float]) -> float:
    """Return the median; of many samples that of bursts' best, for what others take is no price."""
    if len(samples) < 3 * _BURST:
        return statistics.median(samples)
    return statistics.median(min(samples[i::_BURST]) for i in range(_BURST))


def _once(workload: Workload, op: str) -> float:
    started = time.perf_counter()
    workload.run(op)
    # A clock too coarse to see the run must not make it free.
    return max(time.perf_counter() - started, 1e-9)


def measure_entries(
    operations: Sequence[str],
    dtypes: Sequence[str],
    sizes: Sequence[int],
    *,
    batch: int = 1,
    budget: float = 60.0,
    progress: Progress | None = None,
) -> Iterator[OperationTime]:
    """Yield the prices one by one, cheap ones first, within ``budget`` seconds of wall clock.

    What would overrun is measured at a smaller size or batch, or left out where a smaller size is
    there already; Profile extrapolates. InputError for a dtype other than float32 and float64, a
    size or batch below 1 or a budget not above 0, UnknownNameError for an operation.
    """
    for op in operations:
        if op not in KNOWN_OPERATIONS:
            raise UnknownNameError(
                f"operations holds {op!r}: use some of {', '.join(KNOWN_OPERATIONS)}"
            )
    for dtype in dtypes:
        if dtype not in MEASURED_DTYPES:
            raise InputError(f"dtypes holds {dtype!r}: use {' or '.join(MEASURED_DTYPES)}")
    if batch < 1 or any(n < 1 for n in sizes):
        raise InputError("sizes or batch holds a number below 1: pass 1 or more")
    if not budget > 0:
        raise InputError(f"budget is {budget}: pass a positive number of seconds")
    tasks = sorted(
        {_Task(op, dtype, n) for op in operations for dtype in dtypes for n in sizes},
        key=lambda task: (task.cost, task.n, task.op),
    )
    session = _Session(budget, tasks)
    for done, task in enumerate(tasks):
        if progress:
            progress(done, len(tasks), f"{task.op} {task.dtype} n = {task.n}")
        entry = session.measure(task, batch)
        if entry is not None:
            yield entry
    if progress:
        progress(len(tasks), len(tasks), "done")


def measure(
    operations: Sequence[str],
    dtypes: Sequence[str],
    sizes: Sequence[int],
    *,
    batch: int = 1,
    budget: float = 60.0,
    progress: Progress | None = None,
) -> Profile:
    """Return the profile of the operations at the sizes, as ``measure_entries`` measures them."""
    found = measure_entries(
        operations, dtypes, sizes, batch=batch, budget=budget, progress=progress
    )
    return Profile(profile_name(), tuple(found))


def profile_name() -> str:
    """Return a readable name for profiles measured here: processor and BLAS threads."""
    description = machine_description()
    return f"{description['processor']}, {description['blas_threads']} threads"


def machine_entries(
    progress: Progress | None = None, budget: float = 60.0
) -> Iterator[OperationTime]:
    """Yield prices of all operations, float32 and float64, n from 64 to 2048 as time allows."""
    return measure_entries(
        _MACHINE_OPERATIONS,
        MEASURED_DTYPES,
        _MACHINE_SIZES,
        budget=_SHARE * budget,
        progress=progress,
    )


def measure_machine(progress: Progress | None = None, budget: float = 60.0) -> Profile:
    """Return the profile of this machine, as ``machine_entries`` measures it."""
    return Profile(profile_name(), tuple(machine_entries(progress, budget)))


def measure_for(
    dtypes: Sequence[str],
    n: int,
    batch: int = 1,
    budget: float = 5.0,
    progress: Progress | None = None,
) -> Profile:
    """Return a profile of what a plan needs at one size and batch, within ``budget`` seconds."""
    return measure(
        _PLAN_OPERATIONS, dtypes, (n,), batch=batch, budget=_SHARE * budget, progress=progress
    )
