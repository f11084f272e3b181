"""Inputs for timing are well conditioned, and every operation runs on them."""

import numpy as np
import pytest

from matrl.errors import InputError
from matrl.profile.profile import KNOWN_OPERATIONS
from matrl.profile.workloads import MEASURED_DTYPES, Workload


@pytest.mark.parametrize("op", KNOWN_OPERATIONS)
@pytest.mark.parametrize("dtype", MEASURED_DTYPES)
@pytest.mark.parametrize("n", [1, 2, 17])
def test_every_operation_runs(op, dtype, n):
    workload = Workload(dtype, n, 3)
    before = [x.copy() for x in (*workload._inputs, workload._general)]
    workload.run(op)
    after = [*workload._inputs, workload._general]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("op", ["matmul", "gram", "svd", "qr", "add", "cast", "norm", "matvec"])
@pytest.mark.parametrize("dtype", MEASURED_DTYPES)
@pytest.mark.parametrize("shape", [(5, 1), (17, 4), (4, 17)])
def test_operations_on_rectangles_run(op, dtype, shape):
    m, n = shape
    workload = Workload(dtype, n, 3, m)
    assert all(x.shape == (m, n) and x.dtype == dtype for x in workload._inputs)
    before = [x.copy() for x in (*workload._inputs, workload._general)]
    workload.run(op)
    after = [*workload._inputs, workload._general]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("n", [64, 200])
def test_hermitian_input_is_well_conditioned(n, dtype):
    x = Workload(dtype, n, 1)._inputs[0]
    values = np.linalg.eigvalsh(x)
    assert np.array_equal(x, x.conj().T)
    assert 0.4 < values[0] < values[-1] < 1.6
    assert dtype == "float64" or np.abs(np.imag(x)).max() > 0.01


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_tall_input_has_full_rank(dtype):
    workload = Workload(dtype, 40, 1, 120)
    values = np.linalg.svd(workload._general, compute_uv=False)
    assert values[0] < 50 * values[-1]


def test_other_dtypes_are_refused():
    with pytest.raises(InputError, match="float16"):
        Workload("float16", 4, 1)
