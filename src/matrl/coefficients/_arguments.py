"""Checks of the arguments shared by the functions of this package."""

import math
import operator
import sys
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matrl.errors import InputError, ToleranceError

_LEAST_RATIO = 1e-150  # its square is still a normal float


def checked_integer(name: str, value: int, least: int, most: int | None = None) -> int:
    """Return ``value`` as an int within ``least..most``, or raise InputError."""
    reach = f"at least {least}" if most is None else f"in {least}..{most}"
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(
            f"{name} is {value!r}, which is not an integer; pass an integer {reach}"
        ) from None
    if number < least or (most is not None and number > most):
        raise InputError(f"{name} is {number}, out of range; pass an integer {reach}")
    return number


def checked_interval(lower: float, upper: float) -> tuple[float, float]:
    """Return (lower, upper) as floats with 0 < lower <= upper, or raise InputError."""
    ends = (
        checked_number("lower", lower, "pass a positive float"),
        checked_number("upper", upper, "pass a float no smaller than lower"),
    )
    if ends[0] <= 0.0:
        raise InputError(
            f"lower is {ends[0]!r}, which is not positive; pass a positive lower bound of x"
        )
    if ends[0] > ends[1]:
        raise InputError(
            f"lower is {ends[0]!r}, which exceeds upper = {ends[1]!r}; swap them or widen the "
            "interval"
        )
    if ends[0] / ends[1] < _LEAST_RATIO:
        raise InputError(
            f"lower is {ends[0]!r}, less than {_LEAST_RATIO} of upper = {ends[1]!r}; raise lower"
        )
    return ends


def checked_tolerance(tol: float) -> float:
    """Return ``tol`` as a float with 0 < tol < 1, or raise ToleranceError (an InputError)."""
    value = checked_number("tol", tol, "pass a float between 0 and 1")
    if not 0.0 < value < 1.0:
        raise ToleranceError(
            f"tol is {value!r}, outside the open interval (0, 1); pass a float between 0 and 1"
        )
    return value


def checked_number(name: str, value: float, remedy: str) -> float:
    """Return ``value`` as a finite float, or raise InputError."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} is {value!r}, which is not a float; {remedy}") from None
    if not math.isfinite(number):
        raise InputError(f"{name} is {number!r}, which is not finite; {remedy}")
    return number


def relative_gap(lower: float, upper: float) -> float:
    """Return 1 - lower/upper without the rounding of the quotient."""
    return (upper - lower) / upper


def check_scaled(values: Iterable[float], upper: float) -> None:
    """Raise InputError if undoing the scaling by ``upper`` left the range of normal floats."""
    if not all(sys.float_info.min <= abs(value) < math.inf for value in values):
        raise InputError(
            f"upper is {upper!r}, so far from 1 that a coefficient leaves the range of floats; "
            "scale x so that upper is near 1"
        )


def checked_positive(name: str, value: float) -> float:
    """Return ``value`` as a positive finite float, or raise InputError."""
    number = checked_number(name, value, "pass a positive float")
    if number <= 0.0:
        raise InputError(f"{name} is {number!r}, which is not positive; pass a positive float")
    return number


def checked_vector(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return ``values`` as a finite vector of floats, or raise InputError."""
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is not an array of floats; pass a sequence of floats") from None
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InputError(
            f"{name} has shape {vector.shape} or entries that are not finite; pass a vector of "
            "finite floats"
        )
    return vector
