"""Tensors in, tensors out: values of the NumPy runs, refusals, halves, batches."""

from typing import Any

import numpy as np
import pytest
from tests.execute.test_stack import SCHEDULES, matrices, plan_for, schedule_for

from matrl import Plan
from matrl.backends.libraries import library_of
from matrl.errors import ConvergenceError, InputError, MatrlError

torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
pytestmark = pytest.mark.torch

N = 40
FUNCTIONS = ("inv", "sqrt", "invsqrt", "sqrt+invsqrt", "root-3", "sign", "polar", "polar-right")
DTYPES = ("float32", "float64", "complex64", "complex128")


@pytest.fixture(scope="module")
def plans() -> dict[tuple[str, str], Plan]:
    return {
        (function, dtype): schedule_for(function, dtype)
        for function in FUNCTIONS
        for dtype in DTYPES
    }


def shape_of(function: str, *stack: int) -> tuple[int, ...]:
    return (*stack, N + 7 if function.startswith("polar") else N, N)


def parts_of(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def close(found: Any, expected: Any, units: float = 1e4) -> None:
    for one, other in zip(parts_of(found), parts_of(expected), strict=True):
        array = one.numpy()
        assert array.dtype == other.dtype
        eps = float(np.finfo(other.dtype).eps)
        assert np.abs(array - other).max() <= units * N * eps * np.abs(other).max()


def test_the_inverse_square_root_agrees_with_torch(plans):
    a = torch.from_numpy(matrices("invsqrt", "float64", (N, N)))
    eigenvalues, vectors = torch.linalg.eigh(a)
    expected = (vectors * eigenvalues**-0.5) @ vectors.mT
    value = plans["invsqrt", "float64"].run(a).value
    assert torch.allclose(value, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("stack", [(), (5,), (2, 3)])
def test_tensors_have_the_values_of_arrays(plans, function, dtype, stack):
    plan = plans[function, dtype]
    a = matrices(function, dtype, shape_of(function, *stack))
    tensor = torch.from_numpy(a.copy())
    expected, found = plan.run(a), plan.run(tensor)
    assert all(isinstance(part, torch.Tensor) for part in parts_of(found.value))
    close(found.value, expected.value)
    assert np.array_equal(found.status, expected.status)
    assert np.array_equal(tensor.numpy(), a)


def test_wide_and_strided_tensors(plans):
    plan = plans["polar", "complex64"]
    a = matrices("polar", "complex64", (N + 7, N))
    wide = torch.from_numpy(a).mH
    assert wide.is_conj()
    close(plan.run(wide).value, plan.run(np.ascontiguousarray(a.conj().T)).value)
    square = plans["inv", "float64"]
    b = matrices("inv", "float64", (2 * N, 2 * N))
    block = torch.from_numpy(b)[::2, ::2]
    close(square.bind(block)(block).value, square.run(np.ascontiguousarray(b[::2, ::2])).value)


def test_out_is_written_and_returned(plans):
    plan = plans["sqrt+invsqrt", "float64"]
    a = torch.from_numpy(matrices("sqrt", "float64", (3, N, N)))
    out = (torch.empty_like(a), torch.empty_like(a))
    solution = plan.run(a, out=out)
    assert all(one is other for one, other in zip(solution.value, out, strict=True))
    close(out, tuple(one.numpy() for one in plan.run(a).value))
    one = torch.empty_like(a)
    assert plans["inv", "float64"].run(a, out=one).value is one
    with pytest.raises(InputError, match=r"^out: must be a tensor on the CPU"):
        plans["inv", "float64"].run(a, out=np.empty(a.shape))
    with pytest.raises(InputError, match=r"^out: shares memory with A"):
        plans["inv", "float64"].run(a, out=a)


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_half_tensors_run_in_float32(half):
    kind = getattr(torch, half)
    plan = plan_for("polar", "float32", allow=SCHEDULES, tol=0.02)
    a = torch.from_numpy(matrices("polar", "float32", (3, N, N))).to(kind)
    value = plan.run(a).value
    assert value.dtype is kind
    close(value.float(), plan.run(a.float().numpy()).value, units=torch.finfo(kind).eps * 2**23)
    product = value.double().mT @ value.double()
    assert float((product - torch.eye(N)).abs().max()) <= 0.1
    fine = plan_for("polar", "float32", allow=SCHEDULES, tol=1e-5)
    with pytest.raises(InputError, match=rf"^A: is {half}, where rounding alone .* tol=1e-05"):
        fine.run(a)


def test_what_overflows_a_half_is_refused():
    a = torch.eye(2, dtype=torch.float16)
    library = library_of(a)
    assert library is not None
    with pytest.raises(ConvergenceError, match=r"^A: f\(A\) is out of the range of torch.float16"):
        library.given_back(np.array([[1.0, 1e6]], np.float32), a)
    assert library.given_back(np.array([[1.0, np.inf]], np.float32), a).isinf().any()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda a: a.to_sparse(), r"^A: is a sparse tensor \(torch.sparse_coo\); pass A.to_dense"),
        (lambda a: a.clone().requires_grad_(), r"^A: requires a gradient.* pass A.detach\(\)"),
        (lambda a: a.long(), r"^A: must be one of .*, not torch.int64; pass A.to\(torch.float64\)"),
        (lambda a: a.float(), r"^A: has dtype float32.*pass A.to\(torch.float64\) or discover"),
        (lambda a: a[0], r"^A: must be a matrix"),
        (lambda a: a[:, 1:], r"^A: must be a square matrix"),
    ],
)
def test_refusals_name_the_argument_and_the_remedy(plans, change, match):
    a = torch.from_numpy(matrices("inv", "float64", (N, N)))
    with pytest.raises(InputError, match=match):
        plans["inv", "float64"].bind(N)(change(a))


def test_a_gradient_that_is_switched_off_is_not_asked_for(plans):
    a = torch.from_numpy(matrices("inv", "float64", (N, N))).requires_grad_()
    with torch.no_grad():
        value = plans["inv", "float64"].run(a).value
    assert not value.requires_grad


@pytest.mark.parametrize("function", ["inv", "invsqrt", "polar"])
def test_a_bad_tensor_of_a_stack_spoils_no_other(plans, function):
    plan = plans[function, "float64"]
    a = matrices(function, "float64", shape_of(function, 5))
    a[2, 3, 4] = np.nan
    found, expected = plan.run(torch.from_numpy(a)), plan.run(a)
    assert list(found.status) == list(expected.status)
    assert found.status[2] == "refused"
    assert bool(found.value[2].isnan().all())
    assert not bool(found.value[[0, 1, 3, 4]].isnan().any())


@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
@pytest.mark.parametrize("n", [N, 130])
def test_what_is_not_definite_is_an_error_as_for_arrays(verify, n):
    plan = plan_for("invsqrt", "float64", allow=["zolotarev*"])
    a = matrices("invsqrt", "float64", (n, n)) - 0.5 * np.eye(n)
    with pytest.raises(MatrlError, match=r"^A: |positive definite"):
        plan.run(torch.from_numpy(a), verify=verify)


@pytest.mark.parametrize("name", ["eigh", "svd", "cholesky"])
def test_direct_methods(name):
    function = {"eigh": "invsqrt", "svd": "polar", "cholesky": "inv"}[name]
    plan = plan_for(function, "float64", allow=[name])
    a = matrices(function, "float64", shape_of(function))
    close(plan.run(torch.from_numpy(a)).value, plan.run(a).value)
    if name == "svd":
        a[:, 0] = a[:, 1]
        with pytest.raises(MatrlError, match=r"^A: "):
            plan.run(torch.from_numpy(a))


@pytest.mark.parametrize("function", ["invsqrt", "polar", "polar-right"])
@pytest.mark.parametrize("columns", [None, 3])
def test_plans_are_applied_to_tensors(plans, function, columns):
    plan = plans[function, "float64"]
    a = matrices(function, "float64", (N, N))
    b = np.random.default_rng(0).standard_normal(N if columns is None else (N, columns))
    found = plan.apply(torch.from_numpy(a), torch.from_numpy(b))
    close(found.value, plan.apply(a, b).value)
    with pytest.raises(InputError, match=r"^B: must be of the same library as A, Tensor, not nd"):
        plan.apply(torch.from_numpy(a), b)
    with pytest.raises(InputError, match=r"^B: has dtype float32"):
        plan.apply(torch.from_numpy(a), torch.from_numpy(b).float())


def test_what_is_no_matrix_is_refused_where_the_plan_is_bound_to_it(plans):
    """A tensor of one dimension was an error of unpacking."""
    with pytest.raises(InputError, match=r"^A: must be a matrix \(m, n\), but its shape is \(3,\)"):
        plans["inv", "float64"].run(torch.ones(3, dtype=torch.float64))
