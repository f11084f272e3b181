"""f(A) B: the schedule pulled through B where that is cheaper, or f(A) and a product."""

import logging
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from matrl.backends.libraries import library_of
from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, Matrix
from matrl.core.application import Application
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.core.solution import Solution
from matrl.errors import ConvergenceError, IndefiniteMatrixError, InputError, NonFiniteError
from matrl.execute.applied.arguments import as_block, as_single_matrix
from matrl.execute.applied.blocks import ModerateBlock
from matrl.execute.applied.choice import application_for
from matrl.execute.applied.judge import agrees, judge_operators, probed
from matrl.execute.applied.operator import form, operator_of, play
from matrl.execute.arguments import Verify, as_input, check_options, matrix_shape
from matrl.execute.executor import Executor
from matrl.execute.guard import FAILURE_PROBABILITY, REFUSED, Verdict
from matrl.execute.orientation import function_for
from matrl.execute.prepare import Prepared, checked_norms, prepare
from matrl.execute.residuals.check import Block
from matrl.execute.upper_end import check_upper_end
from matrl.functions import FUNCTIONS

__all__ = ["apply_plan"]

logger = logging.getLogger(__name__)

_MENDABLE = (IndefiniteMatrixError, NonFiniteError, ConvergenceError)


def apply_plan(
    plan: PlanRecord, a: Any, b: Any, *, verify: Verify = "sketch", backend: Backend = numpy_backend
) -> Solution:
    """Return f(A) B for one matrix A (m, n) and B (n, s) or (n,), both of the plan's dtype.

    Both are of NumPy, PyTorch or JAX, and so is the value; the work is done on the host.

    Where the schedule is cheaper applied to B than carried out, it is
    (:mod:`matrl.execute.applied.choice`), and f(A) is judged as an operator
    (:mod:`matrl.execute.applied.judge`). Where not, with ``verify="full"``, and where that check
    fails, the plan runs as ever, and its value is multiplied. Raises what
    :class:`~matrl.execute.Executor` does, InputError for a B that does not fit, and
    ConvergenceError for an f(A) B out of the dtype's range.
    """
    library = library_of(a)
    if library is None:
        return _apply(plan, a, b, verify, backend)
    if not isinstance(library_of(b), type(library)):
        raise InputError(
            f"B: must be of the same library as A, {type(a).__name__}, not {type(b).__name__}"
        )
    array = as_input(a, plan, tuple(a.shape[-2:]), library)
    vectors = library.view(b if b.ndim > 1 else b[:, None], "B")
    found = _apply(plan, array, vectors if b.ndim > 1 else vectors[:, 0], verify, backend)
    if isinstance(found.value, tuple):
        return replace(found, value=tuple(library.given_back(one, b) for one in found.value))
    return replace(found, value=library.given_back(found.value, b))


def _apply(plan: PlanRecord, a: Any, b: Any, verify: Verify, backend: Backend) -> Solution:
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
        if reason:
            logger.info("forming f(A): %s", reason)
    if found is None:
        found = _formed(plan, shape, array, block, verify, backend, reason)
    value = found.value
    if b.ndim == 1:
        is_pair = isinstance(value, tuple)
        vectors = tuple(one.reshape(-1) for one in (value if is_pair else (value,)))
        value = vectors if is_pair else vectors[0]
    return replace(found, value=value, seconds=time.perf_counter() - started)


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

    @property
    def function(self) -> MatrixFunction:
        """The function of what is at least as high as wide, A or its conjugate transpose."""
        return function_for(self.plan, self.shape)

    @property
    def is_wide(self) -> bool:
        """Whether A runs as its conjugate transpose: with A* = U H, A = U* (U H U*)."""
        return self.shape[0] < self.shape[1]

    def __call__(self, a: Matrix, block: Block) -> tuple[Solution | None, str]:
        """Return f(A) times the block, or why f(A) is to be formed.

        Raises a :class:`~matrl.errors.MatrlError` for input outside the plan's domain.
        """
        prepared = self._prepared(np.ascontiguousarray(a.conj().T) if self.is_wide else a)
        if prepared is None:
            return None, "A is zero"
        moderate, verdict = ModerateBlock.of(block), None
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            try:
                matrices = form(self.application, self._scaled(prepared), self.backend)
                values = self._values(prepared, matrices, moderate.block)
            except _MENDABLE as error:
                return None, str(error)
            if self.verify != "off":
                verdict, problem = self._judged(prepared, matrices, moderate.block, values)
                if problem:
                    return None, problem
        return self._solution(prepared, moderate, values, verdict), ""

    def _prepared(self, a: Matrix) -> Prepared | None:
        """Return A as the schedule takes it, checked; ``None`` if it is zero."""
        plan, backend, checks, norms = self.plan, self.backend, self.verify != "off", None
        if checks:
            norms = checked_norms(self.function, a, backend)
            if norms.max_abs == 0.0:
                return None
        elif plan.scaling.kind != "constant":
            norms = backend.norms(a)
        room = partial(backend.empty, a.shape, a.dtype)
        prepared = prepare(plan, self.function, a, norms, room, backend)
        if checks:
            assert prepared.norms is not None
            check_upper_end(
                plan, prepared.a, prepared.bound, prepared.norms, backend, prepared.exponent
            )
        return prepared

    def _scaled(self, prepared: Prepared) -> Matrix:
        a, bound = prepared.a, prepared.bound
        if bound == 1.0:
            return a
        if not (np.isfinite(bound) and bound > 0.0):
            raise IndefiniteMatrixError(
                f"A: cannot be scaled by its norm bound {bound:.3g}; scale A to norm near 1"
            )
        out = self.backend.empty(a.shape, a.dtype)
        return self.backend.linear(out, (1.0 / bound,), (a,), 0.0)

    def _values(
        self, prepared: Prepared, matrices: tuple[Matrix, ...], block: Block
    ) -> tuple[Block, ...]:
        """Return f(prepared.a), or its adjoint where A is wide, times the block."""
        tape, exponents = self.application.forward, self.function.exponents
        if self.is_wide:
            tape = self.application.tape(range(len(exponents)), adjoint=True)
        values = play(tape, matrices, block, self.backend)
        return tuple(
            value * value.dtype.type(prepared.bound**exponent)
            for value, exponent in zip(values, exponents, strict=True)
        )

    def _judged(
        self,
        prepared: Prepared,
        matrices: tuple[Matrix, ...],
        block: Block,
        values: tuple[Block, ...],
    ) -> tuple[Verdict, str]:
        """Return what the guard says, and what speaks against the values, if anything."""
        plan, backend = self.plan, self.backend
        if not all(backend.is_finite(value) for value in values):
            return REFUSED, "its product with B is not finite"
        operators = []
        for index, exponent in enumerate(self.function.exponents):
            factor = prepared.bound**exponent
            shape = prepared.a.shape
            one = operator_of(self.application, index, matrices, shape, factor, backend)
            operators.append(probed(one))
        verdict = judge_operators(plan, self.function, prepared, tuple(operators), backend)
        if not verdict.passed:
            return verdict, "the residual of f(A) as an operator exceeds the tolerance"
        for operator, value in zip(operators, values, strict=True):
            if not agrees(operator, block, value, plan.tol, adjoint=self.is_wide):
                return verdict, "its product with B is not what f(A) does to vectors"
        return verdict, ""

    def _solution(
        self,
        prepared: Prepared,
        moderate: ModerateBlock,
        values: tuple[Block, ...],
        verdict: Verdict | None,
    ) -> Solution:
        plan, restored = self.plan, []
        for value, exponent in zip(values, self.function.exponents, strict=True):
            one, in_range = moderate.restored(value, round(prepared.exponent * exponent))
            if self.verify != "off" and not in_range:
                raise _out_of_range(plan)
            restored.append(one)
        return Solution(
            value=tuple(restored) if len(restored) > 1 else restored[0],
            status="unchecked" if verdict is None else "converged",
            residual=None if verdict is None else verdict.residual,
            residual_bound=None if verdict is None else verdict.residual_bound,
            failure_probability=None if verdict is None else FAILURE_PROBABILITY,
            error_bound=None,
            steps=len(plan.steps),
            seconds=0.0,
            plan_id=plan.id,
        )
