"""``matrl run``: a plan on matrices from a file."""

from pathlib import Path
from typing import Any, get_args

import click
import numpy as np

from matrl.cli.console import print_document, print_report, quiet, tell, verbose_option
from matrl.cli.files import check_output, load_array, naming, save_array
from matrl.execute.executor import Verify
from matrl.plan import Plan
from matrl.report import solution_document, solution_report, status_counts

__all__ = ["run_command"]

_FILE = click.Path(path_type=Path)


@click.command("run", short_help="Run a plan on the matrices in a file.")
@click.argument("plan", metavar="PLAN.json", type=_FILE)
@click.argument("matrix", metavar="A.npy", type=_FILE)
@click.option(
    "-o", "--output", type=_FILE, required=True, metavar="F.npy", help="Where to save the result."
)
@click.option(
    "--verify",
    type=click.Choice(get_args(Verify)),
    default="sketch",
    show_default=True,
    help="How to check: a sketched residual, a proof from the whole residual, or not at all.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@verbose_option
def run_command(plan: Path, matrix: Path, output: Path, verify: Any, as_json: bool) -> int:
    """Run a plan on the matrix (n, n), or the stack (..., n, n), in A.npy.

    The result has A's shape and dtype. In a stack, matrices that cannot be computed are refused:
    their entries become NaN, the others are saved, and the exit code is 1.
    """
    target = check_output(output)
    recorded = Plan.load(plan)
    a = load_array(matrix)
    with naming("A", matrix), quiet("matrl.execute"):  # the report has these messages
        solution = recorded.run(a, verify=verify)
    save_array(target, np.asarray(solution.value))
    if as_json:
        print_document(
            {
                "function": recorded.function,
                "shape": list(a.shape),
                "dtype": a.dtype.name,
                "verify": verify,
                **solution_document(solution),
                "output": str(output),
            }
        )
    else:
        print_report(solution_report(solution))
        tell(f"result saved to {output}")
    counts = status_counts(solution)
    refused = counts.get("refused", 0)
    if refused:
        tell(f"warning: {refused} of {sum(counts.values())} matrices were refused")
    return 1 if refused else 0
