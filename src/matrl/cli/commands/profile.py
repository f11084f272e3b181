"""``matrl profile``: what the operations cost on this machine."""

import math
from pathlib import Path

import click

from matrl.backends.libraries import LIBRARIES, Library, kernels_of
from matrl.cli.console import print_report, status_line, tell, verbose_option
from matrl.cli.files import check_output
from matrl.core.precision import PRECISIONS
from matrl.errors import InputError
from matrl.profile import OperationTime, Profile, measurable_dtypes, store_cached
from matrl.profile.measure import machine_entries, profile_name
from matrl.report import profile_report

__all__ = ["profile_command"]


@click.command("profile", short_help="Measure what operations cost on this machine.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="P.json")
@click.option("--json", "as_json", is_flag=True, help="Print the profile's JSON document.")
@click.option(
    "--budget",
    type=float,
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds to measure at most.",
)
@click.option(
    "--library",
    type=click.Choice(LIBRARIES),
    default="numpy",
    show_default=True,
    help="Whose kernels to measure; those of torch and jax in bfloat16 and float16 too.",
)
@verbose_option
def profile_command(output: Path | None, as_json: bool, budget: float, library: str) -> int:
    """Measure this machine's prices, keep them for discover, and print them.

    Ctrl-C ends the measurement; what has been measured is kept.
    """
    target = None if output is None else check_output(output)
    if not (math.isfinite(budget) and budget > 0.0):
        raise InputError(f"budget: must be a positive number of seconds, got {budget:g}")
    kernels = kernels_of(library)
    profile, interrupted = _measured(budget, kernels)
    if not profile.entries:
        raise KeyboardInterrupt
    if target is not None:
        profile.save(target)
    cached = store_cached(profile, kernels)
    if as_json:
        click.echo(profile.to_json(), nl=False)
    else:
        print_report(profile_report(profile))
    if interrupted:
        tell(f"interrupted: the {len(profile.entries)} prices measured so far are kept")
    for path in (output, cached):
        if path is not None and not as_json:
            tell(f"profile saved to {path}")
    return 130 if interrupted else 0


def _measured(budget: float, library: Library | None) -> tuple[Profile, bool]:
    dtypes = [name for name in PRECISIONS if name in measurable_dtypes(library)]
    entries: list[OperationTime] = []
    interrupted = False
    with status_line() as show:

        def progress(done: int, total: int, what: str) -> None:
            show(f"measuring {done}/{total}: {what}  (Ctrl-C ends early)")

        try:
            for entry in machine_entries(progress, budget, dtypes, library):
                entries.append(entry)
        except KeyboardInterrupt:
            interrupted = True
    return Profile(profile_name(library), tuple(entries)), interrupted
