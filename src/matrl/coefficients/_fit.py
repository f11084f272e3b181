"""Corrections of a safe polynomial that fit it to samples and keep it safe.

With x scaled by upper, t in (0, 1] and s = t^k, the polynomial is q = reference + sum_j a_j
T_j(2s - 1). Everything is measured from the reference, and a is expressed by the singular vectors
of the samples, so that the variables are of ordinary size however narrow or lopsided the samples
are. Directions the samples hardly see are free in the fit and stay at the reference unless the
safety rule moves them.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from matrl.coefficients._least_distance import least_distance
from matrl.coefficients._safety import SafetyRule, rounding

_Array = NDArray[np.float64]
_UNSEEN = 1e-13  # singular values below this share of the largest are rounding
# The same in units of the reference's error, where the safety rule is to be met. In the mean the
# softened directions bias the result by the square of this, in the greatest error not at all.
_SOFT_MEAN = 1e-6
_SOFT_GREATEST = 1e-3
_RIDGE = 1e-4  # weight of the squared variables next to the greatest error; see greatest_error
_TIGHT = 1e-10
_MOST = 300
_ROUNDS = 3
_BIAS = 1e-4  # tolerated pull of the softened directions, in units of the error, squared
_SHORT = 0.1  # greatest length of ridge b that is surely small

_Cut = Callable[[_Array], tuple[_Array, float, float]]


@dataclass(frozen=True, slots=True)
class Samples:
    """Weighted samples: t in (0, 1], and weights of |t q(t^k) - 1|, the greatest of them 1."""

    root_index: int
    t: _Array
    weights: _Array

    def errors(self, q: _Array) -> _Array:
        """Return the weighted t q(t^k) - 1."""
        return self.weights * (self.t * np.polyval(q[::-1], self.t**self.root_index) - 1.0)

    def design(self, degree: int) -> _Array:
        """Return the weighted t T_j(2 t^k - 1), by samples and j."""
        basis = chebyshev.chebvander(2.0 * self.t**self.root_index - 1.0, degree)
        return (self.weights * self.t)[:, None] * basis


@dataclass(frozen=True, slots=True)
class _Whitened:
    """The correction a = directions @ b that makes design @ a an orthonormal image of b."""

    values: _Array  # singular values
    directions: _Array  # right singular vectors, as columns
    target: _Array  # what the samples want of b


def root_mean_square(samples: Samples, reference: _Array, rule: SafetyRule) -> _Array:
    """Return the safe q of least root mean square error."""
    white, size = _whitened(samples, reference)
    seen = white.values > _UNSEEN * white.values[0]
    shares = np.where(seen, white.target / np.where(seen, white.values, 1.0), 0.0)
    free = _moved(reference, white.directions, shares)
    if rule.holds(free):
        return free
    q = reference
    for _ in range(_ROUNDS):
        least = _SOFT_MEAN * size
        softened = _softened(white, least)
        moves = size * white.directions / softened
        start = white.values / softened * white.target / size
        cut = safety_cut(rule, q, moves)

        def violated(z: _Array, cut: _Cut = cut) -> tuple[_Array, float] | None:
            normal, bound, depth = cut(z)
            return (normal, bound) if depth > 0.0 else None

        z = least_distance(start, violated, _MOST)
        q = _moved(q, moves, z)
        bias = least * float(np.linalg.norm(moves @ z))
        white, size = _whitened(samples, q)
        if bias <= _BIAS * size or size == 0.0:
            break
    return q


def greatest_error(samples: Samples, reference: _Array, rule: SafetyRule) -> _Array:
    """Return the safe q of least greatest error.

    The linear program over (b, e), e the greatest error, becomes strictly convex by minimising
    (ridge b)^2 + (e + 1)^2, e in units of the reference's error. A ridge small enough leaves the
    least e where it is (Mangasarian & Meyer, 1979, doi:10.1137/0317052); where it turns out not to
    be small, the result becomes the next reference.
    """
    design = samples.design(reference.size - 1)
    q = reference
    for _ in range(_ROUNDS):
        errors = samples.errors(q)
        size = float(np.abs(errors).max())
        if size == 0.0:
            break
        white, norm = _whitened(samples, q)
        softened = _softened(white, _SOFT_GREATEST * norm)
        unit = white.directions / softened * (np.sqrt(samples.t.size) / _RIDGE)
        violated = _level_cut(errors / size, design @ unit, safety_cut(rule, q, size * unit))
        start = np.zeros(q.size + 1)
        start[-1] = -1.0
        z = least_distance(start, violated, _MOST)[:-1]
        q = _moved(q, size * unit, z)
        if float(np.linalg.norm(z)) <= _SHORT:
            break
    return q


def _level_cut(
    errors: _Array, rows: _Array, cut: _Cut
) -> Callable[[_Array], tuple[_Array, float] | None]:
    """Return the function of (b, e) that finds the inequality violated deepest.

    The inequalities are |errors + rows b| <= e and those of the safety rule.
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows) + 1.0)

    def violated(z: _Array) -> tuple[_Array, float] | None:
        moved = errors + rows @ z[:-1]
        level = float(z[-1])
        index = int(np.argmax(np.abs(moved)))
        excess = abs(float(moved[index])) - level
        if excess <= _TIGHT * abs(level) + 1e-14:
            excess = 0.0
        normal, bound, depth = cut(z[:-1])
        if depth <= 0.0 and excess == 0.0:
            return None
        length = float(lengths[index])
        if depth > excess / length:
            return np.append(normal, 0.0), bound
        sign = 1.0 if moved[index] > 0.0 else -1.0
        return np.append(-sign * rows[index], 1.0) / length, sign * float(errors[index]) / length

    return violated


def _whitened(samples: Samples, reference: _Array) -> tuple[_Whitened, float]:
    """Return the whitened samples and the root of the summed squares of the reference's errors."""
    errors = samples.errors(reference)
    terms = reference.size
    joint = np.column_stack((samples.design(terms - 1), -errors))
    if joint.shape[0] < terms:
        joint = np.vstack((joint, np.zeros((terms - joint.shape[0], terms + 1))))
    triangle = np.asarray(np.linalg.qr(joint, mode="r"), dtype=np.float64)[:terms]
    left, values, right = np.linalg.svd(triangle[:, :terms])
    return _Whitened(values, right.T, left.T @ triangle[:, terms]), float(np.linalg.norm(errors))


def _softened(white: _Whitened, least: float) -> _Array:
    """Return the singular values, those of directions hardly seen raised to a common least."""
    return np.hypot(white.values, max(least, _UNSEEN * float(white.values[0])))


def safety_cut(rule: SafetyRule, reference: _Array, moves: _Array) -> _Cut:
    """Return the function of z that finds the rule's inequality violated deepest.

    It returns the unit normal, the bound and the depth, at most 0 where the rule is kept.
    """
    degree = reference.size - 1

    def cut(z: _Array) -> tuple[_Array, float, float]:
        q = _moved(reference, moves, z)
        margin = max(1e-4 * rule.floor, 2.0 * rounding(q))
        aim = SafetyRule(rule.root_index, rule.floor + margin, rule.cap * (1.0 - 1e-9))
        places = aim.places(q)
        above, below = aim.slacks(q, places)
        floor, cap = int(np.argmin(above)), int(np.argmin(below))
        best: tuple[_Array, float, float] = (np.zeros(z.size), 0.0, 0.0)
        for place, slack, factor, bound, tolerance in (
            (places[floor], above[floor], 1.0, aim.floor, margin / 2.0),
            (places[cap], below[cap], -_root(rule, places[cap]), -aim.cap, 0.5e-9 * rule.cap),
        ):
            if slack >= -tolerance:
                continue
            row = factor * (chebyshev.chebvander(2.0 * place - 1.0, degree)[0] @ moves)
            known = factor * float(np.polyval(reference[::-1], place))
            norm = float(np.linalg.norm(row))
            if norm > 0.0 and -slack / norm > best[2]:
                best = (row / norm, (bound - known) / norm, -slack / norm)
        return best

    return cut


def _root(rule: SafetyRule, place: float) -> float:
    """Return t at s."""
    return float(place ** (1.0 / rule.root_index))


def _moved(reference: _Array, moves: _Array, z: _Array) -> _Array:
    """Return reference + the correction moves @ z, by powers of s."""
    return reference + monomials(reference.size - 1) @ (moves @ z)


@functools.cache
def monomials(degree: int) -> _Array:
    """Return the matrix from coefficients by T_j(2s - 1) to coefficients by powers of s."""
    result = np.zeros((degree + 1, degree + 1))
    before, after = np.array([1.0]), np.array([-1.0, 2.0])
    for index in range(degree + 1):
        result[: index + 1, index] = before
        following = 2.0 * np.convolve(after, (-1.0, 2.0))
        following[: before.size] -= before
        before, after = after, following
    result.flags.writeable = False  # shared by all callers
    return result
