"""Normalising a matrix before its schedule."""

import math
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend, Matrix, MatrixNorms
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.core.precision import precision_of
from matrl.execute.lanczos import largest_ritz_value
from matrl.functions import FUNCTIONS

__all__ = [
    "exact_exponent",
    "norm_bound",
    "scale_in_place",
    "slack",
    "times_power_of_two",
    "two_norm_bound",
]

MODERATE = 40
"""Sizes between 2^-40 and 2^40 are left as they are."""


def slack(n: int, dtype: str) -> float:
    """Return the relative slack at the closed ends of a domain: 4 n eps, at most 1 %."""
    return min(4.0 * n * float(np.finfo(dtype).eps), 0.01)


def exact_exponent(function: MatrixFunction, size: float) -> int:
    """Return e, such that a matrix of this size is divided by 2^e before anything is done to it.

    0 for moderate sizes; otherwise size 2^-e is near 1, and e is a multiple of the root index, so
    that f scales by a power of two as well and nothing is rounded.

    >>> from matrl.functions import FUNCTIONS
    >>> exact_exponent(FUNCTIONS.get("root-3"), 1e-300), exact_exponent(FUNCTIONS.get("inv"), 3.0)
    (-996, 0)
    """
    if not (math.isfinite(size) and size > 0.0):
        return 0
    _, exponent = math.frexp(size)
    if abs(exponent) <= MODERATE:
        return 0
    index = 1 if function.carries == "x" else function.root_index
    return index * round(exponent / index)


def two_norm_bound(norms: MatrixNorms) -> Any:
    """Return an upper bound on the 2-norm: the least of ||A||_F and (||A||_1 ||A||_inf)^(1/2).

    Of a stack an array.
    """
    return np.minimum(norms.frobenius, np.sqrt(norms.one) * np.sqrt(norms.inf))


def times_power_of_two(number: float, exponent: int) -> float:
    """Return number 2^exponent, infinity where it overflows."""
    try:
        return math.ldexp(number, exponent)
    except OverflowError:
        return math.copysign(math.inf, number)


def scale_in_place(x: Matrix, exponent: int) -> None:
    """Multiply ``x``, C-contiguous, real or complex, by 2^exponent."""
    parts = x.view(precision_of(x.dtype.name))
    with np.errstate(over="ignore", under="ignore"):
        # In two halves: 2^exponent itself may be out of range.
        np.ldexp(parts, exponent // 2, out=parts)
        np.ldexp(parts, exponent - exponent // 2, out=parts)


def norm_bound(plan: PlanRecord, a: Matrix, norms: MatrixNorms | None, backend: Backend) -> Any:
    """Return what the plan divides a matrix by: 1/factor, a norm, or an upper Lanczos bound.

    ``norms`` may be missing where the scaling is constant or by Lanczos. Of a stack an array, or
    one number for all.
    """
    scaling = plan.scaling
    if scaling.kind == "constant":
        return 1.0 / scaling.factor
    if scaling.kind == "lanczos":
        if FUNCTIONS.get(plan.function).structure == "positive":
            return largest_ritz_value(a, scaling.steps, backend) / scaling.factor
        ritz = largest_ritz_value(a, scaling.steps, backend, squared=True)
        return np.sqrt(np.maximum(ritz, 0.0)) / scaling.factor
    assert norms is not None
    if scaling.kind == "frobenius":
        return norms.frobenius
    if scaling.kind == "gershgorin":
        # Of an indefinite matrix it bounds the largest eigenvalue, but not its modulus.
        positive = FUNCTIONS.get(plan.function).structure == "positive"
        return norms.gershgorin if positive else norms.one
    return np.sqrt(norms.one) * np.sqrt(norms.inf)
