"""Which stacks of matrices go through the same calls, and how many at a time."""

__all__ = ["CHUNK_BYTES", "LARGEST_ELEMENTS", "chunk_of"]

LARGEST_ELEMENTS = 96 * 96
"""Elements of a matrix up to which calls cost more than what they do, and stacks pay."""
CHUNK_BYTES = 1 << 22
"""Of the workspace of a chunk: it shall stay in the cache, and calls shall cost little beside."""


def chunk_of(m: int, n: int, itemsize: int, arrays: int) -> int:
    """Return how many m x n matrices share a call, where ``arrays`` of each are worked in.

    >>> chunk_of(64, 64, 4, 8), chunk_of(1024, 1024, 8, 8)
    (32, 1)
    """
    return max(1, CHUNK_BYTES // max(arrays * m * n * itemsize, 1))
