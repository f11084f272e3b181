"""Scaling of blocks: exact, column by column, and honest about what leaves the range."""

import numpy as np
import pytest

from matrl.execute.applied.blocks import ModerateBlock


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_columns_become_moderate_and_come_back(dtype):
    block = np.array([[1.0, 0.0, 3.0], [-2.0, 0.0, 5.0]]).astype(dtype)
    if dtype.startswith("c"):
        block = block * (1.0 + 0.5j)
        block = block.astype(dtype)
    for exponents in ([0, 0, 0], [100, 0, -100], [-120, 3, 120]):
        moved = block * np.ldexp(np.ones(3, np.finfo(dtype).dtype), exponents)
        moderate = ModerateBlock.of(moved)
        largest = np.abs(moderate.block).max(axis=0)
        assert np.all((largest <= 2.0**40) & ((largest >= 2.0**-40) | (largest == 0.0)))
        back, in_range = moderate.restored(moderate.block, 0)
        assert in_range
        assert np.array_equal(back, moved)
        assert back.dtype == dtype


def test_what_leaves_the_range_is_said():
    moderate = ModerateBlock.of(np.array([[1e300, 1.0]]))
    assert not moderate.restored(np.array([[1e10, 1.0]]), 0)[1]
    assert moderate.restored(np.array([[0.0, 1.0]]), 0)[1]
    assert not moderate.restored(np.array([[1.0, 1.0]]), -1070)[1]
    # Of a column that was subnormal itself nothing more is asked.
    small = ModerateBlock.of(np.array([[5e-324]]))
    value, in_range = small.restored(small.block, 0)
    assert in_range
    assert value[0, 0] == 5e-324


def test_nan_and_infinity_stay():
    block = np.array([[np.nan, np.inf, 1e-200]])
    moderate = ModerateBlock.of(block)
    assert moderate.exponents.tolist()[:2] == [0, 0]
    assert np.isnan(moderate.block[0, 0])
    assert np.isinf(moderate.block[0, 1])
