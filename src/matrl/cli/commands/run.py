"""``matrl run``: a plan on matrices from a file."""

from pathlib import Path
from typing import Any, get_args

import click
import numpy as np

from matrl.cli.console import print_document, print_report, quiet, tell, verbose_option
from matrl.cli.files import check_output, load_array, naming, save_array, save_arrays
from matrl.execute.executor import RankDeficient, Verify
from matrl.functions import FUNCTIONS
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
@click.option(
    "--rank-deficient",
    type=click.Choice(get_args(RankDeficient)),
    default="refuse",
    show_default=True,
    help="Refuse a singular matrix, or apply the function on its range.",
)
@click.option(
    "--rank-threshold",
    type=float,
    metavar="R",
    help="With 'pseudo': what is at most R times the largest counts as zero.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@verbose_option
def run_command(
    plan: Path,
    matrix: Path,
    output: Path,
    verify: Any,
    rank_deficient: Any,
    rank_threshold: float | None,
    as_json: bool,
) -> int:
    """Run a plan on the matrix (m, n), or the stack (..., m, n), in A.npy.

    The result has A's dtype. Two results (of sqrt+invsqrt, polar-right, polar-left) are saved as
    one .npz archive under their names. In a stack, matrices that cannot be computed are refused:
    their entries become NaN, the others are saved, and the exit code is 1.
    """
    target = check_output(output)
    recorded = Plan.load(plan)
    a = load_array(matrix)
    with naming("A", matrix), quiet("matrl.execute"):  # the report has these messages
        solution = recorded.run(
            a, verify=verify, rank_deficient=rank_deficient, rank_threshold=rank_threshold
        )
    names = FUNCTIONS.get(recorded.function).outputs
    if isinstance(solution.value, tuple):
        save_arrays(target, dict(zip(names, solution.value, strict=True)))
    else:
        save_array(target, np.asarray(solution.value))
    if as_json:
        print_document(
            {
                "function": recorded.function,
                "shape": list(a.shape),
                "dtype": a.dtype.name,
                "verify": verify,
                **solution_document(solution),
                "outputs": list(names),
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
