"""What benchmarks have in common: figures, one JSON document, tables, the command."""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table

from matrl import __version__
from matrl.profile import machine_description

__all__ = ["Figure", "document", "finite", "parser_for", "report", "tell"]


class Figure(Protocol):
    """A module that measures something and shows it."""

    def measure(self, scale: Any, tell: Callable[[str], None]) -> dict[str, Any]:
        """Return what was measured, as JSON-ready data."""
        ...

    def table(self, figure: dict[str, Any]) -> Table:
        """Return it as a table."""
        ...


def document(
    benchmark: str,
    schema: int,
    figures: Mapping[str, Figure],
    scale: Any,
    tell: Callable[[str], None] = lambda line: None,
    packages: Sequence[str] = ("numpy", "scipy", "rich"),
) -> dict[str, Any]:
    """Measure figures and return them with what they depend on, as JSON-ready data.

    ``cpu_share`` is how much of the time the process had a processor: near 1 on a quiet machine.
    What is infinite (a cost without a plan, a time never reached) becomes ``None``.
    """
    started, load = datetime.now(UTC).isoformat(timespec="seconds"), os.getloadavg()[0]
    wall, cpu = time.perf_counter(), time.process_time()
    measured = {name: figure.measure(scale, tell) for name, figure in figures.items()}
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    return finite(
        {
            "schema": schema,
            "benchmark": benchmark,
            "started": started,
            "machine": machine_description(),
            "load": {"before": load, "after": os.getloadavg()[0], "cpu_share": share},
            "versions": {
                "matrl": __version__,
                **{name: metadata.version(name) for name in packages},
            },
            "scale": asdict(scale),
            "figures": measured,
        }
    )


def finite(value: Any) -> Any:
    """Return the same data with ``None`` for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parser_for(program: str, description: str | None, figures: Mapping[str, Figure]) -> Any:
    """Return a parser of what all have: ``--json``, ``--quick``, ``--figure``."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--json", type=Path, required=True, help="where to write the document")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--figure", action="append", choices=figures, help="only this; repeatable")
    return parser


def report(path: Path, measured: dict[str, Any], figures: Mapping[str, Figure]) -> Console:
    """Write the document and print its tables; return the console."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(measured, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    for name, figure in measured["figures"].items():
        console.print(figures[name].table(figure))
    return console


def tell(line: str) -> None:
    """Say what is being measured."""
    print(line, file=sys.stderr, flush=True)
