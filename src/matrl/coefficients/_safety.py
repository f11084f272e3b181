"""The safety rule for maps t q(t^k) on (0, 1]: bounded below by a slope, above by a cap.

A polynomial q is an array of its coefficients by rising powers of s = t^k.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
# Looked at whatever the roots say: where two roots nearly meet, rounding may push both off axis.
_FIXED = (1.0 - np.cos(np.linspace(0.0, np.pi, 17))) / 2.0
_BLENDS = 6


@dataclass(frozen=True, slots=True)
class SafetyRule:
    """floor <= q(s) on [0, 1], and t q(t^k) <= cap on (0, 1]; ``cap`` may be infinite."""

    root_index: int
    floor: float
    cap: float

    def places(self, q: _Array) -> _Array:
        """Return s in [0, 1] among which q, and where a cap is set t q(t^k), are extreme."""
        order = np.arange(q.size)
        found = [_FIXED, _roots_within(order[1:] * q[1:])]
        if self.cap < np.inf:
            found.append(_roots_within((1 + self.root_index * order) * q))
        return np.concatenate(found)

    def slacks(self, q: _Array, places: _Array) -> tuple[_Array, _Array]:
        """Return how far q is above the floor and the map below the cap at these s."""
        values = np.asarray(np.polyval(q[::-1], places), dtype=np.float64)
        heights = places ** (1.0 / self.root_index) * values
        return values - self.floor, self.cap - heights

    def holds(self, q: _Array) -> bool:
        """Whether q keeps the rule, rounding of q included."""
        above, below = self.slacks(q, self.places(q))
        return float(above.min()) >= rounding(q) and float(below.min()) >= 0.0

    def blend(self, q: _Array, safe: _Array) -> _Array:
        """Return q mixed with as little of a safe polynomial as the rule asks for."""
        share = 0.0
        mixed = q
        for _ in range(_BLENDS):
            if np.isfinite(mixed).all() and self.holds(mixed):
                return mixed
            places = self.places(mixed) if np.isfinite(mixed).all() else _FIXED
            needed = share
            for of_q, of_safe in zip(
                self.slacks(q, places), self.slacks(safe, places), strict=True
            ):
                bad = of_q < 0.0
                if bad.any():
                    gap = of_safe[bad] - of_q[bad]
                    needed = max(needed, float(np.max(-of_q[bad] / np.maximum(gap, 1e-300))))
            if not needed < 1.0:
                break
            share = min(1.0, max(needed * (1.0 + 1e-9), share + 1e-9))
            mixed = (1.0 - share) * q + share * safe
        return safe


def rounding(q: _Array) -> float:
    """Return what rounding may do to a value of q on [0, 1]."""
    return 4.0 * float(np.finfo(np.float64).eps) * float(np.abs(q).sum())


def extremes(root_index: int, q: _Array) -> tuple[float, float]:
    """Return the least q(s) on [0, 1] and the greatest t q(t^k) on (0, 1]."""
    rule = SafetyRule(root_index, floor=0.0, cap=1.0)
    above, below = rule.slacks(q, rule.places(q))
    return float(above.min()), 1.0 - float(below.min())


def _roots_within(polynomial: _Array) -> _Array:
    """Return the real parts, in (0, 1), of all roots of a polynomial by rising powers.

    Complex roots are of no harm: whatever the place, the rule must hold there.
    """
    size = np.abs(polynomial)
    kept = int(np.flatnonzero(size > 1e-17 * size.max())[-1]) if size.any() else 0
    if kept == 0:
        return np.empty(0)
    companion = np.eye(kept, k=-1)
    companion[:, -1] = -polynomial[:kept] / polynomial[kept]
    real = np.linalg.eigvals(companion).real
    return np.asarray(real[(real > 0.0) & (real < 1.0)], dtype=np.float64)
