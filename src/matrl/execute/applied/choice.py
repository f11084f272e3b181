"""Whether a plan is applied or carried out: by counted operations, and by what can be judged."""

from functools import lru_cache

from matrl.core.application import Application
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord, StepRecord
from matrl.core.program import PRODUCTS, Program
from matrl.core.splitting import Sizes, best_application
from matrl.execute.applied.judge import guard_columns
from matrl.execute.arguments import Verify
from matrl.execute.orientation import function_for
from matrl.iterations import trace_schedule

__all__ = ["application_for"]


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
    function = function_for(plan, shape)
    program = _program(function, plan.steps, plan.dtype)
    if any(op.kind in ("spectral", "polar") for op in program.operations):
        return None
    if verify != "off":
        columns += guard_columns(function)
    application = best_application(program, Sizes(m, n, columns), plan.dtype)
    saves = any(
        program.operations[value].kind in (*PRODUCTS, "inverse") for value in application.applied
    )
    return application if saves else None


@lru_cache(maxsize=64)
def _program(function: MatrixFunction, steps: tuple[StepRecord, ...], dtype: str) -> Program:
    return fold(trace_schedule(function, steps, dtype))
