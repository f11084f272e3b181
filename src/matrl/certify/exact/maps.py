"""The scalar map of a step, h(x) = x p(x^k), enclosed together with its derivative.

In exact arithmetic every form of a step acts on x = (a z^k)^(1/k) by the same map, so a schedule is
a composition of such maps. The coefficients are the stored floating-point numbers, taken exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from matrl.certify.exact.intervals import Interval, meet, point
from matrl.core.plan import StepRecord
from matrl.iterations import UPDATES, DirectMethod

__all__ = ["StepMap", "map_of", "maps_of"]


class StepMap(Protocol):
    """An enclosure of h and h' on intervals of x >= 0."""

    def value(self, x: Interval) -> Interval:
        """Return intervals that contain h(x), good for thin x."""
        ...

    def derivative(self, x: Interval) -> Interval:
        """Return intervals that contain h'(x)."""
        ...


@dataclass(frozen=True)
class PolynomialMap:
    """h(x) = x sum_i c_i m^i, m = x^k, and so h'(x) = sum_i (1 + i k) c_i m^i."""

    root_index: int
    coefficients: tuple[float, ...]

    def multiplier(self, m: Interval) -> Interval:
        """Return p(m), by Horner's rule and around the middle, whichever is narrower."""
        terms = [point(c) for c in self.coefficients]
        return _centred(terms, m)

    def value(self, x: Interval) -> Interval:
        """Return h(x) by Horner's rule in m."""
        return x * _horner([point(c) for c in self.coefficients], x**self.root_index)

    def derivative(self, x: Interval) -> Interval:
        """Return h'(x)."""
        m = x**self.root_index
        terms = [point(c) * float(1 + i * self.root_index) for i, c in enumerate(self.coefficients)]
        return _centred(terms, m)


@dataclass(frozen=True)
class RationalMap:
    """h(x) = x (C + sum_j w_j/(m + s_j)), m = x^k, with C, w_j, s_j >= 0 as intervals."""

    root_index: int
    constant: Interval
    weights: tuple[Interval, ...]
    shifts: tuple[Interval, ...]

    def value(self, x: Interval) -> Interval:
        """Return h(x)."""
        m = x**self.root_index
        total = self.constant
        for weight, shift in zip(self.weights, self.shifts, strict=True):
            total = total + weight / (m + shift)
        return x * total

    def derivative(self, x: Interval) -> Interval:
        """Return h'(x) = C + sum_j w_j (s_j - (k - 1) m)/(m + s_j)^2."""
        m = x**self.root_index
        total = self.constant
        for weight, shift in zip(self.weights, self.shifts, strict=True):
            below = m + shift
            total = total + weight * (shift - m * float(self.root_index - 1)) / (below * below)
        return total


def map_of(step: StepRecord, root_index: int) -> StepMap | None:
    """Return the map of a step; ``None`` for a direct method, which has no error.

    >>> newton = map_of(StepRecord("newton", "product", "float64", (1.0, 1.0)), 2)
    >>> y = newton.value(point(np.array([2.0])))
    >>> bool(y.lower[0] <= 1.25 <= y.upper[0])
    True
    """
    update = UPDATES.get(step.name)
    if isinstance(update, DirectMethod):
        return None
    c = step.coefficients
    if update.kind == "polynomial":
        return PolynomialMap(root_index, c)
    if update.kind == "repair":
        half = point(0.5)
        return RationalMap(root_index, half, (half,), (point(0.0),))
    if update.kind == "product":
        mu, centre = point(c[0]), point(c[1])
        half = centre * 0.5  # exact up to a neighbour
        return RationalMap(root_index, half * mu, (half / mu,), (point(0.0),))
    numbers = [point(x) for x in c]
    return RationalMap(root_index, numbers[0], tuple(numbers[1::2]), tuple(numbers[2::2]))


def maps_of(steps: Sequence[StepRecord], root_index: int) -> tuple[StepMap, ...]:
    """Return the maps of a schedule in order; none of a direct method."""
    found = (map_of(step, root_index) for step in steps)
    return tuple(one for one in found if one is not None)


def _centred(terms: Sequence[Interval], m: Interval) -> Interval:
    """Return a polynomial by Horner's rule, and by its mean value, whichever is narrower."""
    natural = _horner(terms, m)
    if len(terms) < 2:
        return natural
    slopes = [term * float(i) for i, term in enumerate(terms)][1:]
    middle = point(m.middle)
    return meet(natural, _horner(terms, middle) + _horner(slopes, m) * (m - middle))


def _horner(coefficients: Sequence[Interval], m: Interval) -> Interval:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * m + c
    if total.lower.shape != m.lower.shape:  # a constant
        zero = np.zeros_like(m.lower)
        return Interval(total.lower + zero, total.upper + zero)
    return total
