"""Factorisations of blocks against double precision references."""

import numpy as np
import pytest
import scipy.linalg

from matrl.backends import lapack
from matrl.errors import InputError

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
SHAPES = [(1, 1), (5, 1), (1, 5), (3, 3), (40, 21), (40, 20), (21, 40), (90, 40), (70, 69)]


def random(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal(shape)
    return x.astype(dtype)


def double(x):
    return x.astype(np.result_type(x.dtype, np.float64))


def product(x, y):
    """Return x y by SciPy's BLAS: NumPy's threads would fight the kernels' for the cores."""
    (gemm,) = scipy.linalg.get_blas_funcs(["gemm"], (x, y))
    return gemm(1.0, y.T, x.T).T


def definite(n, dtype):
    noise = random((n, 2 * n), np.result_type(dtype, np.float64))
    return (product(noise, noise.conj().T) / (2 * n) + np.eye(n)).astype(dtype)


def framed(x):
    """Return a writeable copy with foreign elements around it, and all of it."""
    rows, columns = x.shape
    frame = np.full((rows + 3, columns + 4), 7, x.dtype)
    work = frame[1 : rows + 1, 2 : columns + 2]
    work[...] = x
    return work, frame


def untouched(frame):
    outside = np.ones(frame.shape, bool)
    outside[1:-2, 2:-2] = False
    return bool((frame[outside] == 7).all())


def close(actual, expected, units=20.0):
    scale = max(1.0, float(np.abs(expected).max()))
    tolerance = units * np.finfo(actual.dtype).eps * max(actual.shape) * scale
    assert np.abs(double(actual) - expected).max() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 40, 66])
def test_potrf_trtri_and_lauum(dtype, n):
    x = definite(n, dtype)
    work, frame = framed(x)
    work[np.triu_indices(n, 1)] = 7
    assert lapack.potrf(work) == 0
    lower = double(np.tril(work))
    close(np.tril(work), scipy.linalg.cholesky(double(x), lower=True))
    close(product(lower, lower.conj().T).astype(dtype), double(x))
    assert lapack.trtri(work) == 0
    inverse = double(np.tril(work))
    close(product(inverse, lower).astype(dtype), np.eye(n))
    lapack.lauum(work)
    close(np.tril(work), np.tril(product(inverse.conj().T, inverse)))
    close(np.tril(work), np.tril(scipy.linalg.inv(double(x))))
    assert (work[np.triu_indices(n, 1)] == 7).all()
    assert untouched(frame)


@pytest.mark.parametrize("kind", [float, complex])
def test_potrf_reports_the_leading_minor(kind):
    assert lapack.potrf(np.diag([1.0, 2.0, -1.0, 1.0]).astype(kind)) == 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 40, 66])
def test_heevd(dtype, n):
    x = definite(n, dtype)
    rows, frame = framed(x)
    rows[np.triu_indices(n, 1)] = np.nan
    values = lapack.heevd(rows)
    assert values.dtype == np.finfo(dtype).dtype
    assert (np.diff(values) >= 0).all()
    close(values[None], scipy.linalg.eigvalsh(double(x))[None], 50)
    close(product(rows.conj().T * values, rows), double(x), 50)
    close(product(rows, rows.conj().T), np.eye(n), 50)
    assert untouched(frame)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gesdd(dtype, shape):
    x = random(shape, dtype)
    work, frame = framed(x)
    u, values, v_adjoint = lapack.gesdd(work)
    least = min(shape)
    assert u.shape == (shape[0], least)
    assert v_adjoint.shape == (least, shape[1])
    assert values.dtype == np.finfo(dtype).dtype
    close(values[None], np.atleast_2d(scipy.linalg.svdvals(double(x))), 50)
    close(product(u * values, v_adjoint), double(x), 50)
    close(product(u.conj().T, u), np.eye(least), 50)
    close(product(v_adjoint, v_adjoint.conj().T), np.eye(least), 50)
    assert untouched(frame)


def test_trtri_reports_a_zero_on_the_diagonal():
    assert lapack.trtri(np.diag([1.0, 2.0, 0.0, 1.0])) == 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 40, 66])
def test_getrf_and_getri(dtype, n):
    x = random((n, n), dtype) + 2 * n**0.5 * np.eye(n, dtype=dtype)[::-1]
    work, frame = framed(x)
    pivots, info = lapack.getrf(work)
    assert info == 0
    assert lapack.getri(work, pivots) == 0
    wide = double(x)
    values = scipy.linalg.svdvals(wide)
    close(work, scipy.linalg.inv(wide), 50 * float(values[0] / values[-1]))
    assert untouched(frame)


def test_getrf_reports_a_zero_pivot():
    assert lapack.getrf(np.array([[1.0, 1.0], [1.0, 1.0]]))[1] == 2


def read_only(x):
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: lapack.potrf(np.ones((2, 3))), "square"),
        (lambda: lapack.trtri(read_only(np.eye(3))), "read-only"),
        (lambda: lapack.heevd(np.ones((2, 3))), "square"),
        (lambda: lapack.heevd(np.eye(3, dtype=int)), "complex128"),
        (lambda: lapack.gesdd(read_only(np.ones((2, 3)))), "read-only"),
        (lambda: lapack.gesdd(np.ones((2, 3)).T), "strides"),
        (lambda: lapack.getrf(np.ones((2, 3))), "square"),
        (lambda: lapack.getri(np.ones((2, 3)), np.ones(2, np.intc)), "square"),
    ],
)
def test_refusals_name_the_argument(call, match):
    with pytest.raises(InputError, match=match):
        call()
