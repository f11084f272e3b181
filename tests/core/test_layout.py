"""Layout: values that live at the same time never share memory."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.backends.numpy import numpy_backend
from matrl.core.layout import INPUT, OUTPUT, Layout, allocate
from matrl.core.plan import StepRecord
from matrl.core.program import Operation, Program, evaluate
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.schedule import form_of
from matrl.readings.dense import allocate_workspace, run
from matrl.readings.scalar import ScalarReading

DTYPES = ("float32", "float64")


@st.composite
def programs(draw: Callable[..., object], *, runnable: bool = False) -> Program:
    """Random programs of one output and one input, dead code removed as tracing does."""
    length = draw(st.integers(1, 30))
    assert isinstance(length, int)
    operations = [Operation("input", dtype="float64", label="A")]
    for index in range(1, length + 1):
        # Operands from anywhere, the recent ones more often.
        near = st.integers(max(0, index - 3), index - 1)
        chosen = draw(st.lists(near | st.integers(0, index - 1), min_size=1, max_size=3))
        assert isinstance(chosen, list)
        kind = draw(st.sampled_from(["linear", "matmul", "inverse", "cast"]))
        dtype = operations[chosen[0]].dtype
        same = [i for i in chosen if operations[i].dtype == dtype]
        if kind == "cast":
            other = DTYPES[1 - DTYPES.index(dtype)]
            operations.append(Operation("cast", (chosen[0],), dtype=other))
        elif kind == "matmul":
            operations.append(
                Operation("matmul", (same[0], same[-1]), dtype=dtype, product="averaged")
            )
        elif kind == "inverse" and not runnable:
            operations.append(Operation("inverse", (chosen[0],), dtype=dtype))
        else:
            coefficients = tuple(0.5 / (i + 1) for i in range(len(same)))
            operations.append(Operation("linear", tuple(same), coefficients, 0.25, dtype=dtype))
    output = draw(st.integers(1, length))
    assert isinstance(output, int)
    return Program(tuple(operations), (output,)).restricted_to((output,))


def live_after(program: Program) -> list[set[int]]:
    """Per operation, the values whose last use is later: found from the reads themselves."""
    reads: list[set[int]] = [set(op.operands) for op in program.operations]
    later: set[int] = set(program.outputs)
    live = [set(later)]
    for operands in reversed(reads):
        later = later | operands
        live.append(set(later))
    live.reverse()
    # live[i + 1]: what is read by an operation after i, or returned.
    return [{v for v in live[i + 1] if v <= i} for i in range(len(program.operations))]


def assert_sound(program: Program, layout: Layout) -> None:
    assert len(layout.slots) == len(program.operations)
    (output,) = program.outputs
    live = live_after(program)
    for index, (op, slot) in enumerate(zip(program.operations, layout.slots, strict=True)):
        if op.kind == "input":
            assert slot == INPUT
            continue
        assert (slot == OUTPUT) == (index == output)
        if slot >= 0:
            assert layout.dtypes[slot] == op.dtype
        # Never written while read, and never over what is still needed.
        assert slot not in {layout.slots[i] for i in op.operands}
        assert slot not in {layout.slots[i] for i in live[index] if i != index}


@given(programs())
def test_slots_never_overlap_live_values(program: Program) -> None:
    assert_sound(program, allocate(program))


@given(programs())
def test_slots_are_no_more_than_values_alive_at_once(program: Program) -> None:
    """A linear scan of intervals is optimal, one slot more for the value being written."""
    layout = allocate(program)
    live = live_after(program)
    (output,) = program.outputs
    for dtype in DTYPES:
        most = 0
        for index, op in enumerate(program.operations):
            held = {*live[index], *op.operands} | {index}
            most = max(
                most,
                sum(
                    program.operations[i].dtype == dtype
                    and program.operations[i].kind != "input"
                    and i != output
                    for i in held
                ),
            )
        assert layout.dtypes.count(dtype) <= most


@settings(max_examples=50)
@given(programs(runnable=True), st.integers(0, 100))
def test_runs_in_a_dirty_workspace_give_the_value(program: Program, seed: int) -> None:
    """On diagonal matrices the dense reading is the scalar one, whatever the slots held."""
    eigenvalues = np.random.default_rng(seed).uniform(0.1, 0.5, 5)
    (expected,) = evaluate(program, ScalarReading(), {"A": eigenvalues})
    layout = allocate(program)
    workspace = allocate_workspace(layout, 5, numpy_backend)
    for array in workspace:
        array.fill(np.nan)
    a = np.diag(eigenvalues)
    out = np.full((5, 5), np.nan, program.operations[program.outputs[0]].dtype)
    run(program, a, out, backend=numpy_backend, layout=layout, workspace=workspace)
    assert np.array_equal(a, np.diag(eigenvalues))
    # Powers of numbers up to 2, rounded to float32 at most 30 times.
    scale = max(1.0, float(np.abs(expected).max()))
    assert np.allclose(out, np.diag(expected), rtol=0.0, atol=1e-4 * scale)


@pytest.mark.parametrize("precision", DTYPES)
@pytest.mark.parametrize("function", ["inv", "invsqrt", "sqrt"])
def test_schedules_have_sound_layouts(
    function: str, precision: Literal["float32", "float64"]
) -> None:
    entry, k = FUNCTIONS.get(function), FUNCTIONS.get(function).root_index
    for update in UPDATES:
        if isinstance(update, DirectMethod) or not update.supports(k):
            continue
        coefficients = update.coefficients(k, 0.1, 1.0)
        precisions = (precision, precision, "float64")
        steps = [
            StepRecord(update.name, form_of(update, entry.carries, i == 0), name, coefficients)
            for i, name in enumerate(precisions)
        ]
        program = trace_schedule(entry, steps, "float64")
        assert_sound(program, allocate(program))


def test_slots_are_reused() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    for _ in range(20):
        m = m @ m + 1.0
    assert len(allocate(graph.program(m)).dtypes) == 2


def test_precisions_never_share_a_slot() -> None:
    graph = Graph()
    low = (graph.input("A", "float64") @ graph.input("A", "float64")).cast("float32")
    high = (low @ low).cast("float64")
    layout = allocate(graph.program(high @ high + 1.0))
    assert sorted(layout.dtypes) == ["float32", "float32", "float64", "float64"]


def test_an_input_that_is_returned_is_copied_out() -> None:
    graph = Graph()
    program = graph.program(graph.input("A", "float64"))
    assert allocate(program) == Layout((INPUT,), ())
    a, out = np.eye(3), np.full((3, 3), np.nan)
    run(program, a, out, backend=numpy_backend)
    assert np.array_equal(out, a)


def test_one_output_is_needed() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    with pytest.raises(ValueError, match="unpack"):
        allocate(graph.program(a @ a, a + 1.0))
