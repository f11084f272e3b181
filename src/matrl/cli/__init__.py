"""The command line: ``matrl discover``, ``run``, ``show``, ``profile`` and ``demo``."""

from matrl.cli.application import cli, main

__all__ = ["cli", "main"]
