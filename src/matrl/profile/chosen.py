"""The prices discovery works with when none are given: cached ones, else measured now."""

import logging
import math
from collections.abc import Sequence

from matrl.backends.libraries import Library
from matrl.core.precision import is_half
from matrl.profile.cache import load_cached, store_cached
from matrl.profile.measure import Progress, measure_for, measured_shapes
from matrl.profile.profile import Profile
from matrl.profile.workloads import HALF_OPERATIONS

__all__ = ["covers", "profile_for"]

NEEDED = ("matmul", "inv_spd", "eigh", "add")
"""Operations without whose prices a cached profile is not used."""

NEEDED_OF_RECTANGLES = ("gram", "svd")
"""Further ones for matrices that are not square."""

LARGEST_MEASURED = 2048
# How far the ratio of rows to columns of a measured rectangle may be from the one asked for.
_LARGEST_FACTOR = 2.0

logger = logging.getLogger(__name__)


def covers(
    profile: Profile,
    dtypes: Sequence[str],
    n: int,
    batch: int = 1,
    *,
    rows: int | None = None,
    operations: Sequence[str] | None = None,
) -> bool:
    """Return whether a profile prices this size without guessing.

    Every one of ``operations`` (if None, those no plan can do without) must be there for every
    dtype, and products at this size or at a smaller and a larger one. (Dear operations may have
    been measured at a smaller size only.) If ``rows`` differs from n, operations on rectangles must
    have been measured on ones of about this shape.
    """
    needed = operations
    if needed is None:
        needed = NEEDED if rows in (None, n) else (*NEEDED, *NEEDED_OF_RECTANGLES)
    for op in needed:
        for _, m in measured_shapes(op, n, rows):
            for dtype in dtypes:
                if is_half(dtype) and op not in HALF_OPERATIONS:
                    continue
                sizes = [
                    e.n
                    for e in profile.entries
                    if (e.op, e.dtype, e.batch) == (op, dtype, batch)
                    and _alike(e.rows / e.n, m / n)
                ]
                if not sizes or (op == "matmul" and not min(sizes) <= n <= max(sizes)):
                    return False
    return True


def _alike(ratio: float, wanted: float) -> bool:
    if 1.0 in (ratio, wanted):
        return ratio == wanted
    return abs(math.log(ratio / wanted)) <= math.log(_LARGEST_FACTOR)


def profile_for(
    dtypes: Sequence[str],
    n: int,
    batch: int = 1,
    progress: Progress | None = None,
    *,
    rows: int | None = None,
    operations: Sequence[str] | None = None,
    library: Library | None = None,
) -> Profile:
    """Return this machine's prices at one size, measuring (at most 5 s) what the cache lacks.

    ``rows``, ``operations`` and ``library`` are as for ``measure_for``.
    """
    cached = load_cached(library)
    if cached is not None and covers(cached, dtypes, n, batch, rows=rows, operations=operations):
        return cached
    logger.info("measuring the prices of %s at n = %d, batch %d", ", ".join(dtypes), n, batch)
    measured = measure_for(
        dtypes, n, batch, progress=progress, rows=rows, operations=operations, library=library
    )
    if n <= LARGEST_MEASURED and not covers(
        measured, dtypes, n, batch, rows=rows, operations=operations
    ):
        logger.warning(
            "this machine is too busy to measure n = %d in time; the prices are extrapolated from "
            "smaller sizes and not kept",
            n,
        )
        return measured
    store_cached(measured, library)
    return measured
