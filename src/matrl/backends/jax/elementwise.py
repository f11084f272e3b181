"""Casts, linear combinations, exact scaling, and norms of JAX arrays."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from matrl.backends.jax.products import combined
from matrl.backends.jax.triangles import average
from matrl.backends.norms import matrix_norms, stack_norms
from matrl.backends.protocol import MatrixNorms
from matrl.backends.stacks import largest_asymmetries
from matrl.backends.tiles import largest_asymmetry
from matrl.errors import InputError

__all__ = [
    "asymmetry",
    "cast",
    "is_finite",
    "linear",
    "norms",
    "scale_by_power_of_two",
    "symmetrize",
]

Array = jax.Array


def cast(out: Any, x: Array) -> Array:
    """Return ``x`` rounded to the dtype ``out``, or to that of the array ``out``."""
    return x.astype(getattr(out, "dtype", out))


def linear(out: Any, coefficients: Sequence[float], arrays: Sequence[Array], shift: float) -> Array:
    """Return sum c_i X_i + shift I, of the shape and dtype of the X_i."""
    if len(coefficients) != len(arrays):
        raise InputError(
            f"coefficients: {len(coefficients)} for {len(arrays)} arrays; pass as many"
        )
    if not arrays:
        return combined(jnp.zeros_like(out), 1.0, (), shift)
    (first, *others), (x, *rest) = coefficients, arrays
    return combined(x, first, tuple(zip(others, rest, strict=True)), shift)


def scale_by_power_of_two(out: Any, x: Array, exponent: int) -> Array:
    """Return 2^exponent x, exact unless an element under- or overflows."""
    if jnp.iscomplexobj(x):
        return jax.lax.complex(
            scale_by_power_of_two(None, x.real, exponent),
            scale_by_power_of_two(None, x.imag, exponent),
        )
    smallest = int(np.log2(float(jnp.finfo(x.dtype).tiny)))
    while exponent:  # by factors that are numbers of the dtype
        step = max(smallest, min(exponent, -smallest))
        x = x * 2.0**step
        exponent -= step
    return x


def symmetrize(out: Array) -> Array:
    """Return the Hermitian part of ``out``, exactly Hermitian."""
    return average(out)


def norms(x: Array) -> MatrixNorms:
    """Return the norms of ``x`` (..., m, n), in float64, on the host."""
    host = np.asarray(x)
    return matrix_norms(host) if host.ndim == 2 else stack_norms(host)


def asymmetry(x: Array) -> Any:
    """Return the largest modulus in x - x^*, on the host; NaN if ``x`` holds NaN."""
    host = np.asarray(x)
    return largest_asymmetry(host) if host.ndim == 2 else largest_asymmetries(host)


def is_finite(x: Array) -> bool:
    """Return whether every element of ``x`` is finite."""
    return bool(jnp.isfinite(x).all())
