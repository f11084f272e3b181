"""Where output goes: results to stdout; progress, warnings and errors to stderr."""

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

__all__ = [
    "logging_to_stderr",
    "print_document",
    "print_report",
    "quiet",
    "status_line",
    "tell",
    "verbose_option",
]

_PIPE_WIDTH = 120
"""Columns of a table where stdout is no terminal."""

Command = TypeVar("Command", bound=Callable[..., Any])


def _console(file: Any) -> Console:
    width = None if file.isatty() else _PIPE_WIDTH
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def print_report(report: RenderableType) -> None:
    """Print a rich renderable to stdout."""
    _console(sys.stdout).print(report)


def print_document(document: dict[str, Any]) -> None:
    """Print one JSON document to stdout."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))


def tell(message: str) -> None:
    """Print a note to stderr."""
    click.echo(message, err=True)


@contextlib.contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a line on stderr in place of the one before.

    The line goes away at the end; where stderr is no terminal, nothing is shown. It is drawn only
    when told to, so that nothing runs beside a measurement.
    """
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    console = _console(sys.stderr)
    with Live(console=console, auto_refresh=False, transient=True) as live, _log_through(console):
        yield lambda line: live.update(
            Text(line, style="dim", overflow="ellipsis", no_wrap=True), refresh=True
        )


class _Handler(logging.Handler):
    """Log records as lines on stderr, above a status line if there is one."""

    console: Console | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Print ``warning: message``."""
        try:
            line = f"{record.levelname.lower()}: {record.getMessage()}"
            if self.console is not None:
                self.console.print(Text(line))
            else:
                click.echo(line, err=True)
        except OSError:
            pass  # a closed stderr: nobody to tell
        except Exception:
            self.handleError(record)


_handler = _Handler()


@contextlib.contextmanager
def _log_through(console: Console) -> Iterator[None]:
    _handler.console = console
    try:
        yield
    finally:
        _handler.console = None


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Show warnings of the library on stderr while this lasts; ``-v`` shows more."""
    logger = logging.getLogger("matrl")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(_handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(_handler)
        logger.setLevel(level)
        logger.propagate = propagate


@contextlib.contextmanager
def quiet(name: str) -> Iterator[None]:
    """Hide the warnings of a part of the library, unless ``-v`` asks for more."""
    logger = logging.getLogger(name)
    level = logger.level
    if logging.getLogger("matrl").level >= logging.WARNING:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _set_level(context: click.Context, parameter: click.Parameter, count: int) -> None:
    if count:
        logging.getLogger("matrl").setLevel(logging.INFO if count == 1 else logging.DEBUG)


def verbose_option(command: Command) -> Command:
    """Add ``-v``/``--verbose`` to a command: once for information, twice for details."""
    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_level,
        help="Say more on stderr; twice for details.",
    )(command)
