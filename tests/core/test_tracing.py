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


@pytest.fixture
def tall() -> tuple[Graph, Expression]:
    graph = Graph()
    return graph, graph.input("X", "complex64", shape="tall", hermitian=False)


def test_products_of_tall_matrices_have_their_shapes(tall: tuple[Graph, Expression]) -> None:
    graph, x = tall
    program = graph.program(x.gram(x), x.outer(x), x @ x.gram(x), x.gram(x) @ x.gram(x))
    recorded = [program.operations[i] for i in program.outputs]
    assert [(op.kind, op.product, op.shape) for op in recorded] == [
        ("gram", "mirrored", "square"),
        ("outer", "mirrored", "large"),
        ("matmul", "general", "tall"),
        ("matmul", "mirrored", "square"),
    ]
    assert {op.dtype for op in program.operations} == {"complex64"}
    assert len(program.operations) == 5  # the Gram matrix is shared


def test_grams_and_outer_products_are_hermitian_whatever_is_multiplied(
    tall: tuple[Graph, Expression],
) -> None:
    _, x = tall
    assert not x.hermitian
    assert x.gram(x).hermitian
    assert x.outer(x).hermitian
    assert not (x @ x.gram(x)).hermitian
    assert x.gram(x).inverse().hermitian
    a = Graph().input("A", "float64")
    assert a.outer(a).shape == a.gram(a).shape == "square"


def test_grams_and_outer_products_can_be_averaged(tall: tuple[Graph, Expression]) -> None:
    graph, x = tall
    program = graph.program(x.gram(x, "averaged"), x.outer(x, "averaged"))
    assert [op.product for op in program.operations[1:]] == ["averaged", "averaged"]


def test_scalar_factors_leave_grams_and_outer_products(traced: Traced) -> None:
    graph, a, b = traced
    assert (2.0 * a).gram(-3.0 * b).is_same(-6.0 * a.gram(b))
    assert (2.0 * a).outer(-3.0 * b).is_same(-6.0 * a.outer(b))
    assert kinds(graph.program((2.0 * a).gram(a) + a.gram(a))) == ["gram", "linear"]


def test_tall_matrices_and_square_ones_do_not_add_up(tall: tuple[Graph, Expression]) -> None:
    _, x = tall
    with pytest.raises(ValueError, match="other: is square, not tall"):
        _ = x + x.gram(x)
    with pytest.raises(ValueError, match="other: is tall, not large"):
        _ = x.outer(x) - x
    with pytest.raises(ValueError, match="the identity can be added to square matrices only"):
        _ = x + 1.0
    assert (x + 0.0).is_same(x)
    assert ((x + x) * 0.5).is_same(x)


def test_only_square_matrices_multiply_from_the_right(tall: tuple[Graph, Expression]) -> None:
    graph, x = tall
    for left in (x, x.gram(x)):
        with pytest.raises(ValueError, match="other: is tall; only square matrices multiply"):
            _ = left @ x
    with pytest.raises(ValueError, match="other: is large"):
        _ = x.gram(x) @ x.outer(x)
    identity = graph.identity("complex64")
    assert (x @ (2.0 * identity)).is_same(2.0 * x)


def test_the_shape_of_a_sum_and_of_a_cast_is_that_of_its_terms(
    tall: tuple[Graph, Expression],
) -> None:
    graph, x = tall
    program = graph.program((x - 3.0 * (x @ x.gram(x))).cast("complex128"))
    assert [(op.kind, op.shape) for op in program.operations[-2:]] == [
        ("linear", "tall"),
        ("cast", "tall"),
    ]
    assert not x.cast("complex128").hermitian
    assert x.gram(x).cast("complex128").hermitian


def test_products_of_what_is_not_hermitian_are_general(traced: Traced) -> None:
    _, a, b = traced
    general = a.matmul(b, "general")
    assert a.matmul(b).hermitian
    assert not general.hermitian
    assert not (general + a).hermitian
    assert not (2.0 * general - 1.0).hermitian
    graph = general.graph
    program = graph.program(general @ a, a @ general, general.matmul(a, "averaged"))
    products = [program.operations[i].product for i in program.outputs]
    assert products == ["general", "general", "averaged"]


def test_symmetrizing_what_is_hermitian_is_nothing(traced: Traced) -> None:
    graph, a, b = traced
    assert a.symmetrize() is a
    assert (a @ b).symmetrize().is_same(a @ b)
    general = a.matmul(b, "general")
    program = graph.program((-2.0 * general).symmetrize())
    assert kinds(program) == ["matmul", "symmetrize", "linear"]
    assert value(program) == -3.0
    assert general.symmetrize().hermitian
    assert general.symmetrize().symmetrize().is_same(general.symmetrize())


def test_lyapunov_equations(traced: Traced) -> None:
    graph, a, b = traced
    solution = (2.0 * a).lyapunov(1.0 - b)
    assert solution.hermitian
    program = graph.program(solution)
    assert kinds(program) == ["linear", "linear", "lyapunov"]
    assert value(program) == 0.5 / 12.0
    with pytest.raises(ValueError, match="cast it first"):
        a.cast("float32").lyapunov(b)


def test_polar_factors_and_signs(tall: tuple[Graph, Expression], traced: Traced) -> None:
    graph, x = tall
    program = graph.program(x.polar_factor())
    assert [(op.kind, op.shape, op.dtype) for op in program.operations[1:]] == [
        ("polar", "tall", "complex64")
    ]
    assert not x.polar_factor().hermitian
    graph, a, _ = traced
    assert a.sign().hermitian
    program = graph.program((a - 4.0).sign(), a.power(0.5), a.power(0.0))
    assert kinds(program) == ["linear", "spectral", "spectral", "spectral"]
    assert [program.operations[i].label for i in program.outputs] == ["sign", "", ""]
    values = evaluate(program, ScalarReading(), {"A": np.array([1.0, 9.0])})
    assert [list(v) for v in values] == [[-1.0, 1.0], [1.0, 3.0], [1.0, 1.0]]


def test_powers_and_signs_are_told_apart(traced: Traced) -> None:
    graph, a, _ = traced
    assert not a.sign().is_same(a.power(0.0))
    assert len(graph.program(a.sign(), a.sign(), a.power(0.5), a.power(0.5)).operations) == 3


def test_programs_hold_only_what_their_outputs_need(traced: Traced) -> None:
    graph, a, b = traced
    kept, _ = a @ a, (b @ b).inverse()
    program = graph.program(kept)
    assert kinds(program) == ["matmul"]
    assert program.inputs == ("A",)
    assert len(graph.program(kept, kept).operations) == 2
