"""Compositions of maps on (0, 1], and a damped descent among safe ones.

With x before step t in units of the largest it can be, every map is h(t) on (0, 1], and all but the
last end in (0, 1] again. Rescaling between two steps changes nothing, so asking that much of each
step loses nothing, and the safe schedules of polynomials are a product of convex sets. A correction
holds, step by step, the coefficients of T_j(2 t^k - 1), or changes of the logarithms of parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from matrl.coefficients._fit import monomials, safety_cut
from matrl.coefficients._least_distance import least_distance
from matrl.coefficients._maps import Positive, Step, Steps, derivatives, value
from matrl.coefficients._safety import SafetyRule, rounding

_Array = NDArray[np.float64]

_FIRST_DAMPING = 1e-2
_LEAST_DAMPING = 1e-14
_MOST_DAMPING = 1e8
_UNSEEN = 1e-8  # a coefficient that matters less than this share of another is damped as if it did
_MOST_CUTS = 200
_TIGHT = 1e-10  # of the greatest error
_PLACES = (1.0 - np.cos(np.linspace(0.0, np.pi, 25))) / 2.0
_MOST_LOG = 300.0
_PATIENCE = 5  # steps in a row that gain less than ``gain`` before the descent ends


@dataclass(frozen=True, slots=True)
class Composition:
    """What is to be least: the norm of weights (x^power - 1) over where the points t end."""

    root_index: int
    t: _Array
    weights: _Array
    power: int
    aggregate: Literal["max", "rms"]

    def measure(self, steps: Steps) -> float:
        """Return the error of a schedule."""
        errors = self._errors(composed(self.root_index, steps, self.t))
        return self.norm(errors)

    def linearised(self, steps: Steps) -> tuple[_Array, _Array]:
        """Return the weighted errors and their derivatives by the correction."""
        end, slopes = propagated(self.root_index, steps, self.t)
        outer = self.weights * self.power * end ** (self.power - 1)
        return self._errors(end), outer[:, None] * slopes

    def _errors(self, end: _Array) -> _Array:
        return self.weights * (end**self.power - 1.0)

    def norm(self, errors: _Array) -> float:
        """Return what is to be least, of weighted errors."""
        if self.aggregate == "max":
            return float(np.abs(errors).max())
        return float(np.linalg.norm(errors))


def composed(root_index: int, steps: Steps, t: _Array) -> _Array:
    """Return where the points t end."""
    for step in steps:
        t = value(root_index, step, t)
    return t


def propagated(root_index: int, steps: Steps, t: _Array) -> tuple[_Array, _Array]:
    """Return where the points t end, and the derivatives of that by the correction."""
    slopes = np.zeros((t.size, 0))
    for step in steps:
        slope, own = derivatives(root_index, step, t)
        slopes = np.hstack((slope[:, None] * slopes, own))
        t = value(root_index, step, t)
    return t, slopes


def descent(
    composition: Composition,
    rules: tuple[SafetyRule, ...],
    steps: Steps,
    *,
    iterations: int,
    gain: float,
    enough: float = 0.0,
) -> tuple[Steps, float]:
    """Return a safe schedule no worse than ``steps``, which must be safe, and its error.

    Each iteration minimises the norm of the linearised errors, under the safety rules as they are,
    with damping of Levenberg and Marquardt (doi:10.1137/0111030) in the same units; for the
    greatest error that is sequential linear programming with a proximal term. It ends after
    ``iterations``, where several in a row gain less than the share ``gain``, or where the error is
    at most ``enough``.
    """
    error = composition.measure(steps)
    damping, idle = _FIRST_DAMPING, 0
    scales = np.zeros(sum(q.size for q in steps))
    errors, slopes = composition.linearised(steps)
    for _ in range(iterations):
        if error <= enough or damping > _MOST_DAMPING or idle >= _PATIENCE:
            break
        scales = np.maximum(scales, np.linalg.norm(slopes, axis=0))
        proposal = _PROPOSALS[composition.aggregate]
        moves, point = proposal(errors, slopes, _lifted(scales), damping, rules, steps)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            trial = _moved(rules, steps, moves @ point)
            reached = composition.measure(trial)
        if reached < error:
            idle = idle + 1 if error - reached < gain * error else 0
            steps, error = trial, reached
            errors, slopes = composition.linearised(steps)
            damping = max(damping / 4.0, _LEAST_DAMPING)
        else:
            damping *= 6.0
    return steps, error


def _lifted(scales: _Array) -> _Array:
    """Return the scales, none of them negligible."""
    return np.maximum(scales, max(_UNSEEN * float(scales.max()), 1e-300))


def _least_squares(
    errors: _Array,
    slopes: _Array,
    scales: _Array,
    damping: float,
    rules: tuple[SafetyRule, ...],
    steps: Steps,
) -> tuple[_Array, _Array]:
    """Return (moves, z): moves @ z is the safe correction of least damped mean square."""
    damped = np.vstack((slopes, np.diag(np.sqrt(damping) * scales)))
    wanted = np.append(-errors, np.zeros(scales.size))
    orthogonal, triangle = np.linalg.qr(damped / scales)
    moves = np.asarray(np.linalg.inv(triangle), dtype=np.float64) / scales[:, None]
    violated = _deepest(_safety(rules, steps, moves), _schedule_cut(rules, steps, moves))
    return moves, least_distance(orthogonal.T @ wanted, violated, _MOST_CUTS)


def _least_maximum(
    errors: _Array,
    slopes: _Array,
    scales: _Array,
    damping: float,
    rules: tuple[SafetyRule, ...],
    steps: Steps,
) -> tuple[_Array, _Array]:
    """Return (moves, z): moves @ z is the safe correction of least damped greatest error.

    With e the greatest linearised error in units of what it is, |z|^2 + (e + 1)^2 is minimised, so
    that e comes as another variable.
    """
    size = float(np.abs(errors).max())
    moves = np.diag(size * np.sqrt(errors.size / damping) / scales)
    rows = slopes @ (moves / size)
    ones = np.ones((errors.size, 1))
    levels = _Inequalities(
        np.vstack((np.hstack((-rows, ones)), np.hstack((rows, ones)))),
        np.concatenate((errors, -errors)) / size,
        np.full(2 * errors.size, _TIGHT),
    )
    wide = np.hstack((moves, np.zeros((scales.size, 1))))  # e moves nothing
    both = levels.joined(_safety(rules, steps, wide))
    start = np.append(np.zeros(scales.size), -1.0)
    violated = _deepest(both, _schedule_cut(rules, steps, wide))
    return moves, least_distance(start, violated, _MOST_CUTS)[:-1]


_PROPOSALS = {"rms": _least_squares, "max": _least_maximum}


@dataclass(frozen=True, slots=True)
class _Inequalities:
    """Inequalities rows @ z >= bounds, and how little is no violation."""

    rows: _Array
    bounds: _Array
    tolerances: _Array

    def joined(self, other: "_Inequalities") -> "_Inequalities":
        """Return the inequalities of both."""
        return _Inequalities(
            np.vstack((self.rows, other.rows)),
            np.append(self.bounds, other.bounds),
            np.append(self.tolerances, other.tolerances),
        )


def _deepest(
    known: _Inequalities, cut: Callable[[_Array], tuple[_Array, float, float]]
) -> Callable[[_Array], tuple[_Array, float] | None]:
    """Return the function of z that finds an inequality violated, the known ones first.

    They take a product with a matrix, the others roots of polynomials.
    """
    lengths = np.maximum(np.linalg.norm(known.rows, axis=1), 1e-300)
    normals, bounds = known.rows / lengths[:, None], known.bounds / lengths
    tolerances = known.tolerances / lengths

    def violated(z: _Array) -> tuple[_Array, float] | None:
        depths = bounds - normals @ z
        depths[depths <= tolerances] = 0.0
        index = int(np.argmax(depths))
        if depths[index] > 0.0:
            return normals[index], float(bounds[index])
        normal, bound, depth = cut(z)
        return (normal, bound) if depth > 0.0 else None

    return violated


def _safety(rules: tuple[SafetyRule, ...], steps: Steps, moves: _Array) -> _Inequalities:
    """Return the safety rules of all steps at fixed places."""
    rows: list[_Array] = []
    bounds: list[_Array] = []
    tolerances: list[_Array] = []
    for rule, q, block in zip(rules, steps, _blocks(steps, moves), strict=True):
        if isinstance(q, Positive):
            heights, _, own = q.propagated(rule.root_index, q.places)
            rows.append(-own @ block)
            bounds.append(heights - rule.cap * (1.0 - 1e-9))
            tolerances.append(np.full(heights.size, 0.5e-9 * rule.cap))
            continue
        basis = chebyshev.chebvander(2.0 * _PLACES - 1.0, q.size - 1) @ block
        root = _PLACES ** (1.0 / rule.root_index)
        values = np.polyval(q[::-1], _PLACES)
        margin = max(1e-4 * rule.floor, 2.0 * rounding(q))  # as the cuts between the places have
        rows += [basis, -root[:, None] * basis]
        bounds += [rule.floor + margin - values, root * values - rule.cap * (1.0 - 1e-9)]
        tolerances += [
            np.full(_PLACES.size, margin / 2.0),
            np.full(_PLACES.size, 0.5e-9 * rule.cap),
        ]
    return _Inequalities(np.vstack(rows), np.concatenate(bounds), np.concatenate(tolerances))


def _schedule_cut(
    rules: tuple[SafetyRule, ...], steps: Steps, moves: _Array
) -> Callable[[_Array], tuple[_Array, float, float]]:
    """Return the function of z that finds the inequality of any step violated deepest."""
    cuts = [
        safety_cut(rule, q, block)
        for rule, q, block in zip(rules, steps, _blocks(steps, moves), strict=True)
        if not isinstance(q, Positive)
    ]
    if not cuts:
        return lambda z: (np.zeros(z.size), 0.0, 0.0)
    return lambda z: max((cut(z) for cut in cuts), key=lambda found: found[2])


def _blocks(steps: Steps, values: _Array) -> list[_Array]:
    """Return the part of each step of a correction."""
    return np.split(values, np.cumsum([q.size for q in steps])[:-1])


def _moved(rules: tuple[SafetyRule, ...], steps: Steps, correction: _Array) -> Steps:
    """Return the corrected steps, each drawn back towards what it was as far as its rule asks."""
    parts = zip(steps, _blocks(steps, correction), strict=True)
    return drawn(rules, tuple(_corrected(step, part) for step, part in parts), steps)


def _corrected(step: Step, correction: _Array) -> Step:
    if isinstance(step, Positive):
        return replace(step, logs=step.logs + correction)
    return step + monomials(step.size - 1) @ correction


def drawn(rules: tuple[SafetyRule, ...], steps: Steps, safe: Steps) -> Steps:
    """Return steps, each mixed with as little of the safe ones as its rule asks for."""
    return tuple(
        _drawn(rule, step, other) for rule, step, other in zip(rules, steps, safe, strict=True)
    )


def _drawn(rule: SafetyRule, step: Step, safe: Step) -> Step:
    if isinstance(step, Positive):
        finite = bool(np.isfinite(step.logs).all()) and float(np.abs(step.logs).max()) < _MOST_LOG
        return step.below(rule.root_index, rule.cap) if finite else safe
    assert not isinstance(safe, Positive)
    return rule.blend(step, safe)


def perturbed(
    rules: tuple[SafetyRule, ...], steps: Steps, spread: float, random: np.random.Generator
) -> Steps:
    """Return safe steps near ``steps``, by normal deviates in units of each step's coefficients."""
    moved: list[Step] = []
    for q in steps:
        if isinstance(q, Positive):
            moved.append(replace(q, logs=q.logs + spread * random.normal(size=q.size)))
            continue
        basis = monomials(q.size - 1)
        size = spread * float(np.linalg.norm(np.linalg.solve(basis, q)))
        moved.append(q + basis @ (size * random.normal(size=q.size)))
    return drawn(rules, tuple(moved), steps)
