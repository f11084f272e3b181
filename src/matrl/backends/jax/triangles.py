"""Exactly Hermitian arrays."""

import jax
import jax.numpy as jnp

__all__ = ["average", "mirrored"]


def mirrored(x: jax.Array) -> jax.Array:
    """Return the Hermitian array (..., n, n) of the lower triangle of ``x``.

    >>> print(mirrored(jnp.array([[1.0, 9.0], [2.0, 3.0]])).tolist())
    [[1.0, 2.0], [2.0, 3.0]]
    """
    # Were x itself selected from, not its triangle, XLA would take time like n^2 to compile this
    # for a CPU: 4 s at n = 512.
    triangle, order = jnp.tril(x), x.shape[-1]
    whole = jnp.where(jnp.tri(order, dtype=bool), triangle, jnp.conj(triangle.mT))
    if not jnp.iscomplexobj(x):
        return whole
    return jnp.where(jnp.eye(order, dtype=bool), whole.real.astype(x.dtype), whole)


def average(x: jax.Array) -> jax.Array:
    """Return (x + x^*)/2, exactly Hermitian."""
    return (x + jnp.conj(x.mT)) * 0.5
