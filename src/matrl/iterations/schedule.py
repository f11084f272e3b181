"""A schedule is a list of steps; traced, it is one program."""

from collections.abc import Sequence

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import is_half, working_dtype
from matrl.core.program import Program
from matrl.core.tracing import Expression, Graph
from matrl.errors import InputError
from matrl.iterations.catalogue import FORMS, UPDATES
from matrl.iterations.form import Form, Registers, multiply
from matrl.iterations.update import DirectMethod, Update, with_hermitian_factor

__all__ = [
    "DIRECT",
    "advance",
    "check_schedule",
    "forms_of",
    "input_matrix",
    "outputs",
    "start",
    "trace_schedule",
]

DIRECT = "direct"


def forms_of(update: Update, function: MatrixFunction, previous: str | None) -> tuple[Form, ...]:
    """Return the forms that can carry an update out after a step of the form ``previous``."""
    return tuple(form for form in FORMS if form.admits(update.kind, function, previous))


def check_schedule(function: MatrixFunction, steps: Sequence[StepRecord]) -> None:
    """Raise :class:`~matrl.errors.InputError` if the steps are not a schedule for the function."""
    k = function.root_index
    previous: str | None = None
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
        if not FORMS.get(step.form).admits(update.kind, function, previous):
            raise InputError(f"{where}: cannot be carried out in the form {step.form!r} here")
        count = update.coefficient_count(k)
        if len(step.coefficients) != count:
            raise InputError(f"{where}: needs {count} coefficients, has {len(step.coefficients)}")
        previous = step.form
    _check_halves(function, steps)


def _check_halves(function: MatrixFunction, steps: Sequence[StepRecord]) -> None:
    halves = [step.precision for step in steps if is_half(step.precision)]
    if halves and trace_schedule(function, steps, "float64").factorises_in_half:
        raise InputError(
            f"steps: one in {halves[0]} needs a factorisation, which half precisions do not have; "
            "give it float32 or float64"
        )


def input_matrix(graph: Graph, function: MatrixFunction, dtype: str, label: str) -> Expression:
    """Return the input of a schedule: Hermitian, or tall for the polar factor."""
    if function.structure == "rectangular":
        return graph.input(label, dtype, shape="tall", hermitian=False)
    return graph.input(label, dtype)


def start(graph: Graph, function: MatrixFunction, dtype: str, precision: str) -> Registers:
    """Return the registers of a schedule that has not begun: Z = I, Y = A, X = A, M = A or A* A."""
    a = input_matrix(graph, function, dtype, "A")
    cast = a.cast(working_dtype(precision, dtype))
    identity = graph.identity(cast.dtype)
    if function.carries == "x":
        # The first step, a chained one, forms the Gram matrix.
        return Registers(a, m=identity, z=identity, x=cast)
    return Registers(
        a,
        m=cast,
        z=identity if function.carries in ("z", "yz") else None,
        y=cast if function.carries in ("y", "yz") else None,
    )


def advance(registers: Registers, step: StepRecord, function: MatrixFunction) -> Registers:
    """Write one iterative step onto the registers."""
    update = UPDATES.get(step.name)
    assert not isinstance(update, DirectMethod)
    return FORMS.get(step.form).advance(registers, update, step, function)


def outputs(registers: Registers, function: MatrixFunction) -> tuple[Expression, ...]:
    """Return what the function asks for if the schedule ended here, in the dtype of A."""
    a, dtype = registers.a, registers.a.dtype
    if function.carries == "x":
        assert registers.x is not None
        assert registers.z is not None
        unitary = multiply(registers.x, registers.z, registers.product).cast(dtype)
        return with_hermitian_factor(unitary, a, function)
    carried = {"y": (registers.y,), "z": (registers.z,), "yz": (registers.y, registers.z)}
    return tuple(
        value.symmetrize().cast(dtype) for value in carried[function.carries] if value is not None
    )


def trace_schedule(
    function: MatrixFunction,
    steps: Sequence[StepRecord],
    dtype: str,
    *,
    with_residual: bool = False,
) -> Program:
    """Return the program of a whole schedule: input ``"A"``, outputs f(A), all of ``dtype``.

    ``with_residual`` adds M after the last step as another output, where there is one.

    What the last step need not update is not in it, and neither is a product with the identity, so
    the reduced price of first and last steps is read off the program.
    """
    graph = Graph()
    first = UPDATES.get(steps[0].name)
    if isinstance(first, DirectMethod):
        a = input_matrix(graph, function, dtype, "A")
        low = a.cast(working_dtype(steps[0].precision, dtype))
        return graph.program(*(value.cast(dtype) for value in first.apply(low, function)))
    registers = start(graph, function, dtype, steps[0].precision)
    for step in steps:
        registers = advance(registers, step, function)
    values = list(outputs(registers, function))
    if with_residual and registers.m is not None:
        values.append(registers.m)
    return graph.program(*values)
