"""Matrices read some rows at a time, in the wider dtype that is computed in."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from matrl.backends.protocol import Matrix

__all__ = ["STRIP_ROWS", "strips"]

STRIP_ROWS = 64


def strips(x: Matrix, dtype: DTypeLike) -> Iterator[tuple[slice, Matrix]]:
    """Yield which rows of ``x`` (m, n), and these in ``dtype``, in room that is used again.

    What is narrower is widened a strip at a time: that is no slower than to have it wide, since
    half as much comes from memory, and takes no memory. What is as wide, or a stack, comes whole.

    >>> x = np.arange(66, dtype=np.float32)[:, None]
    >>> [(rows.start, rows.stop, float(part.sum())) for rows, part in strips(x, np.float64)]
    [(0, 64, 2016.0), (64, 66, 129.0)]
    """
    if x.ndim > 2 or x.dtype == dtype:
        yield slice(None), x.astype(dtype, copy=False)
        return
    room = np.empty((min(STRIP_ROWS, len(x)), x.shape[1]), dtype)
    for start in range(0, len(x), STRIP_ROWS):
        rows = slice(start, min(start + STRIP_ROWS, len(x)))
        strip = room[: rows.stop - start]
        np.copyto(strip, x[rows])
        yield rows, strip
