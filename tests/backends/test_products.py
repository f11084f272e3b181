"""Adjoint factors and Gram matrices against double precision references."""

import numpy as np
import pytest
import scipy.linalg

from matrl.backends.numpy import numpy_backend as backend
from matrl.errors import InputError

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
LAYOUTS = ["plain", "block", "transposed", "gaps", "reversed"]
SHAPES = [(1, 1), (7, 1), (5, 3), (3, 5), (130, 65), (65, 230), (300, 225), (20, 385), (9, 705)]


def noise(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * generator.standard_normal(shape)
    return (x / max(shape) ** 0.5).astype(dtype)


def double(x):
    return x.astype(np.result_type(x.dtype, np.float64))


def product(x, y):
    """Return x y by SciPy's BLAS: NumPy's threads would fight the kernels' for the cores."""
    (gemm,) = scipy.linalg.get_blas_funcs(["gemm"], (x, y))
    return gemm(1.0, y.T, x.T).T


def adjoint(x):
    return x.conj().T


def laid_out(x, layout):
    rows, columns = x.shape
    if layout == "block":
        view = np.full((rows + 2, columns + 3), 9, x.dtype)[1 : rows + 1, 2 : columns + 2]
    elif layout == "transposed":
        view = np.empty((columns, rows), x.dtype).T
    elif layout == "gaps":
        view = np.full((2 * rows, 2 * columns), 9, x.dtype)[::2, ::2]
    elif layout == "reversed":
        view = np.empty_like(x)[::-1, ::-1]
    else:
        view = np.empty_like(x)
    view[...] = x
    view.flags.writeable = False
    return view


def dirty(rows, columns, dtype):
    return np.full((rows, columns), np.nan, dtype)


def close(actual, expected, inner, units=10):
    assert np.isfinite(actual).all()
    scale = max(1.0, float(np.abs(expected).max()))
    tolerance = units * np.finfo(actual.dtype).eps * max(inner, 3) * scale
    assert np.abs(double(actual) - expected).max() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("other", LAYOUTS)
@pytest.mark.parametrize(("adjoint_x", "adjoint_y"), [(True, False), (False, True), (True, True)])
def test_products_with_adjoints(layout, other, adjoint_x, adjoint_y, dtype):
    m, k, n = 6, 11, 4
    x, y = noise((m, k), dtype, 1), noise((k, n), dtype, 2)
    left = laid_out(np.ascontiguousarray(adjoint(x)) if adjoint_x else x, layout)
    right = laid_out(np.ascontiguousarray(adjoint(y)) if adjoint_y else y, other)
    out = dirty(m, n, dtype)
    backend.matmul(out, left, right, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
    close(out, product(double(x), double(y)), k)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [1, 5, 230, 705])
def test_hermitian_products_with_adjoints(n, layout, dtype):
    x = noise((n, 12), dtype)
    tall, wide = laid_out(x, layout), laid_out(np.ascontiguousarray(adjoint(x)), layout)
    expected = product(double(x), adjoint(double(x)))
    for method in (backend.matmul_hermitian, backend.matmul_averaged):
        for left, right, adjoint_x, adjoint_y in [
            (tall, tall, False, True),
            (wide, wide, True, False),
            (wide, tall, True, True),
        ]:
            out = dirty(n, n, dtype)
            method(out, left, right, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
            close(out, expected, 12)
            assert np.array_equal(out, adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gram(shape, dtype):
    m, n = shape
    x = noise(shape, dtype)
    h = noise((m, m), dtype, 1)
    h = h + adjoint(h)
    y = product(double(h), double(x)).astype(dtype)
    for right in (x, x.copy(), y):
        expected = product(adjoint(double(x)), double(right))
        expected = (expected + adjoint(expected)) / 2
        for method in (backend.gram, backend.gram_averaged):
            out = dirty(n, n, dtype)
            method(out, x, right)
            close(out, expected, max(m, n))
            assert np.array_equal(out, adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_outer_gram(shape, dtype):
    m, n = shape
    x = noise(shape, dtype)
    h = noise((n, n), dtype, 1)
    y = product(double(x), double(h + adjoint(h))).astype(dtype)
    for right in (x, x.copy(), y):
        expected = product(double(x), adjoint(double(right)))
        out = dirty(m, m, dtype)
        backend.outer_gram(out, x, right)
        close(out, (expected + adjoint(expected)) / 2, max(m, n))
        assert np.array_equal(out, adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 1), (9, 4), (4, 9)])
def test_grams_of_strided_inputs(shape, layout, dtype):
    m, n = shape
    x = laid_out(noise(shape, dtype), layout)
    wide = double(x)
    for right in (x, laid_out(np.array(x), layout)):
        inner, outer = dirty(n, n, dtype), dirty(m, m, dtype)
        backend.gram(inner, x, right)
        backend.outer_gram(outer, x, right)
        close(inner, adjoint(wide) @ wide, m)
        close(outer, wide @ adjoint(wide), n)


def test_gram_averaged_takes_the_hermitian_part():
    x, y = noise((30, 8), np.complex128), noise((30, 8), np.complex128, 1)
    out = dirty(8, 8, np.complex128)
    backend.gram_averaged(out, x, y)
    whole = adjoint(x) @ y
    close(out, (whole + adjoint(whole)) / 2, 30)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x, out: backend.gram(out, x, x), "out has shape"),
        (lambda x, out: backend.gram(out[:3, :3], x, x), "C-contiguous"),
        (lambda x, out: backend.gram(np.empty((3, 3)), x, x.astype(complex)), "the others float64"),
        (lambda x, out: backend.gram(np.empty((3, 3)), x, x[:2]), "matching shapes"),
        (lambda x, out: backend.gram(np.empty((3, 3), complex), x, x), "the others complex128"),
        (lambda x, out: backend.gram(x[:3], x[:3], x[:3]), "shares memory"),
        (lambda x, out: backend.outer_gram(out, x[0], x[0]), "x has shape"),
        (lambda x, out: backend.outer_gram(out[:3], x, x), "out has shape"),
        (lambda x, out: backend.matmul(out, x, x, adjoint_x=True), "out has shape"),
        (lambda x, out: backend.matmul_hermitian(out, x, x), "out has shape"),
    ],
)
def test_refusals_name_the_argument(call, match):
    with pytest.raises(InputError, match=match):
        call(np.ones((4, 3)), np.empty((4, 4)))
