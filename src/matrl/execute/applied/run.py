"""f(A) B: the schedule pulled through B where that is cheaper, or f(A) and a product."""

import logging
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, Matrix
from matrl.core.application import Application
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord, StepRecord
from matrl.core.program import Program
from matrl.core.solution import Solution
from matrl.core.splitting import Sizes, best_application
from matrl.errors import ConvergenceError, IndefiniteMatrixError, NonFiniteError
from matrl.execute.applied.arguments import as_block, as_single_matrix
from matrl.execute.applied.judge import guard_columns, judge_operators, norm_of
from matrl.execute.applied.operator import Operator, form, play
from matrl.execute.arguments import Verify, as_input, check_options, matrix_shape
from matrl.execute.executor import Executor
from matrl.execute.guard import FAILURE_PROBABILITY, Verdict
from matrl.execute.prepare import Prepared, checked_norms, prepare
from matrl.execute.residuals.check import Block, column_norms
from matrl.execute.scaling import MODERATE
from matrl.execute.upper_end import check_upper_end
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule

__all__ = ["application_for", "apply_plan"]

logger = logging.getLogger(__name__)

_OTHER_SIDE = {"polar-right": "polar-left", "polar-left": "polar-right"}
_MENDABLE = (IndefiniteMatrixError, NonFiniteError, ConvergenceError)


def apply_plan(
    plan: PlanRecord, a: Any, b: Any, *, verify: Verify = "sketch", backend: Backend = numpy_backend
) -> Solution:
    """Return f(A) B for one matrix A (m, n) and B (n, s) or (n,), both of the plan's dtype.

    Where the schedule is cheaper applied to B than carried out (:func:`application_for`), it is,
    and f(A) is judged as an operator (:mod:`matrl.execute.applied.judge`). Where not, with
    ``verify="full"``, and where that check fails, the plan runs as ever, and its value is
    multiplied. Raises what :class:`~matrl.execute.Executor` does, InputError for a B that does not
    fit, and ConvergenceError for an f(A) B out of the dtype's range.
    """
    started = time.perf_counter()
    check_options(verify, "refuse", None)
    array = as_single_matrix(a)
    function = FUNCTIONS.get(plan.function)
    shape = matrix_shape(function, array.shape)
    array = as_input(array, plan, shape)
    block = as_block(b, plan, function, shape, check=verify != "off")
    found, reason = None, ""
    application = application_for(plan, shape, block.shape[1], verify)
    if application is not None:
        run = _Run(plan, shape, application, verify, backend)
        found, reason = run(np.ascontiguousarray(array), block)
    if found is None:
        found = _formed(plan, shape, array, block, verify, backend, reason)
    value = found.value
    if b.ndim == 1:
        is_pair = isinstance(value, tuple)
        value = tuple(one[:, 0] for one in value) if is_pair else value[:, 0]
    return replace(found, value=value, seconds=time.perf_counter() - started)


def application_for(
    plan: PlanRecord, shape: tuple[int, int], columns: int, verify: Verify = "sketch"
) -> Application | None:
    """Return how a plan is applied to so many vectors; ``None`` where f(A) is to be formed.

    That is where it is cheaper, the products of the guard included; where the whole residual is
    asked for; of empty matrices and blocks; of domains with the eigenvalue 0, whose check needs
    factors of f(A); and of decompositions, which tell the rank as well.
    """
    m, n = max(shape), min(shape)
    if verify == "full" or plan.domain.has_zero or n == 0 or columns == 0:
        return None
    function = _function(plan, shape)
    program = _program(function, plan.steps, plan.dtype)
    if any(op.kind in ("spectral", "polar") for op in program.operations):
        return None
    if verify != "off":
        columns += guard_columns(function)
    application = best_application(program, Sizes(m, n, columns), plan.dtype)
    return None if set(program.outputs) - application.applied else application


def _function(plan: PlanRecord, shape: tuple[int, int]) -> MatrixFunction:
    """Return the function of the conjugate transpose where A is wide."""
    is_wide = shape[0] < shape[1]
    return FUNCTIONS.get(
        _OTHER_SIDE.get(plan.function, plan.function) if is_wide else plan.function
    )


@lru_cache(maxsize=64)
def _program(function: MatrixFunction, steps: tuple[StepRecord, ...], dtype: str) -> Program:
    return fold(trace_schedule(function, steps, dtype))


def _formed(
    plan: PlanRecord,
    shape: tuple[int, int],
    a: Matrix,
    block: Block,
    verify: Verify,
    backend: Backend,
    reason: str,
) -> Solution:
    """Return f(A) times the block, and what is known of f(A)."""
    solution = Executor(plan, shape, verify=verify, backend=backend)(a)
    several = isinstance(solution.value, tuple)
    products = []
    for value in solution.value if several else (solution.value,):
        product = np.zeros((value.shape[0], block.shape[1]), block.dtype)
        if product.size and value.size:
            with np.errstate(over="ignore", invalid="ignore"):
                backend.matmul(product, value, np.ascontiguousarray(block))
        if verify != "off" and not np.all(np.isfinite(product)):
            raise _out_of_range(plan)
        products.append(product)
    message = "; ".join(filter(None, (reason and f"formed f(A): {reason}", solution.message)))
    return replace(solution, value=tuple(products) if several else products[0], message=message)


def _out_of_range(plan: PlanRecord) -> ConvergenceError:
    return ConvergenceError(f"B: f(A) B is out of the range of {plan.dtype}; scale B, or A")


@dataclass(frozen=True)
class _Run:
    """One application of a plan to a block, for matrices of one shape."""

    plan: PlanRecord
    shape: tuple[int, int]
    application: Application
    verify: Verify
    backend: Backend

    def __call__(self, a: Matrix, block: Block) -> tuple[Solution | None, str]:
        """Return f(A) times the block, or why f(A) is to be formed.

        Raises a :class:`~matrl.errors.MatrlError` for input outside the plan's domain.
        """
        plan, backend, checks = self.plan, self.backend, self.verify != "off"
        function = _function(plan, self.shape)
        is_wide = self.shape[0] < self.shape[1]
        if is_wide:
            a = np.ascontiguousarray(a.conj().T)
        norms = None
        if checks:
            norms = checked_norms(function, a, backend)
            if norms.max_abs == 0.0:
                return None, "A is zero"
        elif plan.scaling.kind != "constant":
            norms = backend.norms(a)
        prepared = prepare(plan, function, a, norms, backend.empty(a.shape, a.dtype), backend)
        if checks:
            assert prepared.norms is not None
            check_upper_end(
                plan, prepared.a, prepared.bound, prepared.norms, backend, prepared.exponent
            )
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            try:
                matrices = form(self.application, self._scaled(prepared), backend)
            except _MENDABLE as error:
                return None, str(error)
            verdict = None
            if checks:
                operators = self._operators(function, prepared, matrices)
                verdict = judge_operators(plan, function, prepared, operators, backend)
                if not verdict.passed:
                    reason = "as an operator, it exceeds the tolerance in its residual"
                    logger.info("formed f(A): %s", reason)
                    return None, reason
            values = self._values(function, prepared, matrices, block)
        if values is None:
            return None, "its product with B is not finite"
        return self._solution(values, verdict), ""

    def _scaled(self, prepared: Prepared) -> Matrix:
        a, bound = prepared.a, prepared.bound
        if bound == 1.0:
            return a
        if not (np.isfinite(bound) and bound > 0.0):
            raise IndefiniteMatrixError(
                f"A: cannot be scaled by its norm bound {bound:.3g}; scale A to norm near 1"
            )
        return self.backend.linear(self.backend.empty(a.shape, a.dtype), (1.0 / bound,), (a,), 0.0)

    def _operators(
        self, function: MatrixFunction, prepared: Prepared, matrices: tuple[Matrix, ...]
    ) -> tuple[Operator, ...]:
        """Return the outputs of f(prepared.a) as operators."""
        application, dtype = self.application, prepared.a.dtype
        wide = np.dtype(prepared.wide_dtype)
        program = application.program
        m, n = prepared.a.shape
        sizes = {"square": (n, n), "tall": (m, n), "large": (m, m)}

        def product(output: int, adjoint: bool, factor: float) -> Any:
            tape = application.tape([output], adjoint=adjoint)

            def times(v: Block) -> Block:
                lengths = column_norms(v)
                lengths = np.where(lengths > 0.0, lengths, 1.0)
                block = np.ascontiguousarray(v / lengths).astype(dtype, copy=False)
                (result,) = play(tape, matrices, block, self.backend)
                return result.astype(wide) * (lengths * factor)

            return times

        operators = []
        for index, exponent in enumerate(function.exponents):
            factor = prepared.bound**exponent
            shape = sizes[program.operations[program.outputs[index]].shape]
            one = Operator(shape, wide, product(index, False, factor), product(index, True, factor))
            operators.append(replace(one, frobenius_norm=norm_of(one)))
        return tuple(operators)

    def _values(
        self,
        function: MatrixFunction,
        prepared: Prepared,
        matrices: tuple[Matrix, ...],
        block: Block,
    ) -> tuple[Block, ...] | None:
        """Return f(A) times the block; ``None`` where that overflows on the way."""
        largest = np.abs(block).max(axis=0)
        _, exponents = np.frexp(np.where(np.isfinite(largest), largest, 1.0))
        exponents = np.where(np.abs(exponents) > MODERATE, exponents, 0)
        moderate = _times_powers_of_two(np.array(block, order="C"), -exponents)
        application, is_wide = self.application, self.shape[0] < self.shape[1]
        tape = application.forward
        if is_wide:  # with A* = U H, A = U* (U H U*): the adjoint of the first factor
            tape = application.tape(range(len(function.exponents)), adjoint=True)
        values = []
        for value, exponent in zip(
            play(tape, matrices, moderate, self.backend), function.exponents, strict=True
        ):
            if not np.all(np.isfinite(value)) and self.verify != "off":
                return None
            factor = prepared.bound**exponent
            scaled = np.array(value if factor == 1.0 else value * value.dtype.type(factor))
            shift = round(prepared.exponent * exponent) + exponents
            values.append(self._rescaled(scaled, shift, largest))
        return tuple(values)

    def _rescaled(self, value: Block, shift: np.ndarray, largest: np.ndarray) -> Block:
        """Return the block times 2^shift, exactly, column by column."""
        if not np.any(shift):
            return value
        had = np.abs(value).max(axis=0) > 0.0
        value = _times_powers_of_two(value, shift)
        tiny = float(np.finfo(value.dtype).tiny)
        lost = had & (np.abs(value).max(axis=0) < tiny) & (largest >= tiny)
        if self.verify != "off" and (np.any(lost) or not np.all(np.isfinite(value))):
            raise _out_of_range(self.plan)
        return value

    def _solution(self, values: tuple[Block, ...], verdict: Verdict | None) -> Solution:
        plan = self.plan
        return Solution(
            value=values if len(values) > 1 else values[0],
            status="unchecked" if verdict is None else "converged",
            residual=None if verdict is None else verdict.residual,
            residual_bound=None if verdict is None else verdict.residual_bound,
            failure_probability=None if verdict is None else FAILURE_PROBABILITY,
            error_bound=None,
            steps=len(plan.steps),
            seconds=0.0,
            plan_id=plan.id,
        )


def _times_powers_of_two(x: Block, exponents: np.ndarray) -> Block:
    """Multiply the columns of ``x``, C-contiguous, in place."""
    if np.any(exponents):
        real = np.finfo(x.dtype).dtype
        parts = x.view(real)
        np.ldexp(parts, np.repeat(exponents, x.itemsize // real.itemsize), out=parts)
    return x
