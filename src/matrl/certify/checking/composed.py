"""The error of a whole schedule as one function of the first iterate, for weighted measures."""

from collections.abc import Sequence

from matrl.certify.checking.fixed import Interval, plus, scaled
from matrl.certify.checking.maps import Step

__all__ = ["WeightedError"]


class WeightedError:
    """w(x0) (H(x0)^q - 1): H the composed map, w = (x0/u0)^e, or (l0/x0)^-e for e < 0.

    ``ranges`` enclose the images of the interval that is looked at, after each step.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        ranges: Sequence[Interval],
        power: int,
        exponent: int,
        ends: tuple[int, int],
    ) -> None:
        self.fixed = steps[0].fixed
        self._steps = list(zip(steps, ranges, strict=True))
        self._power = power
        self._exponent = exponent
        self._least, self._greatest = ends

    def value(self, x: int) -> Interval:
        """Return the weighted error at x0 = x."""
        moved: Interval = (x, x)
        for step, within in self._steps:
            # A point, but for rounding: the plain product is as tight as any.
            moved = step.fixed.times(moved, step.multiplier.p(step.m(moved)))
            moved = max(moved[0], within[0]), min(moved[1], within[1])
        error = self._error(self.fixed.power(moved, self._power))
        return self.fixed.times(self._weight((x, x))[0], error)

    def over(self, x: Interval) -> tuple[Interval, Interval]:
        """Return the weighted errors of an interval, and their slopes."""
        fixed, q = self.fixed, self._power
        moved, slope = x, fixed.one
        for step, within in self._steps:
            moved, one = step.moved(moved)
            moved = max(moved[0], within[0]), min(moved[1], within[1])
            slope = fixed.times(slope, one)
        below = fixed.power(moved, q - 1)
        error = self._error(fixed.times(below, moved))
        weight, steepness = self._weight(x)
        of_error = fixed.times(weight, scaled(fixed.times(below, slope), q))
        return fixed.times(weight, error), plus(of_error, fixed.times(steepness, error))

    def _error(self, powers: Interval) -> Interval:
        one = self.fixed.one[0]
        return powers[0] - one, powers[1] - one

    def _weight(self, x: Interval) -> tuple[Interval, Interval]:
        """Return w over an interval, and its slopes."""
        fixed, e = self.fixed, self._exponent
        if e >= 0:
            per_end = fixed.inverse((self._greatest, self._greatest))
            ratio = fixed.times(x, per_end)
            below = fixed.power(ratio, e - 1)
            return fixed.times(below, ratio), scaled(fixed.times(below, per_end), e)
        per_x = fixed.inverse(x)
        weight = fixed.power(fixed.times((self._least, self._least), per_x), -e)
        return weight, scaled(fixed.times(weight, per_x), e)
