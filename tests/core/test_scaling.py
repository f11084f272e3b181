"""Programs that take a factor of their input into their coefficients."""

import numpy as np
from hypothesis import given
from tests.core.test_layout import programs

from matrl.core.program import PRODUCTS, Program, evaluate
from matrl.core.scaling import scalable, scaled
from matrl.core.tracing import Graph
from matrl.readings.scalar import ScalarReading


def test_products_of_the_input_take_the_factor_twice() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    (_, product) = graph.program(a @ a).operations
    assert scaled(product, 0, 0.5).coefficients == (0.25,)
    (_, combination) = graph.program(2.0 * a + 1.0).operations
    assert (scaled(combination, 0, 0.5).coefficients, combination.shift) == ((1.0,), 1.0)


def test_where_only_products_and_combinations_read_it_nothing_is_added() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    program = graph.program(a @ a + 2.0 * a)
    assert scalable(program) is program
    identity = Graph().input("A", "float64")
    copied = scalable(identity.graph.program(identity))
    assert [op.kind for op in copied.operations] == ["input", "linear"]
    assert copied.outputs == (1,)


@given(programs())
def test_the_same_values_and_only_what_takes_factors_reads_the_input(program: Program) -> None:
    changed = scalable(program)
    values = {"A": np.array([0.5, 0.25])}
    pairs = zip(
        evaluate(program, ScalarReading(), values),
        evaluate(changed, ScalarReading(), values),
        strict=True,
    )
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
    readers = [op for op in changed.operations if 0 in op.operands]
    assert all(op.kind == "linear" or op.kind in PRODUCTS for op in readers)
    assert 0 not in changed.outputs
    assert len(changed.operations) <= len(program.operations) + 1
