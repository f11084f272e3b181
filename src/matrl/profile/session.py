"""Timing of single operations within a budget of wall-clock time."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from matrl.backends.libraries import Library
from matrl.profile.profile import OperationTime, nominal_exponent
from matrl.profile.workloads import Workload

__all__ = ["Session", "Task"]

_BURST = 3

# Rough prices in units of a product, only to order the tasks; elementwise ones per n^2.
_WEIGHTS = {"eigh": 12.0, "svd": 20.0, "schur": 60.0, "qr": 3.0, "inv": 2.0, "chol": 0.3}
_ELEMENTWISE_WEIGHT = 30.0
_DTYPE_WEIGHTS = {
    **{"bfloat16": 1.0, "float16": 1.0, "float32": 1.0, "float64": 2.0},
    **{"complex64": 4.0, "complex128": 8.0},
}

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
class Task:
    """One operation on m x n matrices of one dtype."""

    op: str
    dtype: str
    n: int
    m: int

    @property
    def cost(self) -> float:
        """A rough price, to order tasks by."""
        exponent = nominal_exponent(self.op)
        weight = _WEIGHTS.get(self.op, 1.0 if exponent == 3 else _ELEMENTWISE_WEIGHT)
        size = float(self.n) ** (exponent - 1) * self.m
        return weight * size * _DTYPE_WEIGHTS[self.dtype]

    @property
    def kind(self) -> tuple[str, str, int]:
        """What is measured, whatever its size: operation, dtype, and square, tall or wide."""
        return (self.op, self.dtype, (self.m > self.n) - (self.m < self.n))

    @property
    def largest_order(self) -> int:
        """The largest n at which matrices of this shape are allocated."""
        parts = 2 if self.dtype.startswith("complex") else 1
        return max(1, int(_LARGEST_ORDER / math.sqrt(parts * self.m / self.n)))

    def at(self, n: int) -> "Task":
        """Return the task at another n: of the same ratio, and neither more nor less square."""
        m = round(self.m * n / self.n)
        if self.m > self.n:
            m = max(m, n + 1)
        elif self.m < self.n:
            m = max(1, min(m, n - 1))
        return Task(self.op, self.dtype, n, m)

    def __str__(self) -> str:
        shape = f"n = {self.n}" if self.m == self.n else f"n = {self.n}, m = {self.m}"
        return f"{self.op} {self.dtype} {shape}"


class Session:
    """Timings so far, the time left, and the matrices last used."""

    def __init__(
        self, budget: float, tasks: Sequence[Task], library: Library | None = None
    ) -> None:
        """Start the clock; ``tasks`` are those that will be measured, with a library's kernels."""
        self._library = library
        self._compiles = library is not None and not library.writes_in_place
        self._budget = budget
        self._deadline = time.perf_counter() + budget
        self._waiting = {task.kind for task in tasks}
        self._known: dict[tuple[str, str, int], tuple[Task, float]] = {}
        self._workload: tuple[tuple[str, int, int, int], Workload] | None = None

    def measure(self, task: Task, batch: int) -> OperationTime | None:
        """Measure the task, a smaller one if too long, or nothing if that exists already."""
        first = task.kind in self._waiting
        self._waiting.discard(task.kind)
        if task.n > task.largest_order:
            if not first:
                return None
            task = task.at(task.largest_order)
        self._probe(task)
        used = batch
        safety = _SAFETY if first else _SAFETY_EXTRAPOLABLE
        while not self._fits(task, used, safety):
            if used > 1:
                used = 1
            elif not first:
                return None
            elif task.n <= _SMALLEST:
                break
            else:
                task = task.at(max(task.n // 2, _SMALLEST))
        seconds = self._timed(task, used, self._allowance())
        rows = None if task.m == task.n else task.m
        return OperationTime(task.op, task.dtype, task.n, used, seconds, rows)

    def _allowance(self) -> float:
        reserve = self._budget * min(_LARGEST_RESERVE, _RESERVE * len(self._waiting))
        return self._deadline - time.perf_counter() - reserve

    def _predicted(self, task: Task) -> float:
        known, seconds = self._known[task.kind]
        growth = (task.n / known.n) ** (nominal_exponent(task.op) - 1)
        return seconds * growth * (task.m / known.m)

    def _fits(self, task: Task, batch: int, safety: float) -> bool:
        seconds = batch * self._predicted(task)
        runs = (1 if seconds > _LONG_SECONDS else 2) + self._compiles
        return runs * safety * seconds <= self._allowance()

    def _probe(self, task: Task) -> None:
        """Time smaller sizes until the price at the task's n can be predicted."""
        if task.kind in self._known:
            return
        size = min(task.n, _FIRST_PROBE if self._allowance() > 0 else _SMALLEST)
        if task.cost / task.n**3 > 2 * _WEIGHTS["svd"]:
            size = min(size, _SMALLEST)
        self._timed(task.at(size), 1, 0.0)
        while 2 * size < task.n:
            size *= 2
            if 2 * self._predicted(task.at(size)) > _PROBE_SHARE * self._allowance():
                return
            self._timed(task.at(size), 1, 0.0)

    def _timed(self, task: Task, batch: int, allowance: float) -> float:
        """Return the typical seconds of runs after a warm-up, in at most half the allowance."""
        key = (task.dtype, task.n, batch, task.m)
        started = time.perf_counter()
        if self._workload is None or self._workload[0] != key:
            # Free the old matrices before the new ones are allocated.
            self._workload = None
            self._workload = (key, Workload(*key, self._library))
        workload = self._workload[1]
        workload.prepare(task.op)
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
        self._known[task.kind] = (task, seconds / batch)
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
