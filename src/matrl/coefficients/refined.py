"""Polynomial schedules whose coefficients are optimised together, under the safety rule."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matrl.coefficients._arguments import (
    checked_integer,
    checked_number,
    checked_positive,
    checked_vector,
)
from matrl.coefficients._composition import Composition, descent, drawn, perturbed
from matrl.coefficients._maps import Kind, Positive, Step, Steps
from matrl.coefficients._safety import SafetyRule, extremes, rounding
from matrl.coefficients._schedule import Schedule, is_safe, raw, scaled, unscaled
from matrl.coefficients.minimax import minimax_coefficients
from matrl.errors import InputError

_Array = NDArray[np.float64]
_FLOOR = 0.01
_LEAST = 1e-100  # a schedule sends smaller points nowhere, and derivatives would underflow
_MOST_TERMS = 9
_LOWERS = np.geomspace(1e-4, 1e-1, 6)  # of the ranges, in units of upper, that give other starts
_SPREAD = 0.1
_SHORT = 40  # iterations every start gets; the best goes on
_GAIN = 1e-5
_EPS = float(np.finfo(np.float64).eps)


def refined_coefficients(
    root_index: int,
    polynomials: Sequence[Sequence[float]],
    upper: float,
    points: ArrayLike,
    weights: ArrayLike,
    density: ArrayLike,
    *,
    aggregate: Literal["max", "rms"],
    power: int = 1,
    ceiling: float = 1.05,
    cap: float = 2.0,
    iterations: int = 200,
    starts: int = 8,
    seed: int = 0,
    kinds: Sequence[Kind] = (),
    lower: float = 0.0,
    rooms: Sequence[float] = (),
    enough: float = 0.0,
) -> tuple[tuple[float, ...], ...]:
    """Return a safe schedule of the same degrees that brings the points closer to 1 together.

    The steps act as h(x) = x p(x^k), one after the other. Where they bring the points to x, "rms"
    minimises sum density (weights (x^power - 1))^2 and "max" the greatest weights |x^power - 1|,
    over all coefficients at once. With u_1 = upper and u_(t+1) the greatest value of step t on
    (0, u_t], the safety rule is: p_t > 0 on [0, u_t^k], u_t <= cap in between, and at the end
    u <= ceiling. To leave rounding no sign to flip, h_t(x) stays above f x u_(t+1)/u_t (1 for the
    last u), with f 1/100 or half the least of the given schedule where that is less.

    Among the steps may be maps that are positive by kind (``kinds``), "rational" and "newton":
    their coefficients stay positive, and what is optimised are the logarithms.

    The problem is not convex: further starts are the greedy minimax schedules on six ranges, then
    perturbations of the best so far. What is returned in place of ``polynomials`` is better and
    safe; where no such schedule is found they are returned as they are. Between the steps the
    ranges keep, at most, the upper ends they had.

    Args:
        root_index: k, at least 1.
        polynomials: one a step, c_0..c_d by powers of m, d in 0..8; safe. Of a rational step
            (c, w_1, s_1, ...) with p(m) = c + sum_j w_j/(m + s_j), of a Newton step (g, e) with
            h(x) = e (g x + 1/(g x))/2.
        upper: end of the interval the schedule is safe on.
        points: x before the first step, in [0, upper], shape (N,).
        weights: of the errors at the points, not negative, shape (N,).
        density: shares of the points in the mean square, not negative, shape (N,).
        aggregate: "max" or "rms".
        power: exponent of the error measure, at least 1.
        ceiling: upper bound of the composition on (0, upper].
        cap: upper bound of every map but the last.
        iterations: at most so many descent steps from the best start; 40 from each other.
        starts: how many starts, at least 1: the given schedule is the first.
        seed: of the perturbed starts.
        kinds: "polynomial", "rational" or "newton" for each step; all polynomials if empty.
        lower: least x > 0 that Newton steps, which have a pole at 0, must be good for.
        rooms: by what share the range before each step but the first is widened; 0 if empty.
        enough: an error, in the units of the measure, at which to stop.

    Raises:
        InputError: an argument is out of its range, or the schedule given is not safe.

    Source: Levenberg & Marquardt, doi:10.1137/0111030, each step under the safety rule by cutting
    planes, doi:10.1137/1035089. Joint optimisation of such schedules: arXiv:2601.22137; the greedy
    starts: arXiv:2505.16932.

    >>> x = [0.05, 0.1, 0.4, 0.9, 1.0]
    >>> newton_schulz = [(1.5, -0.5)] * 3
    >>> better = refined_coefficients(
    ...     2, newton_schulz, 1.0, x, [1.0] * 5, [0.2] * 5, aggregate="rms"
    ... )
    >>> def end(schedule, x):
    ...     for c, d in schedule:
    ...         x = x * (c + d * x**2)
    ...     return x
    >>> [round(end(newton_schulz, t), 2) for t in x]
    [0.17, 0.33, 0.92, 1.0, 1.0]
    >>> [round(end(better, t), 2) for t in x]
    [0.62, 0.99, 1.01, 0.86, 0.98]
    """
    root_index = checked_integer("root_index", root_index, 1)
    power = checked_integer("power", power, 1)
    iterations = checked_integer("iterations", iterations, 0)
    starts = checked_integer("starts", starts, 1)
    seed = checked_integer("seed", seed, 0)
    if aggregate not in ("max", "rms"):
        raise InputError(f"aggregate is {aggregate!r}, which is unknown; pass 'max' or 'rms'")
    upper, ceiling, cap = (
        checked_positive(name, value)
        for name, value in (("upper", upper), ("ceiling", ceiling), ("cap", cap))
    )
    given = _checked_schedule(polynomials, kinds)
    rooms = _checked_rooms(rooms, len(given))
    x, sizes, unit = _checked_points(points, weights, density, upper, aggregate)
    tops, steps = scaled(root_index, given, upper, cap, ceiling, kinds, lower, rooms)
    composition = Composition(root_index, x / upper, sizes, power, aggregate)
    floor = _FLOOR
    for step in steps:
        if not isinstance(step, Positive):
            floor = min(floor, extremes(root_index, step)[0] / 2.0)
    rules = (
        *(SafetyRule(root_index, floor, 1.0 / (1.0 + room)) for room in rooms),
        SafetyRule(root_index, floor, max(ceiling, tops[-1])),
    )
    if not all(_holds(rule, step) for rule, step in zip(rules, steps, strict=True)):
        return given  # safe, but not by more than rounding
    best = _best(composition, rules, steps, iterations, starts, seed, enough / unit)
    found = unscaled(root_index, best, tops)
    if found is None or not is_safe(root_index, found, upper, cap, ceiling, kinds, lower, rooms):
        return given
    noise = _rounding(best[-1]) * composition.norm(sizes) * power
    before, after = (
        composition.measure(raw(root_index, one, upper, kinds)) for one in (given, found)
    )
    return found if after < before - noise else given


def _holds(rule: SafetyRule, step: Step) -> bool:
    return isinstance(step, Positive) or rule.holds(step)


def _rounding(step: Step) -> float:
    return _EPS if isinstance(step, Positive) else rounding(step)


def _best(
    composition: Composition,
    rules: tuple[SafetyRule, ...],
    steps: Steps,
    iterations: int,
    starts: int,
    seed: int,
    enough: float,
) -> Steps:
    """Return the best of the schedules the starts lead to, or the first that is good enough."""
    random = np.random.default_rng(seed)
    short = min(iterations, _SHORT)
    best, least = descent(composition, rules, steps, iterations=short, gain=_GAIN, enough=enough)
    lowers: list[float] = _LOWERS.tolist()
    if any(isinstance(step, Positive) for step in steps):
        lowers = []  # the greedy starts are of polynomials
    for index in range(starts - 1):
        if least <= enough:
            return best
        if index < len(lowers):
            other = drawn(rules, _greedy(rules, steps, lowers[index]), steps)
        else:
            other = perturbed(rules, best, _SPREAD, random)
        found, error = descent(
            composition, rules, other, iterations=short, gain=_GAIN, enough=enough
        )
        if error < least:
            best, least = found, error
    rest = iterations - short
    return descent(composition, rules, best, iterations=rest, gain=_GAIN, enough=enough)[0]


def _greedy(rules: tuple[SafetyRule, ...], steps: Steps, lower: float) -> Steps:
    """Return minimax steps of these degrees, each on what the one before left of [lower, 1].

    Every step is scaled to what its rule allows.
    """
    result: list[Step] = []
    for rule, step in zip(rules, steps, strict=True):
        q = np.array(minimax_coefficients(rule.root_index, step.size - 1, lower, 1.0))
        top = extremes(rule.root_index, q)[1]
        last = len(result) == len(steps) - 1
        result.append(q * min(1.0, rule.cap / top) if last else q / top)
        lower = (2.0 - top) / top
    return tuple(result)


def _checked_schedule(polynomials: Sequence[Sequence[float]], kinds: Sequence[Kind]) -> Schedule:
    """Return the schedule as floats, or raise InputError."""
    result = tuple(
        tuple(checked_number(f"polynomials[{index}]", value, "pass finite floats") for value in row)
        for index, row in enumerate(polynomials)
    )
    if not result:
        raise InputError("polynomials is empty; pass one polynomial a step")
    if kinds and len(kinds) != len(result):
        raise InputError(
            f"kinds has {len(kinds)} entries, but there are {len(result)} steps; pass one a step"
        )
    for index, row in enumerate(result):
        kind = kinds[index] if kinds else "polynomial"
        if kind not in ("polynomial", "rational", "newton"):
            raise InputError(
                f"kinds[{index}] is {kind!r}, which is unknown; pass 'polynomial', 'rational' or "
                "'newton'"
            )
        if kind != "polynomial":
            _check_positive(index, row, kind)
            continue
        if not 1 <= len(row) <= _MOST_TERMS:
            raise InputError(
                f"polynomials[{index}] has {len(row)} coefficients; pass 1 to {_MOST_TERMS}"
            )
    return result


def _checked_rooms(rooms: Sequence[float], steps: int) -> tuple[float, ...]:
    """Return the rooms before the steps but the first, or raise InputError."""
    values = tuple(checked_number("rooms", room, "pass finite floats") for room in rooms)
    if not values:
        return (0.0,) * (steps - 1)
    if len(values) != steps - 1 or min(values) < 0.0:
        raise InputError(
            f"rooms is {values!r}, for {steps} steps; pass one number >= 0 a step but the first"
        )
    return values


def _check_positive(index: int, row: tuple[float, ...], kind: Kind) -> None:
    """Raise InputError where a step that is positive by kind has other coefficients."""
    fitting = len(row) == 2 if kind == "newton" else len(row) % 2 == 1
    if not fitting or min(row) < 0.0 or max(row) == 0.0:
        raise InputError(
            f"polynomials[{index}] is no {kind} step: {len(row)} coefficients, the least "
            f"{min(row, default=0.0)!r}; pass positive ones, (c, w_1, s_1, ...) or (g, e)"
        )


def _checked_points(
    points: ArrayLike,
    weights: ArrayLike,
    density: ArrayLike,
    upper: float,
    aggregate: Literal["max", "rms"],
) -> tuple[_Array, _Array, float]:
    """Return the points that count, the size of their errors, the greatest 1, and its unit."""
    x, sizes, shares = (
        checked_vector(name, values)
        for name, values in (("points", points), ("weights", weights), ("density", density))
    )
    for name, values in (("weights", sizes), ("density", shares)):
        if values.size != x.size:
            raise InputError(
                f"{name} has {values.size} entries, but points has {x.size}; pass one per point"
            )
        if values.size and (values.min() < 0.0 or values.max() == 0.0):
            raise InputError(
                f"{name} has a negative entry or no positive one; pass values that are not negative"
            )
    if x.size == 0 or not (x.min() >= 0.0 and x.max() <= upper):
        raise InputError(
            f"points is empty or leaves [0, upper], upper = {upper!r}; pass points within, or "
            "raise upper"
        )
    unit = float(sizes.max())
    sizes = sizes / unit
    if aggregate == "rms":
        unit *= float(np.sqrt(shares.max()))
        sizes = sizes * np.sqrt(shares / shares.max())
    kept = sizes > 0.0
    if not (x[kept] >= _LEAST * upper).any():
        raise InputError(
            f"points has no entry of positive weight and density above {_LEAST} of upper; pass one"
        )
    return x[kept], sizes[kept] / sizes.max(), unit * float(sizes.max())
