"""One matrix with at least as many rows as columns: checks, schedule, guard, what follows it."""

import logging
from dataclasses import dataclass
from functools import partial

import numpy as np

from matrl.backends.libraries import Library
from matrl.backends.protocol import Backend, Matrix
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.core.scaling import scalable
from matrl.errors import ConvergenceError, IndefiniteMatrixError, NonFiniteError
from matrl.execute.arguments import RankDeficient, Verify, output_shapes
from matrl.execute.cases import case_of, restricted
from matrl.execute.continuation import Continuation, is_positive
from matrl.execute.direct import (
    Direct,
    check_rank,
    default_threshold,
    rank_deficient_error,
    run_direct,
)
from matrl.execute.engines import Engine, engine_for
from matrl.execute.guard import Verdict, check_full, check_sketch
from matrl.execute.outcome import Outcome
from matrl.execute.prepare import Prepared, checked_norms, prepare, rescale
from matrl.execute.residuals import Case
from matrl.execute.upper_end import check_upper_end
from matrl.iterations import UPDATES, DirectMethod, trace_schedule

__all__ = ["Memory", "SingleRun"]

logger = logging.getLogger(__name__)

MENDABLE = (IndefiniteMatrixError, NonFiniteError, ConvergenceError)
"""What a schedule may run into that the direct method can mend."""


@dataclass
class Memory:
    """What one thread works in; kept from call to call."""

    engine: Engine
    rescaled: Matrix | None = None
    """Of A divided by a power of two, where that was needed yet."""


class SingleRun:
    """A plan for matrices of one shape (m, n), m >= n, and how its runs are checked."""

    def __init__(
        self,
        plan: PlanRecord,
        function: MatrixFunction,
        shape: tuple[int, int],
        verify: Verify,
        rank_deficient: RankDeficient,
        rank_threshold: float | None,
        backend: Backend,
        *,
        check_finite: bool = True,
        overwrite_a: bool = False,
    ) -> None:
        self._plan, self._function, self._shape = plan, function, shape
        self._verify, self._backend = verify, backend
        self._check_finite, self._overwrite_a = check_finite, overwrite_a
        self._threshold: float | None = None
        if rank_deficient == "pseudo":
            default = default_threshold(shape, plan.dtype)
            self._threshold = default if rank_threshold is None else float(rank_threshold)
        self._program = scalable(fold(trace_schedule(function, plan.steps, plan.dtype)))
        self.dtypes = self._program.dtypes
        first = UPDATES.get(plan.steps[0].name)
        self._is_direct = isinstance(first, DirectMethod)
        # Of a rectangular matrix the eigenvalues are those of A* A.
        self._power = 1
        if isinstance(first, DirectMethod) and first.route == "eigenvalues":
            self._power = 2 if function.structure == "rectangular" else 1

    def memory(self, library: Library | None) -> Memory:
        """Return fresh memory to run in, for the arrays of a library."""
        # The check after the schedule needs A as it was.
        is_free = self._overwrite_a and self._verify == "off"
        return Memory(
            engine_for(
                library,
                self._program,
                self._shape,
                backend=self._backend,
                overwrite_input=is_free,
            )
        )

    @property
    def output_shapes(self) -> tuple[tuple[int, int], ...]:
        """The shapes of the outputs."""
        return output_shapes(self._function, self._shape)

    def __call__(self, a: Matrix, values: tuple[Matrix, ...], memory: Memory) -> Outcome:
        """Write f(a) into ``values``; ``a`` (m, n) and they are C-contiguous, of the plan's dtype.

        Raises a :class:`~matrl.errors.MatrlError` where that is not possible.
        """
        plan, function, backend = self._plan, self._function, self._backend
        checks, norms = self._verify != "off", None
        if checks:
            norms = checked_norms(function, a, backend, check_symmetry=self._check_finite)
            if norms.max_abs == 0.0:
                return self._zero(values)
        elif plan.scaling.kind != "constant":
            norms = backend.norms(a)
        prepared = prepare(plan, function, a, norms, partial(self._room, a, memory), backend)
        if checks:
            assert prepared.norms is not None
            n = self._shape[1]
            check_upper_end(
                plan,
                prepared.a,
                prepared.bound,
                prepared.norms,
                backend,
                prepared.exponent,
                room=values[0].reshape(-1)[: n * n].reshape(n, n),  # not written yet
            )
        outcome = self._run(prepared, values, memory)
        rescale(function, values, prepared.exponent, check=checks)
        return outcome

    def _room(self, a: Matrix, memory: Memory) -> Matrix:
        """Return where ``a`` divided by a power of two may go."""
        if self._overwrite_a:
            return a
        if memory.rescaled is None:
            memory.rescaled = self._backend.empty(self._shape, self._plan.dtype)
        return memory.rescaled

    def _zero(self, values: tuple[Matrix, ...]) -> Outcome:
        function = self._function
        reaches_zero = function.vanishes_at_zero and self._plan.domain.includes_zero
        if self._threshold is None and not reaches_zero:
            raise rank_deficient_error(function, "zero")
        for value in values:
            value[...] = 0.0
        if reaches_zero:
            return Outcome("converged", 0.0, 0.0, self._proved(0.0), rank=0)
        message = self._rank_message(0)
        return Outcome("fell_back", 0.0, 0.0, self._proved(0.0), message, 0)

    def _proved(self, bound: float) -> float | None:
        return bound if self._verify == "full" else None

    # The run ---------------------------------------------------------------------------------

    def _run(self, prepared: Prepared, values: tuple[Matrix, ...], memory: Memory) -> Outcome:
        if self._is_direct_from_the_start():
            return self._directly(prepared, values, "", None)
        try:
            seen = self._schedule(prepared, values, memory)
        except MENDABLE as error:
            if self._verify == "off":
                if self._function.structure == "positive":
                    raise
                raise rank_deficient_error(self._function, "singular or too small") from error
            return self._directly(prepared, values, str(error), None)
        if self._verify == "off":
            return Outcome("unchecked")
        verdict = self._verdict(self._case(prepared, values))
        if not verdict.passed:
            reason = "the residual exceeds the tolerance"
            continued = self._continued(prepared, values, verdict, reason)
            return continued or self._directly(prepared, values, reason, verdict)
        if self._is_direct and self._function.carries == "x":
            # A decomposition gives a factor of a singular matrix too, in an arbitrary way.
            exponent, power = prepared.exponent, self._power
            check_rank(self._plan, self._function, prepared.a, exponent, seen, power)
        # An eigenvalue that counts as zero would lie below the domain and show in the residual.
        rank = None if self._threshold is None else prepared.a.shape[-1]
        return self._outcome("converged", verdict, rank=rank)

    def _is_direct_from_the_start(self) -> bool:
        """Whether only a decomposition can tell what counts as zero."""
        domain = self._plan.domain
        if self._threshold is None:
            return domain.has_zero and self._is_direct
        if domain.has_zero:
            return True
        resolves_more = self._threshold * domain.upper >= 0.5 * domain.lower
        return self._verify == "off" or self._is_direct or resolves_more

    def _schedule(
        self, prepared: Prepared, values: tuple[Matrix, ...], memory: Memory
    ) -> Matrix | None:
        bound = prepared.bound
        if not (np.isfinite(bound) and bound > 0.0):
            raise IndefiniteMatrixError(
                f"A: cannot be scaled by its norm bound {bound:.3g}; scale A to norm near 1"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            seen = memory.engine(
                prepared.a,
                values,
                factor=1.0 / bound,
                zero_is_zero=self._function.vanishes_at_zero and self._plan.norm != "eigenvalue",
            )
            for value, exponent in zip(values, self._function.exponents, strict=True):
                if bound != 1.0 and exponent != 0.0:
                    value *= bound**exponent
        return seen

    def _case(self, prepared: Prepared, values: tuple[Matrix, ...]) -> Case:
        return case_of(
            self._plan,
            self._function,
            prepared.a,
            values,
            prepared.size,
            prepared.exponent,
            self._backend,
            has_threshold=self._threshold is not None,
            is_direct=self._is_direct,
        )

    def _verdict(self, case: Case, direct: Direct | None = None) -> Verdict:
        if direct is not None:
            if direct.rank == 0:
                return Verdict(True, 0.0, 0.0, 0.0)
            case = restricted(case, direct)
        return check_full(case) if self._verify == "full" else check_sketch(case)

    def _continued(
        self, prepared: Prepared, values: tuple[Matrix, ...], verdict: Verdict, reason: str
    ) -> Outcome | None:
        """Take one or two more steps from ``values``; ``None`` where they are not worth it or fail.

        What counts as a zero eigenvalue only a decomposition can tell.
        """
        if self._is_direct or self._threshold is not None or self._plan.domain.has_zero:
            return None
        steps = Continuation(self._function, self._plan.dtype, self._shape)
        needed = steps.needed(verdict.residual, self._plan.tol)
        current = values
        for step in range(1, steps.affordable + 1) if needed else ():
            try:
                current = steps.step(prepared.a, current, self._backend)
            except MENDABLE:
                return None
            case = self._case(prepared, current)
            second = self._verdict(case) if step >= needed else verdict
            if second.passed and is_positive(case):
                for value, better in zip(values, current, strict=True):
                    self._backend.cast(value, better)
                message = f"continued by {step} step{'s' if step > 1 else ''}: {reason}"
                logger.info(message)
                return self._outcome("continued", second, message)
        return None

    def _directly(
        self,
        prepared: Prepared,
        values: tuple[Matrix, ...],
        reason: str,
        verdict: Verdict | None,
    ) -> Outcome:
        plan, function = self._plan, self._function
        wide = prepared.a.astype(prepared.wide_dtype, copy=False)
        direct = run_direct(plan, function, wide, prepared.exponent, self._threshold)
        for value, exact in zip(values, direct.values, strict=True):
            self._backend.cast(value, exact)
        if self._verify == "off":
            return Outcome("unchecked", rank=direct.rank)
        second = self._verdict(self._case(prepared, values), direct)
        if not second.passed:
            seen = f"; the schedule's residual was {verdict.residual:.3g}" if verdict else ""
            raise ConvergenceError(
                f"A: neither the schedule nor the direct method meets tol={plan.tol:g} "
                f"(residual {second.residual:.3g}{seen}); A is too ill-conditioned for "
                f"{plan.dtype}: use a wider dtype, a larger tol, or a ridge"
            )
        message = self._rank_message(direct.rank) if self._threshold is not None else ""
        if reason:
            method = "svd" if function.structure == "rectangular" else "eigh"
            logger.warning("fell back to the direct method: %s", reason)
            message = "; ".join(filter(None, (f"fell back to {method}: {reason}", message)))
        is_planned = self._is_direct and self._threshold is None and not reason
        return self._outcome(
            "converged" if is_planned else "fell_back", second, message, direct.rank
        )

    def _rank_message(self, rank: int) -> str:
        return (
            f"rank {rank} of {self._shape[1]} at the threshold {self._threshold:.3g}, by the "
            "direct method"
        )

    def _outcome(
        self, status: str, verdict: Verdict, message: str = "", rank: int | None = None
    ) -> Outcome:
        return Outcome(
            status,
            verdict.residual,
            verdict.residual_bound,
            verdict.error_bound,
            message,
            rank,
        )
