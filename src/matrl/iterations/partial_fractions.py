"""Rational updates: constant + sum_j weights_j / (m + shifts_j), and m times it, by inverses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matrl.coefficients import PartialFractions
from matrl.core.tracing import Expression
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["RationalUpdate", "flatten", "rational_critical_points", "rational_multiplier"]


GRID = 24
BISECTIONS = 26
"""An error of 1e-9 in the place of an extremum is 1e-18 in its value."""


@dataclass(frozen=True)
class RationalUpdate:
    """What rational updates for square roots share; coefficients as :func:`flatten` orders them."""

    poles: int = 1
    kind: UpdateKind = "rational"
    uses_samples: bool = False
    same_on_interval: str = ""
    has_pole_at_zero: bool = False

    @property
    def degree(self) -> int:
        """Degree of the numerator of h in x, for square roots."""
        return self.degree_for(2)

    def degree_for(self, root_index: int) -> int:
        """Degree of the numerator of h in x."""
        return root_index * self.poles + 1

    def order(self, root_index: int) -> int:
        """Return 2r + 1: h - 1 can vanish so often at 1, or equioscillate around it."""
        return 2 * self.poles + 1

    def supports(self, root_index: int) -> bool:
        """Square roots only."""
        return root_index == 2

    def coefficient_count(self, root_index: int) -> int:
        """The constant, and a weight and a shift for each pole."""
        return 2 * self.poles + 1

    def multiplier(
        self, m: Expression, coefficients: Sequence[float], root_index: int
    ) -> Multiplier:
        """Write p(m) and m p(m) with one inverse a pole."""
        return rational_multiplier(m, coefficients)

    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        """Return the stationary points of h."""
        return rational_critical_points(coefficients, lower, upper, root_index)


def flatten(fractions: PartialFractions) -> tuple[float, ...]:
    """Return (constant, weight_1, shift_1, weight_2, shift_2, ...), the form plans store."""
    pairs = zip(fractions.weights, fractions.shifts, strict=True)
    return (fractions.constant, *(value for pair in pairs for value in pair))


def rational_multiplier(m: Expression, coefficients: Sequence[float]) -> Multiplier:
    """Write p(m) and m p(m), the latter by additions: m/(m + c) = 1 - c/(m + c)."""
    constant, weights, shifts = coefficients[0], coefficients[1::2], coefficients[2::2]
    p = m * 0.0 + constant
    residual_times = constant * m
    for weight, shift in zip(weights, shifts, strict=True):
        resolvent = (m + shift).inverse()
        p = p + weight * resolvent
        residual_times = residual_times + weight * (1.0 - shift * resolvent)
    return Multiplier(p, residual_times)


def rational_critical_points(
    coefficients: Sequence[float], lower: float, upper: float
) -> tuple[float, ...]:
    """Return where x p(x^2) is stationary on (lower, upper).

    h'(x) = C + sum_j w_j (c_j - m)/(m + c_j)^2 with m = x^2. With one pole that is a quadratic
    equation; with more, sign changes are bracketed on a grid in log x that is fine against the
    poles' spacing and bisected until the values there are exact to rounding.
    """
    if len(coefficients) == 3:
        return _one_pole(coefficients[0], coefficients[1], coefficients[2], lower, upper)
    constant = coefficients[0]
    weights = np.asarray(coefficients[1::2])[:, None]
    shifts = np.asarray(coefficients[2::2])[:, None]

    def slope(x: np.ndarray) -> np.ndarray:
        m = x * x
        return constant + (weights * (shifts - m) / (m + shifts) ** 2).sum(axis=0)

    grid = np.geomspace(lower, upper, GRID * (len(weights) + 1))
    values = slope(grid)
    changes = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    left, right = grid[changes], grid[changes + 1]
    sign_left = np.sign(values[changes])
    for _ in range(BISECTIONS):
        middle = 0.5 * (left + right)
        same = np.sign(slope(middle)) == sign_left
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    return tuple(float(x) for x in 0.5 * (left + right))


def _one_pole(
    constant: float, weight: float, shift: float, lower: float, upper: float
) -> tuple[float, ...]:
    half = 0.5 * weight / constant - shift
    root = half * half - shift * (shift + weight / constant)
    if root < 0.0:
        return ()
    larger = half + math.copysign(math.sqrt(root), half)
    if larger == 0.0:
        return ()
    candidates = (shift * (shift + weight / constant) / larger, larger)
    return tuple(math.sqrt(m) for m in candidates if lower * lower < m < upper * upper)
