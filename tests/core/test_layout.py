"""Layout: values that live at the same time never share memory."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.backends.numpy import numpy_backend
from matrl.core.folding import fold
from matrl.core.layout import INPUT, Layout, allocate, output_slot
from matrl.core.plan import StepRecord
from matrl.core.program import Operation, Program, Shape, evaluate
from matrl.core.scaling import scalable
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.entries import catalogue_entries, schedule_structure
from matrl.readings.dense import allocate_workspace, run
from matrl.readings.scalar import ScalarReading

DTYPES = ("float32", "float64")
RUNNABLE = ("linear", "matmul", "gram", "outer", "symmetrize", "cast")
ROWS, COLUMNS = 7, 5


def drawn_operation(kind: str, operations: list[Operation], chosen: list[int]) -> Operation:
    """An operation of this kind on the first of ``chosen`` that fit it, or a linear one."""
    first = operations[chosen[0]]
    dtype, shape = first.dtype, first.shape

    def alike(shape: Shape) -> list[int]:
        return [i for i in chosen if (operations[i].dtype, operations[i].shape) == (dtype, shape)]

    same, squares = alike(shape), alike("square")
    pair = (same[0], same[-1])
    if kind == "cast":
        other = DTYPES[1 - DTYPES.index(dtype)]
        return Operation("cast", (chosen[0],), dtype=other, shape=shape)
    if kind == "matmul" and squares:
        general = "general" if shape == "tall" else "averaged"
        operands = (same[0], squares[-1])
        if shape != "large":
            return Operation("matmul", operands, dtype=dtype, product=general, shape=shape)
    if kind == "gram" and shape != "large":
        return Operation("gram", pair, dtype=dtype)
    if kind == "outer" and shape == "tall":
        return Operation("outer", pair, dtype=dtype, shape="large")
    if kind == "polar":
        return Operation("polar", pair[:1], dtype=dtype, shape=shape)
    if kind in ("inverse", "spectral", "symmetrize") and shape == "square":
        return Operation(kind, pair[:1], shift=0.5, dtype=dtype)  # type: ignore[arg-type]
    if kind == "lyapunov" and shape == "square":
        return Operation("lyapunov", pair, dtype=dtype)
    coefficients = tuple(0.5 / (i + 1) for i in range(len(same)))
    shift = 0.25 if shape == "square" else 0.0
    return Operation("linear", tuple(same), coefficients, shift, dtype=dtype, shape=shape)


@st.composite
def programs(draw: Callable[..., object], *, runnable: bool = False) -> Program:
    """Random programs of a tall input and up to three outputs, dead code removed."""
    length = draw(st.integers(1, 30))
    assert isinstance(length, int)
    more = ("inverse", "spectral", "lyapunov", "polar")
    kinds = RUNNABLE if runnable else (*RUNNABLE, *more)
    # The Gram matrix at once, so that not everything is tall.
    operations = [
        Operation("input", dtype="float64", label="A", shape="tall"),
        Operation("gram", (0, 0), dtype="float64"),
    ]
    for index in range(2, length + 2):
        # Operands from anywhere, the recent ones more often.
        near = st.integers(max(0, index - 3), index - 1)
        chosen = draw(st.lists(near | st.integers(0, index - 1), min_size=1, max_size=3))
        assert isinstance(chosen, list)
        kind = draw(st.sampled_from(kinds))
        assert isinstance(kind, str)
        operations.append(drawn_operation(kind, operations, chosen))
    outputs = draw(st.lists(st.integers(0, length + 1), min_size=1, max_size=3))
    assert isinstance(outputs, list)
    return Program(tuple(operations), tuple(outputs)).restricted_to(outputs)


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
    assert len(layout.dtypes) == len(layout.shapes)
    live = live_after(program)
    for index, (op, slot) in enumerate(zip(program.operations, layout.slots, strict=True)):
        if op.kind == "input":
            assert slot == INPUT
            continue
        if index in program.outputs:
            assert slot == output_slot(program.outputs.index(index))
        elif slot < 0:
            home = program.operations[program.outputs[-2 - slot]]
            assert (home.dtype, home.shape) == (op.dtype, op.shape)
        else:
            assert slot < len(layout.dtypes)
            assert (layout.dtypes[slot], layout.shapes[slot]) == (op.dtype, op.shape)
        # Never written while read, unless element by element, and never over what is needed.
        apart = op.operands
        if op.kind == "linear":
            apart = ()
        elif op.kind in ("matmul", "gram", "outer"):
            apart = op.operands[:2]
        assert slot not in {layout.slots[i] for i in apart}
        assert slot not in {layout.slots[i] for i in live[index] if i != index}


def test_codes_of_outputs_are_no_slots() -> None:
    codes = [output_slot(index) for index in range(5)]
    assert len({INPUT, *codes}) == 6
    assert max(INPUT, *codes) < 0


@given(programs())
def test_slots_never_overlap_live_values(program: Program) -> None:
    assert_sound(program, allocate(program))
    assert_sound(fold(program), allocate(fold(program)))


@given(programs())
def test_slots_are_no_more_than_values_alive_at_once(program: Program) -> None:
    """A linear scan of intervals is optimal, one slot more for the value being written."""
    layout = allocate(program)
    live = live_after(program)
    kinds = list(zip(layout.dtypes, layout.shapes, strict=True))
    for kind in set(kinds):
        most = 0
        for index, op in enumerate(program.operations):
            held = ({*live[index], *op.operands} | {index}) - set(program.outputs)
            alike = [program.operations[i] for i in held]
            most = max(
                most, sum((op.dtype, op.shape) == kind and op.kind != "input" for op in alike)
            )
        assert kinds.count(kind) <= most


def diagonal(values: np.ndarray, shape: Shape) -> np.ndarray:
    rows = {"square": (COLUMNS, COLUMNS), "tall": (ROWS, COLUMNS), "large": (ROWS, ROWS)}[shape]
    result = np.zeros(rows)
    np.fill_diagonal(result[:COLUMNS, :COLUMNS], values)
    return result


@settings(max_examples=50)
@given(programs(runnable=True), st.integers(0, 100))
def test_runs_in_a_dirty_workspace_give_the_values(program: Program, seed: int) -> None:
    """On diagonal matrices the dense reading is the scalar one, whatever the slots held."""
    for one in (program, fold(program)):
        assert_dense_is_scalar(one, seed)


@settings(max_examples=50)
@given(programs(runnable=True), st.integers(0, 100), st.booleans())
def test_runs_over_the_input_and_times_a_factor(
    program: Program, seed: int, overwrite: bool
) -> None:
    for one in (scalable(program), scalable(fold(program))):
        assert_dense_is_scalar(one, seed, overwrite=overwrite, factor=0.25)


def assert_dense_is_scalar(
    program: Program, seed: int, *, overwrite: bool = False, factor: float = 1.0
) -> None:
    singular_values = np.random.default_rng(seed).uniform(0.1, 0.5, COLUMNS)
    expected = evaluate(program, ScalarReading(), {"A": singular_values * factor})
    layout = allocate(program, overwrite_input=overwrite)
    workspace = allocate_workspace(layout, COLUMNS, numpy_backend, ROWS)
    for array in workspace:
        array.fill(np.nan)
    a = diagonal(singular_values, "tall")
    returned = [program.operations[value] for value in program.outputs]
    outs = [np.full(diagonal(singular_values, op.shape).shape, np.nan, op.dtype) for op in returned]
    run(program, a, outs, backend=numpy_backend, layout=layout, workspace=workspace, factor=factor)
    assert overwrite or np.array_equal(a, diagonal(singular_values, "tall"))
    for out, values, op in zip(outs, expected, returned, strict=True):
        # Powers of numbers up to 2, rounded to float32 at most 30 times.
        scale = max(1.0, float(np.abs(values).max()))
        assert np.allclose(out, diagonal(values, op.shape), rtol=0.0, atol=1e-4 * scale)


@pytest.mark.parametrize("precision", DTYPES)
@pytest.mark.parametrize(
    "function",
    ["inv", "invsqrt", "sqrt", "sqrt+invsqrt", "root-3", "power--2/3", "sign", "polar-left"],
)
def test_schedules_have_sound_layouts(
    function: str, precision: Literal["float32", "float64"]
) -> None:
    """Every update in every form, first steps in either precision."""
    entry = FUNCTIONS.get(function)
    k = entry.root_index
    for listed in catalogue_entries([entry]):
        steps: list[StepRecord] = []
        for name, form in schedule_structure(listed):
            update, coefficients = UPDATES.get(name), ()
            if not isinstance(update, DirectMethod):
                coefficients = tuple(update.coefficients(k, 0.1, 1.0))
            steps.append(StepRecord(name, form, "float64" if steps else precision, coefficients))
        for with_residual in (False, True):
            program = trace_schedule(entry, steps, "float64", with_residual=with_residual)
            for one in (program, fold(program)):
                assert_sound(one, allocate(one))


def test_slots_are_reused() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    for _ in range(20):
        m = m @ m + 1.0
    # And the output's array.
    assert len(allocate(graph.program(m)).dtypes) == 1
    assert len(allocate(fold(graph.program(m))).dtypes) == 1


def test_a_combination_is_written_over_an_operand_read_for_the_last_time() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    square = a @ a
    program = graph.program((2.0 * square + 1.0) @ a)
    assert len(allocate(program).dtypes) == 1
    kept = graph.program((2.0 * square + 1.0) @ square)
    assert len(allocate(kept).dtypes) == 2


def test_the_array_of_an_output_is_worked_in_until_it_is_written() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    square = a @ a
    program = graph.program((2.0 * square + 1.0) @ a + square)
    layout = allocate(program)
    out = output_slot(0)
    assert layout.slots == (INPUT, 0, 1, out, out)
    # A chain of products alternates between two places, and ends in the right one.
    for length in range(2, 9):
        x = a
        for _ in range(length):
            x = x @ a
        layout = allocate(graph.program(x))
        assert len(layout.dtypes) == 1
        assert layout.slots[-1] == out


def test_precisions_never_share_a_slot() -> None:
    graph = Graph()
    low = (graph.input("A", "float64") @ graph.input("A", "float64")).cast("float32")
    high = (low @ low).cast("float64")
    layout = allocate(graph.program(high @ high + 1.0))
    assert sorted(layout.dtypes) == ["float32", "float32", "float64"]


def test_shapes_never_share_a_slot() -> None:
    graph = Graph()
    x = graph.input("A", "complex128", shape="tall", hermitian=False)
    doubled = x.matmul(x.gram(x))
    layout = allocate(graph.program(doubled.outer(doubled) * 2.0 + doubled.outer(x)))
    assert sorted(layout.shapes) == ["large", "square", "tall"]
    assert set(layout.dtypes) == {"complex128"}
    workspace = allocate_workspace(layout, 2, numpy_backend, 3)
    sizes = {"large": (3, 3), "square": (2, 2), "tall": (3, 2)}
    assert [array.shape for array in workspace] == [sizes[shape] for shape in layout.shapes]
    assert {array.dtype.name for array in workspace} == {"complex128"}


def test_an_input_that_is_returned_is_copied_out() -> None:
    graph = Graph()
    program = graph.program(graph.input("A", "float64"))
    assert allocate(program) == Layout((INPUT,), (), ())
    a, out = np.eye(3), np.full((3, 3), np.nan)
    run(program, a, out, backend=numpy_backend)
    assert np.array_equal(out, a)


def test_outputs_are_written_straight_into_their_arrays() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    layout = allocate(graph.program(a @ a, a + 1.0))
    assert layout == Layout((INPUT, output_slot(0), output_slot(1)), (), ())


def test_an_output_returned_twice_has_one_place_and_is_copied() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    square = a @ a
    program = graph.program(square, a, square, square + 1.0)
    layout = allocate(program)
    assert layout == Layout((INPUT, output_slot(0), output_slot(3)), (), ())
    outs = [np.full((2, 2), np.nan) for _ in range(4)]
    run(program, np.diag([1.0, 2.0]), outs, backend=numpy_backend)
    for out, expected in zip(outs, ([1.0, 4.0], [1.0, 2.0], [1.0, 4.0], [2.0, 5.0]), strict=True):
        assert np.array_equal(out, np.diag(expected))
