"""A plan bound to a shape: single matrices and stacks, in preallocated memory."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from matrl.backends.libraries import Library, library_of
from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, Matrix
from matrl.core.plan import PlanRecord
from matrl.core.solution import Solution
from matrl.errors import MatrlError
from matrl.execute.arguments import (
    RankDeficient,
    Verify,
    as_input,
    as_outputs,
    check_options,
    matrix_shape,
)
from matrl.execute.dtypes import check_dtypes
from matrl.execute.guard import FAILURE_PROBABILITY, Verdict
from matrl.execute.orientation import function_for
from matrl.execute.outcome import Outcome
from matrl.execute.single import SingleRun
from matrl.execute.stack import StackMemory, StackRun
from matrl.functions import FUNCTIONS

__all__ = ["Executor", "RankDeficient", "Verify"]

logger = logging.getLogger(__name__)

_NUMBERS = ("residual", "residual_bound", "error_bound")


class Executor:
    """A plan ready to run on matrices of one shape; call it with a matrix or a stack of them.

    ``shape`` is the order n, or (m, n) for the polar factor. Reusable and safe to share between
    threads: each thread has its own workspace. ``verify`` is ``"sketch"`` (default), ``"full"`` or
    ``"off"``, which also skips the checks of the input. ``rank_deficient="refuse"`` (default)
    refuses what is singular to working precision; ``"pseudo"`` counts eigenvalues (singular
    values) of modulus at most ``rank_threshold`` times the largest (default: max(m, n) eps of the
    plan's dtype) as zero, and applies f on the range: powers are 0 there, sign and polar factor
    become partial isometries. That takes a decomposition in float64 where the plan's domain
    reaches below twice the threshold or the plan is a direct method, with ``verify="off"``, and
    after a failed check; where another schedule passes, the rank is full. A plan whose domain has
    the eigenvalue 0 needs no ``"pseudo"``, which takes a decomposition to tell the rank.

    ``check_finite=False`` leaves out the pass over A that looks for asymmetry (NaN and infinity
    show in its norms, which are needed); an asymmetric A then fails the check of the value.
    ``overwrite_a=True`` allows A's memory to be worked in, which saves a matrix with
    ``verify="off"`` and where norms are extreme; its content is undefined afterwards.
    """

    def __init__(
        self,
        plan: PlanRecord,
        shape: int | tuple[int, int],
        *,
        verify: Verify = "sketch",
        rank_deficient: RankDeficient = "refuse",
        rank_threshold: float | None = None,
        check_finite: bool = True,
        overwrite_a: bool = False,
        backend: Backend = numpy_backend,
    ) -> None:
        check_options(verify, rank_deficient, rank_threshold)
        self._plan, self._verify, self._overwrite_a = plan, verify, overwrite_a
        self._function = FUNCTIONS.get(plan.function)
        self._shape = m, n = matrix_shape(self._function, shape)
        self._is_wide = m < n  # it runs as its conjugate transpose
        self._single = SingleRun(
            plan,
            function_for(plan, self._shape),
            (max(m, n), min(m, n)),
            verify,
            rank_deficient,
            rank_threshold,
            backend,
            check_finite=check_finite,
            overwrite_a=overwrite_a,
        )
        self._stack: StackRun | None = None
        is_plain = rank_deficient == "refuse" and not self._is_wide
        if is_plain and StackRun.admits(plan, self._shape, verify):
            self._stack = StackRun(
                plan, self._function, self._shape, verify, backend, check_finite=check_finite
            )
        self._local = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the workspaces behind: they are made anew where the executor wakes up."""
        return {key: value for key, value in self.__dict__.items() if key != "_local"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, with no workspace yet."""
        self.__dict__.update(state)
        self._local = threading.local()

    def __call__(self, a: Any, *, out: Any = None) -> Solution:
        """Return f(a) as a :class:`~matrl.core.solution.Solution`.

        ``a`` is an array (m, n) or (..., m, n) of the plan's dtype, of NumPy, PyTorch or JAX; it is
        not modified. The value is of the same kind, dtype and device. The schedule runs with the
        kernels of that library (on tensors in the host's memory with NumPy's, but for steps in half
        precisions), the checks before and after it on the host. Tensors in bfloat16 or float16 run
        in the plan's float32, and the value is rounded. ``out`` receives the value where given, a
        tuple for functions with two outputs. For one matrix, whatever cannot be computed raises a
        :class:`~matrl.errors.MatrlError`; in a stack such a matrix gets the status ``"refused"``
        and spoils no other. Of an empty matrix the value is empty (a Hermitian factor that is not
        is zero) and its status ``"converged"``.
        """
        started = time.perf_counter()
        library = library_of(a)
        if library is not None:
            check_dtypes(self._plan, self._single.dtypes, library)
        array = as_input(a, self._plan, self._shape, library)
        values = as_outputs(out, array, self._function, library)
        run = self._run_one if array.ndim == 2 else self._run_stack
        solution = run(array, values, library)
        value = solution.value
        if library is not None:
            back = [library.given_back(v, a) for v in values] if out is None else out
            value = tuple(back) if len(values) > 1 else back if out is not None else back[0]
        return replace(solution, value=value, seconds=time.perf_counter() - started)

    def _kept(self, which: str, library: Library | None, make: Callable[..., Any]) -> Any:
        """Return this thread's memory of a kind for a library, made where it was not yet."""
        kept: dict[Any, Any] = self._local.__dict__
        key = (which, None if library is None else library.key)
        if key not in kept:
            kept[key] = make(library)
        return kept[key]

    def _outcome(
        self, a: np.ndarray, values: tuple[Matrix, ...], library: Library | None
    ) -> Outcome:
        if a.size == 0:
            for value in values:
                value[...] = 0.0
            return Outcome("unchecked" if self._verify == "off" else "converged", rank=0)
        memory = self._kept("single", library, self._single.memory)
        if not self._is_wide:
            rows = np.ascontiguousarray(a)
            if self._overwrite_a and not rows.flags.writeable:
                rows = rows.copy()
            return self._single(rows, values, memory)
        turned = tuple(np.empty(shape, a.dtype) for shape in self._single.output_shapes)
        outcome = self._single(np.ascontiguousarray(a.conj().T), turned, memory)
        for value, result in zip(values, turned, strict=True):
            np.conjugate(result.T, out=value)
        return outcome

    def _run_one(
        self, array: np.ndarray, values: tuple[Matrix, ...], library: Library | None
    ) -> Solution:
        outcome = self._outcome(array, values, library)
        numbers = {name: getattr(outcome, name) for name in _NUMBERS}
        return self._solution(values, outcome.status, numbers, outcome.message, outcome.rank)

    def _run_stack(
        self, array: np.ndarray, values: tuple[Matrix, ...], library: Library | None
    ) -> Solution:
        shape = array.shape[:-2]
        report = _StackReport(shape)
        left = np.ones(shape, dtype=bool)
        if self._stack is not None and array.size:
            memory = self._kept("stack", library, self._stack.memory)
            left = self._run_together(self._stack, array, values, memory, report)
        for index in zip(*np.nonzero(left), strict=True):
            where = tuple(int(i) for i in index)
            parts = tuple(value[where] for value in values)
            try:
                report.take(where, self._outcome(array[where], parts, library))
            except MatrlError as error:
                for part in parts:
                    part[...] = np.nan
                report.refuse(where, error)
        return self._solution(
            values, report.status, report.numbers, "; ".join(report.messages), report.rank
        )

    def _run_together(
        self,
        stack: StackRun,
        array: np.ndarray,
        values: tuple[Matrix, ...],
        memory: StackMemory,
        report: "_StackReport",
    ) -> np.ndarray:
        """Run all matrices in the same calls; return for which that did not do."""
        passed = np.zeros(report.status.size, dtype=bool)
        status = "unchecked" if self._verify == "off" else "converged"
        flat = array.reshape(-1, *array.shape[-2:])
        outs = tuple(value.reshape(-1, *value.shape[-2:]) for value in values)
        for part, verdict in stack(flat, outs, memory):
            passed[part] = verdict.passed
            report.take_all(part, verdict, status)
        return ~passed.reshape(report.status.shape)

    def _solution(
        self,
        values: tuple[Matrix, ...],
        status: Any,
        numbers: dict[str, Any],
        message: str,
        rank: Any,
    ) -> Solution:
        return Solution(
            value=values if len(self._function.outputs) > 1 else values[0],
            status=status,
            **numbers,
            failure_probability=FAILURE_PROBABILITY if self._verify == "sketch" else None,
            steps=len(self._plan.steps),
            seconds=0.0,
            plan_id=self._plan.id,
            message=message,
            rank=rank,
        )


class _StackReport:
    """What is known of the values of a stack."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.status = np.empty(shape, dtype="U9")
        self.rank = np.full(shape, -1)
        self.numbers = {name: np.full(shape, np.nan) for name in _NUMBERS}
        self.messages: list[str] = []

    def take_all(self, part: slice, verdict: Verdict, status: str) -> None:
        """Take note of the values of some matrices, counted through the whole stack."""
        self.status.reshape(-1)[part] = status
        self.numbers["residual"].reshape(-1)[part] = verdict.residual
        self.numbers["residual_bound"].reshape(-1)[part] = verdict.residual_bound

    def take(self, where: tuple[int, ...], one: Outcome) -> None:
        """Take note of the value of one matrix."""
        self.status[where] = one.status
        self.rank[where] = -1 if one.rank is None else one.rank
        for name, numbers in self.numbers.items():
            number = getattr(one, name)
            numbers[where] = np.nan if number is None else number

    def refuse(self, where: tuple[int, ...], error: MatrlError) -> None:
        """Take note that a matrix has no value, and why."""
        self.status[where] = "refused"
        for numbers in self.numbers.values():
            numbers[where] = np.nan
        name = f"A[{', '.join(map(str, where))}]:"
        self.messages.append(str(error).replace("A:", name, 1))
        logger.warning("refused: %s", self.messages[-1])
