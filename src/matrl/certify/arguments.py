"""Checks of the numbers that certificates are asked for with."""

import math
from numbers import Integral, Real

from matrl.errors import InputError

__all__ = ["checked_count", "checked_fraction", "checked_positive"]


def checked_count(name: str, value: int, least: int) -> int:
    """Return ``value`` as an int >= ``least``, or raise InputError."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name}: must be an integer, got {value!r}; pass one >= {least}")
    return int(value)


def checked_fraction(name: str, value: float) -> float:
    """Return ``value`` as a float strictly between 0 and 1, or raise InputError."""
    number = _as_float(value)
    if not 0.0 < number < 1.0:
        raise InputError(
            f"{name}: must lie strictly between 0 and 1, got {value!r}; pass 0.99 for 99 %"
        )
    return number


def checked_positive(name: str, value: float) -> float:
    """Return ``value`` as a positive finite float, or raise InputError."""
    number = _as_float(value)
    if not 0.0 < number < math.inf:
        raise InputError(
            f"{name}: must be positive and finite, got {value!r}; pass a positive float"
        )
    return number


def _as_float(value: object) -> float:
    """Return a real number as a float, and NaN for anything else, which no comparison passes."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
