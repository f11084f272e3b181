"""Rational updates: constant + sum_j weights_j / (m + shifts_j), and m times it, by inverses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from matrl.coefficients import PartialFractions
from matrl.core.tracing import Expression
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["RationalUpdate", "flatten", "rational_critical_points", "rational_multiplier"]


DEGREE = 12
PIECE = 0.5
"""Length of a piece in log m: interpolation errs by about (4 pi/PIECE)^-DEGREE, below rounding."""
PIECES_A_ROOT = 8
BISECTIONS = 28
"""An error of 1e-9 in the place of an extremum is 1e-18 in its value."""
NOISE = 8.0 * float(np.finfo(float).eps)

_NODES = np.cos(np.arange(DEGREE + 1) * (math.pi / DEGREE))
_TO_SERIES = np.linalg.inv(chebyshev.chebvander(_NODES, DEGREE))
_TO_DERIVATIVE = np.asarray(chebyshev.chebder(np.eye(DEGREE + 1)))


@dataclass(frozen=True)
class RationalUpdate:
    """What rational updates for square roots share; coefficients as :func:`flatten` orders them."""

    poles: int = 1
    kind: UpdateKind = "rational"
    uses_samples: bool = False
    has_pole_at_zero: bool = False
    equioscillates: bool = False

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

    def dominated_by(self, root_index: int) -> str:
        """Name of the best rational update with as many poles: Zolotarev's for square roots."""
        return f"{'zolotarev' if root_index == 2 else 'rational-minimax'}-{self.poles}"

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
    coefficients: Sequence[float], lower: float, upper: float, root_index: int = 2
) -> tuple[float, ...]:
    """Return where h(x) = x p(x^k) is stationary on (lower, upper), increasing.

    ``coefficients`` are as :func:`flatten` orders them, with positive weights and shifts that are
    positive or zero. h' is C + sum_j w_j (c_j - (k - 1) m)/(m + c_j)^2, a quadratic equation for
    one pole. With more, its singularities in log m are off the real axis by pi at least, whatever
    the coefficients, so a Chebyshev interpolant on each of the pieces of a grid is exact to
    rounding. Its coefficients prove a piece free of roots or h' monotone there; elsewhere its
    roots are the eigenvalues of its colleague matrix. Where h' is zero to rounding throughout, h
    is constant to rounding and one point stands for all. Source: Boyd (2002),
    doi:10.1137/S0036142901398325.

    >>> [round(x, 12) for x in rational_critical_points((0.5, 0.5, 0.0), 0.1, 2.0)]  # Newton
    [1.0]
    """
    if not lower < upper:
        return ()
    if len(coefficients) == 3:
        constant, weight, shift = coefficients
        points = _one_pole(root_index, constant, weight, shift)
    else:
        points = _many_poles(root_index, coefficients, lower, upper)
    return tuple(sorted({x for x in points if lower < x < upper}))


def _one_pole(root_index: int, constant: float, weight: float, shift: float) -> list[float]:
    """Return the positive roots in x of C (m + c)^2 + w (c - (k - 1) m)."""
    if constant == 0.0:
        return [(shift / (root_index - 1)) ** (1.0 / root_index)] if root_index > 1 else []
    half = 0.5 * (root_index - 1) * weight / constant - shift
    product = shift * (shift + weight / constant)
    root = half * half - product
    if root < 0.0 or half <= 0.0:
        return []
    larger = half + math.sqrt(root)
    return [m ** (1.0 / root_index) for m in (product / larger, larger)]


def _many_poles(
    root_index: int, coefficients: Sequence[float], lower: float, upper: float
) -> list[float]:
    """Return the stationary points by pieces of log m."""
    constant = coefficients[0]
    weights, shifts = np.asarray(coefficients[1::2]), np.asarray(coefficients[2::2])

    def terms(logarithm: np.ndarray) -> np.ndarray:
        m = np.exp(logarithm)[..., None]
        return weights * ((shifts - (root_index - 1) * m) / (m + shifts)) / (m + shifts)

    start, stop = root_index * math.log(lower), root_index * math.log(upper)
    count = max(math.ceil((stop - start) / PIECE), PIECES_A_ROOT * 2 * len(weights))
    edges = np.linspace(start, stop, count + 1)
    middles, half = 0.5 * (edges[:-1] + edges[1:]), 0.5 * (edges[1] - edges[0])
    values = terms(middles[:, None] + half * _NODES)
    noise = NOISE * (constant + np.abs(values).sum(axis=-1).max(axis=-1))
    slopes = constant + values.sum(axis=-1)
    series = slopes @ _TO_SERIES.T
    size = np.abs(series)
    flat = np.abs(slopes).max(axis=-1) <= noise
    free = size[:, 0] > size[:, 1:].sum(axis=-1)
    first = np.abs(series @ _TO_DERIVATIVE.T)
    monotone = first[:, 0] > first[:, 1:].sum(axis=-1)
    positive = constant + terms(edges).sum(axis=-1) > 0.0
    crossing = positive[:-1] != positive[1:]

    simple = np.flatnonzero(~flat & monotone & crossing)
    left, right, sign = edges[simple], edges[simple + 1], positive[simple]
    for _ in range(BISECTIONS if simple.size else 0):
        middle = 0.5 * (left + right)
        same = (constant + terms(middle).sum(axis=-1) > 0.0) == sign
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    found = (0.5 * (left + right)).tolist()
    for piece in np.flatnonzero(~flat & ~free & ~monotone):
        roots = _roots_of(series[piece], float(noise[piece]))
        found += [middles[piece] + half * root for root in roots]
    bounds = np.flatnonzero(np.diff(np.concatenate(([False], flat, [False])).astype(np.int8)))
    found += (0.5 * (edges[bounds[0::2]] + edges[bounds[1::2]])).tolist()
    return [math.exp(logarithm / root_index) for logarithm in found]


def _roots_of(series: np.ndarray, noise: float) -> list[float]:
    """Return the roots in [-1, 1] of a Chebyshev series; of a complex pair, if zero to rounding."""
    kept = chebyshev.chebtrim(series, 0.01 * noise)
    if kept.size < 2:
        return []
    roots: list[float] = []
    for root in chebyshev.chebroots(kept).tolist():
        value = complex(root)
        real = min(max(value.real, -1.0), 1.0)
        outside = abs(value.real - real) > 1e-6
        if not outside and (value.imag == 0.0 or abs(chebyshev.chebval(real, kept)) <= noise):
            roots.append(real)
    return roots
