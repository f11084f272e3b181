"""Polynomial updates fitted to sample points, safe on a whole interval."""

import math
import sys
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matrl.coefficients._arguments import (
    checked_integer,
    checked_interval,
    checked_positive,
    checked_vector,
)
from matrl.coefficients._fit import Samples, greatest_error, root_mean_square
from matrl.coefficients._safety import SafetyRule, extremes, rounding
from matrl.coefficients.minimax import minimax_coefficients
from matrl.errors import InputError

_Array = NDArray[np.float64]
_FLOOR = 0.01
_NEAR = 0.1  # the best polynomial on the samples' hull is looked at if that ends this near to upper


def fitted_coefficients(
    root_index: int,
    degree: int,
    x: ArrayLike,
    weights: ArrayLike,
    *,
    aggregate: Literal["max", "rms"],
    upper: float,
    cap: float | None = None,
    target: float = 1.0,
) -> tuple[float, ...]:
    """Return c_0..c_d, by powers of m, of the safe p that brings h(x) = x p(x^k) closest to target.

    "max" minimises max_i w_i |h(x_i) - target|, "rms" sum_i w_i |h(x_i) - target|^2, under the
    safety rule: on all of (0, upper] h(x) >= f target x/upper, and h(x) <= cap where one is given.
    The slope f is 1/100, which later steps make up for and rounding in single precision does not
    reach, or half the least p(m)/(target upper) of the best polynomial on [min x, upper] where that
    is less; so that polynomial is always allowed, scaled down where it exceeds the cap, and the
    result is never worse than it. Where the samples leave freedom (fewer than d + 1 distinct
    points) the result is the one nearest, by its Chebyshev coefficients, to the best polynomial on
    the hull of the samples, mixed with the other where it is not safe: for samples all equal that
    is the Taylor polynomial at that point wherever it is safe.

    Args:
        root_index: k, at least 1.
        degree: d, in 0..8.
        x: sample points in (0, upper], shape (N,); duplicates are welcome.
        weights: shape (N,), not negative, one positive at least; points of weight 0 do not count.
        aggregate: "max" or "rms".
        upper: end of the interval the result is safe on.
        cap: upper bound of h, positive, or None.
        target: what h is driven to, positive.

    Raises:
        InputError: an argument is out of its range, or upper too far from 1 for floats.

    Source: cutting planes for semi-infinite convex programs, Hettich & Kortanek (1993),
    doi:10.1137/1035089; each cut by Goldfarb & Idnani (1983), doi:10.1007/BF02591962. Fitting
    updates to a spectrum: arXiv:2601.22137.

    >>> x = [0.5, 0.5, 1.0]
    >>> p = fitted_coefficients(1, 1, x, [1.0, 1.0, 1.0], aggregate="rms", upper=1.0)
    >>> [round(c, 9) for c in p]  # x p(x) is 1 at both points
    [3.0, -2.0]
    """
    root_index = checked_integer("root_index", root_index, 1)
    degree = checked_integer("degree", degree, 0, 8)
    if aggregate not in ("max", "rms"):
        raise InputError(f"aggregate is {aggregate!r}, which is unknown; pass 'max' or 'rms'")
    upper = checked_positive("upper", upper)
    target = checked_positive("target", target)
    capped = math.inf if cap is None else checked_positive("cap", cap) / target
    points, sizes = _checked_samples(x, weights, upper)
    checked_interval(float(points.min()), upper)
    samples = Samples(root_index, points / upper, sizes if aggregate == "max" else np.sqrt(sizes))
    q = _fitted(samples, degree, aggregate, capped)
    return _unscaled(q, root_index, upper, target)


def _fitted(samples: Samples, degree: int, aggregate: Literal["max", "rms"], cap: float) -> _Array:
    """Return the best safe q on samples scaled to (0, 1] and to target 1."""
    least, most = float(samples.t.min()), float(samples.t.max())
    best = np.array(minimax_coefficients(samples.root_index, degree, least, 1.0))
    bounds = extremes(samples.root_index, best)
    shrink = min(1.0, cap * (1.0 - 1e-6) / bounds[1])
    anchor = best * shrink
    rule = SafetyRule(samples.root_index, min(_FLOOR, shrink * bounds[0] / 2.0), cap)
    reference = anchor
    if _NEAR < most < 1.0:
        hull = np.array(minimax_coefficients(samples.root_index, degree, least, most))
        reference = rule.blend(hull, anchor)

    def measure(errors: _Array) -> float:
        return float(np.abs(errors).max() if aggregate == "max" else np.linalg.norm(errors))

    # What is no better than the reference by more than rounding must not replace it: where the
    # samples are fitted to rounding, only the reference knows what to do between them.
    unit = rounding(reference) * measure(samples.weights * samples.t)
    choice, reached = reference, measure(samples.errors(reference)) - unit
    candidates = [anchor]
    if bounds[1] <= cap:
        candidates.append(best)
    if reached > 0.0:
        fit = greatest_error if aggregate == "max" else root_mean_square
        candidates.append(rule.blend(fit(samples, reference, rule), anchor))
    for candidate in candidates:
        error = measure(samples.errors(candidate))
        if error < reached:
            choice, reached = candidate, error
    return choice


def _unscaled(q: _Array, root_index: int, upper: float, target: float) -> tuple[float, ...]:
    """Return the coefficients by powers of m, or raise InputError where floats do not reach."""
    result: list[float] = []
    for index, value in enumerate(q.tolist()):
        try:
            coefficient = value / upper ** (1 + root_index * index) * target
        except (OverflowError, ZeroDivisionError):
            coefficient = math.inf
        if not (value == 0.0 or sys.float_info.min <= abs(coefficient) < math.inf):
            raise InputError(
                f"upper is {upper!r}, so far from 1 that a coefficient leaves the range of "
                "floats; scale x so that upper is near 1"
            )
        result.append(coefficient)
    return tuple(result)


def _checked_samples(x: ArrayLike, weights: ArrayLike, upper: float) -> tuple[_Array, _Array]:
    """Return the points of positive weight and their weights, the greatest 1, or raise."""
    points, sizes = checked_vector("x", x), checked_vector("weights", weights)
    if points.size != sizes.size:
        raise InputError(
            f"weights has {sizes.size} entries, but x has {points.size}; pass one weight per point"
        )
    if points.size == 0 or not (points.min() > 0.0 and points.max() <= upper):
        raise InputError(
            f"x is empty or leaves (0, upper], upper = {upper!r}; pass points within, or raise "
            "upper"
        )
    if sizes.min() < 0.0 or sizes.max() == 0.0:
        raise InputError(
            "weights has a negative entry or no positive one; pass weights that are not negative"
        )
    sizes = sizes / sizes.max()
    kept = sizes > 0.0
    return points[kept], sizes[kept]
