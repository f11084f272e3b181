"""The prices discovery works with when none are given: cached ones, else measured now."""

import logging
from collections.abc import Sequence

from matrl.profile.cache import load_cached, store_cached
from matrl.profile.measure import Progress, measure_for
from matrl.profile.profile import Profile

__all__ = ["covers", "profile_for"]

NEEDED = ("matmul", "inv_spd", "eigh", "add")
"""Operations without whose prices a cached profile is not used."""

LARGEST_MEASURED = 2048

logger = logging.getLogger(__name__)


def covers(profile: Profile, dtypes: Sequence[str], n: int, batch: int = 1) -> bool:
    """Return whether a profile prices this size without guessing.

    Every needed operation must be there for every dtype, and products at this size or at a smaller
    and a larger one. (Dear operations may have been measured at a smaller size only.)
    """

    def sizes(op: str, dtype: str) -> list[int]:
        entries = profile.entries
        return [e.n for e in entries if (e.op, e.dtype, e.batch) == (op, dtype, batch)]

    for dtype in dtypes:
        if not all(sizes(op, dtype) for op in NEEDED):
            return False
        products = sizes("matmul", dtype)
        if not min(products) <= n <= max(products):
            return False
    return True


def profile_for(
    dtypes: Sequence[str], n: int, batch: int = 1, progress: Progress | None = None
) -> Profile:
    """Return this machine's prices at one size, measuring (at most 5 s) what the cache lacks."""
    cached = load_cached()
    if cached is not None and covers(cached, dtypes, n, batch):
        return cached
    logger.info("measuring the prices of %s at n = %d, batch %d", ", ".join(dtypes), n, batch)
    measured = measure_for(dtypes, n, batch, progress=progress)
    if not covers(measured, dtypes, n, batch) and n <= LARGEST_MEASURED:
        logger.warning(
            "this machine is too busy to measure n = %d in time; the prices are extrapolated from "
            "smaller sizes and not kept",
            n,
        )
        return measured
    store_cached(measured)
    return measured
