"""A schedule is a list of steps; traced, it is one program."""

from collections.abc import Sequence

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.program import Product, Program
from matrl.core.tracing import Graph
from matrl.errors import InputError
from matrl.iterations.catalogue import FORMS, UPDATES
from matrl.iterations.form import Registers
from matrl.iterations.update import DirectMethod, Update

__all__ = ["DIRECT", "advance", "check_schedule", "form_of", "start", "trace_schedule"]

DIRECT = "direct"


def form_of(update: Update, carries: str, is_start: bool) -> str:
    """Return the name of the form that carries an update out at this place of a schedule."""
    return next(form.name for form in FORMS if form.admits(update.kind, carries, is_start))


def check_schedule(function: MatrixFunction, steps: Sequence[StepRecord]) -> None:
    """Raise :class:`~matrl.errors.InputError` if the steps are not a schedule for the function."""
    carries, k = function.carries, function.root_index
    for index, step in enumerate(steps):
        where, update = f"step {index + 1} ({step.name})", UPDATES.get(step.name)
        if isinstance(update, DirectMethod):
            if len(steps) > 1 or step.form != DIRECT or not update.supports(function):
                raise InputError(
                    f"{where}: must be the only step, of form {DIRECT!r}, of a function it computes"
                )
            continue
        if not update.supports(k):
            raise InputError(f"{where}: does not exist for {function.name}")
        if not FORMS.get(step.form).admits(update.kind, carries, index == 0):
            raise InputError(f"{where}: cannot be carried out in the form {step.form!r} here")
        count = update.coefficient_count(k)
        if len(step.coefficients) != count:
            raise InputError(f"{where}: needs {count} coefficients, has {len(step.coefficients)}")


def start(graph: Graph, function: MatrixFunction, dtype: str, precision: str) -> Registers:
    """Return the registers of a schedule that has not begun: Z = I or Y = A, and M = A."""
    a = graph.input("A", dtype).cast(precision)
    carried = graph.identity(precision) if function.carries == "z" else a
    return Registers(carried, a, function.carries)


def advance(registers: Registers, step: StepRecord, root_index: int) -> Registers:
    """Write one iterative step onto the registers."""
    registers = registers.cast(step.precision)
    update = UPDATES.get(step.name)
    assert not isinstance(update, DirectMethod)
    multiplier = update.multiplier(registers.residual, step.coefficients, root_index)
    product: Product = step.product
    return FORMS.get(step.form).advance(registers, multiplier, root_index, product)


def trace_schedule(
    function: MatrixFunction,
    steps: Sequence[StepRecord],
    dtype: str,
    *,
    with_residual: bool = False,
) -> Program:
    """Return the program of a whole schedule: input ``"A"``, output f(A), both of ``dtype``.

    ``with_residual`` adds M after the last step as a second output.

    What the last step need not update is not in it, and neither is a product with the identity, so
    the reduced price of first and last steps is read off the program.
    """
    graph = Graph()
    first = UPDATES.get(steps[0].name)
    if isinstance(first, DirectMethod):
        a = graph.input("A", dtype).cast(steps[0].precision)
        return graph.program(first.apply(a, function).cast(dtype))
    registers = start(graph, function, dtype, steps[0].precision)
    for step in steps:
        registers = advance(registers, step, function.root_index)
    outputs = [registers.carried.cast(dtype)]
    if with_residual:
        outputs.append(registers.residual)
    return graph.program(*outputs)
