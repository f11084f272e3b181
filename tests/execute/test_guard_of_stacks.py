"""Stacks are judged as their matrices are, in the calls that one of them takes."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.execute.cases import case_of
from matrl.execute.guard import check_sketch
from matrl.functions import FUNCTIONS

N, TOL = 12, 1e-3
NAMES = [function.name for function in FUNCTIONS]
PLANTED = [
    lambda f: f,
    lambda f: f * (1.0 + TOL / 20.0),
    lambda f: f * (1.0 + 30.0 * TOL),
    lambda f: f * (1.0 - 30.0 * TOL),
    lambda f: -2.0 * f,
    np.zeros_like,
    lambda f: np.full_like(f, np.nan),
    lambda f: np.where(np.arange(f.shape[-1]) == 3, np.inf, f),
    lambda f: f * 1e30,
    lambda f: f,
]


def stack_of(name, dtype, make_matrix, exact):
    """Return matrices and values of f, of which most are wrong."""
    random, matrices, values = np.random.default_rng(0), [], []
    for seed, plant in enumerate(PLANTED):
        a = make_matrix(name, 10.0 ** random.uniform(-1.9, -0.01, N), (N + 3, N), dtype, seed)
        matrices.append(a)
        known = (f if dtype.startswith("c") else f.real for f in exact(name, a))
        values.append(tuple(plant(f).astype(dtype) for f in known))
    return np.stack(matrices), tuple(np.stack(parts) for parts in zip(*values, strict=True))


def judge(plan, name, a, values):
    return check_sketch(case_of(plan, FUNCTIONS.get(name), a, values, 1.0, 0, numpy_backend))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
def test_a_stack_is_judged_as_its_matrices_are(name, dtype, norm, make_plan, make_matrix, exact):
    plan = make_plan(name, dtype=dtype, tol=TOL, norm=norm)
    a, values = stack_of(name, dtype, make_matrix, exact)
    together = judge(plan, name, a, values)
    for index in range(len(a)):
        alone = judge(plan, name, a[index], tuple(value[index] for value in values))
        assert together.passed[index] == alone.passed
        if np.isfinite(alone.residual):
            # Sums of products in another order; of right values it is all that is seen.
            floor = 1e-10
            assert together.residual[index] == pytest.approx(alone.residual, rel=1e-6, abs=floor)
        else:
            assert not np.isfinite(together.residual[index])
    # A^q Z^p - I changes by eps cond(A)^q where Z is rounded to float32.
    if not (norm == "residual" and name.startswith("power--") and dtype == "float32"):
        assert together.passed[[0, -1]].all()
    assert not together.passed[2:-1].any()


@pytest.mark.parametrize("name", ["sqrt", "root-3"])
def test_a_stack_that_may_be_singular_is_judged_as_its_matrices_are(
    name, make_plan, make_matrix, exact
):
    plan = make_plan(name, tol=TOL)
    plan = replace(plan, domain=replace(plan.domain, has_zero=True))
    a, values = stack_of(name, "float64", make_matrix, exact)
    a[-1], values[0][-1] = 0.0, 0.0
    together = judge(plan, name, a, values)
    for index in range(len(a)):
        assert together.passed[index] == judge(plan, name, a[index], (values[0][index],)).passed
    assert together.passed.tolist() == [True, True, *[False] * 7, True]


SIZE = 384
BLOCKS = 40
"""Most blocks of four vectors at a time, and what is cached by the way."""
STRIPS = 2 * 64


@pytest.mark.parametrize("name", ["inv", "invsqrt", "sqrt", "root-3", "sign", "polar"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral"])
@pytest.mark.parametrize("has_zero", [False, True])
def test_the_sketch_takes_two_matrices_of_memory_at_most(
    name, dtype, norm, has_zero, make_plan, make_matrix
):
    function = FUNCTIONS.get(name)
    if has_zero and not (function.vanishes_at_zero and norm == "eigenvalue"):
        pytest.skip("has no zero in its domain")
    plan = make_plan(name, dtype=dtype, tol=TOL, norm=norm)
    plan = replace(plan, domain=replace(plan.domain, has_zero=has_zero))
    a = make_matrix(name, np.geomspace(0.02, 0.99, SIZE), (SIZE, SIZE), dtype)
    values, vectors = np.linalg.eigh(a if name != "polar" else np.eye(SIZE, dtype=dtype))
    powers = np.abs(values) ** function.exponent if function.carries != "x" else np.sign(values)
    value = np.ascontiguousarray((vectors * powers) @ vectors.T).astype(dtype)
    if name == "polar":
        left, _, right = np.linalg.svd(a)
        value = left @ right
    judge(plan, name, a, (value,))  # what is imported and cached at the first call
    tracemalloc.start()
    verdict = judge(plan, name, a, (value,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.passed
    # A factor in float64, two matrices of float32, and blocks and strips of the order n.
    assert peak <= 8 * SIZE * (SIZE + STRIPS + 4 * BLOCKS)
