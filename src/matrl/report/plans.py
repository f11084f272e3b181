"""A plan as tables."""

import math

from rich.console import Group, RenderableType
from rich.table import Table

from matrl.core.plan import Domain, PlanRecord, Scaling
from matrl.functions import FUNCTIONS
from matrl.report.tables import facts_table, new_table, text
from matrl.report.units import in_engineering_units, significant

__all__ = ["abbreviated", "describe_domain", "describe_scaling", "plan_report", "steps_table"]

_SHOWN_COEFFICIENTS = 4


def abbreviated(coefficients: tuple[float, ...]) -> str:
    """Return the first coefficients with five digits, and how many there are if not all.

    >>> abbreviated((1.5, -0.5)), abbreviated((1.0, 2.0, 3.0, 4.0, 5.0))
    ('1.5, -0.5', '1, 2, 3, 4, ... (5)')
    """
    shown = ", ".join(f"{c:.5g}" for c in coefficients[:_SHOWN_COEFFICIENTS])
    if len(coefficients) > _SHOWN_COEFFICIENTS:
        return f"{shown}, ... ({len(coefficients)})"
    return shown or "-"


def describe_domain(domain: Domain, function: str = "") -> str:
    """Return the interval of eigenvalues (singular values) a plan is for, in words.

    >>> describe_domain(Domain(1e-4, 1.0, relative=False, proved=True))
    'eigenvalues in [0.0001, 1]'
    >>> describe_domain(Domain(0.5, 1.0, relative=False, proved=True), "polar")
    'singular values in [0.5, 1]'
    >>> describe_domain(Domain(0.5, 1.0, relative=False, proved=False, has_zero=True), "sqrt")
    'eigenvalues in [0.5, 1] or 0'
    """
    structure = FUNCTIONS.get(function).structure if function else "positive"
    what = {"rectangular": "singular values", "hermitian": "moduli of eigenvalues"}
    ends = f"[{domain.lower:.6g}, {domain.upper:.6g}]"
    source = {"interval": "", "samples": ", from samples", "matrices": ", from matrices"}
    zero = " or 0" if domain.has_zero else ""
    scaled = " after scaling" if domain.relative else ""
    return f"{what.get(structure, 'eigenvalues')} in {ends}{zero}{scaled}{source[domain.kind]}"


def describe_scaling(scaling: Scaling) -> str:
    """Return what is done to a matrix before the first step, in words.

    >>> describe_scaling(Scaling("constant", 0.25))
    'multiplied by 2^-2'
    """
    if scaling.kind == "constant":
        if scaling.factor == 1.0:
            return "none"
        mantissa, exponent = math.frexp(scaling.factor)
        power = f"2^{exponent - 1}" if mantissa == 0.5 else f"{scaling.factor:g}"
        return f"multiplied by {power}"
    if scaling.kind == "lanczos":
        return (
            "divided by an upper bound from Lanczos steps "
            f"(fails with probability {scaling.failure_probability:.1e})"
        )
    names = {"frobenius": "Frobenius norm", "one-norm": "1-norm", "gershgorin": "Gershgorin bound"}
    loose = f", {scaling.looseness:.3g} times its norm" if scaling.looseness > 1.0 else ""
    return f"divided by its {names[scaling.kind]}{loose}"


def steps_table(plan: PlanRecord, *, coefficients: bool = False) -> Table:
    """Return a table of the steps: name, form, precision, error after each.

    ``coefficients`` adds a column with them, abbreviated.
    """
    columns = ["#", "step", "form", "precision", "product", "error after"]
    if coefficients:
        columns.append("coefficients")
    table = new_table(*columns, right=("#", "error after"))
    for number, step in enumerate(plan.steps, 1):
        cells = [str(number), step.name, step.form, step.precision, step.product]
        cells.append(significant(step.error))
        if coefficients:
            cells.append(abbreviated(step.coefficients))
        table.add_row(*(text(cell) for cell in cells))
    return table


def plan_report(plan: PlanRecord) -> RenderableType:
    """Return everything a plan says, for ``matrl show``."""
    predicted, made = plan.predicted, plan.provenance
    m, n = plan.shape
    head: list[tuple[str, object]] = [
        ("plan", plan.id),
        ("function", plan.function),
        ("dtype", plan.dtype),
        ("domain", describe_domain(plan.domain, plan.function)),
        ("scaling", describe_scaling(plan.scaling)),
        ("tol", f"{plan.tol:g} ({plan.norm})"),
    ]
    foot: list[tuple[str, object]] = [
        ("predicted", f"error {predicted.error:.3g} + rounding {predicted.rounding:.3g}"),
        ("cost", f"{predicted.cost:.4g} at the prices of {predicted.profile!r}"),
        ("priced for", f"{plan.batch} x ({m}, {n})"),
        ("measured", measured(plan)),
        ("found by", _provenance(plan)),
        ("search", "exhaustive" if made.optimal else "not exhaustive"),
    ]
    return Group(facts_table(head), steps_table(plan, coefficients=True), facts_table(foot))


def measured(plan: PlanRecord) -> str:
    """Return the error and time of the race in words."""
    made = plan.provenance
    if made.measured_error is None and made.measured_seconds is None:
        return "no race was run"
    seconds = made.measured_seconds
    time = "-" if seconds is None else in_engineering_units(seconds)
    what = "a matrix" if plan.batch == 1 else f"a batch of {plan.batch}"
    ratio = made.predicted_over_measured
    known = "" if ratio is None else f" (predicted/measured {ratio:.3g})"
    return f"error {significant(made.measured_error)}, {time} {what}{known}"


def _provenance(plan: PlanRecord) -> str:
    made = plan.provenance
    searched = in_engineering_units(made.search_seconds)
    version = made.version or "of unknown version"
    return f"matrl {version}, seed {made.seed}, {made.nodes} nodes in {searched}"
