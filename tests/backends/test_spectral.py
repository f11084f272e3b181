"""Lyapunov equations, polar factors and general inverses against double precision references."""

import mpmath
import numpy as np
import pytest
import scipy.linalg

from matrl.backends.numpy import numpy_backend as backend
from matrl.errors import DomainError, IndefiniteMatrixError, InputError, NonFiniteError

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
SIZES = [1, 2, 3, 8, 65]
SHAPES = [(1, 1), (6, 1), (3, 3), (40, 7), (70, 65)]


def eps(x):
    return float(np.finfo(x.dtype).eps)


def frobenius(x):
    return float(np.linalg.norm(x.astype(np.complex128)))


def strided(x):
    view = np.full((2 * x.shape[0], 3 * x.shape[1]), 9, x.dtype)[::2, ::3]
    view[...] = x
    return view


# At 225 the Hermitian products are split into blocks.
@pytest.mark.parametrize(
    ("n", "dtype"), [*((n, dtype) for n in SIZES for dtype in DTYPES), (225, np.complex128)]
)
def test_lyapunov(n, dtype, arrays):
    s = arrays.definite(n, dtype, 0.05)
    s = (s + arrays.adjoint(s)) / 2
    r = arrays.noise((n, n), dtype, 1)
    r = r + arrays.adjoint(r)
    inputs = s.copy(), r.copy()
    out = np.full((n, n), np.nan, dtype)
    backend.lyapunov(out, strided(s), strided(r))
    d = arrays.double(out)
    residual = (
        arrays.product(arrays.double(s), d) + arrays.product(d, arrays.double(s)) - arrays.double(r)
    )
    limit = 20 * eps(s) * n * max(1.0, frobenius(s) * frobenius(d))
    assert frobenius(residual) <= limit
    assert np.array_equal(out, arrays.adjoint(out))
    backend.lyapunov(out, s, r)
    assert np.array_equal(s, inputs[0])
    assert np.array_equal(r, inputs[1])


def test_lyapunov_against_higher_precision():
    s = np.array([[2.0, 1 - 1j], [1 + 1j, 3.0]])
    r = np.array([[1.0, 2j], [-2j, -5.0]])
    with mpmath.workdps(40):
        wide, identity = mpmath.matrix(s.tolist()), mpmath.eye(2)
        # vec(S D + D S) = (I x S + S^T x I) vec(D), columns stacked.
        system = mpmath.zeros(4)
        for i in range(4):
            for j in range(4):
                block, inner = (i // 2, j // 2), (i % 2, j % 2)
                system[i, j] = identity[block] * wide[inner] + wide[block[::-1]] * identity[inner]
        stacked = mpmath.lu_solve(system, mpmath.matrix(r.T.reshape(-1).tolist()))
        exact = np.array([complex(z) for z in stacked]).reshape(2, 2).T
    out = np.empty_like(s)
    backend.lyapunov(out, s, r)
    assert np.abs(out - exact).max() <= 50 * eps(s) * np.abs(exact).max()


@pytest.mark.parametrize("kind", [float, complex])
def test_lyapunov_refuses(kind):
    eye, out = np.eye(2, dtype=kind), np.empty((2, 2), kind)
    with pytest.raises(IndefiniteMatrixError, match="s has the eigenvalue -1"):
        backend.lyapunov(out, np.diag([1.0, -1.0]).astype(kind), eye)
    with pytest.raises(IndefiniteMatrixError, match="s has the eigenvalue 0"):
        backend.lyapunov(out, np.zeros((2, 2), kind), eye)
    with pytest.raises(NonFiniteError, match="s holds"):
        backend.lyapunov(out, eye * np.nan, eye)
    with pytest.raises(NonFiniteError, match="r holds"):
        backend.lyapunov(out, eye, np.full_like(eye, np.inf))
    with pytest.raises(InputError, match="r has float32"):
        backend.lyapunov(out, eye, np.eye(2, dtype=np.float32))
    with pytest.raises(InputError, match="out has shape"):
        backend.lyapunov(out, eye, eye[:1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_polar_factor(shape, dtype, arrays):
    x = arrays.noise(shape, dtype)
    x[: shape[1]] += 2 * np.eye(shape[1], dtype=dtype)
    before = x.copy()
    out = np.full(shape, np.nan, dtype)
    seen = []
    assert backend.polar_factor(out, strided(x), seen.append) is out
    (values,) = seen
    u, exact, vh = scipy.linalg.svd(arrays.double(x), full_matrices=False)
    units = 30 * eps(x) * max(shape)
    assert values.dtype == np.finfo(dtype).dtype
    assert np.abs(values - exact).max() <= units * exact[0]
    assert np.abs(out - arrays.product(u, vh)).max() <= units * exact[0] / exact[-1]
    wide = arrays.double(out)
    assert np.abs(arrays.product(arrays.adjoint(wide), wide) - np.eye(shape[1])).max() <= units
    h = arrays.product(arrays.adjoint(wide), arrays.double(x))
    assert np.abs(h - arrays.adjoint(h)).max() <= units * exact[0]
    assert np.array_equal(x, before)


def test_polar_factor_of_deficient_rank_is_still_unitary(arrays):
    x = np.outer([1.0, 2.0, 2.0], [1.0, 1j])
    out = np.empty_like(x)
    seen = []
    backend.polar_factor(out, x, seen.append)
    (values,) = seen
    assert values[1] <= 1e-15 * values[0]
    assert np.abs(arrays.adjoint(out) @ out - np.eye(2)).max() <= 1e-14


def test_polar_factor_refuses():
    with pytest.raises(InputError, match="its adjoint"):
        backend.polar_factor(np.empty((2, 3)), np.ones((2, 3)))
    with pytest.raises(InputError, match="out has shape"):
        backend.polar_factor(np.empty((2, 2)), np.ones((3, 2)))
    with pytest.raises(InputError, match="x has float64"):
        backend.polar_factor(np.empty((3, 2), np.float32), np.ones((3, 2)))
    with pytest.raises(NonFiniteError, match="x holds"):
        backend.polar_factor(np.empty((3, 2)), np.full((3, 2), np.nan))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_general_inverse(n, dtype, arrays):
    x = arrays.noise((n, n), dtype) + 2 * np.eye(n, dtype=dtype)[::-1]
    before = x.copy()
    out = np.full((n, n), np.nan, dtype)
    backend.inverse(out, strided(x))
    wide = arrays.double(x)
    limit = 10 * eps(x) * n * frobenius(wide) * frobenius(scipy.linalg.inv(wide))
    assert np.abs(arrays.product(arrays.double(out), wide) - np.eye(n)).max() <= limit
    assert np.array_equal(x, before)


@pytest.mark.parametrize("kind", [float, complex])
def test_general_inverse_refuses(kind):
    out = np.empty((2, 2), kind)
    with pytest.raises(DomainError, match="x is singular"):
        backend.inverse(out, np.ones((2, 2), kind))
    with pytest.raises(DomainError, match="x is singular"):
        backend.inverse(out, np.diag([1.0, 1e-310]).astype(kind))
    with pytest.raises(NonFiniteError, match="x holds"):
        backend.inverse(out, np.diag([1.0, np.nan]).astype(kind))
    with pytest.raises(NonFiniteError, match="x holds"):
        backend.inverse(out, np.diag([0.0, np.inf]).astype(kind))
    with pytest.raises(InputError, match="x has shape"):
        backend.inverse(out, np.ones((2, 3), kind))
