"""Schedules of steps, by their coefficients and in units of what each step can reach."""

import math
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matrl.coefficients._maps import LEAST_PLACE, Kind, Positive, Step, Steps, positive, value
from matrl.coefficients._safety import extremes
from matrl.errors import InputError

_Array = NDArray[np.float64]
Schedule = tuple[tuple[float, ...], ...]
"""The coefficients of each step: by powers of m, or the parameters of a positive map."""

_SLACK = 1e-9  # share by which a schedule may exceed cap and ceiling: its own rounding
_ROOM = 1e-12
_MOST_LOG = 500.0
_LOOKED_AT = 65


def scaled(
    root_index: int,
    schedule: Schedule,
    upper: float,
    cap: float,
    ceiling: float,
    kinds: Sequence[Kind] = (),
    lower: float = 0.0,
    rooms: Sequence[float] = (),
) -> tuple[list[float], Steps]:
    """Return u_1..u_(T+1), and the steps in units of them, or raise InputError where unsafe.

    The last step stays in units of 1. Room is left for rounding above each maximum. Steps are
    polynomials where no ``kinds`` say otherwise; ``lower`` is where a map with a pole at 0 starts;
    ``rooms`` widen u_2..u_T.
    """
    tops, steps = [upper], list[Step]()
    lower = max(lower, LEAST_PLACE * upper)
    for index, coefficients in enumerate(schedule):
        kind: Kind = kinds[index] if kinds else "polynomial"
        if kind == "polynomial":
            step, most = _polynomial(root_index, index, coefficients, tops[-1])
        else:
            step = positive(kind, coefficients, lower).after(root_index, tops[-1])
            most = step.greatest(root_index)
        last = index + 1 == len(schedule)
        name, bound = ("ceiling", ceiling) if last else ("cap", cap)
        if kind != "polynomial" and not last:
            bound = math.inf  # nothing flips a sign, however far it goes
        if most > bound * (1.0 + _SLACK):
            raise InputError(
                f"polynomials[{index}] reaches {most!r} on (0, upper], above {name} = {bound!r}; "
                "scale it down"
            )
        if kinds:
            places = np.geomspace(max(lower / tops[-1], LEAST_PLACE), 1.0, _LOOKED_AT)
            lower = float(value(root_index, step, places).min())
        room = 0.0 if last or not rooms else rooms[index]
        top = most * (1.0 + _ROOM + room)
        if not last:
            step = step.times(1.0 / top) if isinstance(step, Positive) else step / top
        steps.append(step)
        tops.append(top)
    return tops, tuple(steps)


def _polynomial(
    root_index: int, index: int, coefficients: Sequence[float], top: float
) -> tuple[_Array, float]:
    """Return a polynomial for x in units of ``top``, and the most its map reaches."""
    q = in_units(root_index, coefficients, top)
    if not np.isfinite(q).all():
        raise InputError(
            f"upper is {top!r}, so far from 1 that polynomials[{index}] overflows; scale x "
            "so that upper is near 1"
        )
    least, most = extremes(root_index, q)
    if least <= 0.0:
        raise InputError(
            f"polynomials[{index}] is not positive on [0, u^k], u = {top!r}; pass a "
            "schedule that is safe up to upper"
        )
    return q, most


def in_units(root_index: int, coefficients: Sequence[float], top: float) -> _Array:
    """Return the coefficients of x p(x^k) for x in units of ``top``."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.float64(top) ** (1 + root_index * np.arange(len(coefficients)))
        return np.asarray(powers * np.array(coefficients), dtype=np.float64)


def unscaled(root_index: int, steps: Steps, tops: list[float]) -> Schedule | None:
    """Return the coefficients of the steps, or None where floats do not reach."""
    result: list[tuple[float, ...]] = []
    for step, top, following in zip(steps, tops[:-1], [*tops[1:-1], 1.0], strict=True):
        if isinstance(step, Positive):
            own = step.after(root_index, 1.0 / top).times(following)
            if float(np.abs(own.logs).max()) > _MOST_LOG:
                return None
            result.append(own.coefficients)
            continue
        row: list[float] = []
        for index, one in enumerate(step.tolist()):
            try:
                coefficient = one / top ** (1 + root_index * index) * following
            except (OverflowError, ZeroDivisionError):
                return None
            if not (one == 0.0 or sys.float_info.min <= abs(coefficient) < math.inf):
                return None
            row.append(coefficient)
        result.append(tuple(row))
    return tuple(result)


def is_safe(
    root_index: int,
    schedule: Schedule,
    upper: float,
    cap: float,
    ceiling: float,
    kinds: Sequence[Kind] = (),
    lower: float = 0.0,
    rooms: Sequence[float] = (),
) -> bool:
    """Whether the schedule keeps the rule, as it is."""
    try:
        scaled(root_index, schedule, upper, cap, ceiling, kinds, lower, rooms)
    except InputError:
        return False
    return True


def raw(root_index: int, schedule: Schedule, upper: float, kinds: Sequence[Kind] = ()) -> Steps:
    """Return the schedule for x in units of ``upper`` before the first step only."""
    steps: list[Step] = []
    for index, coefficients in enumerate(schedule):
        kind: Kind = kinds[index] if kinds else "polynomial"
        unit = upper if index == 0 else 1.0
        if kind == "polynomial":
            steps.append(in_units(root_index, coefficients, unit))
        else:
            steps.append(positive(kind, coefficients, LEAST_PLACE).after(root_index, unit))
    return tuple(steps)
