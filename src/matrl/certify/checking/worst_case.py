"""Whether the error of a schedule is within a bound on all of a domain of spectra.

A certificate lists, for every step, intervals it says the iterates are in. The first must have the
whole domain's, and each those the step takes the ones before to; then the error is read off the
last. Where eigenvalues have weights, the whole schedule's error is bounded over the domain.
"""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from matrl.certify.checking.composed import WeightedError
from matrl.certify.checking.documents import (
    Budget,
    Exhausted,
    Refuted,
    flag,
    items,
    member,
    number,
    shown,
    text,
)
from matrl.certify.checking.fixed import Fixed, Interval
from matrl.certify.checking.functions import NORMS
from matrl.certify.checking.images import image
from matrl.certify.checking.maps import Step
from matrl.certify.checking.safety import check_safety
from matrl.certify.checking.schedule import Schedule

__all__ = ["check_worst_case"]

MOST_INTERVALS = 1000
_LEAST_BITS, _MOST_BITS = 256, 4096

Span = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class _Statement:
    bound: Fraction
    norm: str
    domain: tuple[Span, ...]
    ranges: tuple[tuple[Span, ...], ...]


def check_worst_case(schedule: Schedule, said: Any) -> str:
    """Return a sentence if the statement is true.

    Raises :class:`Refuted` if it is false or malformed, :class:`Exhausted` if that is not decided.
    """
    statement = _statement(schedule, said)
    if not schedule.rules:
        return "the only step is a direct method, exact before rounding"
    fixed = Fixed(_bits(schedule, statement))
    budget = Budget()
    k = schedule.function.root_index
    steps = [Step(fixed, k, rule, budget) for rule in schedule.rules]
    if statement.ranges:
        _check_ranges(schedule, statement, steps)
    weights = schedule.function.weights(statement.norm)
    if weights:
        # Roots are what takes the most work on many intervals.
        budget.spend(len(statement.domain) * k * fixed.bits * (1 + fixed.bits // 1024) // 4)
        _check_weighted(schedule, statement, steps, weights)
    else:
        _check_last(statement, schedule.function.power(statement.norm))
    safety = said.get("safety")
    if safety is not None:
        first, last = (
            fixed.root(end * schedule.factor, schedule.function.starting_index)
            for end in (statement.domain[0][0], statement.domain[-1][1])
        )
        check_safety(safety, steps, schedule.rules, (first[0], last[0]))
    return (
        f"in exact arithmetic the {statement.norm} error is at most {shown(statement.bound)} on "
        f"the domain from {shown(statement.domain[0][0])} to {shown(statement.domain[-1][1])}"
    )


def _statement(schedule: Schedule, said: Any) -> _Statement:
    where = "the worst-case statement"
    for name in ("claim", "method"):
        text(member(said, name, where), name)
    claimed = member(said, "bound", where)
    if claimed is None:
        raise Exhausted(f"{where} claims no bound, so there is none to check")
    bound = number(claimed, "the bound")
    if bound < 0:
        raise Refuted("the bound is negative")
    norm = text(member(said, "norm", where), "the norm")
    if norm not in NORMS:
        raise Refuted(f"there is no measure {shown(norm)}")
    if flag(member(said, "relative", where), "relative") != schedule.relative:
        raise Refuted("the domain and the plan differ in whether they are relative to a scaling")
    domain = _spans(member(said, "domain", where), "the domain")
    listed = items(member(said, "ranges", where), "the list of ranges", len(schedule.rules) + 1)
    ranges = tuple(_spans(one, f"the ranges after step {i}") for i, one in enumerate(listed))
    function = schedule.function
    if domain[-1][1] == 0 or (domain[0][0] == 0 and function.carries != "y"):
        raise Refuted("the domain has 0, where the function or this measure of it is not defined")
    weighted = bool(function.weights(norm))
    optional = not schedule.rules or (weighted and not ranges)
    if not optional and len(ranges) != len(schedule.rules) + 1:
        raise Refuted("there are not as many ranges as steps, and one before the first")
    if domain[0][0] > 0 and not weighted and any(spans[0][0] == 0 for spans in ranges):
        raise Refuted("a range has 0, though the domain has not")
    return _Statement(bound, norm, domain, ranges)


def _spans(value: Any, where: str) -> tuple[Span, ...]:
    """Return intervals of numbers >= 0 in increasing order, those that meet made one."""
    spans: list[Span] = []
    for pair in items(value, where, MOST_INTERVALS):
        ends = items(pair, f"an interval of {where}", 2)
        if len(ends) != 2:
            raise Refuted(f"an interval of {where} has not two ends")
        low, high = (number(end, f"an end of {where}") for end in ends)
        if not 0 <= low <= high:
            raise Refuted(f"an interval of {where} does not satisfy 0 <= lower <= upper")
        spans.append((low, high))
    if not spans:
        raise Refuted(f"{where} has no intervals")
    spans.sort()
    merged = spans[:1]
    for low, high in spans[1:]:
        if low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _bits(schedule: Schedule, statement: _Statement) -> int:
    """Return a precision in which the least m, and it times any coefficient, has many digits."""
    k = schedule.function.root_index
    of_domain = [end * schedule.factor for span in statement.domain for end in span if end > 0]
    of_ranges = [end for spans in statement.ranges for span in spans for end in span if end > 0]
    sizes = []
    for ends, power in ((of_domain, k // schedule.function.starting_index), (of_ranges, k)):
        sizes += [end**power for end in (min(ends), max(ends))] if ends else []
    coefficients = [abs(c) for rule in schedule.rules for c in rule.numbers]
    bits = _LEAST_BITS + max(_log2(1 / min(sizes)), 0) + max(_log2(max(coefficients)), 0)
    if max(bits, _log2(max(sizes))) > _MOST_BITS:
        raise Exhausted("the numbers differ too much in size to be checked")
    return bits


def _log2(value: Fraction) -> int:
    """Return the logarithm, rounded up and at most one too large."""
    return value.numerator.bit_length() - value.denominator.bit_length() + 1


def _check_ranges(schedule: Schedule, statement: _Statement, steps: list[Step]) -> None:
    """Raise where some range does not have all it must."""
    k, fixed = schedule.function.starting_index, steps[0].fixed
    powers = [(low**k, high**k) for low, high in statement.ranges[0]]
    for low, high in statement.domain:
        first, last = low * schedule.factor, high * schedule.factor
        place = bisect_right(powers, first, key=lambda power: power[0]) - 1
        if place < 0 or last > powers[place][1]:
            raise Refuted(
                f"the domain from {shown(low)} to {shown(high)} is not within the first ranges"
            )
    for i, step in enumerate(steps, 1):
        # Rounded inward where they must hold something, outward where they are held.
        held = [(fixed.of(low)[0], fixed.of(high)[1]) for low, high in statement.ranges[i - 1]]
        holding = [(fixed.of(low)[1], fixed.of(high)[0]) for low, high in statement.ranges[i]]
        for x in held:
            _check_step(step, x, holding, f"step {i} ({schedule.rules[i - 1].name})")


def _check_step(step: Step, x: Interval, holding: list[Interval], where: str) -> None:
    """Raise where a step does not take an interval into one of those that should hold it."""
    _check_finite(step, x, where)
    start = step.value(x[0])
    place = bisect_right(holding, start[1], key=lambda one: one[0]) - 1
    if place < 0 or start[0] > holding[place][1]:
        raise Refuted(f"{where} takes {_shown(step, x[0])} out of the ranges after it")
    within = holding[place]
    found = image(step, x, within)
    if within[0] <= found.outer[0] and found.outer[1] <= within[1]:
        return
    if found.reached[0] < within[0] or found.reached[1] > within[1]:
        low, high = (_shown(step, end) for end in found.reached)
        raise Refuted(f"{where} takes values from {low} to {high}, beyond the range after it")
    raise Exhausted(f"the range after {where} is too tight to tell whether it holds")


def _check_finite(step: Step, x: Interval, where: str) -> None:
    if not step.multiplier.is_finite(step.m(x)):
        raise Refuted(f"{where} has a pole among the values before it")


def _check_last(statement: _Statement, power: int) -> None:
    low, high = statement.ranges[-1][0][0], statement.ranges[-1][-1][1]
    # Extreme ends decide: beyond x = 1 the error grows, before it falls.
    error = max(abs(_powered(end, power) - 1) for end in (low, high))
    if error > statement.bound:
        raise Refuted(
            f"the last range has an error of {shown(error)}, above the bound "
            f"{shown(statement.bound)}"
        )


def _check_weighted(
    schedule: Schedule, statement: _Statement, steps: list[Step], weights: tuple[int, ...]
) -> None:
    """Raise where a weighted error is, or may be, beyond the bound."""
    fixed, k = steps[0].fixed, schedule.function.starting_index
    power = schedule.function.power(statement.norm)
    spans = [
        (fixed.root(low * schedule.factor, k)[0], fixed.root(high * schedule.factor, k)[1])
        for low, high in statement.domain
    ]
    ends = spans[0][0], spans[-1][1]
    most = fixed.of(statement.bound)[0]
    for x in spans:
        ranges = _images(schedule, steps, x)
        if all(abs(_powered_end(fixed, end, power)) <= most for end in ranges[-1]):
            continue  # no weight exceeds 1
        for exponent in weights:
            error = WeightedError(steps, ranges, power, exponent, ends)
            found = image(error, x, (-most, most))
            reached = max(-found.reached[0], found.reached[1])
            if reached > fixed.of(statement.bound)[1]:
                raise Refuted(
                    f"an eigenvalue has an error of {shown(fixed.number(reached))}, "
                    f"above the bound {shown(statement.bound)}"
                )
            if max(-found.outer[0], found.outer[1]) > most:
                raise Exhausted("the bound is too tight to tell whether it holds")


def _images(schedule: Schedule, steps: list[Step], x: Interval) -> list[Interval]:
    """Return what each step takes an interval to in turn; the image of an interval is one."""
    images = []
    for i, (step, rule) in enumerate(zip(steps, schedule.rules, strict=True), 1):
        _check_finite(step, x, f"step {i} ({rule.name})")
        found = image(step, x)
        if found.reached[0] < 0:
            raise Refuted(f"step {i} ({rule.name}) takes some values below 0")
        x = (max(found.outer[0], 0), found.outer[1])
        images.append(x)
    return images


def _powered(value: Fraction, power: int) -> Fraction:
    return value**power


def _powered_end(fixed: Fixed, end: int, power: int) -> int:
    """Return the greater in size of the ends of an enclosure of end^q - 1."""
    low, high = fixed.power((end, end), power)
    return max(low - fixed.one[0], high - fixed.one[0], key=abs)


def _shown(step: Step, units: int) -> str:
    return shown(step.fixed.number(units))
