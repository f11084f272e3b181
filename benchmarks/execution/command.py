"""The command: measure, write one JSON document, print tables."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, cast

from benchmarks import document as shared
from benchmarks.document import Figure
from benchmarks.execution import memory, overhead, predicted, speed
from benchmarks.execution.scale import FULL, QUICK, Scale

__all__ = ["FIGURES", "SCHEMA", "document", "main"]

SCHEMA = 1
FIGURES = cast(
    dict[str, Figure],
    {"overhead": overhead, "memory": memory, "predicted": predicted, "speed": speed},
)


def document(
    figures: Sequence[str], scale: Scale, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Measure some figures; see :func:`benchmarks.document.document`."""
    packages = ["numpy", "scipy", "rich", *(["torch"] if find_spec("torch") else [])]
    chosen = {name: FIGURES[name] for name in figures}
    return shared.document("execution", SCHEMA, chosen, scale, tell, packages)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = shared.parser_for("python -m benchmarks.execution", __doc__, FIGURES)
    parser.add_argument("--threads", type=int, help="of the BLAS; default: as many as processors")
    given = parser.parse_args(arguments)
    if given.threads is not None and given.threads < 1:
        parser.error(f"--threads must be 1 or more, not {given.threads}")
    scale = QUICK if given.quick else FULL
    measured = document(given.figure or list(FIGURES), scale, shared.tell)
    shared.report(given.json, measured, FIGURES)
