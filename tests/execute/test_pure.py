"""Plans as pure functions: the values of runs, for every scaling; traced, batched, compiled."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.execute.test_stack import SCHEDULES, matrices, plan_for

from matrl import Plan
from matrl.core.plan import Domain, Scaling
from matrl.errors import InputError

jax = pytest.importorskip("jax", reason="JAX is not installed")
torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
pytestmark = [pytest.mark.jax, pytest.mark.torch]

N = 14
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
    plan = scaled(plan_for(function, dtype, allow=SCHEDULES), SCALINGS[scaling])
    a = matrices(function, dtype, shape_of(function, 3))
    found = plan.as_function(library)(TO[library](a))
    assert errors(found, one_by_one(plan, a)) <= 100 * N


@pytest.mark.parametrize("library", list(TO))
@pytest.mark.parametrize("function", ["inv", "root-3", "polar-right"])
@pytest.mark.parametrize(("dtype", "sizes"), [("float32", (1e-30, 1e30)), ("float64", (1e-200,))])
def test_extreme_norms_are_scaled_by_powers_of_two(function, library, dtype, sizes):
    plan = scaled(plan_for(function, dtype, allow=SCHEDULES), Scaling("frobenius"))
    a = matrices(function, dtype, shape_of(function, 2))
    for size in sizes:
        extreme = (a.astype("float64") * size).astype(dtype)
        found = plan.as_function(library)(TO[library](extreme))
        assert errors(found, one_by_one(plan, extreme)) <= 100 * N


def test_wide_matrices():
    plan = plan_for("polar-right", "float64", allow=SCHEDULES)
    a = matrices("polar", "float64", (2, N + 3, N)).swapaxes(-1, -2).copy()
    assert errors(plan.as_function("jax")(jax.numpy.asarray(a)), one_by_one(plan, a)) <= 100 * N


@pytest.mark.parametrize("function", ["invsqrt", "sign", "polar-right"])
def test_compiled_and_batched_by_jax(function):
    plan = scaled(plan_for(function, "float64", allow=SCHEDULES), SCALINGS["lanczos"])
    a = matrices(function, "float64", shape_of(function, 4))
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
    assert errors(jax.jit(pure)(jax.numpy.asarray(a)), expected) <= 100 * N


@pytest.mark.parametrize("function", ["invsqrt", "sign", "polar-right"])
def test_compiled_and_batched_by_torch(function):
    plan = scaled(plan_for(function, "float64", allow=SCHEDULES), SCALINGS["frobenius"])
    a = torch.from_numpy(matrices(function, "float64", shape_of(function, 4)))
    pure, expected = plan.as_function("torch"), one_by_one(plan, a.numpy())
    assert errors(torch.func.vmap(pure)(a), expected) <= 100 * N
    whole = torch.compile(pure, backend="eager", fullgraph=True)
    assert errors(whole(a), expected) <= 100 * N


@pytest.mark.parametrize("function", ["invsqrt", "root-3", "polar"])
def test_no_value_is_looked_at(function):
    """Tensors without content go through: nothing waits for a device."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    plan = scaled(plan_for(function, "float32", allow=SCHEDULES), SCALINGS["one-norm"])
    pure = plan.as_function("torch")
    with FakeTensorMode() as mode:
        a = mode.from_tensor(torch.zeros(shape_of(function, 2)))
        assert pure(a).shape == torch.Size(shape_of(function, 2))


@pytest.mark.parametrize("library", list(TO))
def test_a_broken_matrix_is_nan_and_spoils_no_other(library):
    plan = plan_for("invsqrt", "float64", allow=["zolotarev*"])
    a = matrices("invsqrt", "float64", (3, N, N))
    expected = one_by_one(plan, a)
    a[1] -= 0.5 * np.eye(N)
    found = np.asarray(plan.as_function(library)(TO[library](a)))
    assert np.isnan(found[1]).all()
    assert errors(found[[0, 2]], expected[[0, 2]]) <= 100 * N


def test_refusals():
    plan = plan_for("inv", "float64", allow=SCHEDULES[:2])
    with pytest.raises(InputError, match=r"^library: must be 'torch' or 'jax', got 'numpy'"):
        plan.as_function("numpy")
    pure = plan.as_function("jax")
    with pytest.raises(InputError, match=r"dtype float64 \(jax_enable_x64 must be set for it\)"):
        jax.jit(pure)(jax.numpy.zeros((3, 3), "float32"))
    with pytest.raises(InputError, match=r"^A: must be a square matrix"):
        pure(jax.numpy.zeros((3, 4)))
    with pytest.raises(InputError, match=r"^A: must be an array"):
        pure(jax.numpy.zeros(3))
