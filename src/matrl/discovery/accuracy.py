"""Measuring how wrong a computed matrix function is."""

import numpy as np

from matrl.core.function import MatrixFunction

__all__ = ["Reference", "eigenvalue_error"]


class Reference:
    """f(A) of one matrix, known through an eigendecomposition in float64.

    Good where n eps cond(A) is far below the errors to be measured.
    """

    def __init__(self, function: MatrixFunction, a: np.ndarray) -> None:
        eigenvalues, vectors = np.linalg.eigh(a.astype(np.float64))
        self._half_inverse = vectors * eigenvalues ** (-0.5 * function.exponent)

    def error(self, value: np.ndarray) -> float:
        """Return ||F^(-1/2) Fhat F^(-1/2) - I||_2 for Fhat = ``value``, (n, n)."""
        half = self._half_inverse
        scaled = half.T @ value.astype(np.float64) @ half
        if not np.all(np.isfinite(scaled)):
            return float("inf")
        scaled = 0.5 * (scaled + scaled.T) - np.eye(len(half))
        return float(np.abs(np.linalg.eigvalsh(scaled)).max())


def eigenvalue_error(function: MatrixFunction, a: np.ndarray, value: np.ndarray) -> float:
    """Return ||F^(-1/2) Fhat F^(-1/2) - I||_2 for F = f(a), computed in float64.

    ``a`` and ``value`` are (n, n); see :class:`Reference` for several values of one matrix.

    >>> from matrl.functions import FUNCTIONS
    >>> eigenvalue_error(FUNCTIONS.get("inv"), np.diag([1.0, 4.0]), np.diag([1.0, 0.26]))
    0.04...
    """
    return Reference(function, a).error(value)
