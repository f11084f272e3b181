"""Arrays of closed intervals in float64, rounded outward: what is proved is true of real numbers.

Every operation of IEEE 754 is correctly rounded, so the true result lies between the neighbours of
the computed one. Infinite ends stand for no bound; an operation without a bound gives such ends,
never NaN. Source: Moore, Kearfott & Cloud, *Introduction to Interval Analysis*, SIAM 2009,
doi:10.1137/1.9780898717716.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "Operand", "meet", "point"]

Ends: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Interval:
    """Intervals [lower, upper], arrays of one shape; elementwise operations enclose all results.

    >>> x = Interval(np.array([1.0]), np.array([2.0]))
    >>> y = x * x - 3.0
    >>> bool(y.lower[0] < -2.0), bool(y.upper[0] > 1.0), bool(y.upper[0] < 1.0 + 1e-14)
    (True, True, True)
    """

    lower: Ends
    upper: Ends

    @property
    def middle(self) -> Ends:
        """A float64 number in each."""
        finite = np.isfinite(self.lower) & np.isfinite(self.upper)
        lower, upper = np.where(finite, self.lower, 0.0), np.where(finite, self.upper, 0.0)
        middle = np.clip(0.5 * lower + 0.5 * upper, lower, upper)
        # Without one of its ends, the other stands for an interval, or 0.
        return np.where(finite, middle, np.clip(0.0, self.lower, self.upper))

    @property
    def magnitude(self) -> Ends:
        """The largest modulus in each."""
        return np.maximum(np.abs(self.lower), np.abs(self.upper))

    def __neg__(self) -> "Interval":
        return Interval(-self.upper, -self.lower)

    def __add__(self, other: "Operand") -> "Interval":
        y = _interval(other)
        with np.errstate(invalid="ignore", over="ignore"):
            return _outward(self.lower + y.lower, self.upper + y.upper)

    __radd__ = __add__

    def __sub__(self, other: "Operand") -> "Interval":
        return self + -_interval(other)

    def __rsub__(self, other: "Operand") -> "Interval":
        return _interval(other) + -self

    def __mul__(self, other: "Operand") -> "Interval":
        y = _interval(other)
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            ends = np.stack(
                [
                    self.lower * y.lower,
                    self.lower * y.upper,
                    self.upper * y.lower,
                    self.upper * y.upper,
                ]
            )
        # 0 times infinity: the infinite end is a bound that there is not, and the product 0.
        ends = np.where(np.isnan(ends), 0.0, ends)
        product = _outward(ends.min(axis=0), ends.max(axis=0))
        # Where neither factor is negative no rounding makes the product so, be it 0.
        has_sign = (self.lower >= 0.0) & (y.lower >= 0.0)
        return Interval(
            np.where(has_sign, np.maximum(product.lower, 0.0), product.lower), product.upper
        )

    __rmul__ = __mul__

    def __truediv__(self, other: "Operand") -> "Interval":
        y = _interval(other)
        has_zero = (y.lower <= 0.0) & (y.upper >= 0.0)
        safe = Interval(np.where(has_zero, 1.0, y.lower), np.where(has_zero, 1.0, y.upper))
        with np.errstate(over="ignore", under="ignore"):
            inverse = _outward(1.0 / safe.upper, 1.0 / safe.lower)
        quotient = self * inverse
        return Interval(
            np.where(has_zero, -np.inf, quotient.lower), np.where(has_zero, np.inf, quotient.upper)
        )

    def __rtruediv__(self, other: "Operand") -> "Interval":
        return _interval(other) / self

    def __pow__(self, exponent: int) -> "Interval":
        """Return the power with a whole exponent >= 1, of intervals with lower >= 0."""
        result: Interval | None = None
        base = self
        while True:
            if exponent & 1:
                result = base if result is None else result * base
            exponent >>= 1
            if not exponent:
                assert result is not None
                return result
            base = base * base

    def __getitem__(self, which: object) -> "Interval":
        return Interval(self.lower[which], self.upper[which])  # type: ignore[index]


Operand: TypeAlias = "Interval | Ends | float"


def point(x: "Ends | float") -> Interval:
    """Return intervals of one number each.

    >>> float(point(2.0).upper)
    2.0
    """
    ends = np.asarray(x, dtype=np.float64)
    return Interval(ends, ends)


def meet(x: Interval, y: Interval) -> Interval:
    """Return the intersections of intervals that are known to meet: both enclose the same."""
    return Interval(np.maximum(x.lower, y.lower), np.minimum(x.upper, y.upper))


def _interval(x: Operand) -> Interval:
    return x if isinstance(x, Interval) else point(x)


def _outward(lower: Ends, upper: Ends) -> Interval:
    # A sum of opposite infinities is no bound at all.
    with np.errstate(over="ignore", under="ignore"):
        lower = np.where(np.isnan(lower), -np.inf, np.nextafter(lower, -np.inf))
        upper = np.where(np.isnan(upper), np.inf, np.nextafter(upper, np.inf))
    return Interval(lower, upper)
