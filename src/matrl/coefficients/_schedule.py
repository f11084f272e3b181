"""Schedules of polynomial steps, by powers of m and in units of what each step can reach."""

import math
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matrl.coefficients._composition import Steps
from matrl.coefficients._safety import extremes
from matrl.errors import InputError

_Array = NDArray[np.float64]
Schedule = tuple[tuple[float, ...], ...]
"""The coefficients of each step by powers of m."""

_SLACK = 1e-9  # share by which a schedule may exceed cap and ceiling: its own rounding
_ROOM = 1e-12


def scaled(
    root_index: int, polynomials: Schedule, upper: float, cap: float, ceiling: float
) -> tuple[list[float], Steps]:
    """Return u_1..u_(T+1), and the steps in units of them, or raise InputError where unsafe.

    The last step stays in units of 1. Room is left for rounding above each maximum.
    """
    tops, steps = [upper], list[_Array]()
    for index, coefficients in enumerate(polynomials):
        q = in_units(root_index, coefficients, tops[-1])
        if not np.isfinite(q).all():
            raise InputError(
                f"upper is {upper!r}, so far from 1 that polynomials[{index}] overflows; scale x "
                "so that upper is near 1"
            )
        least, most = extremes(root_index, q)
        if least <= 0.0:
            raise InputError(
                f"polynomials[{index}] is not positive on [0, u^k], u = {tops[-1]!r}; pass a "
                "schedule that is safe up to upper"
            )
        name, bound = ("cap", cap) if index + 1 < len(polynomials) else ("ceiling", ceiling)
        if most > bound * (1.0 + _SLACK):
            raise InputError(
                f"polynomials[{index}] reaches {most!r} on (0, upper], above {name} = {bound!r}; "
                "scale it down"
            )
        top = most * (1.0 + _ROOM)
        last = index + 1 == len(polynomials)
        steps.append(q if last else q / top)
        tops.append(top)
    return tops, tuple(steps)


def in_units(root_index: int, coefficients: Sequence[float], top: float) -> _Array:
    """Return the coefficients of x p(x^k) for x in units of ``top``."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.float64(top) ** (1 + root_index * np.arange(len(coefficients)))
        return np.asarray(powers * np.array(coefficients), dtype=np.float64)


def raw(root_index: int, polynomials: Schedule, upper: float) -> Steps:
    """Return the schedule for x in units of ``upper`` before the first step only."""
    first = in_units(root_index, polynomials[0], upper)
    return (first, *(np.array(c) for c in polynomials[1:]))


def unscaled(root_index: int, steps: Steps, tops: list[float]) -> Schedule | None:
    """Return the coefficients by powers of m, or None where floats do not reach."""
    result: list[tuple[float, ...]] = []
    for q, top, following in zip(steps, tops[:-1], [*tops[1:-1], 1.0], strict=True):
        row: list[float] = []
        for index, value in enumerate(q.tolist()):
            try:
                coefficient = value / top ** (1 + root_index * index) * following
            except (OverflowError, ZeroDivisionError):
                return None
            if not (value == 0.0 or sys.float_info.min <= abs(coefficient) < math.inf):
                return None
            row.append(coefficient)
        result.append(tuple(row))
    return tuple(result)


def is_safe(
    root_index: int, polynomials: Schedule, upper: float, cap: float, ceiling: float
) -> bool:
    """Whether the schedule keeps the rule, as it is."""
    try:
        scaled(root_index, polynomials, upper, cap, ceiling)
    except InputError:
        return False
    return True
