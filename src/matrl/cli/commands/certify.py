"""``matrl certify``: how wrong a plan can be, and whether a certificate is right."""

import os
from pathlib import Path
from typing import Any

import click
import numpy as np

from matrl.certify import certificate_path, check_certificate, load_document
from matrl.certify.arguments import checked_fraction
from matrl.cli.console import print_document, print_report, tell, verbose_option
from matrl.cli.files import check_output, load_array, naming
from matrl.errors import InputError
from matrl.plan import Plan
from matrl.report import certificate_report, findings_report

__all__ = ["certify_command"]

_FILE = click.Path(path_type=Path)


@click.command(
    "certify",
    short_help="Say how wrong a plan can be, and prove it.",
    help="""Prove how wrong PLAN can be, and write its certificate beside it.

    The worst case is in exact arithmetic, over the plan's domain or those given. With held-out
    matrices the probability of a larger error than tol is bounded as well. With --check nothing is
    computed anew by the same code: another program, with exact arithmetic, verifies the certificate
    against the plan.

    \b
    Examples:
      matrl certify plan.json
      matrl certify plan.json --domain 1e-3 1 --held-out B.npy --json
      matrl certify plan.json --check
    """,
)
@click.argument("plan", metavar="PLAN.json", type=_FILE)
@click.option(
    "--check",
    is_flag=True,
    help="Verify the certificate that is there; exit 1 if any of it, rounding apart, is not.",
)
@click.option(
    "--certificate",
    type=_FILE,
    metavar="C.json",
    help="The certificate's file.  [default: PLAN.certificate.json]",
)
@click.option(
    "--domain",
    "domains",
    nargs=2,
    type=float,
    multiple=True,
    metavar="LO HI",
    help="An interval of the spectrum to certify for; may be repeated.",
)
@click.option(
    "--held-out",
    type=_FILE,
    multiple=True,
    metavar="F.npy",
    help="Matrices (m, n) or stacks of them that were not used to find the plan; may be repeated.",
)
@click.option(
    "--confidence", type=float, default=0.99, show_default=True, help="Of statistical bounds."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@verbose_option
def certify_command(
    plan: Path,
    check: bool,
    certificate: Path | None,
    domains: tuple[tuple[float, float], ...],
    held_out: tuple[Path, ...],
    confidence: float,
    as_json: bool,
) -> int:
    """Write, or verify, the certificate of a plan."""
    path = _certificate_file(plan) if certificate is None else certificate
    if check:
        if domains or held_out:
            raise InputError("check: verifies what is there; leave --domain and --held-out out")
        return _checked(plan, path, as_json)
    target = check_output(path, "--certificate")
    recorded = Plan.load(plan)
    if target == Path(os.path.realpath(plan)):
        raise InputError(f"--certificate: {path} is the plan itself; give the name of another file")
    checked_fraction("confidence", confidence)
    matrices = [(f, a) for f in held_out for a in _matrices(f)]
    with naming("matrices", *(file for file, _ in matrices)):
        made = recorded.certify(
            domain=domains or None,
            held_out=[a for _, a in matrices] if held_out else None,
            confidence=confidence,
        )
    made.save(target)
    if as_json:
        print_document({**made.to_dict(), "certificate": str(path)})
    else:
        print_report(certificate_report(made))
        tell(f"certificate saved to {path}")
    return 0


def _certificate_file(plan: Path) -> Path:
    if not plan.name:
        raise InputError(f"plan: {plan} is a folder; give the path of a plan.json")
    return certificate_path(plan)


def _matrices(path: Path) -> list[np.ndarray]:
    array = load_array(path)
    if array.ndim < 2 or array.size == 0:
        raise InputError(f"{path}: must hold a matrix (m, n) or a stack of them, none empty")
    return list(array.reshape(-1, *array.shape[-2:]))


def _checked(plan: Path, path: Path, as_json: bool) -> int:
    Plan.load(plan)  # what is no plan is said in its own words
    findings = check_certificate(load_document(plan), load_document(path))
    if as_json:
        document: list[dict[str, Any]] = [
            {"statement": f.statement, "status": f.status, "message": f.message} for f in findings
        ]
        print_document({"plan": str(plan), "certificate": str(path), "findings": document})
    else:
        print_report(findings_report(findings))
    # What rounding does is never checked; the others are, if they are right.
    return 0 if all(f.ok for f in findings if f.statement != "rounding") else 1
