"""Levels: an error's deviations in one number, in the norm that is asked for."""

from typing import Literal, get_args

import numpy as np

from matrl.errors import InputError
from matrl.readings.noise.value import NoisyValue, adjoint

__all__ = ["Norm", "breaks_down", "rounding_level"]

Norm = Literal["eigenvalue", "spectral", "frobenius", "residual"]

# The 2-norm of a random symmetric matrix lies between one and two times its largest row norm.
NORM = 1.6


def breaks_down(value: NoisyValue, n: int, weights: np.ndarray, backward: float = 0.0) -> float:
    """Return the predicted ||M^(-1/2) E M^(-1/2)||_2 of a Hermitian value, or what happened before.

    From 1 on M + E may be indefinite: its first-order model, its inverse and any power of it are
    void. ``backward`` is the deviation of a further error, of the same size for all pairs.

    >>> import numpy as np
    >>> gram = NoisyValue(np.array([1e-8, 1.0]), np.full((1, 2, 2), 1e-7))
    >>> breaks_down(gram, 100, np.array([0.5, 0.5])) > 1.0
    True
    """
    variances = value.variances + backward * backward
    size = np.abs(value.values)
    return max(value.breakdown, _row_norm(variances / np.outer(size, size), n, weights))


def rounding_level(
    value: NoisyValue,
    n: int,
    weights: np.ndarray,
    dips: np.ndarray | float = 1.0,
    norm: Norm = "eigenvalue",
    magnitude: np.ndarray | None = None,
    root_index: int = 1,
) -> float:
    """Return the predicted size of the value's error E; infinity where the value broke down.

    F is the value, or a function of ``magnitude`` |f| at the nodes where that is given:

    - ``"eigenvalue"``: ||F^(-1/2) E F^(-1/2)||_2, of Hermitian F;
    - ``"spectral"`` and ``"frobenius"``: ||E|| / ||F||, of any F;
    - ``"residual"``: to first order what E adds to F^k (F^-k for inverse roots), seen as
      ||B^(-1/2) (...) B^(-1/2)||_2 for B = F^k, k = ``root_index``; at least k times the
      eigenvalue level, for pairs far apart more. For sign and polar factor give k = 2: the residual
      is X* X - I, and errors that rotate leave it alone.

    ``dips`` says how much smaller than at its node the value may be close by: an equioscillating
    map sends eigenvalues between the nodes to the lower end of its range, where the same absolute
    error weighs more. :class:`~matrl.errors.InputError` for another norm.
    """
    if value.breakdown >= 1.0:
        return float("inf")
    size = np.abs(value.values if magnitude is None else magnitude)
    if norm == "eigenvalue":
        size = size / dips
        return _row_norm(value.variances / np.outer(size, size), n, weights)
    if norm == "spectral":
        return _norm(value.variances, value.row_variances, n, weights) / float(size.max())
    if norm == "frobenius":
        total = n * (weights @ value.variances @ weights + weights @ value.row_variances)
        return float(np.sqrt(total / (weights @ (size * size))))
    if norm == "residual":
        return _row_norm(_residual_variances(value, size / dips, root_index), n, weights)
    raise InputError(f"norm: {norm!r} is none of {', '.join(get_args(Norm))}")


def _row_norm(variances: np.ndarray, n: int, weights: np.ndarray) -> float:
    return NORM * float(np.sqrt(n * (variances @ weights).max()))


def _norm(variances: np.ndarray, rows: np.ndarray, n: int, weights: np.ndarray) -> float:
    """Return NORM times the mean of the largest norms of a row and of a column."""
    row = np.sqrt(n * (variances @ weights).max())
    column = np.sqrt((n * (weights @ variances) + n * rows).max())
    return NORM * 0.5 * float(row + column)


def _residual_variances(value: NoisyValue, size: np.ndarray, root_index: int) -> np.ndarray:
    """Return the variances of B^(-1/2) (sum_l F^l E F^(k-1-l)) B^(-1/2), B = F^k."""
    if not value.is_hermitian or (value.values < 0.0).any():
        # X* E + E* X for sign and polar factor.
        sign = np.sign(value.values)
        signs = np.ones(len(value.errors)) if value.signs is None else value.signs
        both = sign[:, None] * value.errors + adjoint(value.errors, signs) * sign
        return (both * both).sum(axis=0)
    powers = size[:, None] ** (np.arange(root_index) - 0.5 * root_index)
    back = size[:, None] ** (0.5 * root_index - 1.0 - np.arange(root_index))
    return value.variances * (powers @ back.T) ** 2
