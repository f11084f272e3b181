"""The command: measure, write one JSON document, print tables."""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.search import ablation, optimum, parallel, rate, spectra
from benchmarks.search.scale import FULL, QUICK, Scale
from matrl import __version__
from matrl.profile import machine_description

__all__ = ["FIGURES", "SCHEMA", "document", "main"]

SCHEMA = 1
FIGURES = {
    "optimum": optimum,
    "rate": rate,
    "spectra": spectra,
    "ablation": ablation,
    "parallel": parallel,
}


def document(
    figures: Sequence[str], scale: Scale, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Measure some figures and return them with what they depend on, as JSON-ready data.

    ``cpu_share`` is how much of the time the process had a processor: near 1 on a quiet machine.
    What is infinite (a cost without a plan, a time never reached) becomes ``None``.
    """
    started, load = datetime.now(UTC).isoformat(timespec="seconds"), os.getloadavg()[0]
    wall, cpu = time.perf_counter(), time.process_time()
    measured = {name: FIGURES[name].measure(scale, tell) for name in figures}
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    return finite(
        {
            "schema": SCHEMA,
            "benchmark": "search",
            "started": started,
            "machine": machine_description(),
            "load": {"before": load, "after": os.getloadavg()[0], "cpu_share": share},
            "versions": {
                "matrl": __version__,
                **{name: metadata.version(name) for name in ("numpy", "scipy", "rich")},
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="where to write the document")
    parser.add_argument("--quick", action="store_true", help="few problems, short searches")
    parser.add_argument("--figure", action="append", choices=FIGURES, help="only this; repeatable")
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
    measured = document(given.figure or list(FIGURES), scale, _tell)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(measured, indent=1, ensure_ascii=False, allow_nan=False)
    given.json.write_text(text + "\n", encoding="utf-8")
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    console.print(f"The process had a processor {measured['load']['cpu_share']:.0%} of the time.")
    for name, figure in measured["figures"].items():
        console.print(FIGURES[name].table(figure))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
