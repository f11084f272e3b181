"""A plan bound to a size: checks, schedule, guard, fallback, in preallocated memory."""

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, Matrix
from matrl.core.layout import allocate
from matrl.core.matrices import as_square, check_symmetry
from matrl.core.plan import PlanRecord
from matrl.core.solution import Solution
from matrl.errors import (
    ConvergenceError,
    IndefiniteMatrixError,
    InputError,
    MatrlError,
    NonFiniteError,
)
from matrl.execute.fallback import run_direct
from matrl.execute.guard import FAILURE_PROBABILITY, Verdict, check_full, check_sketch
from matrl.execute.scaling import check_upper_end, norm_bound
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule
from matrl.readings.dense import Workspace, allocate_workspace, run

__all__ = ["Executor", "Verify"]

Verify = Literal["sketch", "full", "off"]

logger = logging.getLogger(__name__)


@dataclass
class _Memory:
    """What one thread works in; kept from call to call."""

    workspace: Workspace
    scaled: Matrix


class Executor:
    """A plan ready to run on n x n matrices; call it with a matrix or a stack of them.

    Reusable and safe to share between threads: each thread has its own workspace. ``verify`` is
    ``"sketch"`` (default), ``"full"`` or ``"off"``, which also skips the checks of the input.
    """

    def __init__(
        self,
        plan: PlanRecord,
        n: int,
        *,
        verify: Verify = "sketch",
        backend: Backend = numpy_backend,
    ) -> None:
        if verify not in get_args(Verify):
            raise InputError(
                f"verify: must be one of {', '.join(get_args(Verify))}, got {verify!r}"
            )
        self._plan, self._n, self._verify, self._backend = plan, n, verify, backend
        self._function = FUNCTIONS.get(plan.function)
        self._program = trace_schedule(self._function, plan.steps, plan.dtype)
        self._layout = allocate(self._program)
        self._local = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the workspaces behind: they are made anew where the executor wakes up."""
        return {key: value for key, value in self.__dict__.items() if key != "_local"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, with no workspace yet."""
        self.__dict__.update(state)
        self._local = threading.local()

    def __call__(self, a: Any, *, out: np.ndarray | None = None) -> Solution:
        """Return f(a) as a :class:`~matrl.core.solution.Solution`.

        ``a`` is a NumPy array (n, n) or (..., n, n) of the plan's dtype, symmetric positive
        definite; it is not modified. ``out`` receives the value where given. For one matrix,
        whatever cannot be computed raises a :class:`~matrl.errors.MatrlError`; in a stack such a
        matrix gets the status ``"refused"`` and spoils no other.
        """
        started = time.perf_counter()
        array = self._checked(a)
        value = self._output(array, out)
        run_checked = self._run_one if array.ndim == 2 else self._run_stack
        solution = run_checked(array, value)
        return replace(solution, seconds=time.perf_counter() - started)

    # Arguments -----------------------------------------------------------------------------

    def _checked(self, a: Any) -> np.ndarray:
        array = as_square(a)
        if array.dtype != self._plan.dtype:
            raise InputError(
                f"A: has dtype {array.dtype}, but the plan is for {self._plan.dtype}; pass "
                f"A.astype('{self._plan.dtype}') or discover a plan for {array.dtype}"
            )
        if array.shape[-1] != self._n:
            raise InputError(
                f"A: has order {array.shape[-1]}, but the executor is bound to {self._n}; bind "
                "the plan to this size"
            )
        return array

    def _output(self, array: np.ndarray, out: np.ndarray | None) -> np.ndarray:
        if out is None:
            return np.empty(array.shape, array.dtype)
        if not isinstance(out, np.ndarray) or out.shape != array.shape or out.dtype != array.dtype:
            raise InputError(
                f"out: must be a NumPy array of shape {array.shape} and dtype {array.dtype}"
            )
        if not (out.flags.c_contiguous and out.flags.writeable):
            raise InputError("out: must be C-contiguous and writeable")
        if np.may_share_memory(out, array):
            raise InputError("out: shares memory with A, which is not to be modified")
        return out

    def _memory(self) -> _Memory:
        memory = getattr(self._local, "memory", None)
        if memory is None:
            memory = _Memory(
                allocate_workspace(self._layout, self._n, self._backend),
                self._backend.empty((self._n, self._n), self._plan.dtype),
            )
            self._local.memory = memory
        return memory

    # Runs ----------------------------------------------------------------------------------

    def _run_stack(self, array: np.ndarray, value: np.ndarray) -> Solution:
        shape = array.shape[:-2]
        status = np.empty(shape, dtype="U9")
        numbers = {
            name: np.full(shape, np.nan) for name in ("residual", "residual_bound", "error_bound")
        }
        messages = []
        for index in np.ndindex(*shape):
            try:
                one = self._run_one(array[index], value[index])
            except MatrlError as error:
                value[index] = np.nan
                status[index] = "refused"
                where = f"A[{', '.join(map(str, index))}]"
                messages.append(str(error).replace("A:", where + ":", 1))
                logger.warning("refused: %s", messages[-1])
                continue
            status[index] = one.status
            for name, numbers_of in numbers.items():
                number = getattr(one, name)
                numbers_of[index] = np.nan if number is None else number
        return Solution(
            value,
            status,
            numbers["residual"],
            numbers["residual_bound"],
            FAILURE_PROBABILITY if self._verify == "sketch" else None,
            numbers["error_bound"],
            len(self._plan.steps),
            0.0,
            self._plan.id,
            "; ".join(messages),
        )

    def _run_one(self, array: np.ndarray, value: np.ndarray) -> Solution:
        plan, backend = self._plan, self._backend
        a = np.ascontiguousarray(array)
        norms = None
        if self._verify != "off" or plan.scaling.kind in ("frobenius", "one-norm"):
            norms = backend.norms(a)
        if self._verify != "off":
            assert norms is not None
            if not np.isfinite(norms.max_abs):
                raise NonFiniteError("A: holds NaN or infinity; clean it before calling")
            check_symmetry(backend.asymmetry(a), norms.max_abs, self._n, a.dtype)
            if norms.max_abs == 0.0:
                raise IndefiniteMatrixError(
                    "A: must be positive definite, but it is zero; add a ridge (A + c*I)"
                )
        bound = norm_bound(plan, a, norms, backend)
        if self._verify != "off":
            assert norms is not None
            check_upper_end(plan, a, bound, norms, backend)
        try:
            self._schedule(a, value, bound)
            failure = ""
        except IndefiniteMatrixError as error:
            failure = str(error)
            if self._verify == "off":
                raise
        if self._verify == "off":
            return self._solution(value, "unchecked", None)
        assert norms is not None
        verdict = None if failure else self._verdict(a, value, norms.frobenius)
        if verdict is not None and verdict.passed:
            return self._solution(value, "converged", verdict)
        return self._fall_back(a, value, norms.frobenius, failure, verdict)

    def _schedule(self, a: Matrix, value: Matrix, bound: float) -> None:
        memory = self._memory()
        scaled = a
        if bound != 1.0:
            if not (np.isfinite(bound) and bound > 0.0):
                raise IndefiniteMatrixError(
                    f"A: cannot be scaled by its norm bound {bound:.3g}; scale A to norm near 1"
                )
            self._backend.linear(memory.scaled, (1.0 / bound,), (a,), 0.0)
            scaled = memory.scaled
        run(
            self._program,
            scaled,
            value,
            backend=self._backend,
            layout=self._layout,
            workspace=memory.workspace,
        )
        if bound != 1.0:
            value *= bound**self._function.exponent

    def _verdict(self, a: Matrix, value: Matrix, frobenius: float) -> Verdict:
        check = check_full if self._verify == "full" else check_sketch
        wide_a, wide_value = (x.astype(np.float64, copy=False) for x in (a, value))
        # An upper estimate of the condition number of A, from norms of what the residual uses.
        size = float(np.sqrt(np.einsum("ij,ij->", wide_value, wide_value)))
        condition = {
            "inv": frobenius * size,
            "invsqrt": frobenius * size * size,
            "sqrt": 1.0 / self._plan.domain.lower * self._plan.domain.upper,
        }.get(self._function.name, 1.0)
        return check(self._function, wide_a, wide_value, self._plan.tol, condition, self._backend)

    def _fall_back(
        self, a: Matrix, value: Matrix, frobenius: float, failure: str, verdict: Verdict | None
    ) -> Solution:
        reason = failure or "the residual exceeds the tolerance"
        run_direct(self._plan, self._function, a, value, self._backend)
        second = self._verdict(a, value, frobenius)
        if not second.passed:
            seen = f"; the schedule's residual was {verdict.residual:.3g}" if verdict else ""
            raise ConvergenceError(
                f"A: neither the schedule nor the direct method meets tol={self._plan.tol:g} "
                f"(residual {second.residual:.3g}{seen}); A is too ill-conditioned for "
                f"{self._plan.dtype}: use float64, a larger tol, or a ridge"
            )
        logger.warning("fell back to the direct method: %s", reason)
        return self._solution(value, "fell_back", second, f"fell back to eigh: {reason}")

    def _solution(
        self, value: Matrix, status: str, verdict: Verdict | None, message: str = ""
    ) -> Solution:
        return Solution(
            value=value,
            status=status,
            residual=verdict.residual if verdict else None,
            residual_bound=verdict.residual_bound if verdict else None,
            failure_probability=FAILURE_PROBABILITY if self._verify == "sketch" else None,
            error_bound=verdict.error_bound if verdict else None,
            steps=len(self._plan.steps),
            seconds=0.0,
            plan_id=self._plan.id,
            message=message,
        )
