"""The data of the demonstration: covariances of patches of two photographs.

The photographs ship inside scikit-learn. Each is cut into three regions that share no pixel: the
two quadrants of its left half, which plans are discovered for, and its right half, held out.
Patches never cross the border of a region.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from matrl.errors import InputError, MissingExtraError

__all__ = ["Region", "Sample", "Split", "covariance", "load_photographs", "regions", "split"]

RIDGE = 1e-2
"""What is added to the diagonal, as a share of the mean eigenvalue."""
STRIDE = 2
"""A patch begins at every second row and column."""


@dataclass(frozen=True)
class Region:
    """A rectangle of one photograph: rows [top, bottom), columns [left, right)."""

    name: str
    photograph: str
    top: int
    bottom: int
    left: int
    right: int
    held_out: bool

    def pixels(self, photographs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the pixels of the region, (rows, columns, channels)."""
        return photographs[self.photograph][self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Sample:
    """The covariance of one region's patches, ridge included, in float64, and its spectrum."""

    region: Region
    patches: int
    covariance: np.ndarray = field(repr=False)
    eigenvalues: np.ndarray = field(repr=False)

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue."""
        return float(self.eigenvalues[0])

    @property
    def largest(self) -> float:
        """The largest eigenvalue."""
        return float(self.eigenvalues[-1])

    @property
    def condition(self) -> float:
        """The condition number."""
        return self.largest / self.smallest


@dataclass(frozen=True)
class Split:
    """Samples to discover a plan for, and samples to judge it by."""

    training: tuple[Sample, ...]
    held_out: tuple[Sample, ...]


def load_photographs() -> dict[str, np.ndarray]:
    """Return china and flower, uint8 arrays (427, 640, 3), from scikit-learn's own files.

    Raises :class:`~matrl.errors.MissingExtraError` without scikit-learn.
    """
    try:
        from sklearn.datasets import load_sample_images

        bunch = load_sample_images()
    except ImportError:
        raise MissingExtraError(
            "demo: needs the photographs of scikit-learn; install it with pip install 'matrl[demo]'"
        ) from None
    names = [str(name).replace("\\", "/").rpartition("/")[2] for name in bunch["filenames"]]
    return {
        name.partition(".")[0]: np.asarray(image)
        for name, image in zip(names, bunch["images"], strict=True)
    }


def regions(photographs: Mapping[str, np.ndarray]) -> tuple[Region, ...]:
    """Return three regions a photograph, disjoint: top left, bottom left, and the right half.

    >>> [r.name for r in regions({"sky": np.zeros((8, 8, 3))})]
    ['sky, top left', 'sky, bottom left', 'sky, right half']
    """
    found = []
    for name, image in photographs.items():
        rows, columns = image.shape[:2]
        middle, centre = rows // 2, columns // 2
        found += [
            Region(f"{name}, top left", name, 0, middle, 0, centre, False),
            Region(f"{name}, bottom left", name, middle, rows, 0, centre, False),
            Region(f"{name}, right half", name, 0, rows, centre, columns, True),
        ]
    return tuple(found)


def covariance(pixels: np.ndarray, patch: int, ridge: float = RIDGE) -> tuple[np.ndarray, int]:
    """Return the covariance of all patch x patch patches, and how many patches there were.

    ``pixels`` is (rows, columns, channels) in 0..255, read as 0..1. The result is float64, exactly
    symmetric, of order channels patch^2, with ``ridge`` times the mean eigenvalue on the diagonal.
    Raises :class:`~matrl.errors.InputError` if no patch fits.
    """
    rows, columns = pixels.shape[:2]
    if not 1 <= patch <= min(rows, columns):
        raise InputError(f"patch: must be between 1 and {min(rows, columns)}, got {patch}")
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (patch, patch), axis=(0, 1))
    windows = windows[::STRIDE, ::STRIDE]
    count = windows.shape[0] * windows.shape[1]
    x = windows.reshape(count, -1) / 255.0
    x -= x.mean(axis=0)
    c = (x.T @ x) / count
    c = 0.5 * (c + c.T)
    c[np.diag_indices_from(c)] += ridge * np.trace(c) / len(c)
    return c, count


def split(photographs: Mapping[str, np.ndarray], patch: int) -> Split:
    """Return the covariances of all regions, those to train on and those held out."""
    samples = []
    for region in regions(photographs):
        c, count = covariance(region.pixels(photographs), patch)
        samples.append(Sample(region, count, c, np.linalg.eigvalsh(c)))
    return Split(
        tuple(s for s in samples if not s.region.held_out),
        tuple(s for s in samples if s.region.held_out),
    )
