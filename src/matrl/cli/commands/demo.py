"""``matrl demo``: the demonstration."""

import math
from pathlib import Path

import click

from matrl.cli.console import verbose_option
from matrl.errors import InputError

__all__ = ["demo"]


@click.command("demo", short_help="Run the demonstration.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    metavar="FOLDER",
    help="Where results and figures go.",
)
@click.option(
    "--time-limit",
    type=float,
    default=10.0,
    show_default=True,
    metavar="S",
    help="Seconds for each search.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of matrices and searches.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@verbose_option
def demo(output: Path, time_limit: float, seed: int, as_json: bool) -> int:
    """Whiten patches of photographs with discovered plans, against NumPy and SciPy."""
    if not (math.isfinite(time_limit) and time_limit > 0.0):
        raise InputError(f"time_limit: must be a positive number of seconds, got {time_limit:g}")
    if seed < 0:
        raise InputError(f"seed: must be an integer >= 0, got {seed}")
    # Here, because the demonstration imports optional dependencies.
    from matrl.demo import run_demo

    return run_demo(output, time_limit=time_limit, seed=seed, json_output=as_json)
