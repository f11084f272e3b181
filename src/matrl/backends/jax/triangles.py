"""Exactly Hermitian arrays."""

import jax
import jax.numpy as jnp

__all__ = ["average", "mirrored"]


def mirrored(x: jax.Array) -> jax.Array:
    """Return the Hermitian array (..., n, n) of the lower triangle of ``x``.

    >>> print(mirrored(jnp.array([[1.0, 9.0], [2.0, 3.0]])).tolist())
    [[1.0, 2.0], [2.0, 3.0]]
    """
    rows = jnp.arange(x.shape[-1])
    below = rows[:, None] > rows
    triangle = jnp.where(below, x, jnp.conj(x.mT))
    if not jnp.iscomplexobj(x):
        return triangle
    real = triangle.real.astype(x.dtype)
    return jnp.where(rows[:, None] == rows, real, triangle)


def average(x: jax.Array) -> jax.Array:
    """Return (x + x^*)/2, exactly Hermitian."""
    return (x + jnp.conj(x.mT)) * 0.5
