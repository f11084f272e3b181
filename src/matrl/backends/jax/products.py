"""Products of JAX arrays. ``out`` is taken for the place in the protocol, and not used."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from matrl.backends.jax.triangles import average, mirrored

__all__ = ["gram", "gram_averaged", "matmul", "matmul_averaged", "matmul_hermitian", "outer_gram"]

Array = jax.Array
Addends = Sequence[tuple[float, Any]]


def adjoint(x: Array, flag: bool = True) -> Array:
    """Return x^*, or x itself."""
    return jnp.conj(x.mT) if flag else x


def matmul(
    out: Any,
    x: Array,
    y: Array,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Array:
    """Return alpha x y + sum beta C + shift I; a factor whose flag is set enters as its adjoint.

    float32 is float32 on accelerators too, which would round it to less by default.
    """
    product = jnp.matmul(
        adjoint(x, adjoint_x), adjoint(y, adjoint_y), precision=jax.lax.Precision.HIGHEST
    )
    return combined(product, alpha, addends, shift)


def combined(product: Array, alpha: float, addends: Addends, shift: float) -> Array:
    """Return alpha times a product plus the addends and the shift; XLA makes that one pass."""
    result = product * alpha if alpha != 1.0 else product
    for beta, c in addends:
        result = result + beta * c
    if shift:
        result = result + shift * jnp.eye(result.shape[-1], dtype=result.dtype)
    return result


def matmul_hermitian(
    out: Any,
    x: Array,
    y: Array,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Array:
    """Return the same of a product known to be Hermitian, exactly Hermitian."""
    product = matmul(None, x, y, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
    return combined(mirrored(product), alpha, addends, shift)


def matmul_averaged(
    out: Any,
    x: Array,
    y: Array,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Array:
    """Return the same of the Hermitian part of a product, exactly Hermitian."""
    product = matmul(None, x, y, adjoint_x=adjoint_x, adjoint_y=adjoint_y)
    return combined(average(product), alpha, addends, shift)


def gram(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of x^* y, known to be Hermitian."""
    return matmul_hermitian(None, x, y, adjoint_x=True, **of)


def outer_gram(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of x y^*, known to be Hermitian."""
    return matmul_hermitian(None, x, y, adjoint_y=True, **of)


def gram_averaged(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of the Hermitian part of x^* y."""
    return matmul_averaged(None, x, y, adjoint_x=True, **of)
