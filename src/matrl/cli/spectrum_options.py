"""The spectrum of ``matrl discover``, from an interval or from files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from matrl.cli.files import load_array, naming
from matrl.core.spectrum import Spectrum
from matrl.errors import InputError

__all__ = ["naming_files", "spectrum_of"]


def spectrum_of(
    interval: tuple[float, float] | None, samples: Path | None, matrices: tuple[Path, ...]
) -> Spectrum:
    """Return the spectrum of --interval, --samples or --matrices, of which there must be one."""
    given = [interval is not None, samples is not None, bool(matrices)]
    if sum(given) != 1:
        raise click.UsageError(
            f"give exactly one of --interval, --samples and --matrices, not {sum(given)}."
        )
    if interval is not None:
        return Spectrum.interval(*interval)
    if samples is not None:
        values = load_array(samples)
        if values.dtype.kind not in "fiu":
            raise InputError(f"{samples}: must hold real numbers, not {values.dtype}")
        with naming_files(samples, ()):
            return Spectrum.samples(values)
    arrays = [load_array(path) for path in matrices]
    for path, array in zip(matrices, arrays, strict=True):
        if array.ndim < 2 or 0 in array.shape:
            raise InputError(
                f"{path}: must hold a matrix (m, n) or a stack (..., m, n), "
                f"but its shape is {array.shape}"
            )
    with naming_files(None, matrices):
        return Spectrum.of([np.ascontiguousarray(array) for array in arrays])


@contextlib.contextmanager
def naming_files(samples: Path | None, matrices: tuple[Path, ...]) -> Iterator[None]:
    """Put the names of the files where messages name ``samples`` and ``matrices``."""
    with naming("samples", *(() if samples is None else (samples,))), naming("matrices", *matrices):
        yield
