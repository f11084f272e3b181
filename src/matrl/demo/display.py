"""The demonstration as tables to print."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from matrl.demo.patches import Split
from matrl.demo.summary import PLAN, UNGUARDED
from matrl.profile import Profile
from matrl.report.tables import facts_table, new_table
from matrl.report.units import in_engineering_units, significant

__all__ = ["data_table", "prices_table", "result_report"]


def data_table(split: Split) -> Table:
    """Return the regions with the ends of their spectra."""
    columns = ("region", "use", "patches", "smallest", "largest", "condition")
    table = new_table(*columns, right=columns[2:], title="Covariances of patches, with ridge")
    for use, samples in (("discovery", split.training), ("held out", split.held_out)):
        for s in samples:
            numbers = (significant(s.smallest), significant(s.largest), f"{s.condition:.3g}")
            table.add_row(s.region.name, use, str(s.patches), *numbers)
    return table


def prices_table(profile: Profile, n: int) -> Table:
    """Return what the operations that matter cost at one size."""
    table = new_table("operation", "float32", "float64", right=("float32", "float64"))
    table.title = f"Prices on this machine, n = {n}"
    for op in ("matmul", "matmul_herm", "inv_spd", "eigh", "add"):
        prices = (profile.seconds(op, dtype, n) for dtype in ("float32", "float64"))
        table.add_row(op, *("-" if p is None else in_engineering_units(p) for p in prices))
    return table


def result_report(summary: dict[str, Any], files: Sequence[str]) -> RenderableType:
    """Return the comparison and the verdicts, from the content of ``summary.json``."""
    return Group(_comparison(summary), facts_table(_facts(summary, files)))


def _comparison(s: dict[str, Any]) -> Table:
    columns = ("route", "time", "error", f"<= {s['tol']:g}", "time / plan [95 %]")
    table = new_table(*columns, right=("time", "error", columns[4]))
    table.title = f"Held-out matrices, {s['repetitions']} interleaved rounds, medians"
    own = (
        (PLAN, s["seconds_plan"], "1"),
        (UNGUARDED, s["seconds_plan_unguarded"], ""),
    )
    error = s["measured_error"]
    for name, seconds, over in own:
        table.add_row(*_row(name, seconds, error, error <= s["tol"], over), style="bold")
    for name, route in s["routes"].items():
        value, lower, upper = route["seconds_over_plan"]
        over = f"{value:.2f} [{lower:.2f}, {upper:.2f}]"
        label = f"{name} *" if name == s["best_direct"] else name
        table.add_row(*_row(label, route["seconds"], route["error"], route["meets_tol"], over))
    return table


def _row(name: str, seconds: float, error: float | None, meets: bool, over: str) -> list[str]:
    return [name, in_engineering_units(seconds), significant(error), "yes" if meets else "NO", over]


def _facts(s: dict[str, Any], files: Sequence[str]) -> list[tuple[str, object]]:
    machine = s["machine"]
    facts: list[tuple[str, object]] = [
        ("status", f"{s['status']}, residual {significant(s['residual'])}"),
        (
            "error",
            f"predicted {s['predicted_error']:.3g} + rounding {s['predicted_rounding']:.2g}, "
            f"measured {s['measured_error']:.3g} (tol {s['tol']:g})",
        ),
        (
            "time",
            f"predicted {in_engineering_units(s['predicted_seconds'])} without the guard, measured "
            f"{in_engineering_units(s['seconds_plan_unguarded'])}; with it "
            f"{in_engineering_units(s['seconds_plan'])}",
        ),
        (
            "variances",
            f"after whitening at most {s['whitened_deviation']:.2%} from 1 "
            f"(allowed {s['whitened_limit']:.2%})",
        ),
        ("ratio", _ratio(s)),
        (
            "search",
            f"{in_engineering_units(s['search_seconds'])} for discover, of which "
            f"{in_engineering_units(s['search_seconds_planner'])} the search; "
            + ("proved optimal" if s["optimal"] else "not proved optimal"),
        ),
        ("break even", _break_even(s)),
    ]
    facts += [(f"note, {o['region']}", o["message"]) for o in s["held_out"] if o["message"]]
    facts += [
        (
            "timing",
            f"one process, same threads; {1e3 * s['pause_seconds']:.0f} ms of sleep before every "
            "call, since NumPy's and SciPy's BLAS threads spin for a while and slow each other",
        ),
        (
            "machine",
            f"{machine['processor']}, {machine['usable_cores']} cores, {s['threads']} BLAS "
            f"threads, {machine['blas']}; load average before timing {s['load_average']}",
        ),
        ("versions", ", ".join(f"{k} {v}" for k, v in s["versions"].items() if k != "blas")),
        ("files", ", ".join(files)),
    ]
    return facts


def _ratio(s: dict[str, Any]) -> str:
    if s["ratio"] is None:
        return "no direct route meets the tolerance"
    lower, upper = s["ratio_interval"]
    return (
        f"{s['ratio']:.2f} [{lower:.2f}, {upper:.2f}]: {s['best_direct']}, the fastest direct "
        "route within tolerance (*), over the plan with its guard"
    )


def _break_even(s: dict[str, Any]) -> str:
    if s["break_even_calls"] is None:
        return "never: the plan is no faster than the best direct route here"
    return (
        f"after {s['break_even_calls']} calls; {s['break_even_calls_with_profile']} with the "
        f"{in_engineering_units(s['profile_seconds'])} of profiling"
        + (" (cached)" if s["profile_cached"] else "")
    )
