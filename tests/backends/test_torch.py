"""Kernels on tensors, and programs run with them: as on NumPy, and without looking at values."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.backends.torch import TorchBackend
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.layout import allocate
from matrl.core.plan import StepRecord
from matrl.core.precision import eps_of, precision_of
from matrl.core.program import Program
from matrl.core.scaling import scalable
from matrl.core.tracing import Graph
from matrl.errors import InputError
from matrl.execute.arguments import output_shapes
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, trace_schedule
from matrl.iterations.update import DirectMethod
from matrl.readings.dense import allocate_workspace, run
from matrl.readings.scalar import apply_update, image
from matrl.testing import check_backend

torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
pytestmark = pytest.mark.torch

backend = TorchBackend("cpu")
N, ROWS, CONDITION = 20, 27, 10.0

# Function and steps: update:form, then :averaged for that product and @ a precision where asked.
SCHEDULES = [
    ("invsqrt", "minimax-5:zm minimax-5:zm:averaged minimax-3:zm"),
    ("invsqrt", "minimax-5:yz minimax-3:yz"),
    ("invsqrt", "zolotarev-4:partial-fractions"),
    ("invsqrt", "minimax-5:zm@float32 minimax-5:zm minimax-3:zm"),
    ("sqrt", "newton:product minimax-5:ym"),
    ("inv", "minimax-3:zm minimax-3:anchored"),
    ("sign", "minimax-5:chained minimax-3:chained"),
    ("polar", "minimax-5:chained minimax-5:gram minimax-3:gram"),
    ("invsqrt", "minimax-5:zm minimax-5:zm newton-repair:lyapunov"),
    ("invsqrt", "eigh:direct"),
    ("sqrt", "eigh:direct"),
    ("sign", "eigh:direct"),
    ("polar", "svd:direct"),
    ("inv", "cholesky:direct"),
]
FULL = [
    (f, s, d)
    for f, s in SCHEDULES
    for d in ("float32", "float64", "complex64")
    if "@float32" not in s or d == "float64"
]
HALF = [
    ("invsqrt", "minimax-5:zm@bfloat16 minimax-5:zm:averaged@bfloat16"),
    ("polar", "minimax-5:chained@bfloat16 minimax-5:chained@bfloat16 minimax-5:chained"),
    ("sign", "minimax-5:chained@bfloat16 minimax-3:chained"),
    ("inv", "minimax-3:zm@bfloat16 minimax-3:anchored"),
]


def spectrum(function: MatrixFunction) -> np.ndarray:
    moduli = np.geomspace(1.0 / CONDITION, 1.0, N)
    return moduli * (-1.0) ** np.arange(N) if function.structure == "hermitian" else moduli


def program_of(name: str, words: str, dtype: str) -> Program:
    """Return a folded program, with coefficients for the spectrum above."""
    function = FUNCTIONS.get(name)
    k = function.root_index
    x = function.iterate(np.abs(spectrum(function)))
    lower, upper = float(x.min()), float(x.max())
    steps = []
    for word in words.split():
        left, _, precision = word.partition("@")
        update_name, form, *product = left.split(":")
        precision = precision or precision_of(dtype)
        update = UPDATES.get(update_name)
        if isinstance(update, DirectMethod):
            steps.append(StepRecord(update_name, form, precision))  # type: ignore[arg-type]
            continue
        coefficients = tuple(update.coefficients(k, lower, upper))
        kind = product[0] if product else "mirrored"
        steps.append(StepRecord(update_name, form, precision, coefficients, kind))  # type: ignore[arg-type]
        x = apply_update(update, k, coefficients, x)
        lower, upper = image(update, k, coefficients, lower, upper)
    return scalable(fold(trace_schedule(function, steps, dtype)))


def matrix(name: str, dtype: str, seed: int = 0) -> np.ndarray:
    function = FUNCTIONS.get(name)
    random = np.random.default_rng(seed)
    rows = ROWS if function.structure == "rectangular" else N

    def orthogonal(m: int) -> np.ndarray:
        x = random.standard_normal((m, m))
        return np.linalg.qr(x + 1j * random.standard_normal((m, m)) if "complex" in dtype else x)[0]

    left = orthogonal(rows)[:, :N]
    right = orthogonal(N) if rows != N else left
    a = (left * spectrum(function)) @ right.conj().T
    return (a if rows != N else 0.5 * (a + a.conj().T)).astype(dtype)


def on_numpy(program: Program, name: str, a: np.ndarray) -> list[np.ndarray]:
    outs = [
        np.full(shape, np.nan, a.dtype) for shape in output_shapes(FUNCTIONS.get(name), a.shape)
    ]
    run(program, a, outs, backend=numpy_backend, factor=0.5)
    return outs


def on_torch(program: Program, name: str, a: np.ndarray) -> list[np.ndarray]:
    """Run in place, on one matrix or a stack."""
    tensor, layout = backend.from_host(a.copy()), allocate(program)
    leading = a.shape[:-2]
    shapes = output_shapes(FUNCTIONS.get(name), a.shape[-2:])
    outs = [backend.empty((*leading, *shape), a.dtype.name) for shape in shapes]
    workspace = allocate_workspace(layout, N, backend, a.shape[-2], *leading)
    found = run(
        program, tensor, outs, backend=backend, layout=layout, workspace=workspace, factor=0.5
    )
    assert all(value is out for value, out in zip(found, outs, strict=True))
    assert np.array_equal(backend.to_host(tensor), a, equal_nan=True)
    return [backend.to_host(out) for out in outs]


def assert_near(found: list[np.ndarray], expected: list[np.ndarray], bound: float) -> None:
    for value, right in zip(found, expected, strict=True):
        assert value.dtype == right.dtype
        assert np.isfinite(right).all()
        assert np.abs(value - right).max() <= bound * np.abs(right).max()


def test_the_conformance_suite() -> None:
    check_backend(backend, sizes=(1, 2, 5, 33))


def test_large_matrices_by_blocks() -> None:
    few = TorchBackend()
    few.dtypes = ("float32", "complex128")
    check_backend(few, sizes=(70,))


@pytest.mark.parametrize("order", [256, 257, 512, 770])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_blocks_of_large_hermitian_products(order: int, dtype: str) -> None:
    x = torch.randn(order, 8, dtype=getattr(torch, dtype))
    c = torch.randn(order, order, dtype=x.dtype)
    c = c + c.mH
    # The product alone, added to ``out``, and to another matrix, in place and not, and of a stack.
    plain = backend.matmul_averaged(None, x, x, adjoint_y=True)
    bound = 32 * eps_of(dtype) * float(plain.abs().max() + c.abs().max())
    for own, other in ((0.0, 0.0), (2.0, 0.0), (0.0, -1.0), (2.0, -1.0)):
        for leading in ((), (1,)):
            out, factor, third = (t.expand(*leading, *t.shape).clone() for t in (c, x, c))
            options = {"alpha": 0.5, "addends": [(own, out), (other, third)], "shift": 1.0}
            result = backend.outer_gram(out, factor, factor, **options)
            expected = 0.5 * plain + (own + other) * c + torch.eye(order)
            assert result is out
            assert torch.equal(out, out.mH)
            assert float((out - expected).abs().max()) <= bound
    averaged = backend.symmetrize(x @ x.mH + c.triu(1))
    assert torch.equal(averaged, averaged.mH)
    assert float((averaged - (plain + 0.5 * (c.triu(1) + c.triu(1).mH))).abs().max()) <= bound


@pytest.mark.parametrize(("name", "words", "dtype"), FULL)
def test_programs_as_on_numpy(name: str, words: str, dtype: str) -> None:
    program = program_of(name, words, dtype)
    a = np.stack([matrix(name, dtype, seed) for seed in range(3)])
    expected = [on_numpy(program, name, one) for one in a]
    bound = 4 * N * eps_of("float32" if "@float32" in words else dtype)
    assert_near(on_torch(program, name, a[0]), expected[0], bound)
    stacks = [np.stack(values) for values in zip(*expected, strict=True)]
    assert_near(on_torch(program, name, a), stacks, bound)
    new = run(program, backend.from_host(a), None, backend=backend, factor=0.5)
    assert_near([backend.to_host(value) for value in new], stacks, bound)


@pytest.mark.parametrize(("name", "words"), HALF)
def test_steps_in_bfloat16_as_emulated_on_numpy(name: str, words: str) -> None:
    program = program_of(name, words, "float32")
    a = np.stack([matrix(name, "float32", seed) for seed in range(3)])
    expected = [on_numpy(program, name, one) for one in a]
    # Sums in another order round to the other neighbour now and then.
    bound = 8 * eps_of("bfloat16")
    assert_near(on_torch(program, name, a[0]), expected[0], bound)
    stacks = [np.stack(values) for values in zip(*expected, strict=True)]
    assert_near(on_torch(program, name, a), stacks, bound)
    new = run(program, backend.from_host(a), None, backend=backend, factor=0.5)
    assert_near([backend.to_host(value) for value in new], stacks, bound)


def test_slots_in_bfloat16_are_tensors_of_it() -> None:
    layout = allocate(program_of(*HALF[0], "float32"))
    dtypes = {x.dtype for x in allocate_workspace(layout, N, backend)}
    assert torch.bfloat16 in dtypes


@pytest.mark.parametrize("steps", ["eigh:direct", "zolotarev-4:partial-fractions"])
def test_a_broken_matrix_of_a_stack_becomes_nan(steps: str) -> None:
    program = program_of("invsqrt", steps, "float64")
    a = np.stack([matrix("invsqrt", "float64", seed) for seed in range(4)])
    a[1] -= 2.0 * np.eye(N)
    a[2, 3, 3] = np.nan
    (found,) = on_torch(program, "invsqrt", a)
    assert np.isnan(found[1:3]).all()
    for index in (0, 3):
        expected = on_numpy(program, "invsqrt", a[index])
        assert_near([found[index]], expected, 4 * N * eps_of("float64"))


@pytest.mark.parametrize("exponent", [0.5, -1.0, 2.0])
@pytest.mark.parametrize("zero_is_zero", [False, True])
def test_powers_exist_where_they_do_on_numpy(exponent: float, zero_is_zero: bool) -> None:
    graph = Graph()
    program = graph.program(graph.input("A", "float64").power(exponent))
    eps = eps_of("float64")
    for least in (1e-3, 4 * eps, 0.5 * eps, 0.0, -eps, -1e-3):
        a = np.diag([1.0, 0.5, least])
        (found,) = run(
            program, backend.from_host(a), None, backend=backend, zero_is_zero=zero_is_zero
        )
        expected = np.empty((3, 3))
        try:
            run(program, a, expected, backend=numpy_backend, zero_is_zero=zero_is_zero)
        except InputError:
            assert torch.isnan(found).all()
        else:
            assert_near([found.numpy()], [expected], 64 * eps)


@pytest.mark.parametrize(("name", "words"), [*SCHEDULES, *HALF])
def test_nothing_looks_at_values(name: str, words: str) -> None:
    """Fake tensors have shapes and dtypes, and raise where a value is asked for."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    program = program_of(name, words, "float32" if "bfloat16" in words else "float64")
    dtype = program.operations[0].dtype
    rows = ROWS if name == "polar" else N
    with FakeTensorMode():
        for leading in ((), (3,)):
            a = backend.empty((*leading, rows, N), dtype)
            layout = allocate(program)
            workspace = allocate_workspace(layout, N, backend, rows, *leading)
            out = torch.empty_like(a)
            options = {"backend": backend, "layout": layout, "workspace": workspace}
            (found,) = run(program, a, out, **options)
            assert found is out
            (new,) = run(program, a, None, backend=backend)
            assert (new.shape, new.dtype) == (a.shape, a.dtype)


def test_fake_tensors_notice_a_look_at_values() -> None:
    from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        backend.is_finite(backend.empty((2, 2), "float32"))


@pytest.mark.parametrize(("name", "words"), [SCHEDULES[0], SCHEDULES[7], SCHEDULES[9]])
def test_vmap_is_the_stack(name: str, words: str) -> None:
    program = program_of(name, words, "float64")
    a = backend.from_host(np.stack([matrix(name, "float64", seed) for seed in range(3)]))

    def one(x: Any) -> Any:
        return run(program, x, None, backend=backend)[0]

    (expected,) = run(program, a, None, backend=backend)
    bound = 4 * N * eps_of("float64")
    assert_near([torch.vmap(one)(a).numpy()], [expected.numpy()], bound)


@pytest.mark.parametrize("in_place", [False, True])
def test_compiling_a_schedule_breaks_no_graph(in_place: bool) -> None:
    program = program_of(*SCHEDULES[0], "float32")
    layout = allocate(program)
    workspace = allocate_workspace(layout, N, backend)
    a = backend.from_host(matrix("invsqrt", "float32"))

    def plain(x: Any, out: Any) -> Any:
        given = workspace if in_place else None
        return run(program, x, out, backend=backend, layout=layout, workspace=given)[0]

    def out() -> Any:
        return torch.empty_like(a) if in_place else None

    compiled = torch.compile(plain, backend="eager", fullgraph=True)
    assert torch.equal(compiled(a, out()), plain(a, out()))


def test_compiling_a_product_by_blocks_breaks_no_graph() -> None:
    x = torch.randn(520, 4)
    compiled = torch.compile(backend.outer_gram, backend="eager", fullgraph=True)
    out = torch.empty(520, 520)
    assert compiled(out, x, x) is out
    assert torch.equal(out, backend.outer_gram(torch.empty_like(out), x, x))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: backend.matmul(x, x, x), "out: is an input"),
        (lambda x: backend.matmul(x.clone().mT, x, x), "out: is not contiguous"),
        (lambda x: backend.matmul(x[:2].clone(), x, x), "out: has shape"),
        (lambda x: backend.matmul(None, x, x.double()), "x, y: have dtypes float32, float64"),
        (lambda x: backend.matmul(None, x, x[:2]), "factors have shapes"),
        (lambda x: backend.matmul(None, x, x, alpha=1e39), "not finite in float32"),
        (lambda x: backend.matmul(None, x, x, addends=[(1.0, x[:2])]), "arrays: one has shape"),
        (lambda x: backend.matmul_hermitian(None, x[:2], x), "factors of a square one"),
        (lambda x: backend.linear(None, [1.0], [], 0.0), "arrays 0"),
        (lambda x: backend.linear(None, [], [], 1.0), "out: is None"),
        (lambda x: backend.linear(None, [1.0], [x[:2]], 1.0), "shift: is 1"),
        (lambda x: backend.inverse_spd(None, x[:2]), "x: has shape"),
        (lambda x: backend.lyapunov(None, x, x[:2]), "r: has shape"),
        (lambda x: backend.polar_factor(None, x[:2]), "pass its adjoint"),
        (lambda x: backend.spectral_function(None, x, lambda w: w[:2]), "function: returned"),
        (lambda x: backend.cast("float32", x * 1j), "x: has dtype complex64"),
        (lambda x: backend.cast(x[:2], x), "out: has shape"),
        (lambda x: backend.round_to(x, "bfloat16"), "out: has dtype float32"),
        (lambda x: backend.empty((2, 2), "longdouble"), "dtype: PyTorch has no"),
        (lambda x: backend.norms(x[0]), "x: has shape"),
    ],
)
def test_refusals_name_the_argument(call: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call(torch.eye(3))


def test_the_numbers_of_a_host_array_are_taken_whatever_its_strides() -> None:
    x = np.arange(6.0).reshape(2, 3)
    x.flags.writeable = False
    assert np.array_equal(backend.to_host(backend.from_host(x[::-1])), x[::-1])


def test_norms_neither_overflow_nor_underflow() -> None:
    for size in (1e-300, 1e300):
        found = backend.norms(torch.full((3, 3), size, dtype=torch.float64))
        assert found.frobenius == pytest.approx(3 * size, rel=1e-15)
    assert backend.norms(torch.zeros(2, 2)).frobenius == 0.0
    assert backend.norms(torch.full((2, 2), float("inf"))).frobenius == float("inf")


def test_without_pytorch_the_error_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from matrl.backends.torch import TorchBackend\n"
        "from matrl.errors import MissingExtraError\n"
        "try:\n    TorchBackend()\nexcept MissingExtraError as error:\n    print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "https://download.pytorch.org/whl/cpu" in shown.stdout
