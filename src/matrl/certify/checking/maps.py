"""The maps h(x) = x p(x^k) that steps stand for: values, slopes and poles, enclosed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from matrl.certify.checking.documents import Budget, Exhausted
from matrl.certify.checking.fixed import Fixed, Interval, plus, scaled

__all__ = ["Map", "Positivity", "Rational", "Rule", "Step"]

_MOST_BITS = 8192
"""Values of m beyond 2^8192 are not followed."""


@dataclass(frozen=True)
class Rule:
    """What a step does to eigenvalues, as exact numbers.

    A polynomial p = sum_i numbers[i] m^i, or, ``is_rational``, p = numbers[0] + sum_j w_j/(m + s_j)
    with numbers[1:] = (w_1, s_1, w_2, s_2, ...).
    """

    name: str
    is_rational: bool
    numbers: tuple[Fraction, ...]

    @property
    def has_pole_at_zero(self) -> bool:
        """Whether p is infinite at m = 0."""
        return self.is_rational and any(shift == 0 for shift in self.numbers[2::2])


class Multiplier(Protocol):
    """p over intervals of m >= 0, with p' and with h' = p + k m p'."""

    def p(self, m: Interval) -> Interval:
        """Return p."""
        ...

    def derivative(self, m: Interval) -> Interval:
        """Return p'."""
        ...

    def slope(self, m: Interval) -> Interval:
        """Return h'."""
        ...

    def centred_slope(self, m: Interval) -> Interval:
        """Return h' by its Taylor polynomial at :func:`centre`: tight where all of it is small."""
        ...

    def is_finite(self, m: Interval) -> bool:
        """Whether p has no pole there."""
        ...


class Polynomial:
    """p by Horner's rule."""

    def __init__(self, fixed: Fixed, k: int, numbers: Sequence[Fraction]) -> None:
        self._fixed = fixed
        self._p = [fixed.of(c) for c in numbers]
        self._derivative = [fixed.of(i * c) for i, c in enumerate(numbers)][1:]
        self._slope = [fixed.of((1 + k * i) * c) for i, c in enumerate(numbers)]

    def p(self, m: Interval) -> Interval:
        """Return p."""
        return self._horner(self._p, m)

    def derivative(self, m: Interval) -> Interval:
        """Return p'."""
        return self._horner(self._derivative, m)

    def slope(self, m: Interval) -> Interval:
        """Return h', the coefficients of which are (1 + k i) c_i."""
        return self._horner(self._slope, m)

    def centred_slope(self, m: Interval) -> Interval:
        """Return h', shifted to the centre by synthetic division."""
        middle = centre(self._fixed, m)
        point, shifted = (middle, middle), list(self._slope)
        for start in range(len(shifted) - 1):
            for i in range(len(shifted) - 2, start - 1, -1):
                shifted[i] = plus(shifted[i], self._fixed.times(shifted[i + 1], point))
        return series(self._fixed, shifted, (m[0] - middle, m[1] - middle))

    def is_finite(self, m: Interval) -> bool:
        """Return true."""
        return True

    def _horner(self, coefficients: list[Interval], m: Interval) -> Interval:
        low = high = 0
        least, most = m
        bits = self._fixed.bits
        for below, above in reversed(coefficients):
            low = (low * (least if low >= 0 else most) >> bits) + below
            high = above - (-high * (most if high >= 0 else least) >> bits)
        return low, high


class Rational:
    """p by partial fractions."""

    def __init__(self, fixed: Fixed, k: int, numbers: Sequence[Fraction]) -> None:
        self._fixed = fixed
        self._k = k
        self._constant = fixed.of(numbers[0])
        weights, shifts = numbers[1::2], numbers[2::2]
        self._poles = [
            (fixed.of(weight), fixed.of(shift), fixed.of(k * shift))
            for weight, shift in zip(weights, shifts, strict=True)
        ]
        self._less = fixed.of(Fraction(1 - k))

    def p(self, m: Interval) -> Interval:
        """Return p."""
        fixed, total = self._fixed, self._constant
        for weight, shift, _ in self._poles:
            total = plus(total, fixed.times(weight, fixed.inverse(plus(m, shift))))
        return total

    def derivative(self, m: Interval) -> Interval:
        """Return p', the sum of -w/(m + s)^2."""
        fixed, total = self._fixed, (0, 0)
        for weight, shift, _ in self._poles:
            inverse = fixed.inverse(plus(m, shift))
            total = plus(total, fixed.times(scaled(weight, -1), fixed.times(inverse, inverse)))
        return total

    def slope(self, m: Interval) -> Interval:
        """Return h', to which a pole adds w (k s/(m + s) - (k - 1))/(m + s)."""
        fixed, total = self._fixed, self._constant
        for weight, shift, times_k in self._poles:
            inverse = fixed.inverse(plus(m, shift))
            bracket = plus(fixed.times(times_k, inverse), self._less)
            total = plus(total, fixed.times(weight, fixed.times(bracket, inverse)))
        return total

    def centred_slope(self, m: Interval) -> Interval:
        """Return h' by 2 r + 2 terms, the last of them over the interval, as Lagrange's remainder.

        Term i of a pole's part is (-1)^i w (k s (i + 1)/(m + s)^(i + 2) - (k - 1)/(m + s)^(i + 1)).
        """
        fixed, middle = self._fixed, centre(self._fixed, m)
        last = 2 * len(self._poles) + 1
        terms = [self._constant] + [(0, 0)] * last
        for weight, shift, times_k in self._poles:
            for first, final, place in ((0, last, (middle, middle)), (last, last + 1, m)):
                inverse = fixed.inverse(plus(place, shift))
                power = fixed.power(inverse, first + 1)
                for i in range(first, final):
                    bracket = scaled(fixed.times(times_k, inverse), i + 1)
                    bracket = fixed.times(weight, plus(bracket, self._less))
                    part = scaled(fixed.times(bracket, power), -1 if i % 2 else 1)
                    terms[i] = plus(terms[i], part)
                    power = fixed.times(power, inverse)
        return series(fixed, terms, (m[0] - middle, m[1] - middle))

    def is_finite(self, m: Interval) -> bool:
        """Whether no pole is there, nor so near that it cannot be told."""
        return not any(m[0] + shift[0] <= 0 <= m[1] + shift[1] for _, shift, _ in self._poles)


def centre(fixed: Fixed, m: Interval) -> int:
    """Return where to expand h' over an interval: in the middle, or in 1 at an end of it.

    In 1 many maps are exactly flat: expanded there, h' has one sign on either side.
    """
    one = fixed.one[0]
    return one if one in m else (m[0] + m[1]) >> 1


def series(fixed: Fixed, terms: Sequence[Interval], t: Interval) -> Interval:
    """Return sum_i terms[i] t^i."""
    total: Interval = (0, 0)
    for term in reversed(terms):
        total = plus(fixed.times(total, t), term)
    return total


class Map(Protocol):
    """A function of one number >= 0 that :func:`~matrl.certify.checking.images.image` bounds."""

    fixed: Fixed

    def value(self, x: int) -> Interval:
        """Return the value at x, enclosed."""
        ...

    def over(self, x: Interval) -> tuple[Interval | None, Interval]:
        """Return an enclosure of the values over an interval, if one is at hand, and of slopes."""
        ...


class Step:
    """h(x) = x p(x^k) of one step."""

    def __init__(self, fixed: Fixed, k: int, rule: Rule, budget: Budget) -> None:
        self.fixed = fixed
        self.name = rule.name
        self._k = k
        self._budget = budget
        make = Rational if rule.is_rational else Polynomial
        self.multiplier: Multiplier = make(fixed, k, rule.numbers)
        self._terms = len(rule.numbers) * (4 if rule.is_rational else 1)

    def m(self, x: Interval) -> Interval:
        """Return x^k, and count the work of what is done with it."""
        if self._k * (x[1].bit_length() - self.fixed.bits) > _MOST_BITS:
            raise Exhausted(f"{self.name} is asked for values that are too large to be followed")
        m = self.fixed.power(x, self._k)
        self.spend(m)
        return m

    def spend(self, m: Interval) -> None:
        """Count the work of evaluating p or h' at m."""
        bits = self.fixed.bits
        words = 1 + (bits + self._terms * max(m[1].bit_length() - bits, 0)) // 128
        self._budget.spend((self._terms + self._k.bit_length()) * words)

    def value(self, x: int) -> Interval:
        """Return h at x."""
        point = (x, x)
        return self.fixed.times(point, self.multiplier.p(self.m(point)))

    def over(self, x: Interval) -> tuple[None, Interval]:
        """Return the slopes of h over an interval."""
        return None, self._slope(self.m(x))

    def moved(self, x: Interval) -> tuple[Interval, Interval]:
        """Return h over an interval, as tight as may be, and the slopes."""
        m = self.m(x)
        slope = self._slope(m)
        plain = self.fixed.times(x, self.multiplier.p(m))
        middle = (x[0] + x[1]) >> 1
        off = (x[0] - middle, x[1] - middle)
        low, high = plus(self.value(middle), self.fixed.times(slope, off))
        return (max(low, plain[0]), min(high, plain[1])), slope

    def _slope(self, m: Interval) -> Interval:
        low, high = self.multiplier.slope(m)
        if low >= 0 or high <= 0 or 4 * (m[1] - m[0]) > m[1]:
            return low, high
        self._budget.spend(self._terms**2)
        least, most = self.multiplier.centred_slope(m)
        return max(low, least), min(high, most)


class Positivity:
    """p itself, as a function of m."""

    def __init__(self, step: Step) -> None:
        self.fixed = step.fixed
        self._step = step

    def value(self, x: int) -> Interval:
        """Return p at m = x."""
        self._step.spend((x, x))
        return self._step.multiplier.p((x, x))

    def over(self, x: Interval) -> tuple[Interval, Interval]:
        """Return p and p' over an interval."""
        self._step.spend(x)
        return self._step.multiplier.p(x), self._step.multiplier.derivative(x)
