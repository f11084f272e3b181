"""Tracing: which operations ordinary arithmetic records."""

import numpy as np
import pytest

from matrl.core.program import Program, evaluate
from matrl.core.tracing import Expression, Graph
from matrl.readings.scalar import ScalarReading

Traced = tuple[Graph, Expression, Expression]


@pytest.fixture
def traced() -> Traced:
    graph = Graph()
    return graph, graph.input("A", "float64"), graph.input("B", "float64")


def kinds(program: Program) -> list[str]:
    return [op.kind for op in program.operations if op.kind != "input"]


def value(program: Program, a: float = 3.0, b: float = 0.5) -> float:
    reading = ScalarReading()
    (result,) = evaluate(program, reading, {"A": np.array(a), "B": np.array(b)})
    return float(result)


def test_inputs_of_one_label_are_one_value(traced: Traced) -> None:
    graph, a, _ = traced
    assert graph.input("A", "float64").is_same(a)
    assert not graph.input("A", "float32").is_same(a)


def test_products_with_the_identity_cost_nothing(traced: Traced) -> None:
    graph, a, _ = traced
    identity = graph.identity("float64")
    assert (identity @ a).is_same(a)
    assert (a @ (3.0 * identity)).is_same(3 * a)
    assert ((2.0 * identity) @ (3.0 * identity)).is_same(6.0 * identity)
    assert kinds(graph.program(identity @ a @ identity)) == []


def test_functions_of_the_identity_cost_nothing(traced: Traced) -> None:
    graph, _, _ = traced
    four = 4.0 * graph.identity("float64")
    assert four.inverse().is_same(0.25 * graph.identity("float64"))
    assert four.power(-0.5).is_same(0.5 * graph.identity("float64"))
    assert four.cast("float32").is_same(4.0 * graph.identity("float32"))


def test_the_identity_alone_can_be_returned(traced: Traced) -> None:
    graph, _, _ = traced
    program = graph.program(2.5 * graph.identity("float64"))
    assert kinds(program) == ["linear"]
    assert value(program) == 2.5


def test_the_inverse_of_zero_is_refused(traced: Traced) -> None:
    graph, a, _ = traced
    with pytest.raises(ZeroDivisionError):
        (0.0 * graph.identity("float64")).inverse()
    with pytest.raises(ZeroDivisionError):
        (a - a).inverse()
    with pytest.raises(ZeroDivisionError):
        _ = a / 0.0


def test_scalar_factors_leave_products_and_inverses(traced: Traced) -> None:
    graph, a, b = traced
    product = (2.0 * a) @ (-3.0 * b)
    assert product.is_same(-6.0 * (a @ b))
    assert (4.0 * a).inverse().is_same(0.25 * a.inverse())
    program = graph.program(product + a @ b)
    assert kinds(program) == ["matmul", "linear"]
    assert value(program) == -5.0 * 1.5


def test_a_negative_factor_stays_in_an_inverse(traced: Traced) -> None:
    """What is inverted is the positive definite -X, not X."""
    graph, a, _ = traced
    program = graph.program((-2.0 * a).inverse())
    assert kinds(program) == ["linear", "inverse"]
    assert program.operations[1].coefficients == (-2.0,)
    assert value(program) == -1.0 / 6.0


def test_a_power_takes_its_operand_whole(traced: Traced) -> None:
    graph, a, _ = traced
    program = graph.program((2.0 * a).power(0.5))
    assert kinds(program) == ["linear", "spectral"]
    assert value(program, a=8.0) == 4.0


def test_equal_operations_are_shared(traced: Traced) -> None:
    graph, a, b = traced
    program = graph.program((a @ b) @ (a @ b) + (a + b).inverse() @ (a + b).inverse())
    assert kinds(program) == ["matmul", "matmul", "linear", "inverse", "matmul", "linear"]


def test_different_products_are_not_shared(traced: Traced) -> None:
    graph, a, b = traced
    program = graph.program(
        a @ b, b @ a, a.matmul(b, "averaged"), a.matmul(b, "general"), a.matmul(b)
    )
    assert [op.product for op in program.operations[2:]] == [
        "mirrored",
        "mirrored",
        "averaged",
        "general",
    ]
    assert program.outputs == (2, 3, 4, 5, 2)


def test_sums_of_sums_are_one_pass(traced: Traced) -> None:
    graph, a, b = traced
    total = 2.0 * (a + 3.0 * (b - 1.0)) - (b - a) / 2.0 + 0.5
    program = graph.program(total)
    assert kinds(program) == ["linear"]
    (op,) = (op for op in program.operations if op.kind == "linear")
    assert op.operands == (0, 1)
    assert op.coefficients == (2.5, 5.5)
    assert op.shift == -5.5
    assert value(program) == 2.5 * 3.0 + 5.5 * 0.5 - 5.5


def test_what_cancels_is_dropped(traced: Traced) -> None:
    graph, a, b = traced
    assert (a + b - a).is_same(b)
    assert (0.0 * a).is_same(0.0 * graph.identity("float64"))
    assert kinds(graph.program((a - a) + b)) == []
    assert kinds(graph.program((a - a) @ b + a)) == []


def test_python_operators(traced: Traced) -> None:
    graph, a, b = traced
    for expression, expected in (
        (1.0 + a, 4.0),
        (1.0 - a, -2.0),
        (a - 1.0, 2.0),
        (a - b, 2.5),
        (-a, -3.0),
        (a * 2.0, 6.0),
        (2 * a, 6.0),
        (a / 2, 1.5),
        (a @ b, 1.5),
        (sum([a, b], graph.identity("float64")), 4.5),
        (sum([a, b]), 3.5),
    ):
        assert isinstance(expression, Expression)
        assert value(graph.program(expression)) == expected


def test_a_sum_equal_to_a_value_is_that_value(traced: Traced) -> None:
    _, a, _ = traced
    assert (2.0 * a - a).materialise() == a.materialise()


def test_a_cast_to_the_same_precision_is_nothing(traced: Traced) -> None:
    graph, a, _ = traced
    assert a.cast("float64") is a
    there_and_back = a.cast("float32").cast("float64")
    assert there_and_back.dtype == "float64"
    program = graph.program(there_and_back)
    assert [(op.kind, op.dtype) for op in program.operations[1:]] == [
        ("cast", "float32"),
        ("cast", "float64"),
    ]


def test_operations_have_the_precision_of_their_operands(traced: Traced) -> None:
    graph, a, _ = traced
    low = a.cast("float32")
    program = graph.program(((low @ low) + low + 1.0).inverse().power(0.5))
    assert {op.dtype for op in program.operations[1:]} == {"float32"}


def test_mixing_precisions_is_refused(traced: Traced) -> None:
    _, a, _ = traced
    with pytest.raises(ValueError, match=r"other: .* precision; cast it first"):
        _ = a + a.cast("float32")


def test_mixing_graphs_is_refused(traced: Traced) -> None:
    _, a, _ = traced
    with pytest.raises(ValueError, match="other: belongs to another graph"):
        _ = a + Graph().input("A", "float64")
    assert not a.is_same(Graph().input("A", "float64"))


def test_products_of_mixed_precision_or_graph_are_refused(traced: Traced) -> None:
    _, a, _ = traced
    with pytest.raises(ValueError, match=r"other: .* precision; cast it first"):
        _ = a @ a.cast("float32")
    with pytest.raises(ValueError, match="other: belongs to another graph"):
        _ = a @ Graph().input("B", "float64")


def test_programs_hold_only_what_their_outputs_need(traced: Traced) -> None:
    graph, a, b = traced
    kept, _ = a @ a, (b @ b).inverse()
    program = graph.program(kept)
    assert kinds(program) == ["matmul"]
    assert program.inputs == ("A",)
    assert len(graph.program(kept, kept).operations) == 2
