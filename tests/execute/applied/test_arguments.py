"""The block B: what is refused, and in which words."""

import numpy as np
import pytest
import scipy.sparse

from matrl.errors import InputError, NonFiniteError


@pytest.fixture
def plan(make_plan):
    return make_plan("polar", dtype="float32", tol=1e-3)


A = np.eye(5, 3, dtype="float32")


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (np.ones((5, 2), "float32"), r"B: must be of shape \(3,\) or \(3, s\).*\(5, 2\)"),
        (np.ones(5, "float32"), r"B: must be of shape \(3,\) or \(3, s\).*\(5,\)"),
        (np.ones((2, 3, 1), "float32"), r"B: must be of shape \(3,\) or \(3, s\).*\(2, 3, 1\)"),
        (np.array(1.0, "float32"), r"B: must be a matrix"),
        (np.ones((3, 2)), r"B: has dtype float64.*float32; pass B.astype\('float32'\)"),
        (np.ones((3, 2), "complex64"), r"B: has dtype complex64.*B.real and B.imag"),
        (np.ones((3, 2), int), r"B: must be one of float32"),
        (np.ones((3, 2), "float32").astype(">f4"), r"B: is not in native byte order"),
        ([[1.0], [2.0], [3.0]], r"B: must be a NumPy array, not list"),
        (scipy.sparse.csr_array(np.ones((3, 1))), r"B: is a SciPy sparse matrix"),
    ],
)
@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_blocks_that_do_not_fit(plan, b, message, verify):
    with pytest.raises(InputError, match=message):
        plan.apply(A, b, verify=verify)


def test_blocks_with_nan(plan):
    b = np.array([1.0, np.nan, 0.0], "float32")
    with pytest.raises(NonFiniteError, match=r"B: holds NaN or infinity; clean it"):
        plan.apply(A, b)
    assert plan.apply(A, b, verify="off").status == "unchecked"


def test_matrices_that_do_not_fit(plan):
    b = np.ones(3, "float32")
    with pytest.raises(InputError, match=r"A: must be one matrix.*\(2, 5, 3\); call apply"):
        plan.apply(np.stack([A, A]), b)
    with pytest.raises(InputError, match=r"A: has dtype float64, but the plan is for float32"):
        plan.apply(A.astype(float), b)
