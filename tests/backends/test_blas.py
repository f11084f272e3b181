"""Kernels on blocks against double precision references."""

import numpy as np
import pytest

from matrl.backends import blas
from matrl.backends.capsules import blas_function, lapack_function
from matrl.errors import InputError

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
FORMS = {"N": lambda x: x, "T": lambda x: x.T, "C": lambda x: x.conj().T}


def random(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal(shape)
    return x.astype(dtype)


def double(x):
    return x.astype(np.result_type(x.dtype, np.float64))


def definite(n, dtype):
    noise = random((n, 2 * n), np.result_type(dtype, np.float64))
    return (noise @ noise.conj().T / (2 * n) + np.eye(n)).astype(dtype)


def block(shape, dtype, seed=0):
    """Return a view with distance between its rows and foreign elements around it."""
    rows, columns = shape
    return random((rows + 2, columns + 5), dtype, seed)[1 : rows + 1, 2 : columns + 2]


def close(actual, expected, units=20):
    scale = max(1.0, float(np.abs(expected).max()))
    tolerance = units * np.finfo(actual.dtype).eps * max(actual.shape) * scale
    assert np.abs(double(actual) - expected).max() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form_a", FORMS)
@pytest.mark.parametrize("form_b", FORMS)
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 1, 1), (1, 5, 3), (7, 1, 2), (4, 6, 1), (33, 17, 50)]
)
def test_gemm(dtype, form_a, form_b, m, k, n):
    a = block((m, k) if form_a == "N" else (k, m), dtype, 1)
    b = block((k, n) if form_b == "N" else (n, k), dtype, 2)
    frame = random((m + 2, n + 5), dtype, 3)
    out = frame[1 : m + 1, 2 : n + 2]
    before = frame.copy()
    alpha, beta = (2 - 1j, -0.5 + 0.25j) if out.dtype.kind == "c" else (2.0, -0.5)
    expected = alpha * FORMS[form_a](double(a)) @ FORMS[form_b](double(b)) + beta * double(out)
    blas.gemm(out, a, b, alpha, beta, form_a=form_a, form_b=form_b)
    close(out, expected)
    before[1 : m + 1, 2 : n + 2] = out
    assert np.array_equal(frame, before)


def test_gemm_does_not_read_out_with_beta_zero():
    out = np.full((3, 3), np.nan)
    blas.gemm(out, np.eye(3), np.eye(3))
    assert np.array_equal(out, np.eye(3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transpose", [False, True])
def test_herk_writes_the_lower_triangle_only(dtype, transpose):
    a = block((5, 9), dtype)
    order = 9 if transpose else 5
    out = np.full((order, order), 7, dtype)
    full = double(a)
    blas.herk(out, a, adjoint=transpose)
    close(np.tril(out), np.tril(full.conj().T @ full if transpose else full @ full.conj().T))
    assert (out[np.triu_indices(order, 1)] == 7).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_axpy(dtype):
    out, x = random((4, 5), dtype), random((4, 5), dtype, 1)
    alpha = 0.25 - 2j if out.dtype.kind == "c" else 0.25
    expected = double(out) + alpha * x
    blas.axpy(out, alpha, x)
    close(out, expected)
    with pytest.raises(InputError, match="contiguous"):
        blas.axpy(block((4, 5), dtype), 1.0, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transpose", [False, True])
def test_trsm(dtype, transpose):
    factor = np.tril(block((6, 6), dtype)) + 4 * np.eye(6, dtype=dtype)
    right = block((6, 3), dtype, 5)
    full = double(factor)
    expected = np.linalg.solve(full.conj().T if transpose else full, double(right))
    blas.trsm(right, factor, adjoint=transpose)
    close(right, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("left", [False, True])
def test_trmm(dtype, left):
    factor = block((6, 6), dtype)
    out = block((6, 3) if left else (3, 6), dtype, 5)
    lower = np.tril(double(factor))
    expected = -2.0 * (lower @ double(out) if left else double(out) @ lower)
    blas.trmm(out, factor, -2.0, left=left)
    close(out, expected)


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
        (lambda: blas.gemm(EYE.copy(), EYE, EYE, 1j), "complex, the arrays are real"),
        (lambda: blas.herk(EYE.copy(), np.ones((4, 2))), "out has shape"),
        (lambda: blas.trsm(np.ones((2, 1)), EYE), "right has 2 rows"),
        (lambda: blas.trmm(np.ones((2, 1)), EYE, left=True), "does not fit a factor"),
    ],
)
def test_refusals_name_the_argument(call, match):
    with pytest.raises(InputError, match=match):
        call()
