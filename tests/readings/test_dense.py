"""The dense reading."""

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.layout import allocate
from matrl.core.program import Program
from matrl.core.tracing import Graph
from matrl.errors import IndefiniteMatrixError, InputError
from matrl.readings.dense import allocate_workspace, run
from matrl.testing import CountingBackend

EPS = float(np.finfo(np.float64).eps)


def symmetric(n: int = 6) -> np.ndarray:
    generator = np.random.default_rng(n)
    vectors, _ = np.linalg.qr(generator.standard_normal((n, n)))
    a = (vectors * np.linspace(0.5, 1.5, n)) @ vectors.T
    return 0.5 * (a + a.T)


def value(program: Program, a: np.ndarray) -> np.ndarray:
    out = np.full(a.shape, np.nan, program.operations[program.outputs[0]].dtype)
    run(program, a, out, backend=numpy_backend)
    return out


def test_each_operation() -> None:
    a = symmetric()
    graph = Graph()
    x = graph.input("A", "float64")
    for expression, expected in (
        (2 * x - x @ x + 3.0, 2 * a - a @ a + 3.0 * np.eye(6)),
        (x.matmul(x, "general"), a @ a),
        (x.matmul(x, "averaged"), a @ a),
        (x.inverse(), np.linalg.inv(a)),
        (x.power(-1.0), np.linalg.inv(a)),
        (x.power(0.5) @ x.power(0.5), a),
        (x.cast("float32"), a.astype("float32")),
        (2.5 * graph.identity("float64"), 2.5 * np.eye(6)),
    ):
        error = np.abs(value(graph.program(expression), a) - expected).max()
        assert error <= 32 * 6 * EPS


def test_a_workspace_can_be_used_again() -> None:
    graph = Graph()
    x = graph.input("A", "float64")
    program = graph.program((x @ x + 1.0) @ (x @ x) + x.inverse())
    layout = allocate(program)
    workspace = allocate_workspace(layout, 6, numpy_backend)
    assert [array.dtype.name for array in workspace] == list(layout.dtypes)
    results = []
    for _ in range(2):
        out = np.empty((6, 6))
        run(program, symmetric(), out, backend=numpy_backend, layout=layout, workspace=workspace)
        results.append(out)
    assert np.array_equal(*results)
    assert np.array_equal(results[0], value(program, symmetric()))


def test_the_outputs_are_returned_and_out_may_not_be_left_out_on_numpy() -> None:
    graph = Graph()
    x = graph.input("A", "float64")
    program, a, outs = graph.program(x @ x, x), symmetric(), [np.empty((6, 6)), np.empty((6, 6))]
    found = run(program, a, outs, backend=numpy_backend)
    assert all(value is out for value, out in zip(found, outs, strict=True))
    assert np.array_equal(outs[1], a)
    with pytest.raises(InputError, match="out: is None"):
        run(program, a, None, backend=numpy_backend)


@pytest.mark.parametrize("power", [False, True])
def test_matrices_that_are_not_positive_definite(power: bool) -> None:
    graph = Graph()
    x = graph.input("A", "float64")
    program = graph.program(x.power(-0.5) if power else x.inverse())
    for bad in (np.diag([1.0, -1.0]), np.diag([1.0, 0.0]), -np.eye(2)):
        with pytest.raises(IndefiniteMatrixError, match="positive definite"):
            value(program, bad)


def test_the_least_eigenvalue_a_power_accepts() -> None:
    graph = Graph()
    program = graph.program(graph.input("A", "float64").power(-0.5))
    assert np.isfinite(value(program, np.diag([1.0, 2 * EPS]))).all()
    with pytest.raises(IndefiniteMatrixError, match="not above the rounding level"):
        value(program, np.diag([1.0, 0.5 * EPS]))


def test_the_counting_backend_hands_everything_on() -> None:
    backend = CountingBackend()
    assert backend.norms(np.eye(3)).one == 1.0
    assert backend.is_finite(np.eye(3))
    assert not backend.counts


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_eigenvalues_within_rounding_of_zero_are_zero_where_that_is_asked(dtype: str) -> None:
    graph = Graph()
    x = graph.input("A", dtype)
    eps = float(np.finfo(dtype).eps)
    root, inverse = graph.program(x.power(0.5)), graph.program(x.power(-0.5))

    def run_on(program: Program, least: float, zero_is_zero: bool) -> np.ndarray:
        a, out = np.diag([1.0, 0.25, least]).astype(dtype), np.empty((3, 3), dtype)
        run(program, a, out, backend=numpy_backend, zero_is_zero=zero_is_zero)
        return out

    for least in (-2.0 * eps, 0.0, 0.5 * eps, 2.0 * eps):
        expected = np.diag([1.0, 0.5, max(least, 0.0) ** 0.5])
        assert np.abs(run_on(root, least, True) - expected).max() <= 16 * eps
    with pytest.raises(IndefiniteMatrixError, match="rounding level"):
        run_on(root, -2.0 * eps, False)
    for program, least in ((root, -8.0 * eps), (root, -0.5), (inverse, 0.0), (inverse, -eps)):
        with pytest.raises(IndefiniteMatrixError, match="positive definite"):
            run_on(program, least, True)
