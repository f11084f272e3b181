"""NumpyBackend against double precision references, tolerances in units of eps * n."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.backends.numpy import numpy_backend as backend
from matrl.errors import IndefiniteMatrixError, InputError, NonFiniteError

SIZES = [*range(1, 10), 63, 64, 65, 128, 129, 193, 300]
LEVELS = [223, 224, 384, 385, 705]
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
LAYOUTS = ["plain", "block", "transposed", "gaps"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES + LEVELS)
def test_products(n, dtype, arrays):
    x = arrays.symmetric(n, dtype)
    x.flags.writeable = False
    before = x.copy()
    wide = arrays.double(x)
    for method in (backend.matmul, backend.matmul_hermitian, backend.matmul_averaged):
        out = arrays.dirty(n, dtype)
        method(out, x, x)
        arrays.close(out, arrays.product(wide, wide))
        if method != backend.matmul:
            assert np.array_equal(out, arrays.adjoint(out))
    assert np.array_equal(x, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("other", LAYOUTS)
@pytest.mark.parametrize("n", [1, 2, 5, 65, 230])
def test_products_of_strided_inputs(n, layout, other, dtype, arrays):
    x, y = arrays.noise((n, n + 3), dtype, 1), arrays.noise((n + 3, n), dtype, 2)
    out = arrays.dirty(n, dtype)
    backend.matmul(out, arrays.laid_out(x, layout), arrays.laid_out(y, other))
    arrays.close(out, arrays.product(arrays.double(x), arrays.double(y)))
    backend.matmul_hermitian(
        out, arrays.laid_out(x, layout), arrays.laid_out(arrays.adjoint(x), other)
    )
    arrays.close(out, arrays.product(arrays.double(x), arrays.adjoint(arrays.double(x))))
    assert np.array_equal(out, arrays.adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 65, 300])
def test_averaged_is_the_hermitian_part(n, dtype, arrays):
    x, y = arrays.noise(n, dtype, 1), arrays.noise(n, dtype, 2)
    out = arrays.dirty(n, dtype)
    backend.matmul_averaged(out, x, y)
    whole = arrays.product(arrays.double(x), arrays.double(y))
    arrays.close(out, (whole + arrays.adjoint(whole)) / 2)
    assert np.array_equal(out, arrays.adjoint(out))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_linear(n, dtype, arrays):
    terms = [arrays.laid_out(arrays.noise(n, dtype, seed), LAYOUTS[seed]) for seed in range(4)]
    coefficients = [0.5, -1.0, 0.0, 3.25]
    out = arrays.dirty(n, dtype)
    backend.linear(out, coefficients, terms, -0.75)
    expected = -0.75 * np.eye(n)
    for coefficient, x in zip(coefficients, terms, strict=True):
        expected = expected + coefficient * arrays.double(x)
    arrays.close(out, expected)
    backend.linear(out, [], [], 2.0)
    assert np.array_equal(out, 2 * np.eye(n, dtype=dtype))


@pytest.mark.parametrize("kind", [1, 1 + 1j])
def test_linear_in_several_row_blocks(kind):
    x = np.random.default_rng(0).random((1100, 1000)) * kind
    out = np.empty_like(x)
    backend.linear(out, [2.0, 0.5], [x, x], 0.0)
    assert np.allclose(out, 2.5 * x, rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_inverse(n, dtype, arrays):
    x = arrays.laid_out(arrays.definite(n, dtype), LAYOUTS[n % 4])
    out = arrays.dirty(n, dtype)
    backend.inverse_spd(out, x)
    arrays.close(out, scipy.linalg.inv(arrays.double(x)), units=30)
    assert np.array_equal(out, arrays.adjoint(out))


def test_inverse_refuses():
    out = np.empty((3, 3))
    with pytest.raises(IndefiniteMatrixError, match="minor of order 2"):
        backend.inverse_spd(out, np.diag([1.0, -1.0, 1.0]))
    with pytest.raises(IndefiniteMatrixError, match="minor of order 3"):
        backend.inverse_spd(out, np.diag([1.0, 1.0, 0.0]))
    with pytest.raises(IndefiniteMatrixError, match="working precision"):
        backend.inverse_spd(out, np.diag([1.0, 1.0, 1e-310]))
    with pytest.raises(NonFiniteError):
        backend.inverse_spd(out, np.diag([1.0, np.nan, 1.0]))


@pytest.mark.parametrize("n", [1, 2, 8, 64, 65, 300])
def test_inverse_never_returns_nan(n, arrays):
    x = arrays.definite(n, np.float64)
    x[-1, 0] = np.nan
    with pytest.raises((NonFiniteError, IndefiniteMatrixError)):
        backend.inverse_spd(np.empty_like(x), x)
    assert not backend.cholesky(np.empty_like(x), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_spectral_function(n, dtype, arrays):
    x = arrays.laid_out(arrays.symmetric(n, dtype), LAYOUTS[n % 4])
    out = arrays.dirty(n, dtype)
    backend.spectral_function(out, x, np.tanh)
    values, vectors = scipy.linalg.eigh(arrays.double(x))
    arrays.close(out, arrays.product(vectors * np.tanh(values), arrays.adjoint(vectors)), units=30)
    assert np.array_equal(out, arrays.adjoint(out))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_spectral_function_passes_and_checks_values(dtype, arrays):
    x, out = arrays.symmetric(4, dtype), np.empty((4, 4), dtype)
    seen = []

    def record(values):
        seen.append(values)
        return values.astype(np.float64)

    backend.spectral_function(out, x, record)
    assert seen[0].dtype == np.float32
    assert (np.diff(seen[0]) >= 0).all()

    def fail(values):
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError):
        backend.spectral_function(out, x, fail)
    with pytest.raises(InputError, match="4 real values"):
        backend.spectral_function(out, x, lambda values: values[:2])
    with pytest.raises(InputError, match="4 real values"):
        backend.spectral_function(out, x, lambda values: values * 1j)
    with pytest.raises(NonFiniteError):
        backend.spectral_function(out, np.full_like(x, np.inf), np.tanh)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("transpose", [False, True])
def test_cholesky_and_solve(n, dtype, transpose, arrays):
    x = arrays.definite(n, dtype)
    factor = arrays.dirty(n, dtype)
    assert backend.cholesky(factor, x)
    assert np.array_equal(factor, np.tril(factor))
    wide = arrays.double(factor)
    arrays.close(factor, scipy.linalg.cholesky(arrays.double(x), lower=True), units=30)
    b = arrays.laid_out(arrays.noise((n, 3), dtype, 3), LAYOUTS[n % 4])
    solution = backend.solve_triangular(arrays.laid_out(factor, LAYOUTS[n % 4]), b, transpose)
    arrays.close(
        solution,
        scipy.linalg.solve(arrays.adjoint(wide) if transpose else wide, arrays.double(b)),
        units=30,
    )


def test_cholesky_and_solve_refuse():
    assert not backend.cholesky(np.empty((2, 2)), np.diag([1.0, -1.0]))
    with pytest.raises(InputError, match="zero on its diagonal"):
        backend.solve_triangular(np.zeros((2, 2)), np.ones((2, 1)), False)


@given(st.integers(1, 140), st.sampled_from(DTYPES), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_symmetrize(arrays, n, dtype, seed):
    x = arrays.noise(n, dtype, seed)
    out = x.copy()
    backend.symmetrize(out)
    assert np.array_equal(out, arrays.adjoint(out))
    assert np.array_equal(out, (x + arrays.adjoint(x)) * dtype(0.5))
    assert backend.asymmetry(out) == 0
    assert backend.asymmetry(x) == np.abs(x - arrays.adjoint(x)).max()


def test_cast_and_empty(arrays):
    x = arrays.noise(5, np.float64)
    out = backend.empty((5, 5), np.float32)
    assert out.flags.c_contiguous
    assert out.dtype == np.float32
    backend.cast(out, arrays.laid_out(x, "gaps"))
    assert np.array_equal(out, x.astype(np.float32))
    backend.cast(out, np.full((5, 5), -1e300))
    assert (out == -np.inf).all()
    with pytest.raises(InputError, match="casts"):
        backend.cast(out, x * 1j)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_casts_between_precisions_and_to_complex(source, target, arrays):
    x = arrays.noise((3, 5), source)
    out = np.empty((3, 5), target)
    if np.dtype(source).kind == "c" and np.dtype(target).kind == "f":
        with pytest.raises(InputError, match="casts"):
            backend.cast(out, x)
        return
    backend.cast(out, x)
    assert np.array_equal(out, x.astype(target))


EYE = np.eye(3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda out: backend.matmul(out, out, EYE), "shares memory"),
        (lambda out: backend.matmul(out[:2], EYE, EYE), "out has shape"),
        (lambda out: backend.matmul(out.T, EYE, EYE), "C-contiguous"),
        (lambda out: backend.matmul(out, EYE, np.ones(3)), "y has shape"),
        (lambda out: backend.matmul(out, EYE[:, :2], EYE), "matching shapes"),
        (lambda out: backend.matmul(out, EYE.astype(int), EYE), "a has dtype"),
        (lambda out: backend.matmul_hermitian(out[:2], EYE[:2], EYE), "square"),
        (lambda out: backend.linear(out, [1.0], [out[:]], 0.0), "shares memory"),
        (lambda out: backend.linear(out, [1.0], [], 0.0), "as many"),
        (lambda out: backend.linear(out, [np.inf], [EYE], 0.0), "not finite"),
        (
            lambda out: backend.linear(out.astype(np.float32), [], [], 1e39),
            "not finite in float32",
        ),
        (lambda out: backend.linear(out, [1.0], [np.eye(4)], 0.0), "arrays holds"),
        (lambda out: backend.linear(out[:2], [1.0], [EYE[:2]], 1.0), "square"),
        (lambda out: backend.linear(out.astype(int), [], [], 1.0), "dtype int64"),
        (lambda out: backend.inverse_spd(out.astype(np.float32), EYE), "one dtype"),
        (lambda out: backend.inverse_spd(out, EYE[:2]), "x has shape"),
        (lambda out: backend.symmetrize(out[:2]), "square"),
        (lambda out: backend.asymmetry(out[:2]), "square"),
        (lambda out: backend.norms(out[:0]), "non-empty"),
        (lambda out: backend.is_finite(out[0]), "2-D"),
    ],
)
def test_refusals_name_the_argument(call, match):
    with pytest.raises(InputError, match=match):
        call(np.ones((3, 3)) + np.arange(3))


def test_out_must_be_writeable():
    out = np.empty((3, 3))
    out.flags.writeable = False
    with pytest.raises(InputError, match="writeable"):
        backend.matmul(out, EYE, EYE)
