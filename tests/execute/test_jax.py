"""JAX arrays in, JAX arrays out, and what is refused."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.execute.test_stack import SCHEDULES, matrices, plan_for, schedule_for

from matrl import Plan
from matrl.backends.libraries import library_of
from matrl.errors import ConvergenceError, InputError, MatrlError

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy
pytestmark = pytest.mark.jax

N = 30
FUNCTIONS = ("inv", "sqrt+invsqrt", "root-3", "sign", "polar-right")


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    return {function: schedule_for(function, "float64") for function in FUNCTIONS}


def shape_of(function: str, *stack: int) -> tuple[int, ...]:
    return (*stack, N + 7 if function.startswith("polar") else N, N)


def parts_of(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def close(found: Any, expected: Any, units: float = 1e4) -> None:
    for one, other in zip(parts_of(found), parts_of(expected), strict=True):
        array = np.asarray(one)
        assert array.dtype == other.dtype
        eps = float(np.finfo(other.dtype).eps)
        assert np.abs(array - other).max() <= units * N * eps * np.abs(other).max()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("stack", [(), (2, 3)])
def test_arrays_have_the_values_of_numpy(plans, function, stack):
    a = matrices(function, "float64", shape_of(function, *stack))
    expected, found = plans[function].run(a), plans[function].run(jnp.asarray(a))
    assert all(isinstance(part, jax.Array) for part in parts_of(found.value))
    close(found.value, expected.value)
    assert np.array_equal(found.status, expected.status)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_other_dtypes(dtype):
    plan = schedule_for("invsqrt", dtype)
    a = matrices("invsqrt", dtype, (2, N, N))
    close(plan.run(jnp.asarray(a)).value, plan.run(a).value)


def test_wide_arrays(plans):
    a = matrices("polar", "float64", (N + 7, N)).T.copy()
    close(plans["polar-right"].run(jnp.asarray(a)).value, plans["polar-right"].run(a).value)


def test_a_schedule_is_compiled_once_for_a_shape(plans, caplog):
    executor = plans["inv"].bind(130)
    a = jnp.asarray(matrices("inv", "float64", (130, 130)))
    executor(a)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        executor(a + 0.001 * jnp.eye(130))
    assert not [record for record in caplog.records if "function" in record.getMessage()]


def test_halves_run_in_float32():
    plan = plan_for("polar", "float32", allow=SCHEDULES, tol=0.02)
    a = jnp.asarray(matrices("polar", "float32", (N, N)), "bfloat16")
    value = plan.run(a).value
    assert value.dtype == jnp.bfloat16
    expected = plan.run(np.asarray(a.astype("float32"))).value
    assert np.abs(np.asarray(value, "float32") - expected).max() <= 2.0**-8
    fine = plan_for("polar", "float32", allow=SCHEDULES, tol=1e-5)
    with pytest.raises(InputError, match=r"^A: is bfloat16, where rounding alone"):
        fine.run(a)
    library = library_of(a)
    assert library is not None
    with pytest.raises(ConvergenceError, match=r"^A: f\(A\) is out of the range of float16"):
        library.given_back(np.array([[1.0, 1e6]], np.float32), a.astype("float16"))


def test_one_bad_matrix_spoils_no_other(plans):
    a = matrices("inv", "float64", (4, N, N))
    a[1, 2, 3] = np.nan
    found = plans["inv"].run(jnp.asarray(a))
    assert list(found.status) == ["converged", "refused", "converged", "converged"]
    assert bool(jnp.isnan(found.value[1]).all())


def test_what_is_not_definite_is_an_error():
    plan = plan_for("invsqrt", "float64", allow=["zolotarev*"])
    a = jnp.asarray(matrices("invsqrt", "float64", (N, N)) - 0.5 * np.eye(N))
    for verify in ("sketch", "off"):
        with pytest.raises(MatrlError, match=r"^A: "):
            plan.run(a, verify=verify)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda plan, a: jax.jit(lambda x: plan.run(x).value)(a), r"^A: is being traced.*as_func"),
        (lambda plan, a: plan.run(a.astype("int32")), r"^A: must be one of .*, not int32"),
        (lambda plan, a: plan.run(a.astype("float32")), r"^A: has dtype float32.*float64'\) or d"),
        (lambda plan, a: plan.bind(N)(a[0]), r"^A: must be a matrix"),
        (lambda plan, a: plan.run(a, out=a + 1.0), r"^out: JAX arrays cannot be written"),
        (lambda plan, a: plan.run(sparse(a)), r"^A: must be a JAX array, not BCOO; pass A.todense"),
    ],
)
def test_refusals_name_the_argument_and_the_remedy(plans, call, match):
    a = jnp.asarray(matrices("inv", "float64", (N, N)))
    with pytest.raises(InputError, match=match):
        call(plans["inv"], a)


def sparse(a: Any) -> Any:
    from jax.experimental.sparse import BCOO

    return BCOO((a[:1, 0], jnp.zeros((1, 2), int)), shape=a.shape)


def with_a_step_in(precision: Any, plan: Plan) -> Plan:
    first, *others = plan.steps
    return replace(plan, steps=(replace(first, precision=precision), *others))


@pytest.mark.parametrize(
    ("dtype", "allow", "lacking"),
    [
        ("float32", SCHEDULES, "float64"),
        ("complex64", SCHEDULES, "complex128"),
        ("float32", ["eigh"], "float64"),
    ],
)
def test_steps_in_float64_are_refused_where_jax_has_none(dtype, allow, lacking):
    """Before anything is done, of a stack too: the message is not about the NaN in A."""
    plan = with_a_step_in("float64", plan_for("inv", dtype, allow=allow))
    remedies = r"\('jax_enable_x64', True\), or set JAX_ENABLE_X64=1 before, or d"
    refused = f"^A: the plan computes in {lacking}, which JAX .*{remedies}"
    a = jnp.full((2, N, N), jnp.nan, dtype)
    for verify in ("sketch", "full", "off"):
        executor = plan.bind(N, verify=verify)
        with jax.enable_x64(False):
            for given in (a[0], a):
                with pytest.raises(InputError, match=refused):
                    executor(given)
    good = 0.5 * jnp.eye(N, dtype=dtype)
    assert executor(good).status == "unchecked"
    with jax.enable_x64(False), pytest.raises(InputError, match=refused):
        executor(good)  # which was compiled


def test_plans_in_float32_need_no_float64():
    plan = schedule_for("inv", "float32")
    a = jnp.asarray(matrices("inv", "float32", (N, N)))
    expected = np.asarray(plan.run(a, verify="off").value)
    with jax.enable_x64(False):
        found = plan.run(a, verify="off").value
    close(found, expected, 1.0)


SHARDED = """
    import jax, numpy as np
    from jax.sharding import Mesh, NamedSharding, PartitionSpec
    from tests.execute.test_stack import matrices, plan_for

    assert len(jax.devices()) == 8
    plan = plan_for("inv", "float64", allow=["series-*", "minimax-*", "newton"])
    a = matrices("inv", "float64", (16, 12, 12))
    over = NamedSharding(Mesh(np.array(jax.devices()), ("batch",)), PartitionSpec("batch"))
    sharded = jax.device_put(a, over)
    expected = plan.run(a).value
    run = plan.run(sharded).value
    pure = jax.jit(plan.as_function("jax"))(sharded)
    for found in (run, pure):
        assert found.sharding.is_equivalent_to(over, 3), found.sharding
        assert np.abs(np.asarray(found) - expected).max() <= 1e-10
    print("equal")
"""


def test_arrays_on_eight_devices_stay_there(monkeypatch):
    import textwrap

    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SHARDED)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr
