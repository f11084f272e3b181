"""Whether maps behave beyond the domain: positive, and in the end not far above 1."""

from collections.abc import Sequence
from typing import Any

from matrl.certify.checking.documents import Exhausted, Refuted, flag, member, number, shown
from matrl.certify.checking.fixed import Interval
from matrl.certify.checking.images import image
from matrl.certify.checking.maps import Positivity, Rule, Step

__all__ = ["check_safety"]


def check_safety(said: Any, steps: Sequence[Step], rules: Sequence[Rule], start: Interval) -> None:
    """Raise where a schedule is not as safe as it says on (0, upper].

    ``start`` are the first iterates, none of which may be beyond. A step with a pole at 0 has no
    value there: then on what is no less than the least of them.
    """
    where = "the safety statement"
    if not flag(member(said, "holds", where), "holds"):
        return  # nothing is claimed, and there may be no largest value
    upper, largest, allowed = (
        number(member(said, name, where), name) for name in ("upper", "largest", "allowed")
    )
    if largest > allowed:
        raise Refuted(f"{where} says it holds, but its largest value is above the one allowed")
    if upper <= 0:
        raise Refuted(f"{where} has an upper end that is not positive")
    fixed = steps[0].fixed
    if fixed.of(upper)[1] < start[1]:
        raise Refuted(f"{where} ends at {shown(upper)}, below the first iterate of some eigenvalue")
    low = start[0] if any(rule.has_pole_at_zero for rule in rules) else 0
    x = low, max(fixed.of(upper)[1], low)
    reached = 0
    for i, (step, rule) in enumerate(zip(steps, rules, strict=True), 1):
        name = f"step {i} ({rule.name})"
        m = step.m(x)
        if not step.multiplier.is_finite(m):
            raise Refuted(f"{name} has a pole on the safe domain")
        most = m[1] << 4 * fixed.bits
        positive = image(Positivity(step), m, (1, most))
        if positive.reached[0] <= 0:
            raise Refuted(f"{name} is not positive on all of the safe domain")
        if positive.outer[0] <= 0 or positive.reached[1] > most:
            raise Exhausted(f"whether {name} is positive on the safe domain is not decided")
        found = image(step, x)
        x, reached = (max(found.outer[0], 0), found.outer[1]), found.reached[1]
    if reached > fixed.of(largest)[1]:
        value = fixed.number(reached)
        raise Refuted(f"the map reaches {shown(value)} on the safe domain, above {shown(largest)}")
    if x[1] > fixed.of(largest)[0]:
        raise Exhausted(
            "the largest value on the safe domain is too tight to tell whether it holds"
        )
