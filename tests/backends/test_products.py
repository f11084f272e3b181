"""Adjoint factors and Gram matrices against double precision references."""

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend as backend
from matrl.errors import InputError

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
LAYOUTS = ["plain", "block", "transposed", "gaps", "reversed"]
SHAPES = [(1, 1), (7, 1), (5, 3), (3, 5), (130, 65), (65, 230), (300, 225), (20, 385), (9, 705)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("other", LAYOUTS)
@pytest.mark.parametrize(("adjoint_x", "adjoint_y"), [(True, False), (False, True), (True, True)])
def test_products_with_adjoints(layout, other, adjoint_x, adjoint_y, dtype, arrays):
    m, k, n = 6, 11, 4
    x, y = arrays.noise((m, k), dtype, 1), arrays.noise((k, n), dtype, 2)
    left = arrays.laid_out(np.ascontiguousarray(arrays.adjoint(x)) if adjoint_x else x, layout)
    right = arrays.laid_out(np.ascontiguousarray(arrays.adjoint(y)) if adjoint_y else y, other)
    out = arrays.dirty((m, n), dtype)
    backend.matmul(out, left, right, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
    arrays.close(out, arrays.product(arrays.double(x), arrays.double(y)), k)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [1, 5, 230, 705])
def test_hermitian_products_with_adjoints(n, layout, dtype, arrays):
    x = arrays.noise((n, 12), dtype)
    tall, wide = (
        arrays.laid_out(x, layout),
        arrays.laid_out(np.ascontiguousarray(arrays.adjoint(x)), layout),
    )
    expected = arrays.product(arrays.double(x), arrays.adjoint(arrays.double(x)))
    for method in (backend.matmul_hermitian, backend.matmul_averaged):
        for left, right, adjoint_x, adjoint_y in [
            (tall, tall, False, True),
            (wide, wide, True, False),
            (wide, tall, True, True),
        ]:
            out = arrays.dirty(n, dtype)
            method(out, left, right, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
            arrays.close(out, expected, 12)
            assert np.array_equal(out, arrays.adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gram(shape, dtype, arrays):
    m, n = shape
    x = arrays.noise(shape, dtype)
    h = arrays.noise((m, m), dtype, 1)
    h = h + arrays.adjoint(h)
    y = arrays.product(arrays.double(h), arrays.double(x)).astype(dtype)
    for right in (x, x.copy(), y):
        expected = arrays.product(arrays.adjoint(arrays.double(x)), arrays.double(right))
        expected = (expected + arrays.adjoint(expected)) / 2
        for method in (backend.gram, backend.gram_averaged):
            out = arrays.dirty(n, dtype)
            method(out, x, right)
            arrays.close(out, expected, max(m, n))
            assert np.array_equal(out, arrays.adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_outer_gram(shape, dtype, arrays):
    m, n = shape
    x = arrays.noise(shape, dtype)
    h = arrays.noise((n, n), dtype, 1)
    y = arrays.product(arrays.double(x), arrays.double(h + arrays.adjoint(h))).astype(dtype)
    for right in (x, x.copy(), y):
        expected = arrays.product(arrays.double(x), arrays.adjoint(arrays.double(right)))
        out = arrays.dirty(m, dtype)
        backend.outer_gram(out, x, right)
        arrays.close(out, (expected + arrays.adjoint(expected)) / 2, max(m, n))
        assert np.array_equal(out, arrays.adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 1), (9, 4), (4, 9)])
def test_grams_of_strided_inputs(shape, layout, dtype, arrays):
    m, n = shape
    x = arrays.laid_out(arrays.noise(shape, dtype), layout)
    wide = arrays.double(x)
    for right in (x, arrays.laid_out(np.array(x), layout)):
        inner, outer = arrays.dirty(n, dtype), arrays.dirty(m, dtype)
        backend.gram(inner, x, right)
        backend.outer_gram(outer, x, right)
        arrays.close(inner, arrays.adjoint(wide) @ wide, m)
        arrays.close(outer, wide @ arrays.adjoint(wide), n)


def test_gram_averaged_takes_the_hermitian_part(arrays):
    x, y = arrays.noise((30, 8), np.complex128), arrays.noise((30, 8), np.complex128, 1)
    out = arrays.dirty(8, np.complex128)
    backend.gram_averaged(out, x, y)
    whole = arrays.adjoint(x) @ y
    arrays.close(out, (whole + arrays.adjoint(whole)) / 2, 30)


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
