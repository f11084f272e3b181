"""Measuring how wrong a computed matrix function is."""

import numpy as np

from matrl.core.function import MatrixFunction

__all__ = ["eigenvalue_error"]


def eigenvalue_error(function: MatrixFunction, a: np.ndarray, value: np.ndarray) -> float:
    """Return ||F^(-1/2) Fhat F^(-1/2) - I||_2 for F = f(a), computed in float64.

    ``a`` and ``value`` are (n, n). The reference is an eigendecomposition in float64, good where
    n eps cond(a) is far below the error measured.

    >>> from matrl.functions import FUNCTIONS
    >>> eigenvalue_error(FUNCTIONS.get("inv"), np.diag([1.0, 4.0]), np.diag([1.0, 0.26]))
    0.04
    """
    eigenvalues, vectors = np.linalg.eigh(a.astype(np.float64))
    weights = eigenvalues ** (-0.5 * function.exponent)
    scaled = (vectors * weights).T @ value.astype(np.float64) @ (vectors * weights)
    scaled = 0.5 * (scaled + scaled.T) - np.eye(len(a))
    return float(np.abs(np.linalg.eigvalsh(scaled)).max())
