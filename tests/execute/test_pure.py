"""Plans as pure functions: the values of runs, for every scaling; traced, batched, compiled."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from tests.execute.test_stack import matrices, plan_for, schedule_for

from matrl import Plan
from matrl.core.plan import Domain, Scaling
from matrl.errors import InputError

jax = pytest.importorskip("jax", reason="JAX is not installed")
torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
pytestmark = [pytest.mark.jax, pytest.mark.torch]

N = 8
FUNCTIONS = ("inv", "sqrt", "invsqrt", "sqrt+invsqrt", "root-3", "sign", "polar", "polar-right")
SCALINGS = {
    "constant": Scaling("constant"),
    "frobenius": Scaling("frobenius"),
    "one-norm": Scaling("one-norm"),
    "gershgorin": Scaling("gershgorin"),
    "lanczos": Scaling("lanczos", 0.9, 1e-6, 5),
    "long lanczos": Scaling("lanczos", 0.9, 1e-6, 40),
}
TO = {"jax": jax.numpy.asarray, "torch": torch.from_numpy}


def shape_of(function: str, *stack: int) -> tuple[int, ...]:
    return (*stack, N + 3 if function.startswith("polar") else N, N)


def parts_of(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def errors(found: Any, expected: Any) -> float:
    """The largest relative difference, in eps."""
    most = 0.0
    for one, other in zip(parts_of(found), parts_of(expected), strict=True):
        array = np.asarray(one)
        assert array.dtype == other.dtype
        eps = float(np.finfo(other.dtype).eps)
        most = max(most, float(np.abs(array - other).max() / np.abs(other).max() / eps))
    return most


def scaled(plan: Plan, scaling: Scaling) -> Plan:
    if scaling.kind == "constant":
        return plan
    return replace(plan, scaling=scaling, domain=Domain(0.01, 1.0, relative=True, proved=True))


def one_by_one(plan: Plan, a: np.ndarray) -> Any:
    executor = plan.bind(a, verify="off")
    values = [parts_of(executor(x).value) for x in a]
    stacks = tuple(np.stack(parts) for parts in zip(*values, strict=True))
    first, *others = stacks
    return stacks if others else first


@pytest.mark.parametrize("library", list(TO))
@pytest.mark.parametrize("scaling", list(SCALINGS))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_values_of_runs(function, scaling, library):
    which = FUNCTIONS.index(function) + list(SCALINGS).index(scaling) // 3
    dtype = ("float32", "float64", "complex64")[which % 3]
    plan = scaled(schedule_for(function, dtype), SCALINGS[scaling])
    a = matrices(function, dtype, shape_of(function, 3))
    found = plan.as_function(library)(TO[library](a))
    assert errors(found, one_by_one(plan, a)) <= 100 * N


@pytest.mark.parametrize("library", list(TO))
@pytest.mark.parametrize("function", ["inv", "root-3", "polar-right"])
@pytest.mark.parametrize(("dtype", "sizes"), [("float32", (1e-30, 1e30)), ("float64", (1e-200,))])
def test_extreme_norms_are_scaled_by_powers_of_two(function, library, dtype, sizes):
    plan = scaled(schedule_for(function, dtype), Scaling("frobenius"))
    a = matrices(function, dtype, shape_of(function, 3))
    pure = plan.as_function(library)
    for size in sizes:
        extreme = (a.astype("float64") * size).astype(dtype)
        found = pure(TO[library](extreme))
        assert errors(found, one_by_one(plan, extreme)) <= 100 * N


def test_wide_matrices():
    plan = schedule_for("polar-right", "float64")
    a = matrices("polar", "float64", (3, N + 3, N)).swapaxes(-1, -2).copy()
    found = jax.jit(plan.as_function("jax"))(jax.numpy.asarray(a))
    assert errors(found, one_by_one(plan, a)) <= 100 * N


@pytest.mark.parametrize(
    ("function", "scaling"),
    [("invsqrt", "gershgorin"), ("sign", "lanczos"), ("polar-right", "frobenius")],
)
def test_compiled_and_batched_by_jax(function, scaling):
    plan = scaled(schedule_for(function, "float64"), SCALINGS[scaling])
    a = matrices(function, "float64", shape_of(function, 3))
    pure, traces = plan.as_function("jax"), 0

    def counted(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return pure(x)

    compiled = jax.jit(jax.vmap(counted))
    expected = one_by_one(plan, a)
    assert errors(compiled(jax.numpy.asarray(a)), expected) <= 100 * N
    assert errors(compiled(jax.numpy.asarray(a)), expected) <= 100 * N
    assert traces == 1


@pytest.mark.parametrize("function", ["invsqrt", "sign", "polar-right"])
def test_compiled_and_batched_by_torch(function):
    plan = scaled(schedule_for(function, "float64"), SCALINGS["frobenius"])
    a = torch.from_numpy(matrices(function, "float64", shape_of(function, 3)))
    pure, expected = plan.as_function("torch"), one_by_one(plan, a.numpy())
    assert errors(torch.func.vmap(pure)(a), expected) <= 100 * N
    whole = torch.compile(pure, backend="eager", fullgraph=True)
    assert errors(whole(a), expected) <= 100 * N


@pytest.mark.parametrize("function", ["invsqrt", "root-3", "polar"])
def test_no_value_is_looked_at(function):
    """Tensors without content go through: nothing waits for a device."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    plan = scaled(schedule_for(function, "float32"), SCALINGS["one-norm"])
    pure = plan.as_function("torch")
    with FakeTensorMode() as mode:
        a = mode.from_tensor(torch.zeros(shape_of(function, 3)))
        assert pure(a).shape == torch.Size(shape_of(function, 3))


@pytest.mark.parametrize("scaling", list(SCALINGS))
@pytest.mark.parametrize("function", ["inv", "polar"])
def test_all_is_done_on_the_device_of_the_tensor(function, scaling):
    """The start of Lanczos was on the CPU, which no other device adds to."""
    plan = scaled(schedule_for(function, "float32"), SCALINGS[scaling])
    a = torch.zeros(shape_of(function, 3), device="meta")
    value = plan.as_function("torch")(a)
    assert (value.device, value.shape) == (a.device, a.shape)


@pytest.mark.parametrize("library", list(TO))
def test_a_broken_matrix_is_nan_and_spoils_no_other(library):
    plan = plan_for("invsqrt", "float64", allow=["zolotarev*"])
    a = matrices("invsqrt", "float64", (3, N, N))
    expected = one_by_one(plan, a)
    a[1] -= 0.5 * np.eye(N)
    found = np.asarray(plan.as_function(library)(TO[library](a)))
    assert np.isnan(found[1]).all()
    assert errors(found[[0, 2]], expected[[0, 2]]) <= 100 * N


@pytest.mark.parametrize("library", list(TO))
@pytest.mark.parametrize("function", ["invsqrt", "polar-right"])
def test_arrays_of_numpy_are_converted(function, library):
    plan = schedule_for(function, "float64")
    a = matrices(function, "float64", shape_of(function, 3))
    before, pure = a.copy(), plan.as_function(library)
    found, expected = parts_of(pure(a)), parts_of(pure(TO[library](a)))
    for one, other in zip(found, expected, strict=True):
        assert type(one) is type(other)
        assert np.array_equal(np.asarray(one), np.asarray(other))
    assert np.array_equal(a, before)


def with_a_step_in(plan: Plan, precision: Any) -> Plan:
    first, *others = plan.steps
    return replace(plan, steps=(replace(first, precision=precision), *others))


MIXED = {
    "a step": lambda: with_a_step_in(schedule_for("inv", "float32"), "float64"),
    "a complex step": lambda: with_a_step_in(schedule_for("inv", "complex64"), "float64"),
    "a direct method": lambda: with_a_step_in(plan_for("inv", "float32", allow="eigh"), "float64"),
}
LACKING = {"a complex step": "complex128"}


@pytest.mark.parametrize("kind", list(MIXED))
def test_steps_in_float64_are_refused_where_jax_has_none(kind):
    plan = MIXED[kind]()
    a = matrices("inv", plan.dtype, (3, N, N))
    pure = plan.as_function("jax")
    compiled = jax.jit(pure)
    assert errors(compiled(a), one_by_one(plan, a)) <= 100 * N
    refused = (
        rf"^A: the plan computes in {LACKING.get(kind, 'float64')}, which JAX does not as it is "
        r"set; call jax\.config\.update\('jax_enable_x64', True\), or set "
        rf"JAX_ENABLE_X64=1 before, or discover a plan for {plan.dtype} with precision='float32'"
    )
    with jax.enable_x64(False):
        for call in (pure, compiled, jax.jit(pure), jax.vmap(pure)):
            for given in (a, jax.numpy.asarray(a)):
                with pytest.raises(InputError, match=refused):
                    call(given)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_arrays_of_numpy_are_not_narrowed(dtype):
    plan = schedule_for("inv", dtype)
    pure, a = plan.as_function("jax"), matrices("inv", dtype, (N, N))
    narrow = "complex64" if dtype == "complex128" else "float32"
    refused = rf"^A: the plan computes in {dtype}, .* or discover a plan for {narrow} with prec"
    with jax.enable_x64(False):
        for given in (a, a.astype(narrow), jax.numpy.asarray(a.astype(narrow))):
            for call in (pure, jax.jit(pure)):
                with pytest.raises(InputError, match=refused):
                    call(given)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_steps_in_half_precisions_need_no_float64(precision):
    """Half precisions are not among the dtypes of a backend, and JAX has them however it is set."""
    plan = with_a_step_in(schedule_for("inv", "float32"), precision)
    a = matrices("inv", "float32", (3, N, N))
    expected = jax.jit(plan.as_function("jax"))(a)
    with jax.enable_x64(False):
        found = jax.jit(plan.as_function("jax"))(a)
    assert errors(found, np.asarray(expected)) <= N


def test_refusals():
    plan = schedule_for("inv", "float64")
    with pytest.raises(InputError, match=r"^library: must be 'torch' or 'jax', got 'numpy'"):
        plan.as_function("numpy")
    pure = plan.as_function("jax")
    with pytest.raises(InputError, match=r"^A: must be a square matrix"):
        pure(jax.numpy.zeros((3, 4)))
    with pytest.raises(InputError, match=r"^A: must be an array"):
        pure(jax.numpy.zeros(3))


def sparse_of_jax(a: np.ndarray) -> Any:
    from jax.experimental.sparse import BCOO

    indices = np.stack(np.nonzero(a), axis=-1)
    return BCOO((jax.numpy.asarray(a[a != 0.0]), jax.numpy.asarray(indices)), shape=a.shape)


NO_ARRAYS = {
    "list": (np.ndarray.tolist, r"must be a .* or NumPy array, not list; pass numpy\.asarray\(A\)"),
    "None": (lambda a: None, "must be a .* or NumPy array, not NoneType"),
    "number": (lambda a: 1.0, "must be a .* or NumPy array, not float"),
    "scipy": (scipy.sparse.csr_array, r"is a SciPy sparse matrix; pass A\.toarray\(\)"),
    "masked": (np.ma.array, "is a masked array"),
    "integers": (lambda a: a.astype("int64"), r"has dtype int64.*; pass A\.astype\('float64'\)$"),
    "order": (lambda a: a.astype(">f8"), r"has dtype >f8.*; pass A\.astype\('float64'\)$"),
    "narrow": (lambda a: a.astype("float32"), "has dtype float32.* or discover a plan for float3"),
    "wide": (lambda a: a * np.clongdouble(1j), "has dtype .*; discover a plan for complex128$"),
    "complex": (lambda a: a * 1j, "has dtype complex128.*; discover a plan for complex128$"),
}


@pytest.mark.parametrize("library", list(TO))
@pytest.mark.parametrize("kind", list(NO_ARRAYS))
def test_what_is_no_array_of_the_plan_is_refused(kind, library):
    make, match = NO_ARRAYS[kind]
    with pytest.raises(InputError, match=f"^A: {match}") as caught:
        schedule_for("inv", "float64").as_function(library)(make(np.eye(N)))
    assert "x64" not in str(caught.value)


@pytest.mark.parametrize(
    ("library", "make", "match"),
    [
        ("jax", sparse_of_jax, r"must be a JAX array, not BCOO; pass A\.todense\(\)"),
        ("jax", torch.from_numpy, r"must be a JAX or NumPy array, not Tensor; pass numpy\.asarray"),
        (
            "torch",
            lambda a: torch.from_numpy(a).to_sparse(),
            r"is a sparse tensor \(torch\.sparse_coo\); pass A\.to_dense\(\)",
        ),
        (
            "torch",
            lambda a: torch.from_numpy(a).float(),
            r"has dtype float32.*; pass A\.to\(torch\.float64\) or discover a plan for float32$",
        ),
        (
            "torch",
            lambda a: torch.from_numpy(a).bfloat16(),
            r"has dtype bfloat16.*; pass A\.to\(torch\.float64\)$",
        ),
        (
            "jax",
            lambda a: jax.numpy.asarray(a, "float32"),
            r"has dtype float32.*; pass A\.astype\('float64'\) or discover a plan for float32$",
        ),
    ],
)
def test_what_does_not_fit_a_library_is_refused(library, make, match):
    with pytest.raises(InputError, match=f"^A: {match}"):
        schedule_for("inv", "float64").as_function(library)(make(np.eye(N)))
