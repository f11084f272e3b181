"""Blocks of vectors of any size: scaled exactly before a plan is applied, and back after it."""

from dataclasses import dataclass

import numpy as np

from matrl.execute.residuals.check import Block
from matrl.execute.scaling import MODERATE

__all__ = ["ModerateBlock"]


@dataclass(frozen=True)
class ModerateBlock:
    """A block (n, s), C-contiguous, whose columns times 2^``exponents`` are what was given.

    Columns are of moderate size or 0 or not finite. ``sizes`` are the largest moduli they had.
    """

    block: Block
    exponents: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, block: Block) -> "ModerateBlock":
        """Return the block (n, s), of float32 to complex128, with its columns scaled.

        >>> ModerateBlock.of(np.array([[1.5, 3e-300]])).exponents.tolist()
        [0, -994]
        """
        sizes = np.abs(block).max(axis=0)
        _, exponents = np.frexp(np.where(np.isfinite(sizes), sizes, 1.0))
        exponents = np.where(np.abs(exponents) > MODERATE, exponents, 0)
        return cls(_times_powers_of_two(np.array(block, order="C"), -exponents), exponents, sizes)

    def restored(self, value: Block, exponent: int) -> tuple[Block, bool]:
        """Return 2^``exponent`` value for the block that was given, from the value of this one.

        Exactly, column by column, unless, as the second result says, that leaves the dtype's range.
        """
        shift = exponent + self.exponents
        if not np.any(shift):
            return value, True
        had = np.abs(value).max(axis=0) > 0.0
        value = _times_powers_of_two(np.array(value, order="C"), shift)
        largest, tiny = np.abs(value).max(axis=0), float(np.finfo(value.dtype).tiny)
        lost = had & (largest < tiny) & (self.sizes >= tiny)
        return value, bool(np.all(np.isfinite(largest)) and not np.any(lost))


def _times_powers_of_two(x: Block, exponents: np.ndarray) -> Block:
    """Multiply the columns of ``x``, C-contiguous, in place."""
    if np.any(exponents):
        real = np.finfo(x.dtype).dtype
        parts = x.view(real)
        with np.errstate(over="ignore", under="ignore"):
            np.ldexp(parts, np.repeat(exponents, x.itemsize // real.itemsize), out=parts)
    return x
