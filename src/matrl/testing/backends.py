"""The conformance suite of backends: every kernel against references in higher precision."""

from collections.abc import Sequence
from itertools import product

from matrl.backends.protocol import Backend
from matrl.core.precision import DTYPES
from matrl.testing.kernels import elementwise, factorizations, products
from matrl.testing.kernels.trial import Trial

__all__ = ["check_backend"]

SIZES = (1, 2, 5, 33, 70)
LEADING = ((), (3,), (2, 2))
"""What stands before the shape of one matrix; empty of a matrix alone."""
STACKED = 33
"""Largest order of the matrices of a stack."""


def check_backend(backend: Backend, sizes: Sequence[int] = SIZES) -> None:
    """Check that every kernel of a backend does what ``matrl.backends.protocol.Backend`` says.

    In every dtype the backend has, of single matrices of the orders ``sizes`` and of stacks of
    them, with all flags and addends, of contiguous and of strided arrays, against references in
    NumPy's widest precision: errors in units of eps n and the norms of what goes in, results
    exactly Hermitian where they must be, inputs as they were, breakdowns as the backend says. It
    takes some seconds. Raises ``AssertionError`` with a sentence that names kernel, dtype and case.

    >>> from matrl.backends.numpy import numpy_backend
    >>> check_backend(numpy_backend, sizes=(3,))
    """
    if not backend.dtypes or not set(backend.dtypes) <= set(DTYPES):
        raise AssertionError(f"dtypes must be some of {', '.join(DTYPES)}, not {backend.dtypes}")
    checks = {**elementwise.CHECKS, **products.CHECKS, **factorizations.CHECKS}
    for dtype, (kernel, check), n in product(backend.dtypes, checks.items(), sizes):
        for leading in LEADING:
            if not leading or n <= STACKED:
                what = f"stacks {leading} of order {n}" if leading else f"order {n}"
                trial = Trial(backend, kernel, dtype, what)
                trial.run(check, trial, leading, n)
