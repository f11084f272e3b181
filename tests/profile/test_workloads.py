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
    before = [x.copy() for x in (*workload._symmetric, workload._general)]
    workload.run(op)
    after = [*workload._symmetric, workload._general]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("n", [64, 200])
def test_symmetric_input_is_well_conditioned(n):
    x = Workload("float64", n, 1)._symmetric[0]
    values = np.linalg.eigvalsh(x)
    assert np.array_equal(x, x.T)
    assert 0.4 < values[0] < values[-1] < 1.6


def test_other_dtypes_are_refused():
    with pytest.raises(InputError, match="float32 or float64"):
        Workload("float16", 4, 1)
