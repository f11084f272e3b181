"""The maps h a schedule is composed of, on t in (0, 1]: polynomials, and maps positive by kind.

A polynomial map t q(t^k) is the array of the coefficients of q by rising powers of t^k. It moves by
corrections in T_j(2 t^k - 1) and needs a safety rule. The other maps are positive as long as their
parameters are, so they move by the logarithms of those and need nothing but their cap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

_Array = NDArray[np.float64]
Kind = Literal["polynomial", "rational", "newton"]

LEAST_PLACE = 1e-8
_COUNT = 97
_PLACES = np.geomspace(LEAST_PLACE, 1.0, _COUNT)
_NOTHING = 1e-30  # stands for 0, which has no logarithm
_LEAST_LOG = math.log(1e-20)


@dataclass(frozen=True, eq=False)
class Positive:
    """A map by the logarithms of its parameters.

    ``rational``: t (c + sum_j w_j/(t^k + s_j)), parameters (c, w_1, s_1, ...); ``newton``:
    e (g t + 1/(g t))/2, parameters (g, e). Where the map has a pole at 0 it counts on [low, 1].
    """

    kind: Literal["rational", "newton"]
    logs: _Array
    low: float = LEAST_PLACE

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return self.logs.size

    def propagated(self, root_index: int, t: _Array) -> tuple[_Array, _Array, _Array]:
        """Return h, h' and the derivatives of h by the logarithms, (N, size)."""
        values = np.exp(self.logs)
        if self.kind == "newton":
            with np.errstate(divide="ignore", over="ignore"):
                up, down = values[0] * t, 1.0 / (values[0] * t)
                half = 0.5 * values[1]
                h = half * (up + down)
                slope = half * (values[0] - down / t)
            return h, slope, np.column_stack((half * (up - down), h))
        m = t**root_index
        constant, weights, shifts = values[0], values[1::2], values[2::2]
        below = m[:, None] + shifts
        parts = weights / below
        slope = constant + np.sum(parts * (shifts - (root_index - 1) * m[:, None]) / below, axis=1)
        own = np.empty((t.size, self.size))
        own[:, 0] = t * constant
        own[:, 1::2] = t[:, None] * parts
        own[:, 2::2] = -t[:, None] * parts * shifts / below
        return t * (constant + parts.sum(axis=1)), slope, own

    @property
    def places(self) -> _Array:
        """Where the cap is looked at."""
        if self.kind == "newton":
            return np.array([self.low, 1.0])
        has_pole = self.size > 1 and float(self.logs[2::2].min()) < _LEAST_LOG
        return np.geomspace(self.low, 1.0, _COUNT) if has_pole else _PLACES

    def greatest(self, root_index: int) -> float:
        """Return the greatest value at the places."""
        return float(self.propagated(root_index, self.places)[0].max())

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The parameters."""
        return tuple(np.where(self.logs < _LEAST_LOG, 0.0, np.exp(self.logs)).tolist())

    def times(self, factor: float) -> "Positive":
        """Return the map times a positive factor."""
        logs = self.logs.copy()
        if self.kind == "newton":
            logs[1] += math.log(factor)
        else:
            logs[0] += math.log(factor)
            logs[1::2] += math.log(factor)
        return replace(self, logs=logs)

    def after(self, root_index: int, factor: float) -> "Positive":
        """Return the map of factor t."""
        logs, move = self.logs.copy(), math.log(factor)
        logs[0] += move
        if self.kind == "rational":
            logs[1::2] += (1 - root_index) * move
            logs[2::2] -= root_index * move
        return replace(self, logs=logs, low=min(self.low / factor, 1.0))

    def below(self, root_index: int, cap: float) -> "Positive":
        """Return the map, scaled down where it exceeds the cap."""
        greatest = self.greatest(root_index)
        return self if greatest <= cap else self.times(cap / greatest * (1.0 - 1e-12))


Step = _Array | Positive
Steps = tuple[Step, ...]
"""One map a step; a polynomial is the q by rising powers of t^k."""


def value(root_index: int, step: Step, t: _Array) -> _Array:
    """Return where a map takes the points."""
    if isinstance(step, Positive):
        return step.propagated(root_index, t)[0]
    return np.asarray(t * np.polyval(step[::-1], t**root_index), dtype=np.float64)


def derivatives(root_index: int, step: Step, t: _Array) -> tuple[_Array, _Array]:
    """Return h' at the points, and the derivatives of h by the correction."""
    if isinstance(step, Positive):
        return step.propagated(root_index, t)[1:]
    power = t**root_index
    slope = np.polyval(((1 + root_index * np.arange(step.size)) * step)[::-1], power)
    own = t[:, None] * chebyshev.chebvander(2.0 * power - 1.0, step.size - 1)
    return np.asarray(slope, dtype=np.float64), own


def positive(
    kind: Literal["rational", "newton"], coefficients: Sequence[float], low: float
) -> Positive:
    """Return the map with these coefficients, in units of 1.

    Zeros, which some rules give, become the least that has a logarithm.
    """
    return Positive(kind, np.log(np.maximum(np.array(coefficients), _NOTHING)), low)
