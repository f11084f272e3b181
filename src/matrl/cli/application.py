"""The group of commands, and what becomes of their exceptions: messages and exit codes.

0: fine. 1: the result was not reached. 2: wrong usage, input or files. 130: interrupted.
"""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from matrl.cli.commands.catalogue import catalogue_command
from matrl.cli.commands.certify import certify_command
from matrl.cli.commands.demo import demo
from matrl.cli.commands.discover import discover_command
from matrl.cli.commands.profile import profile_command
from matrl.cli.commands.run import run_command
from matrl.cli.commands.show import show_command
from matrl.cli.console import logging_to_stderr, verbose_option
from matrl.errors import ConvergenceError, MatrlError, UnreachableError, WorkersLostError
from matrl.version import __version__

__all__ = ["cli", "main"]

NOT_REACHED, USAGE, INTERRUPTED = 1, 2, 130


class _Application(click.Group):
    """A group that turns every expected exception into one line and an exit code."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **settings: Any,
    ) -> NoReturn:
        """Run a command and exit with its code."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            with contextlib.suppress(io.UnsupportedOperation, ValueError):
                sys.stdout.reconfigure(errors="replace")  # a file name may not be encodable
        with logging_to_stderr():
            sys.exit(self._exit_code(args, prog_name or "matrl", settings))

    def _exit_code(
        self, args: Sequence[str] | None, prog_name: str, settings: dict[str, Any]
    ) -> int:
        settings["standalone_mode"] = False
        try:
            code = super().main(args, prog_name, **settings)
        except (UnreachableError, ConvergenceError, WorkersLostError) as error:
            return _complain(str(error), NOT_REACHED)
        except MatrlError as error:
            return _complain(str(error), USAGE)
        except click.ClickException as error:
            return _complain(_usage_message(error), USAGE)
        except (click.Abort, KeyboardInterrupt):
            return _complain("interrupted", INTERRUPTED, "")
        except MemoryError as error:
            return _complain(f"out of memory {error}".rstrip(), NOT_REACHED)
        except OSError as error:
            _abandon_stdout()
            where = f"{error.filename}: " if error.filename else "cannot write: "
            return _complain(f"{where}{error.strerror or error}", USAGE)
        return code if isinstance(code, int) else 0


def _complain(message: str, code: int, prefix: str = "error: ") -> int:
    with contextlib.suppress(OSError):  # a closed stderr is no reason for a traceback
        click.echo(f"{prefix}{message}", err=True)
    return code


def _usage_message(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message += f"\nTry '{error.ctx.command_path} --help'."
    return message


def _abandon_stdout() -> None:
    """Keep the interpreter from failing once more at exit over what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=_Application,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="matrl", message="%(prog)s %(version)s")
@verbose_option
@click.pass_context
def cli(context: click.Context) -> int | None:
    """Discover, certify and run fast iterative algorithms for matrix functions.

    \b
    Find the fastest inverse square root for spectra in [1e-4, 1] and use it:
      matrl discover invsqrt --interval 1e-4 1 --n 512 -o plan.json
      matrl run plan.json A.npy -o F.npy

    Exit codes: 0 fine; 1 the result was not reached (no schedule meets the tolerance, a matrix of
    a stack was refused); 2 wrong usage, input (a single matrix refused) or files; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        return USAGE
    return None


for _command in (
    discover_command,
    run_command,
    show_command,
    certify_command,
    catalogue_command,
    profile_command,
    demo,
):
    cli.add_command(_command)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; ``args`` are those after the program's name."""
    cli.main(args)
    raise AssertionError("the application exits")
