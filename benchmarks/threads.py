"""The number of threads of the BLAS; imports nothing that reads it."""

import os

__all__ = ["fix_threads"]

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def fix_threads(number: str) -> None:
    """Set the variables that NumPy, SciPy and PyTorch read once, when they are imported."""
    os.environ.update(dict.fromkeys(VARIABLES, number))
