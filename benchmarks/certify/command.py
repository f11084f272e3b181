"""The command: measure, write one JSON document, print tables."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from benchmarks import document as shared
from benchmarks.certify import rounding
from benchmarks.certify.scale import FULL, QUICK, Scale
from benchmarks.document import Figure

__all__ = ["FIGURES", "SCHEMA", "document", "main"]

SCHEMA = 1
FIGURES = cast(dict[str, Figure], {"rounding": rounding})


def document(
    figures: Sequence[str], scale: Scale, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Measure some figures; see :func:`benchmarks.document.document`."""
    chosen = {name: FIGURES[name] for name in figures}
    return shared.document("certify", SCHEMA, chosen, scale, tell)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = shared.parser_for("python -m benchmarks.certify", __doc__, FIGURES)
    given = parser.parse_args(arguments)
    scale = QUICK if given.quick else FULL
    measured = document(given.figure or list(FIGURES), scale, shared.tell)
    shared.report(given.json, measured, FIGURES)
