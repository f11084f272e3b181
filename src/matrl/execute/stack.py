"""Stacks of small matrices: what runs for one matrix, for many in the same calls.

Only the ordinary course of things is here: matrices that are as they should be, a schedule, and a
sketch that passes. Whatever is out of the ordinary about a matrix is left to
:mod:`matrl.execute.single`, which runs it by itself and says what is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from matrl.backends.libraries import Library
from matrl.backends.protocol import Backend, Matrix
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.layout import allocate
from matrl.core.matrices import symmetry_slack
from matrl.core.plan import PlanRecord
from matrl.core.stacking import LARGEST_ELEMENTS, chunk_of
from matrl.execute.arguments import Verify
from matrl.execute.cases import case_of
from matrl.execute.engines import Engine, engine_for
from matrl.execute.guard import Verdict, check_sketch
from matrl.execute.scaling import exact_exponent, norm_bound, two_norm_bound
from matrl.execute.upper_end import keeps_upper_end
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule

__all__ = ["StackMemory", "StackRun"]


@dataclass
class StackMemory:
    """What one thread works in; kept from call to call."""

    engine: Engine
    scaled: Matrix


@dataclass(frozen=True)
class _Ready:
    """Matrices divided by their bounds, and which of them are ordinary; arrays (c,)."""

    scaled: Matrix
    bound: Any
    size: Any
    is_ordinary: np.ndarray


class StackRun:
    """A plan for stacks (count, m, n), m >= n, of small matrices."""

    def __init__(
        self,
        plan: PlanRecord,
        function: MatrixFunction,
        shape: tuple[int, int],
        verify: Verify,
        backend: Backend,
        *,
        check_finite: bool = True,
    ) -> None:
        self._plan, self._function, self._shape = plan, function, shape
        self._check_finite = check_finite
        self._verify, self._backend = verify, backend
        self._program = fold(trace_schedule(function, plan.steps, plan.dtype))
        m, n = shape
        arrays = 2 + len(allocate(self._program).dtypes)
        self._count = chunk_of(m, n, np.dtype(plan.dtype).itemsize, arrays)

    @staticmethod
    def admits(plan: PlanRecord, shape: tuple[int, int], verify: Verify) -> bool:
        """Whether stacks of this shape are run here: small matrices, sketched."""
        m, n = shape
        is_small = 0 < m * n <= LARGEST_ELEMENTS
        # Of a sign or a polar factor a decomposition also has to tell the rank.
        tells_rank = _is_direct(plan) and FUNCTIONS.get(plan.function).carries == "x"
        return is_small and not (tells_rank or plan.domain.has_zero or verify == "full")

    def memory(self, library: Library | None) -> StackMemory:
        """Return fresh memory to run in, for the arrays of a library."""
        return StackMemory(
            engine_for(
                library, self._program, self._shape, backend=self._backend, count=self._count
            ),
            self._backend.empty((self._count, *self._shape), self._plan.dtype),
        )

    def __call__(
        self, a: Matrix, values: tuple[Matrix, ...], memory: StackMemory
    ) -> Iterator[tuple[slice, Verdict]]:
        """Write f(a) into ``values``, (count, ...) and C-contiguous, a chunk at a time.

        Yields which matrices that was, and for which of them the value can be taken, with the
        numbers of the sketch (not a number with ``verify="off"``).
        """
        for start in range(0, len(a), self._count):
            part = slice(start, min(start + self._count, len(a)))
            chunk = np.ascontiguousarray(a[part])
            # Of others than the ordinary there may be anything in there.
            with np.errstate(all="ignore"):
                ready = self._ready(chunk, memory.scaled[: len(chunk)])
                outs = tuple(value[part] for value in values)
                self._schedule(ready, outs, memory)
                yield part, self._verdict(chunk, ready, outs)

    def _ready(self, a: Matrix, room: Matrix) -> _Ready:
        plan, backend, checks = self._plan, self._backend, self._verify != "off"
        is_ordinary = np.ones(len(a), dtype=bool)
        norms, size = None, np.full(len(a), np.inf)
        if checks or plan.scaling.kind != "constant":
            norms = backend.norms(a)
            is_ordinary &= np.isfinite(norms.max_abs) & (norms.max_abs > 0.0)
            is_ordinary &= [exact_exponent(self._function, float(s)) == 0 for s in norms.max_abs]
            size = two_norm_bound(norms)
        elif exact_exponent(self._function, 1.0 / plan.scaling.factor):
            is_ordinary[:] = False
        bound = np.broadcast_to(norm_bound(plan, a, norms, backend), (len(a),))
        is_ordinary &= np.isfinite(bound) & (bound > 0.0)
        if checks:
            assert norms is not None
            if self._check_finite and self._function.structure != "rectangular":
                slack = symmetry_slack(a.shape[-1], a.dtype)
                is_ordinary &= backend.asymmetry(a) <= slack * norms.max_abs
            is_ordinary &= keeps_upper_end(plan, a, bound, norms, backend)
        if np.all(bound == 1.0):
            return _Ready(a, bound, size, is_ordinary)
        np.multiply(a, (1.0 / bound).astype(_real(room))[:, None, None], out=room)
        return _Ready(room, bound, size, is_ordinary)

    def _schedule(self, ready: _Ready, values: tuple[Matrix, ...], memory: StackMemory) -> None:
        function = self._function
        memory.engine(
            ready.scaled,
            values,
            zero_is_zero=function.vanishes_at_zero and self._plan.norm != "eigenvalue",
        )
        if np.all(ready.bound == 1.0):
            return
        for value, exponent in zip(values, function.exponents, strict=True):
            if exponent != 0.0:
                factor = (ready.bound**exponent).astype(_real(value))
                np.multiply(value, factor[:, None, None], out=value)

    def _verdict(self, a: Matrix, ready: _Ready, values: tuple[Matrix, ...]) -> Verdict:
        if self._verify == "off":
            unknown = np.full(len(a), np.nan)
            finite = [np.isfinite(value).all(axis=(-2, -1)) for value in values]
            return Verdict(ready.is_ordinary & np.all(finite, axis=0), unknown, unknown)
        plan, function, backend = self._plan, self._function, self._backend
        is_direct = _is_direct(plan)
        # Widened once: by strips it would be at every product with vectors.
        wide = np.complex128 if a.dtype.kind == "c" else np.float64
        a, values = a.astype(wide, copy=False), tuple(v.astype(wide, copy=False) for v in values)
        case = case_of(plan, function, a, values, ready.size, 0, backend, is_direct=is_direct)
        verdict = check_sketch(case)
        passed = ready.is_ordinary & verdict.passed
        return Verdict(passed, verdict.residual, verdict.residual_bound)


def _is_direct(plan: PlanRecord) -> bool:
    return isinstance(UPDATES.get(plan.steps[0].name), DirectMethod)


def _real(x: Matrix) -> Any:
    """Return the dtype of its real parts."""
    return np.finfo(x.dtype).dtype
