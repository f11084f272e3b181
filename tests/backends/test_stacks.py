"""Stacks: what the kernels on one matrix give, for every matrix of the stack."""

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend as backend
from matrl.errors import InputError

DTYPES = ("float32", "float64", "complex64", "complex128")
# Through NumPy's loop, with blocks mirrored and without, and matrix by matrix.
SIZES = (1, 5, 33, 64, 65)
PRODUCTS = ("matmul", "matmul_hermitian", "matmul_averaged")
GRAMS = ("gram", "gram_averaged", "outer_gram")


def stack(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = random.standard_normal(shape)
    if dtype.startswith("complex"):
        noise = noise + 1j * random.standard_normal(shape)
    return (noise / np.sqrt(shape[-1])).astype(dtype)


def definite(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    x = stack(shape, dtype)
    square = x @ x.conj().swapaxes(-1, -2) + np.eye(shape[-1])
    # An addend of a Hermitian product is to be exactly so.
    return (0.5 * (square + square.conj().swapaxes(-1, -2))).astype(dtype)


def units(x: np.ndarray) -> float:
    return float(np.finfo(x.dtype).eps) * max(x.shape[-2:])


def one_by_one(kernel: str, out: np.ndarray, *factors: np.ndarray, **options: object) -> np.ndarray:
    expected = out.copy()
    for index in np.ndindex(out.shape[:-2]):
        given, part = dict(options), expected[index]
        if "addends" in given:
            given["addends"] = [
                (beta, part if c is out else c[index])
                for beta, c in options["addends"]  # type: ignore[attr-defined]
            ]
        parts = [factor[index] for factor in factors]
        if len(factors) == 2 and factors[0] is factors[1]:
            parts[1] = parts[0]
        getattr(backend, kernel)(part, *parts, **given)
    return expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kernel", [*PRODUCTS, *GRAMS])
def test_products(kernel: str, n: int, dtype: str) -> None:
    x = stack((2, 3, n, n), dtype)
    y = x if kernel in GRAMS else definite((2, 3, n, n), dtype)
    if kernel == "matmul_hermitian":
        x = y
    c = definite((2, 3, n, n), dtype)
    own = c.copy()
    for options in (
        {},
        {"alpha": -0.5, "addends": [(2.0, c)], "shift": 3.0},
        {"alpha": 0.5, "addends": [(2.0, own), (0.25, c)], "shift": -1.0},
    ):
        out = own if any(one is own for _, one in options.get("addends", ())) else np.empty_like(c)
        expected = one_by_one(kernel, out, x, y, **options)
        before = [array.copy() for array in (x, y, c)]
        assert getattr(backend, kernel)(out, x, y, **options) is out
        scale = max(1.0, float(np.abs(expected).max()))
        assert np.abs(out - expected).max() <= 8 * units(out) * scale
        if kernel != "matmul":
            assert np.array_equal(out, out.conj().swapaxes(-1, -2))
        for array, old in zip((x, y, c), before, strict=True):
            assert np.array_equal(array, old)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("flags", [(True, False), (False, True), (True, True)])
def test_adjoint_factors(flags: tuple[bool, bool], dtype: str) -> None:
    x, y = stack((3, 7, 7), dtype), stack((3, 7, 7), dtype, 1)
    left = x.conj().swapaxes(-1, -2) if flags[0] else x
    right = y.conj().swapaxes(-1, -2) if flags[1] else y
    out = np.empty_like(x)
    backend.matmul(out, x, y, adjoint_x=flags[0], adjoint_y=flags[1])
    assert np.abs(out - left @ right).max() <= 8 * units(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rectangles(dtype: str) -> None:
    x = stack((4, 9, 5), dtype)
    small, large = np.empty((4, 5, 5), dtype), np.empty((4, 9, 9), dtype)
    adjoint = x.conj().swapaxes(-1, -2)
    assert np.abs(backend.gram(small, x, x) - adjoint @ x).max() <= 32 * units(x)
    assert np.abs(backend.outer_gram(large, x, x) - x @ adjoint).max() <= 32 * units(x)
    tall = np.empty_like(x)
    assert np.abs(backend.matmul(tall, x, small) - x @ small).max() <= 32 * units(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear_combinations(dtype: str) -> None:
    x, y = stack((2, 3, 6, 6), dtype), stack((2, 3, 6, 6), dtype, 1)
    expected = 2.0 * x - 0.5 * y + 3.0 * np.eye(6)
    out = np.empty_like(x)
    assert backend.linear(out, (2.0, -0.5), (x, y), 3.0) is out
    assert np.abs(out - expected).max() <= 8 * units(x)
    backend.linear(y, (2.0, -0.5), (x, y), 3.0)
    assert np.abs(y - expected).max() <= 8 * units(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_broken_matrix_spoils_no_other(dtype: str) -> None:
    x = definite((4, 6, 6), dtype)
    x[1] -= 100.0 * np.eye(6, dtype=dtype)
    x[2, 3, 3] = np.nan
    for kernel in (
        lambda out: backend.inverse_spd(out, x),
        lambda out: backend.lyapunov(out, x, definite((4, 6, 6), dtype)),
    ):
        out = kernel(np.empty_like(x))
        assert np.isnan(out[1]).all()
        assert np.isnan(out[2]).all()
        assert np.isfinite(out[[0, 3]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_decompositions_run_matrix_by_matrix(dtype: str) -> None:
    x = definite((2, 3, 6, 6), dtype)
    for name, options in (("spectral_function", (np.sqrt,)), ("polar_factor", ()), ("inverse", ())):
        out = np.empty_like(x)
        assert getattr(backend, name)(out, x, *options) is out
        expected = np.empty_like(x)
        for index in np.ndindex(2, 3):
            getattr(backend, name)(expected[index], x[index], *options)
        assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 3, 6, 6), (5, 7, 4)])
def test_norms(shape: tuple[int, ...], dtype: str) -> None:
    x = stack(shape, dtype)
    x[0] *= 0.0
    x[1] *= 1e30
    x[-1, ..., -1, -1] = np.nan
    found = backend.norms(x)
    for index in np.ndindex(shape[:-2]):
        alone = backend.norms(x[index])
        for name in ("frobenius", "one", "max_abs", "inf", "gershgorin"):
            one = getattr(alone, name)
            assert getattr(found, name)[index] == pytest.approx(one, rel=1e-12, nan_ok=True)
        if shape[-1] == shape[-2]:
            expected = backend.asymmetry(x[index])
            assert backend.asymmetry(x)[index] == pytest.approx(expected, rel=1e-6, nan_ok=True)
    assert not backend.is_finite(x)
    assert backend.is_finite(x[:1])


def test_norms_neither_overflow_nor_underflow() -> None:
    x = np.stack([1e-200 * np.ones((2, 2)), np.ones((2, 2)), 1e200 * np.ones((2, 2))])
    assert backend.norms(x).frobenius == pytest.approx([2e-200, 2.0, 2e200], rel=1e-12)


def test_halves_are_rounded_in_stacks() -> None:
    x = stack((2, 3, 4, 5), "float32")
    expected = x.copy()
    for index in np.ndindex(2, 3):
        backend.round_to(expected[index], "bfloat16")
    assert np.array_equal(backend.round_to(x, "bfloat16"), expected)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda out, x: backend.matmul(out, x[:1], x), "matching stacks"),
        (lambda out, x: backend.matmul(out, x[..., :2], x), "matching stacks"),
        (lambda out, x: backend.matmul(out, x.astype("float32"), x), "dtype"),
        (lambda out, x: backend.matmul(x, x, x), "shares memory"),
        (lambda out, x: backend.matmul(out, x, x, addends=[(1.0, x[:1])]), "shape"),
        (lambda out, x: backend.matmul(out, x, x, alpha=float("nan")), "not finite"),
        (lambda out, x: backend.linear(out[..., :2].copy(), [1.0], [x[..., :2]], 1.0), "square"),
    ],
)
def test_refusals(call: object, match: str) -> None:
    x = stack((3, 4, 4), "float64")
    with pytest.raises(InputError, match=match):
        call(np.empty_like(x), x)  # type: ignore[operator]
