"""The command: measure, write one JSON document, print tables."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from benchmarks import document as shared
from benchmarks.document import Figure
from benchmarks.search import ablation, optimum, parallel, rate, spectra
from benchmarks.search.scale import FULL, QUICK, Scale

__all__ = ["FIGURES", "SCHEMA", "document", "main"]

SCHEMA = 1
FIGURES = cast(
    dict[str, Figure],
    {
        "optimum": optimum,
        "rate": rate,
        "spectra": spectra,
        "ablation": ablation,
        "parallel": parallel,
    },
)


def document(
    figures: Sequence[str], scale: Scale, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Measure some figures; see :func:`benchmarks.document.document`."""
    return shared.document("search", SCHEMA, {n: FIGURES[n] for n in figures}, scale, tell)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = shared.parser_for("python -m benchmarks.search", __doc__, FIGURES)
    parser.add_argument("--every", type=int, help="take every N-th problem of `optimum`")
    parser.add_argument("--seeds", type=int, help="how many seeds `ablation` has")
    given = parser.parse_args(arguments)
    scale = QUICK if given.quick else FULL
    for name in ("every", "seeds"):
        value = getattr(given, name)
        if value is not None and value < 1:
            parser.error(f"--{name} must be 1 or more, not {value}")
        if value is not None:
            scale = replace(scale, **{name: value})
    measured = document(given.figure or list(FIGURES), scale, shared.tell)
    console = shared.report(given.json, measured, FIGURES)
    console.print(f"The process had a processor {measured['load']['cpu_share']:.0%} of the time.")
