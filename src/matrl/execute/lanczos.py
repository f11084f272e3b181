"""The upper end of a spectrum by a few Lanczos steps."""

import numpy as np
from scipy.linalg import eigh_tridiagonal

from matrl.backends.protocol import Backend, Matrix

__all__ = ["largest_ritz_value"]


def largest_ritz_value(a: Matrix, steps: int, backend: Backend, seed: int = 0) -> float:
    """Return the largest Ritz value of symmetric ``a`` after Lanczos from a random start.

    It is a *lower* bound on the largest eigenvalue, up to rounding; how far below it can be, with
    which probability, is stated by Kuczynski & Wozniakowski 1992, doi:10.1137/0613066.
    """
    n = a.shape[-1]
    steps = min(steps, n)
    start = np.random.default_rng(seed).standard_normal(n)
    vector = np.ascontiguousarray((start / np.sqrt((start * start).sum()))[:, None], dtype=a.dtype)
    previous = np.zeros_like(vector)
    product = backend.empty((n, 1), a.dtype)
    diagonal, off_diagonal = [], []
    beta = 0.0
    for _ in range(steps):
        backend.matmul(product, a, vector)
        alpha = float(np.einsum("ij,ij->", product, vector, dtype=np.float64))
        rest = product - alpha * vector - beta * previous
        diagonal.append(alpha)
        beta = float(np.sqrt(np.einsum("ij,ij->", rest, rest, dtype=np.float64)))
        if beta <= n * float(np.finfo(a.dtype).eps) * abs(alpha):
            break
        off_diagonal.append(beta)
        previous, vector = vector, (rest / beta).astype(a.dtype)
    values = eigh_tridiagonal(
        np.array(diagonal), np.array(off_diagonal[: len(diagonal) - 1]), eigvals_only=True
    )
    return float(values[-1])
