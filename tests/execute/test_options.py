"""check_finite, overwrite_a, and what a run takes of memory."""

import gc
import pickle
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.execute.test_stack import matrices, plan_for

from matrl.core.plan import Domain, Scaling
from matrl.errors import InputError, MatrlError
from matrl.execute.executor import Executor

FUNCTIONS = ("inv", "sqrt", "invsqrt", "sqrt+invsqrt", "root-3", "sign", "polar", "polar-right")
LARGE = 160
EPS = float(np.finfo(np.float64).eps)


def parts_of(value: Any) -> tuple[np.ndarray, ...]:
    return value if isinstance(value, tuple) else (value,)


def peak(work: Any) -> int:
    """Bytes that live at once, beyond what lived before."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most - before


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("verify", ["off", "sketch"])
def test_overwriting_changes_no_value(function: str, verify: Any) -> None:
    m = LARGE + 40 if function.startswith("polar") else LARGE
    plan = plan_for(function, "float64")
    a = matrices(function, "float64", (m, LARGE))
    expected = plan.run(a, verify=verify)
    scratch = a.copy()
    found = plan.run(scratch, verify=verify, overwrite_a=True)
    for one, other in zip(parts_of(found.value), parts_of(expected.value), strict=True):
        # Terms are added in another order.
        assert np.abs(one - other).max() <= 1e3 * LARGE * EPS * np.abs(other).max()
    assert found.status == expected.status
    if verify == "sketch":
        assert np.array_equal(scratch, a)


def test_overwriting_saves_a_matrix() -> None:
    plan = plan_for("invsqrt", "float64")
    a = matrices("invsqrt", "float64", (LARGE, LARGE))
    out = np.empty_like(a)

    def taken(overwrite: bool) -> int:
        return peak(lambda: plan.run(a.copy(), verify="off", overwrite_a=overwrite, out=out))

    assert taken(True) <= taken(False) - 0.9 * a.nbytes


def test_what_cannot_be_overwritten_is_copied() -> None:
    plan = plan_for("invsqrt", "float64")
    a = matrices("invsqrt", "float64", (LARGE, LARGE))
    expected = plan.run(a.copy(), verify="off", overwrite_a=True).value
    a.flags.writeable = False
    before = a.copy()
    assert np.array_equal(plan.run(a, verify="off", overwrite_a=True).value, expected)
    assert np.array_equal(a, before)
    stack = np.broadcast_to(a, (3, LARGE, LARGE))
    values = plan.run(stack, verify="off", overwrite_a=True).value
    assert all(np.array_equal(value, expected) for value in values)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_overwriting_where_norms_are_extreme(size: float) -> None:
    plan = plan_for("polar", "float64")
    a = matrices("polar", "float64", (LARGE, LARGE))
    with pytest.raises(MatrlError):
        plan.run(a * size)
    domain = Domain(0.01, 1.0, relative=True, proved=True)
    relative = replace(plan, domain=domain, scaling=Scaling("frobenius"))
    alone = relative.run(a * size)
    assert np.array_equal(relative.run(a * size, overwrite_a=True).value, alone.value)
    assert np.abs(alone.value - plan.run(a).value).max() <= 1e-6


@pytest.mark.parametrize("function", FUNCTIONS)
def test_unchecked_input_gives_the_same_value_and_nothing_silently_wrong(function: str) -> None:
    n = 40
    plan = plan_for(function, "float64")
    a = matrices(function, "float64", (n, n))
    expected, found = plan.run(a), plan.run(a, check_finite=False)
    for one, other in zip(parts_of(found.value), parts_of(expected.value), strict=True):
        assert np.array_equal(one, other)
    broken = a.copy()
    broken[3, 4] = np.nan
    with pytest.raises(MatrlError, match=r"^A: "):
        plan.run(broken, check_finite=False)
    broken[3, 4] = np.inf
    with pytest.raises(MatrlError, match=r"^A: "):
        plan.run(broken, check_finite=False)
    if not function.startswith("polar"):
        skew = a.copy()
        skew[3, 4] += 0.3
        with pytest.raises(MatrlError, match=r"^A: "):
            plan.run(skew, check_finite=False)
    stack = plan.run(np.stack([a, broken]), check_finite=False)
    assert stack.status.tolist() == ["converged", "refused"]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_a_run_takes_no_memory_but_its_workspace(function: str, dtype: str) -> None:
    """No temporary of the size of a matrix in the schedule."""
    n = 448
    m = n + 40 if function.startswith("polar") else n
    plan = plan_for(function, dtype)
    a = matrices(function, dtype, (m, n))
    executor = plan.bind(a, verify="off")
    outs: Any = tuple(np.empty_like(value) for value in parts_of(executor(a).value))
    out = outs if len(outs) > 1 else outs[0]
    strips = 4 * 64 * (m + 16) * a.itemsize  # of the passes that transpose
    assert strips < 0.7 * n * n * a.itemsize
    assert peak(lambda: executor(a, out=out)) <= strips


def test_threads_share_an_executor() -> None:
    """Each has its own workspace: all get, at the same time, what one alone gets."""
    plan = plan_for("sqrt+invsqrt", "float64")
    inputs = [matrices("invsqrt", "float64", (60, 60), seed) for seed in range(8)]
    stacks = [matrices("invsqrt", "float64", (5, 60, 60), seed) for seed in range(8)]
    executor = plan.bind(60)
    expected = [[executor(one).value for one in both] for both in (inputs, stacks)]
    barrier = threading.Barrier(4)

    def hammer(worker: int) -> bool:
        barrier.wait()
        same = True
        for turn in range(24):
            index = (worker + turn) % 8
            for which, both in enumerate((inputs, stacks)):
                found = executor(both[index]).value
                pairs = zip(found, expected[which][index], strict=True)
                same &= all(np.array_equal(one, other) for one, other in pairs)
        return same

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(hammer, range(4)))


def test_unpickled_executors_run() -> None:
    plan = plan_for("inv", "float64")
    a = matrices("inv", "float64", (30, 30))
    executor = plan.bind(a, overwrite_a=True, check_finite=False)
    executor(a)
    again: Executor = pickle.loads(pickle.dumps(executor))
    assert np.array_equal(again(a).value, executor(a).value)


@pytest.mark.parametrize("shape", [(30,), (2, 30, 30), ()])
def test_only_shapes_of_matrices_are_bound(shape: tuple[int, ...]) -> None:
    """A tuple of another length was an error of unpacking."""
    with pytest.raises(InputError, match=r"^A: must be a matrix \(m, n\), but its shape is \("):
        plan_for("inv", "float64").bind(shape)
