"""Folding: fewer passes, the same values and the same prices."""

import numpy as np
import pytest
from hypothesis import given, settings

from matrl.backends.numpy import numpy_backend
from matrl.core.folding import fold
from matrl.core.plan import StepRecord
from matrl.core.program import Program, evaluate
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.entries import catalogue_entries, schedule_structure
from matrl.readings.count import count
from matrl.readings.dense import run
from matrl.readings.scalar import ScalarReading

EPS = float(np.finfo(np.float64).eps)


def kinds(program: Program) -> list[str]:
    return [op.kind for op in program.operations]


def symmetric(n: int = 5) -> np.ndarray:
    noise = np.random.default_rng(n).standard_normal((n, n))
    return 0.1 * (noise + noise.T)


def value(program: Program, a: np.ndarray) -> np.ndarray:
    out = np.full(a.shape, np.nan)
    run(program, a, out, backend=numpy_backend)
    return out


def test_a_polynomial_becomes_products_alone() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    square = m @ m
    program = graph.program(3.0 * (square @ square) - 2.0 * square + 0.5 * m + 1.0)
    folded = fold(program)
    assert kinds(program) == ["input", "matmul", "matmul", "linear"]
    assert kinds(folded) == ["input", "matmul", "matmul"]
    assert folded.operations[-1].coefficients == (3.0, -2.0, 0.5)
    a = symmetric()
    expected = 3.0 * a @ a @ a @ a - 2.0 * a @ a + 0.5 * a + np.eye(5)
    assert np.abs(value(folded, a) - expected).max() <= 64 * EPS
    assert count(folded) == count(program)


def test_a_product_that_is_read_elsewhere_stays_itself() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    square = m @ m
    both = graph.program(square, square + 1.0)
    assert fold(both) == both
    used = graph.program((square + 1.0) @ square)
    assert fold(used) == used


def test_a_mirrored_product_takes_in_nothing_that_may_not_be_hermitian() -> None:
    """Only its lower triangle is computed: the upper one of the addend would be lost."""
    graph = Graph()
    m = graph.input("A", "float64")
    skewed = m.matmul(m.inverse(), "general")
    program = graph.program(skewed + m @ m)
    assert fold(program) == program
    # The other way round nothing is lost.
    other = graph.program(m @ m + skewed.matmul(m))
    assert kinds(fold(other)).count("linear") == 0


def test_half_precisions_round_every_kernel_and_are_left_alone() -> None:
    graph = Graph()
    m = graph.input("A", "float64").cast("bfloat16")
    program = graph.program((m @ m + 1.0).cast("float64"))
    assert fold(program) == program


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", ["general", "mirrored", "averaged"])
def test_products_take_in_any_number_of_addends(name: str, dtype: str) -> None:
    graph = Graph()
    m = graph.input("A", dtype)
    inverse, product = (m + 2.0).inverse(), m.matmul(m, name)  # type: ignore[arg-type]
    program = graph.program(0.5 * m - 3.0 * product + 2.0 * inverse + 0.25)
    assert len(fold(program).operations[-1].operands) == 4
    a = symmetric().astype(dtype)
    if dtype == "complex128":
        a += 0.1j * np.triu(np.ones((5, 5)), 1) - 0.1j * np.tril(np.ones((5, 5)), -1)
    expected = np.empty_like(a)
    run(program, a, expected, backend=numpy_backend)
    result = np.empty_like(a)
    run(fold(program), a, result, backend=numpy_backend)
    assert np.abs(result - expected).max() <= 64 * EPS
    if name != "general":
        assert np.array_equal(result, result.conj().T)


@pytest.mark.parametrize("function", ["inv", "sqrt+invsqrt", "root-3", "sign", "polar-right"])
def test_folded_schedules_have_the_values_and_prices_of_the_others(function: str) -> None:
    entry = FUNCTIONS.get(function)
    x = np.linspace(0.1, 1.0, 7)
    for listed in catalogue_entries([entry]):
        steps: list[StepRecord] = []
        for name, form in schedule_structure(listed):
            update, coefficients = UPDATES.get(name), ()
            if not isinstance(update, DirectMethod):
                coefficients = tuple(update.coefficients(entry.root_index, 0.1, 1.0))
            steps.append(StepRecord(name, form, "float64", coefficients))
        program = trace_schedule(entry, steps, "float64")
        folded = fold(program)
        assert len(folded.operations) <= len(program.operations)
        assert count(folded) == count(program)
        for got, expected in zip(
            evaluate(folded, ScalarReading(), {"A": x}),
            evaluate(program, ScalarReading(), {"A": x}),
            strict=True,
        ):
            assert np.allclose(got, expected, rtol=1e-12, atol=0.0)


@settings(max_examples=20)
@given(...)
def test_folding_twice_is_folding_once(odd: bool) -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    p = 0.5 * (m @ m) + 1.0
    program = graph.program(p @ m + p if odd else p @ p)
    assert fold(fold(program)) == fold(program)
