"""Kernels on blocks against float64 references."""

import numpy as np
import pytest

from matrl.backends import blas
from matrl.backends.capsules import blas_function, lapack_function
from matrl.errors import InputError

DTYPES = [np.float32, np.float64]


def random(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def definite(n, dtype):
    noise = random((n, 2 * n), np.float64)
    return (noise @ noise.T / (2 * n) + np.eye(n)).astype(dtype)


def block(shape, dtype, seed=0):
    """Return a view with distance between its rows and foreign elements around it."""
    rows, columns = shape
    return random((rows + 2, columns + 5), dtype, seed)[1 : rows + 1, 2 : columns + 2]


def close(actual, expected, units=20):
    scale = max(1.0, float(np.abs(expected).max()))
    tolerance = units * np.finfo(actual.dtype).eps * max(actual.shape) * scale
    assert np.abs(actual.astype(np.float64) - expected).max() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 1, 1), (1, 5, 3), (7, 1, 2), (4, 6, 1), (33, 17, 50)]
)
def test_gemm(dtype, transpose_a, transpose_b, m, k, n):
    a = block((k, m) if transpose_a else (m, k), dtype, 1)
    b = block((n, k) if transpose_b else (k, n), dtype, 2)
    frame = random((m + 2, n + 5), dtype, 3)
    out = frame[1 : m + 1, 2 : n + 2]
    before = frame.copy()
    left = (a.T if transpose_a else a).astype(np.float64)
    right = (b.T if transpose_b else b).astype(np.float64)
    expected = 2 * left @ right - 0.5 * out.astype(np.float64)
    blas.gemm(out, a, b, 2.0, -0.5, transpose_a=transpose_a, transpose_b=transpose_b)
    close(out, expected)
    before[1 : m + 1, 2 : n + 2] = out
    assert np.array_equal(frame, before)


def test_gemm_does_not_read_out_with_beta_zero():
    out = np.full((3, 3), np.nan)
    blas.gemm(out, np.eye(3), np.eye(3))
    assert np.array_equal(out, np.eye(3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transpose", [False, True])
def test_syrk_writes_the_lower_triangle_only(dtype, transpose):
    a = block((5, 9), dtype)
    order = 9 if transpose else 5
    out = np.full((order, order), 7, dtype)
    full = a.astype(np.float64)
    blas.syrk(out, a, transpose=transpose)
    close(np.tril(out), np.tril(full.T @ full if transpose else full @ full.T))
    assert (out[np.triu_indices(order, 1)] == 7).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_axpy(dtype):
    out, x = random((4, 5), dtype), random((4, 5), dtype, 1)
    expected = out.astype(np.float64) + 0.25 * x
    blas.axpy(out, 0.25, x)
    close(out, expected)
    with pytest.raises(InputError, match="contiguous"):
        blas.axpy(block((4, 5), dtype), 1.0, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_potrf_and_potri_in_a_block(dtype, n):
    x = definite(n, dtype)
    frame = np.zeros((n + 3, n + 4), dtype)
    work = frame[1 : n + 1, 2 : n + 2]
    work[...] = x
    assert blas.potrf(work) == 0
    lower = np.tril(work).astype(np.float64)
    close(np.tril(work), np.linalg.cholesky(x.astype(np.float64)))
    close(work.dtype.type(1) * (lower @ lower.T).astype(dtype), x.astype(np.float64))
    assert blas.potri(work) == 0
    close(np.tril(work), np.tril(np.linalg.inv(x.astype(np.float64))))


def test_potrf_reports_the_leading_minor():
    assert blas.potrf(np.diag([1.0, 2.0, -1.0, 1.0])) == 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_syevd(dtype, n):
    x = definite(n, dtype)
    vectors = x.copy()
    values = blas.syevd(vectors)
    assert values.dtype == dtype
    close(values[None], np.linalg.eigvalsh(x.astype(np.float64))[None], 50)
    close(((vectors.T * values) @ vectors), x.astype(np.float64), 50)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transpose", [False, True])
def test_trsm(dtype, transpose):
    factor = np.tril(block((6, 6), dtype)) + 4 * np.eye(6, dtype=dtype)
    right = block((6, 3), dtype, 5)
    full = factor.astype(np.float64)
    expected = np.linalg.solve(full.T if transpose else full, right.astype(np.float64))
    blas.trsm(right, factor, transpose=transpose)
    close(right, expected)


def test_functions_are_cached_and_checked():
    assert blas_function("dgemm") is blas_function("dgemm")
    assert lapack_function("dpotrf") is lapack_function("dpotrf")
    with pytest.raises(KeyError):
        blas_function("no_such_routine")


def read_only(x):
    x.flags.writeable = False
    return x


EYE = np.eye(3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: blas.gemm(EYE.copy(), EYE, np.eye(3, dtype=np.float32)), "b has dtype float32"),
        (lambda: blas.gemm(EYE.astype(int), EYE, EYE), "out has dtype int64"),
        (lambda: blas.gemm(EYE.copy(), EYE, EYE.astype(">f8")), "b has dtype >f8"),
        (lambda: blas.gemm(EYE.copy(), EYE.astype(complex), EYE), "a has dtype complex128"),
        (lambda: blas.gemm(EYE.copy(), EYE, np.eye(4)), "matching shapes"),
        (lambda: blas.gemm(np.eye(4), EYE, EYE), "out has shape"),
        (lambda: blas.gemm(EYE.copy(), EYE, np.eye(6)[::2, ::2]), "b has strides"),
        (lambda: blas.gemm(EYE.copy(), EYE, EYE[::-1]), "b has strides"),
        (lambda: blas.gemm(EYE.copy(), EYE, np.broadcast_to(1.0, (3, 3))), "b has strides"),
        (lambda: blas.gemm(EYE.copy(), EYE, np.ones(3)), "b has shape"),
        (lambda: blas.gemm(EYE.copy(), np.ones((3, 0)), np.ones((0, 3))), "non-empty"),
        (lambda: blas.gemm(read_only(np.eye(3)), EYE, EYE), "out is read-only"),
        (lambda: blas.syrk(EYE.copy(), np.ones((4, 2))), "out has shape"),
        (lambda: blas.potrf(np.ones((2, 3))), "square"),
        (lambda: blas.potri(read_only(np.eye(3))), "read-only"),
        (lambda: blas.syevd(np.ones((2, 3))), "square"),
        (lambda: blas.trsm(np.ones((2, 1)), EYE), "right has 2 rows"),
    ],
)
def test_refusals_name_the_argument(call, match):
    with pytest.raises(InputError, match=match):
        call()
