"""The upper end of a spectrum by a few Lanczos steps."""

import numpy as np
from scipy.linalg import eigh_tridiagonal

from matrl.backends.protocol import Backend, Matrix

__all__ = ["largest_ritz_value"]


def largest_ritz_value(
    a: Matrix, steps: int, backend: Backend, seed: int = 0, *, squared: bool = False
) -> float:
    """Return the largest Ritz value of Hermitian ``a`` after Lanczos from a random start.

    With ``squared`` that of a* a for any ``a`` (m, n), at two products a step. It is a *lower*
    bound on the largest eigenvalue, up to rounding; how far below it can be, with which
    probability, is stated by Kuczynski & Wozniakowski 1992, doi:10.1137/0613066.
    """
    rows, n = a.shape
    steps = min(steps, n)
    random = np.random.default_rng(seed)
    start = random.standard_normal(n)
    if a.dtype.kind == "c":
        start = start + 1j * random.standard_normal(n)
    start = start / np.sqrt(np.einsum("i,i->", start.conj(), start).real)
    vector = np.ascontiguousarray(start[:, None], dtype=a.dtype)
    previous = np.zeros_like(vector)
    product = backend.empty((n, 1), a.dtype)
    image = backend.empty((rows, 1), a.dtype)
    diagonal, off_diagonal = [], []
    beta = 0.0
    for _ in range(steps):
        if squared:
            backend.matmul(image, a, vector)
            backend.matmul(product, a, image, adjoint_x=True)
        else:
            backend.matmul(product, a, vector)
        alpha = _inner(product, vector)
        rest = product - alpha * vector - beta * previous
        diagonal.append(alpha)
        beta = float(np.sqrt(_inner(rest, rest)))
        if beta <= n * float(np.finfo(a.dtype).eps) * abs(alpha):
            break
        off_diagonal.append(beta)
        previous, vector = vector, (rest / beta).astype(a.dtype)
    values = eigh_tridiagonal(
        np.array(diagonal), np.array(off_diagonal[: len(diagonal) - 1]), eigvals_only=True
    )
    return float(values[-1])


def _inner(x: Matrix, y: Matrix) -> float:
    dtype = np.complex128 if x.dtype.kind == "c" else np.float64
    return float(np.einsum("ij,ij->", x.conj(), y, dtype=dtype).real)
