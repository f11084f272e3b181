"""``matrl show``: what is in a plan, or in the log of a search."""

from pathlib import Path

import click

from matrl.cli.console import print_document, print_report, verbose_option
from matrl.plan import Plan
from matrl.report import plan_report, search_report
from matrl.search.log import is_log
from matrl.search.parallel.logs import read_logs

__all__ = ["show_command"]


@click.command("show", short_help="Show what is in a plan, or in the log of a search.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@verbose_option
def show_command(file: Path, as_json: bool) -> None:
    """Show FILE, a plan (plan.json) or the log of a search (search.jsonl).

    Of a plan: what it is for, its steps, what was predicted and measured. Of a search: what it was
    for, how its best plan improved, the best lines of its tree, and the front. Of a search by
    several workers, FILE is the log of the first; the others are read from beside it.
    """
    if is_log(file):
        search, *others = read_logs(file)
        if as_json:
            document = search.to_dict()
            if others:
                document["workers"] = [search.to_dict(), *(one.to_dict() for one in others)]
            print_document(document)
        else:
            print_report(search_report(search, others))
        return
    recorded = Plan.load(file)
    if as_json:
        click.echo(recorded.to_json())
    else:
        print_report(plan_report(recorded))
