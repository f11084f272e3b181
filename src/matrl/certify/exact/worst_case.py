"""How wrong a plan can be in exact arithmetic, on every matrix with its spectrum in a domain.

All matrices of a schedule are functions of A, so that it acts on every eigenvalue (singular value)
by itself, by a composition of scalar maps. Their ranges are enclosed one after the other: the image
of an interval under a composition is the image of the image, and nothing is lost. Where errors are
weighted by the eigenvalue the composition is enclosed as a whole. Rounding is not in it.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from matrl.certify.exact.balls import PRECISION, flint_version, hull_in_balls, require_flint
from matrl.certify.exact.composition import largest_weighted_error
from matrl.certify.exact.intervals import point
from matrl.certify.exact.maps import StepMap, maps_of
from matrl.certify.exact.ranges import FLOOR, Final, Range, image, joined
from matrl.certify.exact.safety import SafetyStatement, certify_safety
from matrl.core.function import MatrixFunction
from matrl.core.measure import Measure, Norm
from matrl.core.plan import PlanRecord
from matrl.errors import InputError
from matrl.functions import FUNCTIONS

__all__ = ["Pairs", "WorstCaseStatement", "certify_worst_case", "is_proved"]

LOOSE = 1e-9
"""How much wider than the true one a range may be at each end where that may do already."""

Pairs = tuple[tuple[float, float], ...]

METHOD_OF_RANGES = "ranges of the steps by branch and bound, float64 intervals rounded outward"
METHOD_OF_CELLS = "mean-value form of the composition, float64 intervals rounded outward"


@dataclass(frozen=True)
class WorstCaseStatement:
    """A bound on the error of a plan in exact arithmetic, coefficients being those stored.

    ``claim`` says it in words. ``domain`` are intervals of eigenvalues (their moduli for sign,
    singular values for polar factors), of the scaled matrix where ``relative``. ``bound`` is in the
    measure ``norm``, ``None`` where nothing is proved. ``ranges`` are those of the iterate before
    the first step and after each, empty where the bound did not come from them.
    """

    claim: str
    bound: float | None
    norm: Norm
    domain: Pairs
    relative: bool
    method: str
    ranges: tuple[Pairs, ...]
    safety: SafetyStatement | None

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-ready data."""
        return asdict(self)


def certify_worst_case(
    plan: PlanRecord, domain: Sequence[Any] | None = None, *, balls: bool | None = None
) -> WorstCaseStatement:
    """Return the worst case of a plan over its domain, or over ``domain``: (l, u) or several such.

    For Hermitian matrices (of any shape for polar factors), whose eigenvectors are orthogonal:
    nothing is offered for matrices that are not normal. In the measure ``"frobenius"`` the bound is
    that of the relative error at each eigenvalue, which the relative error of every matrix is
    within, whatever its density. Ranges are enclosed in ``balls`` of 128 bits at last, by default
    where python-flint is installed: that matters for bounds below 1e-10. Raises
    :class:`~matrl.errors.InputError` for a domain that is none, and
    :class:`~matrl.errors.MissingExtraError` where balls are asked for and not to be had.

    >>> from matrl.core.plan import Domain, Prediction, Scaling, StepRecord
    >>> plan = PlanRecord(
    ...     function="invsqrt",
    ...     dtype="float64",
    ...     shape=(64, 64),
    ...     tol=0.4,
    ...     norm="eigenvalue",
    ...     domain=Domain(0.25, 1.0, relative=False, proved=True),
    ...     scaling=Scaling("constant", 1.0),
    ...     steps=(StepRecord("series-3", "zm", "float64", (1.5, -0.5)),),
    ...     predicted=Prediction(0.0, 0.0, 0.0, ""),
    ... )
    >>> found = certify_worst_case(plan)
    >>> round(found.bound, 12), found.safety.holds  # h(x) = x (3 - x^2)/2 at 1/2
    (0.3125, True)
    """
    function = FUNCTIONS.get(plan.function)
    measure = Measure(plan.norm, function)
    pairs = _checked(domain, plan, measure)
    maps = maps_of(plan.steps, function.root_index)
    starts = [_start(pair, plan, function) for pair in pairs]
    if not maps:
        bound: float | None = 0.0
        return _statement(plan, pairs, bound, "direct method, exact in exact arithmetic", (), None)
    whole = Range(starts[0].lower, starts[-1].upper)
    if not whole.is_bounded:
        return _statement(plan, pairs, None, METHOD_OF_RANGES, (), None)
    safety = certify_safety(plan, function, maps, whole)
    if balls:
        require_flint()
    version = None if balls is False else flint_version()
    final = None if version is None else hull_in_balls
    ranges = _ranges(maps, starts, final)
    bound = _error_of(ranges, measure)
    stored: tuple[Pairs, ...] = ()
    if bound is not None:
        stored = tuple(tuple((r.lower, r.upper) for r in union) for union in ranges)
    method = METHOD_OF_RANGES
    if version is not None:
        method += f", their last cells in balls of {PRECISION} bits (python-flint {version})"
    if _is_weighted(measure):  # weights are at most 1
        weighted = _weighted_error(maps, starts, measure)
        if bound is None or weighted < bound:
            bound, method, stored = _finite(weighted), METHOD_OF_CELLS, ()
    return _statement(plan, pairs, bound, method, stored, safety)


def is_proved(plan: PlanRecord, tol: float) -> bool:
    """Return whether a bound of at most ``tol`` is proved of the error over the plan's domain.

    In the measure ``"frobenius"`` of the error at every eigenvalue, which says more than that of
    a density. Ranges are enclosed loosely first, which is enough where there is room.
    """
    function = FUNCTIONS.get(plan.function)
    measure = Measure(plan.norm, function)
    maps = maps_of(plan.steps, function.root_index)
    starts = [_start((plan.domain.lower, plan.domain.upper), plan, function)]
    if not maps:
        return True
    for slack in (LOOSE, FLOOR):
        bound = _error_of(_ranges(maps, starts, slack=slack), measure)
        if bound is not None and bound <= tol:
            return True
    return _is_weighted(measure) and _weighted_error(maps, starts, measure) <= tol


def _is_weighted(measure: Measure) -> bool:
    """Whether the error has to be followed from its eigenvalue on: a range does not tell it."""
    return measure.is_weighted and measure.norm != "frobenius"


def _ranges(
    maps: Sequence[StepMap],
    starts: Sequence[Range],
    final: Final | None = None,
    *,
    slack: float = FLOOR,
) -> list[list[Range]]:
    """Return the ranges before the first step and after each, up to one that shows no error."""
    ranges = [joined(starts)]
    for step in maps:
        if not all(_is_certain(one, ranges[0]) for one in ranges[-1]):
            break
        ranges.append(joined([image(step, one, final, slack=slack) for one in ranges[-1]]))
    return ranges


def _is_certain(one: Range, first: Sequence[Range]) -> bool:
    """Whether iterates are bounded and surely positive, but for those that were 0 at first."""
    return one.is_bounded and (one.lower > 0.0 or one.lower == first[0].lower)


def _weighted_error(maps: Sequence[StepMap], starts: Sequence[Range], measure: Measure) -> float:
    function = measure.function
    if not all(one.is_bounded for one in starts):
        return math.inf
    exponents = [_whole(s, function) for s in measure.weight_exponents]
    return largest_weighted_error(maps, starts, measure.power, exponents)


def _checked(domain: Sequence[Any] | None, plan: PlanRecord, measure: Measure) -> Pairs:
    if domain is None:
        return ((plan.domain.lower, plan.domain.upper),)
    try:
        given = np.asarray(domain, dtype=np.float64)
        pairs = given.reshape(-1, 2) if given.ndim in (1, 2) and given.size else None
    except (TypeError, ValueError):
        pairs = None
    if pairs is None or (np.asarray(domain).ndim == 2 and np.asarray(domain).shape[1] != 2):
        raise InputError(
            f"domain: must be a pair (lower, upper) or a sequence of such, got {domain!r}"
        )
    least = 0.0 if measure.is_weighted and measure.function.vanishes_at_zero else None
    for lower, upper in pairs:
        if not (lower <= upper < np.inf and (lower > 0.0 or lower == least) and upper > 0.0):
            raise InputError(
                f"domain: needs 0 < lower <= upper < infinity, got [{lower:g}, {upper:g}]"
            )
    union = joined([Range(float(lower), float(upper)) for lower, upper in pairs])
    return tuple((r.lower, r.upper) for r in union)


def _start(pair: tuple[float, float], plan: PlanRecord, function: MatrixFunction) -> Range:
    """Return a range that contains the first iterate of every eigenvalue in the pair."""
    factor = plan.scaling.factor if plan.scaling.kind == "constant" else 1.0
    scaled = [point(np.array(end)) * factor for end in pair]
    low, high = float(scaled[0].lower), float(scaled[1].upper)
    if factor == 1.0:
        low, high = pair
    k = 1 if function.carries == "x" else function.root_index
    return Range(_root(low, k, -np.inf), _root(high, k, np.inf))


def _root(a: float, k: int, towards: float) -> float:
    """Return the float64 number next to a^(1/k) on one side, or a few further."""
    if k == 1 or a <= 0.0 or a == math.inf:
        return max(a, 0.0)
    root = a ** (1.0 / k)
    # Powers are exact: of a subnormal number rounded ones would not tell neighbours apart.
    while (Fraction(root) ** k > a) if towards < 0 else (Fraction(root) ** k < a):
        root = math.nextafter(root, towards)
    return root


def _error_of(ranges: Sequence[Sequence[Range]], measure: Measure) -> float | None:
    """Return the largest |x^q - 1| over the last ranges.

    None where there is no bound, and where an iterate may be negative, as an even power would hide.
    """
    worst = 0.0
    for one in ranges[-1]:
        if not _is_certain(one, ranges[0]):
            return None
        for end in (one.lower, one.upper):
            worst = max(worst, float((point(np.array(end)) ** measure.power - 1.0).magnitude))
    return _finite(worst)


def _whole(exponent: float, function: MatrixFunction) -> int:
    """Return the exponent of x for one of the eigenvalue: always a whole number."""
    return round(exponent * (1 if function.carries == "x" else function.root_index))


def _finite(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None


def _rounded_up(bound: float) -> str:
    """Return a number with six digits that is no less: a claim must be true as it is written."""
    text = f"{bound:.6g}"
    return text if float(text) >= bound else f"{bound * (1.0 + 1e-5):.6g}"


def _statement(
    plan: PlanRecord,
    pairs: Pairs,
    bound: float | None,
    method: str,
    ranges: tuple[Pairs, ...],
    safety: SafetyStatement | None,
) -> WorstCaseStatement:
    of = {"hermitian": "moduli of eigenvalues", "rectangular": "singular values"}
    function = FUNCTIONS.get(plan.function)
    what = of.get(function.structure, "eigenvalues")
    kind = "matrix" if function.structure == "rectangular" else "Hermitian matrix"
    where = " or ".join(f"[{lower!r}, {upper!r}]" for lower, upper in pairs)
    where += " or are 0" if plan.domain.has_zero else ""
    scaled = " after the plan's scaling" if plan.domain.relative else ""
    most = (
        f"is at most {_rounded_up(bound)}" if bound is not None else "is unknown: nothing is proved"
    )
    claim = (
        f"In exact arithmetic, for every {kind} whose {what}{scaled} lie in {where}, the error of "
        f"{plan.function} in the measure {plan.norm!r} {most}."
    )
    return WorstCaseStatement(
        claim, bound, plan.norm, pairs, plan.domain.relative, method, ranges, safety
    )
