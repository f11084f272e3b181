"""What discovery found, as tables."""

from rich.console import Group, RenderableType

from matrl.core.plan import PlanRecord
from matrl.discovery import Found
from matrl.report.plans import describe_domain, describe_scaling, measured, steps_table
from matrl.report.tables import facts_table, new_table, text
from matrl.report.units import in_engineering_units

__all__ = ["found_report", "front_report", "race_table"]


def found_report(found: Found, *, in_seconds: bool) -> RenderableType:
    """Return a finding, for ``matrl discover``.

    ``in_seconds``: the prices were measured here; otherwise the cost is in the unit of the profile.
    """
    plan = found.plan
    predicted = plan.predicted
    cost = in_engineering_units(found.cost) if in_seconds else f"{found.cost:.6g}"
    facts: list[tuple[str, object]] = [
        ("cost", f"{cost} at the prices of {predicted.profile!r}"),
        ("predicted", f"error {found.error:.3g} + rounding {predicted.rounding:.3g}"),
        ("tol", f"{plan.tol:g} ({plan.norm})"),
        ("domain", describe_domain(plan.domain, plan.function)),
        ("scaling", describe_scaling(plan.scaling)),
        ("search", f"{found.nodes} nodes in {in_engineering_units(found.search_seconds)}"),
        ("optimal", _optimality(found)),
        ("measured", measured(plan)),
    ]
    m, n = plan.shape
    batch = f"{plan.batch} x " if plan.batch > 1 else ""
    head = facts_table([("function", f"{plan.function}, {plan.dtype}, {batch}({m}, {n})")])
    parts = [head, steps_table(plan), facts_table(facts)]
    return Group(*parts, race_table(found)) if found.race else Group(*parts)


def race_table(found: Found) -> RenderableType:
    """Return a table of the race: predicted and measured times and errors of each finalist."""
    numbers = ("predicted", "measured", "predicted/measured", "error")
    table = new_table("status", *numbers, "steps", right=numbers, title="race")
    for entry in found.race:
        seconds, ratio = entry.seconds, entry.ratio
        table.add_row(
            entry.status,
            in_engineering_units(entry.plan.predicted.cost),
            "-" if seconds is None else in_engineering_units(seconds),
            "-" if ratio is None else f"{ratio:.2f}",
            f"{entry.error:.3g}",
            text(_steps_in_words(entry.plan)),
        )
    return table


def front_report(found: Found, *, in_seconds: bool) -> RenderableType:
    """Return the plans of a finding's front as a table, for ``matrl discover --front``."""
    numbers = ("cost", "error", "rounding")
    table = new_table(*numbers, "steps", right=numbers, title="front")
    for plan in found.front:
        predicted = plan.predicted
        cost = predicted.cost
        table.add_row(
            in_engineering_units(cost) if in_seconds else f"{cost:.6g}",
            f"{predicted.error:.3g}",
            f"{predicted.rounding:.2g}",
            text(_steps_in_words(plan)),
        )
    return table


def _steps_in_words(plan: PlanRecord) -> str:
    return ", ".join(f"{s.name} ({s.form}, {s.precision})" for s in plan.steps)


def _optimality(found: Found) -> str:
    if found.interrupted:
        return "not proved (the search was interrupted)"
    if found.refined:
        return "not proved (steps and coefficients were optimised together, after the search)"
    if not found.optimal:
        return "not proved"
    if found.minimized == "error":
        return "yes: no allowed schedule within the budget has a smaller error, step by step"
    cheapest = min((plan.predicted.cost for plan in found.finalists), default=found.cost)
    if found.cost > cheapest * (1.0 + 1e-9):
        # The race is between plans of about the same price; it may prefer a dearer one.
        return "the search was exhaustive; of the cheapest schedules this one ran fastest"
    if found.is_by_rules:
        return "yes: no allowed schedule, with coefficients by its rules, has a lower cost"
    return "yes: no allowed schedule has a lower cost"
