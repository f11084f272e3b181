"""Interval arithmetic in fixed point: pairs of integers, in units of 2^-bits, rounded outward.

Every operation encloses what it is of any numbers of its operands. Source: Moore, Kearfott &
Cloud, *Introduction to Interval Analysis*, SIAM 2009, doi:10.1137/1.9780898717716.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

__all__ = ["Fixed", "Interval", "least_root", "plus", "scaled"]

Interval = tuple[int, int]


def plus(a: Interval, b: Interval) -> Interval:
    """Return the sum of two intervals, which is exact."""
    return a[0] + b[0], a[1] + b[1]


def scaled(a: Interval, n: int) -> Interval:
    """Return n times an interval for a whole number n, which is exact."""
    return (a[0] * n, a[1] * n) if n >= 0 else (a[1] * n, a[0] * n)


def least_root(n: int, k: int) -> int:
    """Return the greatest r with r^k <= n, for n >= 0 and k >= 1.

    >>> least_root(26, 3), least_root(27, 3), least_root(10**40, 2) == 10**20
    (2, 3, True)
    """
    if k == 1 or n < 2:
        return n
    if k == 2:
        return isqrt(n)
    # Newton's method descends from what is no less: from the root of the leading half of the bits.
    shift = n.bit_length() // (2 * k)
    root = (least_root(n >> k * shift, k) + 1) << shift if shift else 1 << -(-n.bit_length() // k)
    while True:
        following = ((k - 1) * root + n // root ** (k - 1)) // k
        if following >= root:
            return root
        root = following


@dataclass(frozen=True)
class Fixed:
    """Arithmetic in units of 2^-bits.

    >>> fixed = Fixed(10)
    >>> fixed.of(Fraction(1, 3)), fixed.root(Fraction(2), 2)
    ((341, 342), (1448, 1449))
    """

    bits: int

    @property
    def one(self) -> Interval:
        """The number 1."""
        return 1 << self.bits, 1 << self.bits

    def of(self, value: Fraction) -> Interval:
        """Return the least interval that has a number."""
        scaled_up = value.numerator << self.bits
        return scaled_up // value.denominator, -(-scaled_up // value.denominator)

    def number(self, unit: int) -> Fraction:
        """Return the number that is so many units."""
        return Fraction(unit, 1 << self.bits)

    def times(self, a: Interval, b: Interval) -> Interval:
        """Return the product."""
        if a[0] >= 0 and b[0] >= 0:
            return a[0] * b[0] >> self.bits, -(-a[1] * b[1] >> self.bits)
        ends = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
        return min(ends) >> self.bits, -(-max(ends) >> self.bits)

    def inverse(self, a: Interval) -> Interval:
        """Return 1/a; ``ZeroDivisionError`` where the interval has 0."""
        if a[0] <= 0 <= a[1]:
            raise ZeroDivisionError
        one = 1 << 2 * self.bits
        return one // a[1], -(-one // a[0])

    def power(self, a: Interval, n: int) -> Interval:
        """Return a^n of an interval a >= 0 for n >= 0."""
        if n == 1:
            return a
        low = high = 1 << self.bits
        for digit in bin(n)[2:] if n else "":
            low, high = low * low >> self.bits, -(-high * high >> self.bits)
            if digit == "1":
                low, high = low * a[0] >> self.bits, -(-high * a[1] >> self.bits)
        return low, high

    def root(self, value: Fraction, k: int) -> Interval:
        """Return the least interval that has value^(1/k), value >= 0."""
        lifted = value.numerator << self.bits * k
        low = least_root(lifted // value.denominator, k)
        return low, low if low**k * value.denominator == lifted else low + 1
