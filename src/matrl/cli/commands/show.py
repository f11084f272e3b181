"""``matrl show``: what is in a plan."""

from pathlib import Path

import click

from matrl.cli.console import print_report, verbose_option
from matrl.plan import Plan
from matrl.report import plan_report

__all__ = ["show_command"]


@click.command("show", short_help="Show what is in a plan.")
@click.argument("plan", metavar="PLAN.json", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the plan's JSON document.")
@verbose_option
def show_command(plan: Path, as_json: bool) -> None:
    """Show a plan: what it is for, its steps, what was predicted and measured."""
    recorded = Plan.load(plan)
    if as_json:
        click.echo(recorded.to_json())
    else:
        print_report(plan_report(recorded))
