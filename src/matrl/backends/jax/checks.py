"""Checks of shapes and dtypes, which JAX knows while it traces."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from matrl.errors import InputError

__all__ = ["check_factors", "check_square", "check_terms", "check_twins"]

Array = jax.Array


def check_factors(x: Array, y: Array) -> None:
    """Raise InputError unless x y is a product of matrices, or of stacks of as many."""
    fits = x.ndim > 1 < y.ndim and x.shape[:-2] == y.shape[:-2] and x.shape[-1] == y.shape[-2]
    if not fits or x.dtype != y.dtype:
        raise InputError(
            f"x, y: factors have shapes {x.shape} and {y.shape}, dtypes {x.dtype} and {y.dtype}, "
            "which do not fit; pass matching ones"
        )


def check_square(name: str, x: Array) -> None:
    """Raise InputError unless ``x`` holds non-empty square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1] == 0:
        raise InputError(f"{name}: has shape {x.shape}; pass non-empty square matrices")


def check_twins(x: Array, r: Array) -> None:
    """Raise InputError unless both are square and of one shape and dtype."""
    check_square("s", x)
    if x.shape != r.shape or x.dtype != r.dtype:
        raise InputError(f"r: has shape {r.shape} and dtype {r.dtype}; pass a twin of s")


def check_terms(
    like: jax.ShapeDtypeStruct, numbers: Sequence[float], arrays: Sequence[Array], shift: float
) -> None:
    """Raise InputError unless sum c_i X_i + shift I is of the shape and dtype of ``like``."""
    for x in arrays:
        if x.shape != like.shape or x.dtype != like.dtype:
            raise InputError(
                f"arrays: one has shape {x.shape} and dtype {x.dtype}; the result has "
                f"{like.shape} and {like.dtype}"
            )
    largest = float(jnp.finfo(like.dtype).max)
    for number in (*numbers, shift):
        if not (math.isfinite(number) and abs(number) <= largest):
            raise InputError(f"coefficients or shift: not finite in {like.dtype}; rescale them")
    if shift and like.shape[-1] != like.shape[-2]:
        raise InputError(f"shift: is {shift} for shape {like.shape}; pass 0 or square matrices")
