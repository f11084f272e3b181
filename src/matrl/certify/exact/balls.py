"""Ball arithmetic for the last word on a range: 128 bits, where float64 intervals lose digits.

Source: Johansson, *Arb*, IEEE Trans. Comput. 66 (2017), doi:10.1109/TC.2017.2690633, through
python-flint, an extra.
"""

import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.certify.exact.intervals import Interval
from matrl.certify.exact.maps import PolynomialMap, RationalMap, StepMap
from matrl.certify.exact.ranges import Range
from matrl.errors import MissingExtraError

__all__ = ["PRECISION", "flint_version", "hull_in_balls", "require_flint"]

PRECISION = 128


def flint_version() -> str | None:
    """Return the version of python-flint, ``None`` where it is not installed."""
    try:
        return str(importlib.import_module("flint").__version__)
    except ImportError:
        return None


def require_flint() -> None:
    """Raise :class:`~matrl.errors.MissingExtraError` unless python-flint is installed."""
    if flint_version() is None:
        raise MissingExtraError(
            "balls: python-flint is not installed; pip install 'matrl[flint]', or leave balls out: "
            "float64 intervals prove a bound too, a little larger where it is below 1e-10"
        )


def hull_in_balls(step: StepMap, cells: Interval) -> Range:
    """Return an interval that contains h of every cell, computed in balls of 128 bits.

    The cells are those that :func:`~matrl.certify.exact.ranges.image` has ended with. Raises
    :class:`~matrl.errors.MissingExtraError` without python-flint.
    """
    require_flint()
    flint: Any = importlib.import_module("flint")
    with flint.ctx.workprec(PRECISION):
        balls = _Balls(flint.arb, step)
        lows, highs = [], []
        for lower, upper in zip(cells.lower.tolist(), cells.upper.tolist(), strict=True):
            for ball in balls.images(lower, upper):
                lows.append(_below(ball))
                highs.append(-_below(-ball))
    return Range(min(lows), max(highs))


def _below(ball: Any) -> float:
    """Return a float64 number not above any of the ball."""
    if not ball.is_finite():
        return -math.inf
    return float(np.nextafter(float(ball.lower()), -np.inf))


class _Balls:
    """h and h' of one step in balls."""

    def __init__(self, arb: Any, step: StepMap) -> None:
        self._arb, self._k = arb, getattr(step, "root_index", 1)
        self._step = step
        if isinstance(step, PolynomialMap):
            self._p = [arb(c) for c in step.coefficients]
            self._q = [arb(c) * (1 + i * self._k) for i, c in enumerate(step.coefficients)]
        elif isinstance(step, RationalMap):
            self._constant = self._ball(step.constant)
            self._poles = [
                (self._ball(w), self._ball(s))
                for w, s in zip(step.weights, step.shifts, strict=True)
            ]

    def _ball(self, x: Interval) -> Any:
        return self._between(float(x.lower), float(x.upper))

    def _between(self, lower: float, upper: float) -> Any:
        return self._arb(lower) if lower == upper else self._arb(lower).union(self._arb(upper))

    def images(self, lower: float, upper: float) -> list[Any]:
        """Return balls that together contain h of a cell, or whose hull does."""
        ends = [self._value(self._arb(lower)), self._value(self._arb(upper))]
        if lower == upper:
            return ends[:1]
        cell = self._between(lower, upper)
        slope = self._slope(cell)
        if slope > 0 or slope < 0:
            return ends
        middle = self._arb(0.5 * (lower + upper))
        return [self._value(middle) + slope * (cell - middle)]

    def _value(self, x: Any) -> Any:
        m = x**self._k
        if isinstance(self._step, PolynomialMap):
            return x * _horner(self._p, m)
        return x * sum((w / (m + s) for w, s in self._poles), self._constant)

    def _slope(self, x: Any) -> Any:
        m = x**self._k
        if isinstance(self._step, PolynomialMap):
            return _horner(self._q, m)
        terms = (w * (s - (self._k - 1) * m) / (m + s) ** 2 for w, s in self._poles)
        return sum(terms, self._constant)


def _horner(coefficients: Sequence[Any], m: Any) -> Any:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * m + c
    return total
