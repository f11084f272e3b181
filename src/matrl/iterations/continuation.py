"""One more step from values there are: the catalogue's own update, its residual formed from A.

Whatever schedule made a value, the step starts from it and from A alone, and so corrects itself:
what an eigenvalue is off by it squares. Inverse and inverse roots take the series update of order 2
in the forms ``anchored`` and ``zm``, with M = A Z^k as a congruence of A; sign and polar factor the
same update chained. Roots take Newton's map through one inverse, Y <- Y ((k - 1) I + W)/k with
W = Y^(-1) A Y^(1-k). Errors that do not commute with A are not squared: for an inverse square root
they change by a factor (sqrt(a_i/a_j) + sqrt(a_j/a_i) - 2)/4 at most, so that who uses the step has
to judge what comes out. Source: Higham, *Functions of Matrices*, sections 5.3, 6.3, 7.3.
"""

from dataclasses import replace

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import precision_of
from matrl.core.program import Program
from matrl.core.tracing import Expression, Graph
from matrl.iterations.catalogue import FORMS, UPDATES
from matrl.iterations.form import Registers, power_of
from matrl.iterations.schedule import input_matrix, outputs
from matrl.iterations.update import DirectMethod, Update

__all__ = ["continuation_update", "trace_continuation"]


def continuation_update(function: MatrixFunction) -> Update:
    """Return the update whose map the step has, of order 2: that of its outputs but for roots.

    >>> from matrl.functions import FUNCTIONS
    >>> continuation_update(FUNCTIONS.get("invsqrt")).name
    'series-3'
    """
    update = UPDATES.get(f"series-{function.root_index + 1}")
    assert not isinstance(update, DirectMethod)
    return update


def trace_continuation(function: MatrixFunction, dtype: str) -> Program | None:
    """Return the program of one step in one dtype; its inputs are "A" and what the outputs are.

    ``None`` for powers A^(q/p) with q > 1 (or < -1), whose values alone do not give A^(1/p). A
    Hermitian factor is no input, for it follows from the unitary one.
    """
    k, carries = function.root_index, function.carries
    exponent = function.multiplicity if carries == "z" else k - function.multiplicity
    if carries in ("z", "y") and exponent != 1:
        return None
    graph = Graph()
    a = input_matrix(graph, function, dtype, "A")
    names = function.outputs if not function.factor else function.outputs[:1]
    if carries == "x":
        shape, is_sign = a.shape, function.structure == "hermitian"
        x = graph.input(names[0], dtype, shape=shape, hermitian=is_sign)
        identity = graph.identity(dtype)
        registers = Registers(a, m=identity, z=identity, x=x)
        advanced = _advanced(registers, function, "chained")
        return graph.program(*outputs(advanced, function))
    if carries == "yz":
        # A^(1/2) = A A^(-1/2): the residual is formed once, and both are anchored in A.
        z = _inverse_root(a, graph.input(names[1], dtype), function)
        return graph.program(a.matmul(z, "averaged"), z)
    step = _inverse_root if carries == "z" else _root
    return graph.program(step(a, graph.input(names[0], dtype), function))


def _advanced(registers: Registers, function: MatrixFunction, form: str) -> Registers:
    update, k = continuation_update(function), function.root_index
    dtype = registers.a.dtype
    coefficients = update.coefficients(k, 0.5, 1.0)
    step = StepRecord(update.name, form, precision_of(dtype), coefficients, "averaged")
    return FORMS.get(form).advance(registers, update, step, function)


def _inverse_root(a: Expression, z: Expression, function: MatrixFunction) -> Expression:
    """Write Z p(A Z^k)."""
    alone = replace(function, carries="z", multiplicity=1)
    if function.root_index == 1:
        registers = _advanced(Registers(a, z=z), alone, "anchored")
    else:
        m = _congruence(a, z, function.root_index)
        registers = _advanced(Registers(a, m=m, z=z, product="averaged"), alone, "zm")
    (value,) = outputs(registers, alone)
    return value


def _root(a: Expression, y: Expression, function: MatrixFunction) -> Expression:
    """Write Y ((k - 1) I + W)/k, W = Y^-1 A Y^(1-k) made symmetric."""
    k = function.root_index
    w = _congruence(a, y.inverse(), k)
    return y.matmul((w + (k - 1.0)) / k, "averaged")


def _congruence(a: Expression, z: Expression, k: int) -> Expression:
    """Write A z^k, k > 1, as B A B for B = z^(k/2), once more times z where k is odd."""
    half = power_of(z, k // 2)
    m = half.matmul(a.matmul(half, "general"), "averaged")
    return m.matmul(z, "averaged") if k % 2 else m
