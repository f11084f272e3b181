"""The upper end of a spectrum by a few Lanczos steps."""

from typing import Any

import numpy as np

from matrl.backends.protocol import Backend, Matrix

__all__ = ["largest_ritz_value", "random_start"]


def largest_ritz_value(
    a: Matrix, steps: int, backend: Backend, seed: int = 0, *, squared: bool = False
) -> Any:
    """Return the largest Ritz value of Hermitian ``a`` after Lanczos from a random start.

    A float, or of a stack (..., m, n) an array of one a matrix; NaN where a matrix is not finite.
    With ``squared`` that of a* a for any ``a`` (m, n), at two products a step. It is a *lower*
    bound on the largest eigenvalue, up to rounding; how far below it can be, with which
    probability, is stated by Kuczynski & Wozniakowski 1992, doi:10.1137/0613066.
    """
    stack = a if a.ndim > 2 else a[None]
    *batch, rows, n = stack.shape
    vector = np.empty((*batch, n, 1), a.dtype)
    vector[...] = random_start(n, a.dtype, seed)
    previous = np.zeros_like(vector)
    product, image = backend.empty(vector.shape, a.dtype), backend.empty((*batch, rows, 1), a.dtype)
    steps = min(steps, n)
    tridiagonal = np.zeros((*batch, steps, steps))
    beta, alive = np.zeros(batch), np.ones(batch, bool)
    made = 0
    for step in range(steps):
        made = step + 1
        if squared:
            backend.matmul(image, stack, vector)
            backend.matmul(product, stack, image, adjoint_x=True)
        else:
            backend.matmul(product, stack, vector)
        alpha = _inner(product, vector)
        # Where the space was exhausted before, a Ritz value again, which changes nothing.
        tridiagonal[..., step, step] = np.where(alive, alpha, tridiagonal[..., 0, 0])
        rest = product - _wide(alpha) * vector - _wide(beta) * previous
        beta = np.sqrt(_inner(rest, rest))
        alive &= beta > n * float(np.finfo(a.dtype).eps) * np.abs(alpha)
        if step == steps - 1 or not alive.any():
            break
        tridiagonal[..., step + 1, step] = np.where(alive, beta, 0.0)
        previous, vector = vector, (rest / _wide(np.where(alive, beta, 1.0))).astype(a.dtype)
    tridiagonal = tridiagonal[..., :made, :made]
    is_finite = np.all(np.isfinite(tridiagonal), axis=(-2, -1))
    values = np.linalg.eigvalsh(np.where(_wide(is_finite), tridiagonal, 0.0))[..., -1]
    values = np.where(is_finite, values, np.nan)
    return values if a.ndim > 2 else float(values[0])


def random_start(n: int, dtype: np.dtype[Any], seed: int) -> Matrix:
    """Return a random unit vector (n, 1)."""
    random = np.random.default_rng(seed)
    start = random.standard_normal(n)
    if dtype.kind == "c":
        start = start + 1j * random.standard_normal(n)
    start = start / np.sqrt(np.einsum("i,i->", start.conj(), start).real)
    return start[:, None]


def _inner(x: Matrix, y: Matrix) -> np.ndarray:
    dtype = np.complex128 if x.dtype.kind == "c" else np.float64
    return np.einsum("...ij,...ij->...", x.conj(), y, dtype=dtype).real


def _wide(numbers: np.ndarray) -> np.ndarray:
    return numbers[..., None, None]
