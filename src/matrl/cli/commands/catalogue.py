"""``matrl catalogue``: everything that is registered."""

import click

from matrl.cli.console import print_document, print_report, verbose_option
from matrl.report.catalogue import catalogue_document
from matrl.report.catalogue_tables import catalogue_report

__all__ = ["catalogue_command"]


@click.command("catalogue", short_help="List functions, updates, forms and what they cost.")
@click.option(
    "--function",
    metavar="NAME",
    help="Only what serves this function, with the operations of each entry.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with all entries.")
@verbose_option
def catalogue_command(function: str | None, as_json: bool) -> None:
    """List everything registered: functions, updates with their orders and domains, and forms.

    An entry is an update in a form, as a first or a later step for a function. There are too many
    for a table: choose a function, or --json.

    \b
    What computes the inverse square root, and what does each step cost?
      matrl catalogue --function invsqrt
    """
    document = catalogue_document(function)
    if as_json:
        print_document(document)
    else:
        print_report(catalogue_report(document))
