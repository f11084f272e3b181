"""Splitting programs: whatever is applied and not formed, the product with a block is the same."""

import itertools
from typing import Any

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.application import (
    Application,
    Combine,
    Multiply,
    Solve,
    application_of,
    can_be_applied,
)
from matrl.core.folding import fold
from matrl.core.plan import StepRecord
from matrl.core.program import Program
from matrl.core.tracing import Graph
from matrl.execute.applied.operator import form, play
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.entries import catalogue_entries, schedule_structure
from matrl.readings.dense import run

EPS = float(np.finfo(np.float64).eps)
N = 6


def positive(dtype: str = "float64", m: int = N) -> np.ndarray:
    """Return a matrix with eigenvalues (singular values) from 0.3 to 1; tall where m > N."""
    random = np.random.default_rng(m)
    imaginary = 1j if dtype.startswith("complex") else 0.0

    def orthonormal(rows: int) -> np.ndarray:
        noise = random.standard_normal((rows, N)) + imaginary * random.standard_normal((rows, N))
        return np.linalg.qr(noise)[0]

    right = orthonormal(N)
    a = (orthonormal(m) if m > N else right) * np.geomspace(0.3, 1.0, N) @ right.conj().T
    return np.ascontiguousarray(a if m > N else 0.5 * (a + a.conj().T)).astype(dtype)


def splits(program: Program) -> list[frozenset[int]]:
    """Return the cuts of a program that follow its order."""
    able, operations = can_be_applied(program), program.operations
    found, applied = [frozenset[int]()], frozenset[int]()
    for value in range(len(operations) - 1, -1, -1):
        readers = {i for i, op in enumerate(operations) if value in op.operands}
        if able[value] and readers <= applied:
            applied |= {value}
            found.append(applied)
    return found


def split(program: Program, applied: frozenset[int]) -> Application:
    application = application_of(program, applied)
    assert application is not None
    return application


def formed_values(program: Program, a: np.ndarray) -> tuple[np.ndarray, ...]:
    m, n = a.shape
    sizes = {"square": (n, n), "tall": (m, n), "large": (m, m)}
    shapes = [sizes[program.operations[i].shape] for i in program.outputs]
    outs = tuple(np.empty(shape, a.dtype) for shape in shapes)
    run(program, a, outs, backend=numpy_backend)
    return outs


def block(rows: int, dtype: str) -> np.ndarray:
    random = np.random.default_rng(rows)
    return (
        (random.standard_normal((rows, 3)) + 1j * random.standard_normal((rows, 3))).astype(dtype)
        if dtype.startswith("complex")
        else random.standard_normal((rows, 3))
    )


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", ["inv", "sqrt+invsqrt", "root-3", "power--2/3", "sign", "polar"])
def test_every_split_of_every_entry_has_the_products_of_the_values(name: str, dtype: str) -> None:
    function = FUNCTIONS.get(name)
    a = positive(dtype, N + 3 if name == "polar" else N)
    for entry in catalogue_entries([function]):
        steps: list[StepRecord] = []
        for update_name, form_name in schedule_structure(entry):
            update, coefficients = UPDATES.get(update_name), ()
            if not isinstance(update, DirectMethod):
                coefficients = tuple(update.coefficients(function.root_index, 0.3, 1.0))
            steps.append(StepRecord(update_name, form_name, "float64", coefficients, "averaged"))
        # The condition of a polynomial of a with ||a|| = 1 is that of its sum.
        sums = max(1.0, *(float(np.abs(step.coefficients).sum()) for step in steps))
        program = fold(trace_schedule(function, steps, dtype))
        values = formed_values(program, a)
        for applied in itertools.islice(splits(program), 0, None, 3):
            application = split(program, applied)
            matrices = form(application, a, numpy_backend)
            for adjoint in (False, True):
                tape = application.tape(range(len(values)), adjoint=adjoint)
                b = block(len(a) if adjoint else N, dtype)
                results = play(tape, matrices, b, numpy_backend)
                for result, value in zip(results, values, strict=True):
                    expected = (value.conj().T if adjoint else value) @ b
                    size = max(np.linalg.norm(value), np.linalg.norm(a)) * np.linalg.norm(b)
                    assert np.linalg.norm(result - expected) <= 100 * N * EPS * size * sums, entry


def test_factors_of_products_and_grams_enter_the_right_way_round() -> None:
    """U H, X* Y and X Y* of a tall X, and their adjoints."""
    graph = Graph()
    x = graph.input("A", "complex128", shape="tall", hermitian=False)
    h = x.gram(x)
    u = x.matmul(h.inverse(), "general")
    program = graph.program(u, u.gram(x), u.outer(x))
    a = positive("complex128", N + 2)
    values = formed_values(program, a)
    application = split(program, splits(program)[-1])
    assert [matrix.is_factor for matrix in application.matrices] == [True, False]
    matrices = form(application, a, numpy_backend)
    for output, adjoint in itertools.product(range(3), (False, True)):
        value = values[output].conj().T if adjoint else values[output]
        b = block(value.shape[1], "complex128")
        tape = application.tape([output], adjoint=adjoint)
        (result,) = play(tape, matrices, b, numpy_backend)
        assert np.linalg.norm(result - value @ b) <= 100 * N * EPS * np.linalg.norm(b) / 0.3


def test_a_polynomial_takes_as_many_products_as_its_degree() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    square = m @ m
    program = fold(graph.program((2.0 * square + m) @ square + 3.0 * m + 1.0))
    application = split(program, splits(program)[-1])
    steps = application.forward.steps
    assert sum(isinstance(step, Multiply) for step in steps) == 4
    assert [op.kind for op in application.formed.operations] == []
    assert all(matrix.source is None for matrix in application.matrices)


def test_an_inverse_that_is_only_applied_is_a_factor() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    program = graph.program((m + 1.0).inverse() + 2.0 * (m + 3.0).inverse() + 0.5)
    application = split(program, splits(program)[-1])
    assert [matrix.is_factor for matrix in application.matrices] == [True, True]
    assert not any(op.kind == "inverse" for op in application.formed.operations)
    assert [type(step) for step in application.forward.steps] == [Solve, Solve, Combine]


def test_what_factorisations_read_is_formed() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    square = m @ m
    program = graph.program(square.power(0.5) @ (square + m).inverse())
    able = can_be_applied(program)
    kinds = [op.kind for op in program.operations]
    assert [kind for kind, can in zip(kinds, able, strict=True) if can] == ["inverse", "matmul"]


def test_casts_and_hermitian_parts_are_passed_through() -> None:
    graph = Graph()
    m = graph.input("A", "float64").cast("float32")
    skewed = m.matmul(m + 1.0, "general")
    program = graph.program(skewed.symmetrize().cast("float64"))
    a = positive()
    application = split(program, splits(program)[-1])
    matrices = form(application, a, numpy_backend)
    assert all(matrix.dtype == np.float64 for matrix in matrices)
    b = block(N, "float64")
    (result,) = play(application.forward, matrices, b, numpy_backend)
    # In float64 throughout: a matrix in float32 would be 1e-7 off.
    assert np.linalg.norm(result - a @ (a + np.eye(N)) @ b) <= 40 * N * EPS * np.linalg.norm(b)


def test_a_tape_longer_than_allowed_is_none() -> None:
    graph = Graph()
    value: Any = graph.input("A", "float64")
    for _ in range(12):
        value = value @ value
    program = graph.program(value)
    applied = splits(program)[-1]
    assert application_of(program, applied, 4095) is None
    assert len(split(program, applied).forward.steps) == 4096


def test_blocks_die_after_their_last_use() -> None:
    graph = Graph()
    m = graph.input("A", "float64")
    program = graph.program(m @ m + m)
    tape = split(program, splits(program)[-1]).forward
    last = tape.last_uses()
    assert last[0] == 0
    assert last[tape.outputs[0]] == len(tape.steps)
