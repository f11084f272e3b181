"""Products of JAX arrays. ``out`` is taken for the place in the protocol, and not used."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from matrl.backends.jax.checks import check_factors, check_terms
from matrl.backends.jax.triangles import average, mirrored

__all__ = ["gram", "gram_averaged", "matmul", "matmul_averaged", "matmul_hermitian", "outer_gram"]

Array = jax.Array
Addends = Sequence[tuple[float, Any]]


def adjoint(x: Array, flag: bool = True) -> Array:
    """Return x^*, or x itself."""
    return jnp.conj(x.mT) if flag else x


def _product(x: Array, y: Array) -> Array:
    """Return x y, in float32 for half precisions: what is made of it is rounded once.

    float32 is float32 on accelerators too, which would round it to less by default.
    """
    check_factors(x, y)
    wide = _wide(x.dtype)
    return jnp.matmul(x, y, precision=jax.lax.Precision.HIGHEST, preferred_element_type=wide)


def _wide(dtype: Any) -> Any:
    return jnp.promote_types(dtype, jnp.float32)


def combined(
    product: Array, alpha: float, addends: Addends, shift: float, dtype: Any = None
) -> Array:
    """Return alpha times a product plus the addends and the shift, rounded once to ``dtype``.

    XLA makes one pass of that.
    """
    wide, dtype = _wide(product.dtype), product.dtype if dtype is None else dtype
    like = jax.ShapeDtypeStruct(product.shape, dtype)
    check_terms(like, [alpha, *(beta for beta, _ in addends)], [c for _, c in addends], shift)
    result = product.astype(wide)
    result = result * alpha if alpha != 1.0 else result
    for beta, c in addends:
        result = result + beta * c.astype(wide)
    if shift:
        result = result + shift * jnp.eye(result.shape[-1], dtype=wide)
    return result.astype(dtype)


def _made(
    finish: Callable[[Array], Array],
    x: Array,
    y: Array,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Array:
    """Return what is made of a finished product; a factor with its flag enters as its adjoint."""
    product = finish(_product(adjoint(x, adjoint_x), adjoint(y, adjoint_y)))
    return combined(product, alpha, addends, shift, x.dtype)


def matmul(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return alpha x y + sum beta C + shift I."""
    return _made(lambda product: product, x, y, **of)


def matmul_hermitian(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of a product known to be Hermitian, exactly Hermitian."""
    return _made(mirrored, x, y, **of)


def matmul_averaged(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of the Hermitian part of a product, exactly Hermitian."""
    return _made(average, x, y, **of)


def gram(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of x^* y, known to be Hermitian."""
    return matmul_hermitian(None, x, y, adjoint_x=True, **of)


def outer_gram(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of x y^*, known to be Hermitian."""
    return matmul_hermitian(None, x, y, adjoint_y=True, **of)


def gram_averaged(out: Any, x: Array, y: Array, **of: Any) -> Array:
    """Return the same of the Hermitian part of x^* y."""
    return matmul_averaged(None, x, y, adjoint_x=True, **of)
