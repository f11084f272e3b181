"""Factorisations of JAX arrays; what breaks down becomes NaN."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from matrl.backends.jax.checks import check_square, check_twins
from matrl.backends.jax.products import matmul
from matrl.backends.jax.triangles import mirrored

__all__ = [
    "cholesky",
    "inverse",
    "inverse_spd",
    "lyapunov",
    "polar_factor",
    "solve_triangular",
    "spectral_function",
]

Array = jax.Array


def _where_sound(sound: Array, value: Array) -> Array:
    """Return ``value`` with NaN in the matrices that are not sound."""
    return jnp.where(sound[..., None, None], value, jnp.nan)


def _finite_or_identity(x: Array) -> tuple[Array, Array]:
    """Return which matrices are finite, and ``x`` with a part of the identity for the others."""
    sound = jnp.isfinite(x).all(axis=(-2, -1))
    return sound, jnp.where(sound[..., None, None], x, jnp.eye(*x.shape[-2:], dtype=x.dtype))


def _lower(x: Array) -> Array:
    """Return the Cholesky factor of ``x``, of which the lower triangle is read, or NaN."""
    return jnp.tril(jax.lax.linalg.cholesky(x, symmetrize_input=False))


def inverse_spd(out: Any, x: Array) -> Array:
    """Return the Cholesky inverse of Hermitian ``x`` (lower triangle read), exactly Hermitian."""
    check_square("x", x)
    one = jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    inverse_factor = solve_triangular(_lower(x), one, False)
    return mirrored(matmul(None, inverse_factor, inverse_factor, adjoint_x=True))


def inverse(out: Any, x: Array) -> Array:
    """Return the inverse of a general ``x``, by LU with partial pivoting."""
    check_square("x", x)
    value = jnp.linalg.inv(x)
    return _where_sound(jnp.isfinite(value).all(axis=(-2, -1)), value)


def spectral_function(out: Any, x: Array, function: Callable[[Array], Array]) -> Array:
    """Return V f(w) V^* for Hermitian x = V diag(w) V^*, exactly Hermitian."""
    check_square("x", x)
    sound, finite = _finite_or_identity(x)
    eigenvalues, vectors = _eigh(finite)
    values = function(eigenvalues).astype(vectors.dtype)
    product = matmul(None, vectors * values[..., None, :], vectors, adjoint_y=True)
    return _where_sound(sound, mirrored(product))


def lyapunov(out: Any, s: Array, r: Array) -> Array:
    """Return the solution D of S D + D S = R, exactly Hermitian."""
    check_twins(s, r)
    sound, finite = _finite_or_identity(s)
    eigenvalues, vectors = _eigh(finite)
    sums = eigenvalues[..., :, None] + eigenvalues[..., None, :]
    inner = matmul(None, matmul(None, vectors, r, adjoint_x=True), vectors) / sums
    outer = matmul(None, matmul(None, vectors, inner), vectors, adjoint_y=True)
    eps = jnp.finfo(s.dtype).eps
    sound = sound & (eigenvalues[..., 0] > eps * eigenvalues[..., -1])
    return _where_sound(sound, mirrored(outer))


def _eigh(x: Array) -> tuple[Array, Array]:
    found = jax.lax.linalg.eigh(x, symmetrize_input=False, lower=True)
    return found[1], found[0]


def polar_factor(out: Any, x: Array, observe: Callable[[Any], object] | None = None) -> Array:
    """Return the unitary polar factor of ``x`` (m x n, m >= n)."""
    sound, finite = _finite_or_identity(x)
    left, values, right = jnp.linalg.svd(finite, full_matrices=False)
    if observe is not None:
        observe(values)
    return _where_sound(sound, matmul(None, left, right))


def cholesky(out: Any, x: Array) -> bool:
    """Return whether ``x`` has a Cholesky factor; there is no array to write it into."""
    check_square("x", x)
    return bool(jnp.isfinite(_lower(x)).all())


def solve_triangular(factor: Array, b: Array, transpose: bool) -> Array:
    """Return L^-1 b, or L^-* b if ``transpose``, for lower L (n x n) and b (n x s)."""
    return jax.lax.linalg.triangular_solve(
        factor,
        b,
        left_side=True,
        lower=True,
        transpose_a=transpose,
        conjugate_a=transpose and bool(jnp.iscomplexobj(factor)),
    )
