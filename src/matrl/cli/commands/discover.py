"""``matrl discover``: from a question to a plan."""

import math
from pathlib import Path
from typing import Any

import click

from matrl.backends.libraries import LIBRARIES
from matrl.cli.console import print_document, print_report, status_line, tell, verbose_option
from matrl.cli.files import check_output
from matrl.cli.spectrum_options import naming_files, spectrum_of
from matrl.core.precision import DTYPES, PRECISIONS
from matrl.discovery import Found, Problem, discover
from matrl.discovery.problem.problem import NORMS
from matrl.errors import InputError
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES
from matrl.profile import Profile
from matrl.report import found_report, front_report, in_engineering_units
from matrl.report.catalogue_tables import families
from matrl.search import PLANNERS, Progress
from matrl.search.journal import checkpoint_of

__all__ = ["discover_command"]

_FILE = click.Path(path_type=Path)
_ACTIONS = ", ".join(families(({"name": update.name} for update in UPDATES), lambda row: "D"))


@click.command(
    "discover",
    short_help="Find the fastest algorithm for a matrix function.",
    help="""Find the fastest algorithm for FUNCTION and print it.

    FUNCTION is inv, sqrt, invsqrt, root-P or "root(P)", invroot-P, power-Q/P or "power(-Q/P)" (P up
    to 64), sign, polar, or one of the pairs sqrt+invsqrt, polar-right (U and H of A = U H) and
    polar-left (U and P of A = P U); see matrl catalogue.

    The spectrum comes from exactly one of --interval, --samples and --matrices. Without --profile
    this machine's prices are measured (once) and the best plans race on real matrices.

    \b
    Examples:
      matrl discover invsqrt --interval 1e-4 1 --n 512 --tol 1e-6 -o plan.json
      matrl discover inv --matrices A.npy --matrices B.npy --dtype float32 --json
      matrl discover polar --interval 1e-3 1 --shape 2048 512 --norm frobenius --tol 1e-2
    """,
    epilog=f"Actions that --allow chooses from: {_ACTIONS}.",
)
@click.argument("function")
@click.option(
    "--interval",
    nargs=2,
    type=float,
    metavar="LO HI",
    help="Eigenvalues in [LO, HI]; their moduli for sign, singular values for polar.",
)
@click.option(
    "--samples",
    type=_FILE,
    metavar="F.npy",
    help="Exactly the eigenvalues in a file; 0 is one for roots and positive powers.",
)
@click.option(
    "--matrices",
    type=_FILE,
    multiple=True,
    metavar="F.npy",
    help="Spectra like those of a matrix (m, n) or a stack (..., m, n); may be repeated.",
)
@click.option(
    "--tol",
    type=float,
    help="Largest error allowed; with --minimize error, where the default is none, an error small "
    "enough to end the search.  [default: 1e-06]",
)
@click.option("--dtype", type=click.Choice(DTYPES), default="float64", show_default=True)
@click.option("--n", type=int, help="Order of the matrices; sets prices and rounding.")
@click.option(
    "--shape", nargs=2, type=int, metavar="M N", help="The same, as a shape; M x N for polar."
)
@click.option("--batch", type=int, default=1, show_default=True, help="Matrices at once.")
@click.option("--profile", type=_FILE, metavar="P.json", help="Prices to use; nothing is measured.")
@click.option(
    "--allow",
    default="*",
    show_default=True,
    metavar="GLOB,...",
    help="Actions to choose from, as shell-style patterns.",
)
@click.option(
    "--precision",
    metavar="LIST",
    help=f"Precisions steps may work in: {','.join(PRECISIONS)} (the first two "
    "where --profile, or --library with kernels in them, prices them).  [default: all]",
)
@click.option(
    "--library",
    type=click.Choice(LIBRARIES),
    default="numpy",
    show_default=True,
    help="Whose arrays the plan will run on: its kernels are priced and raced.",
)
@click.option(
    "--norm",
    type=click.Choice(NORMS),
    default=NORMS[0],
    show_default=True,
    help="Error measure: relative at each eigenvalue, or of the whole matrix.",
)
@click.option("--steps", type=int, metavar="K", help="Largest number of steps.")
@click.option(
    "--time-limit",
    type=float,
    default=10.0,
    show_default=True,
    metavar="S",
    help="Seconds to search.",
)
@click.option("--nodes", type=int, metavar="N", help="Simulated steps to search.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the search.")
@click.option(
    "--planner",
    type=click.Choice(list(PLANNERS)),
    default="mcts",
    show_default=True,
    help="Search.",
)
@click.option(
    "--minimize",
    type=click.Choice(["cost", "error"]),
    default="cost",
    show_default=True,
    help="The cost for --tol, or the error for --budget or --steps (then --tol is optional).",
)
@click.option("--budget", type=float, metavar="COST", help="Largest cost, with --minimize error.")
@click.option(
    "--expected-calls",
    type=float,
    metavar="N",
    help="Runs the plan is for: end where searching on costs more than it can save them.",
)
@click.option("--workers", type=int, metavar="N", help="Processes to search with.  [default: 1]")
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Search on a Ray cluster, or 'local': Ray on this machine; one worker a core.",
)
@click.option(
    "--deterministic",
    is_flag=True,
    help="Same result by as many workers with the same --seed and --nodes (needed).",
)
@click.option(
    "--log",
    type=_FILE,
    metavar="search.jsonl",
    help="Write the search down here (see matrl show), and checkpoints beside it; the second of "
    "several workers in search.jsonl.2, and so on.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the search of --log from its checkpoint, for another --time-limit; --nodes "
    "counts from its start.",
)
@click.option("--front", is_flag=True, help="Print the plans no other beats in cost and error.")
@click.option("-o", "--output", type=_FILE, metavar="plan.json", help="Where to save the plan.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@verbose_option
def discover_command(
    function: str,
    interval: tuple[float, float] | None,
    samples: Path | None,
    matrices: tuple[Path, ...],
    tol: float | None,
    dtype: Any,
    n: int | None,
    shape: tuple[int, int] | None,
    batch: int,
    profile: Path | None,
    allow: str,
    precision: str | None,
    library: str,
    norm: Any,
    steps: int | None,
    time_limit: float,
    nodes: int | None,
    seed: int,
    planner: str,
    minimize: Any,
    budget: float | None,
    expected_calls: float | None,
    workers: int | None,
    ray: str | None,
    deterministic: bool,
    log: Path | None,
    resume: bool,
    front: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Find the fastest algorithm for a function and print it."""
    target = None if output is None else check_output(output)
    if seed < 0:
        raise InputError(f"seed: must be an integer >= 0, got {seed}")
    FUNCTIONS.get(function)  # before any file is read
    sides = _sides(n, shape, bool(matrices))
    prices = None if profile is None else Profile.load(profile)
    spectrum = spectrum_of(interval, samples, matrices)
    with naming_files(samples, matrices):
        problem = Problem(
            function,
            spectrum,
            tol=tol,
            dtype=dtype,
            shape=sides,
            batch=batch,
            norm=norm,
            library=library,
        )
    with status_line() as show:
        show("searching" if prices else "pricing the operations of this machine")
        found = discover(
            problem,
            profile=prices,
            allow=allow,
            precision=precision,
            steps=steps,
            time_limit=time_limit,
            nodes=nodes,
            seed=seed,
            planner=planner,
            minimize=minimize,
            budget=budget,
            expected_calls=expected_calls,
            workers=workers,
            ray=ray,
            deterministic=deterministic,
            progress=lambda progress: show(_line(progress, prices is None, minimize)),
            log=log,
            resume=resume,
        )
    if log is not None and found.interrupted:
        tell(f"the search goes on from {checkpoint_of(log)} with --resume")
    _deliver(found, output, target, as_json, front=front, in_seconds=prices is None)


def _deliver(
    found: Found,
    output: Path | None,
    target: Path | None,
    as_json: bool,
    *,
    front: bool,
    in_seconds: bool,
) -> None:
    if target is not None:
        found.plan.save(target)
    if found.interrupted:
        tell("interrupted: this is the best plan so far")
    if as_json:
        saved = {} if output is None else {"plan": str(output)}
        print_document({**found.to_dict(), **saved})
        return
    print_report(found_report(found, in_seconds=in_seconds))
    if front:
        print_report(front_report(found, in_seconds=in_seconds))
    if output is not None:
        tell(f"plan saved to {output}")


def _sides(
    n: int | None, shape: tuple[int, int] | None, has_matrices: bool
) -> tuple[int, int] | None:
    if n is not None and shape is not None:
        raise click.UsageError("give --n or --shape, not both.")
    if n is not None and n < 1:
        raise InputError(f"n: must be an integer >= 1, got {n}")
    if n is None and shape is None and not has_matrices:
        raise click.UsageError("--n (or --shape) is needed unless there are --matrices.")
    return shape if n is None else (n, n)


def _line(progress: Progress, in_seconds: bool, minimize: str = "cost") -> str:
    if math.isinf(progress.cost):
        best = "nothing reaches the tolerance yet"
    elif minimize == "error":
        best = f"best error {progress.error:.2e}"
    else:
        cost = progress.cost
        priced = in_engineering_units(cost) if in_seconds else f"{cost:.6g}"
        best = f"best cost {priced}, error {progress.error:.2e}"
    left = progress.seconds_left
    remaining = f"{left:.0f} s left" if math.isfinite(left) else "no time limit"
    return f"{best}  |  {progress.nodes_per_second:.0f} nodes/s  |  {remaining}"
