"""The block of vectors of f(A) B, checked before any work is done."""

from typing import Any

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.matrices import as_array
from matrl.core.plan import PlanRecord
from matrl.errors import InputError, NonFiniteError

__all__ = ["as_block", "as_single_matrix"]


def as_single_matrix(a: Any) -> np.ndarray:
    """Return ``a`` if it is one matrix (m, n); :class:`~matrl.errors.InputError` otherwise."""
    array = as_array(a)
    if array.ndim != 2:
        raise InputError(
            f"A: must be one matrix (m, n), but its shape is {array.shape}; call apply for each "
            "matrix, or multiply run(A).value with B"
        )
    return array


def as_block(
    b: Any, plan: PlanRecord, function: MatrixFunction, shape: tuple[int, int], *, check: bool
) -> np.ndarray:
    """Return ``b`` as an array (n, s) of the plan's dtype, for ``A`` of the shape (m, n).

    Raises :class:`~matrl.errors.InputError` for anything else, and, with ``check``,
    :class:`~matrl.errors.NonFiniteError` for NaN and infinity.
    """
    vectors = b[:, None] if isinstance(b, np.ndarray) and b.ndim == 1 else b
    array = as_array(vectors, "B")
    if array.dtype != plan.dtype:
        name = array.dtype.name
        if name == plan.dtype:
            raise InputError(f"B: is not in native byte order; pass B.astype('{name}')")
        remedy = f"pass B.astype('{plan.dtype}')"
        if array.dtype.kind == "c" and not plan.dtype.startswith("complex"):
            # Casting would drop the imaginary part.
            remedy = "apply the plan to B.real and B.imag"
        raise InputError(f"B: has dtype {name}, but the plan is for {plan.dtype}; {remedy}")
    m, n = shape
    if array.ndim != 2 or array.shape[0] != n:
        raise InputError(
            f"B: must be of shape ({n},) or ({n}, s), as A has {n} columns, but its shape is "
            f"{b.shape}"
        )
    if function.factor == "left" and m != n:
        raise InputError(
            f"B: cannot have {n} rows for U and {m} for P, the factors of A = P U; use a plan for "
            "polar, or multiply run(A).value"
        )
    if check and not np.all(np.isfinite(array)):
        raise NonFiniteError("B: holds NaN or infinity; clean it before calling")
    return array
