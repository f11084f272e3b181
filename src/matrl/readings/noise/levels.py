"""Levels: an error's deviations in one number, in the norm that is asked for."""

import numpy as np

from matrl.core.measure import NORMS, Norm
from matrl.errors import InputError
from matrl.readings.noise.value import NoisyValue, adjoint

__all__ = ["breaks_down", "rounding_level"]

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
    *,
    is_power: bool = False,
) -> float:
    """Return the predicted size of the value's error E; infinity where the value broke down.

    F is the value, or a function of ``magnitude`` |f| at the nodes where that is given:

    - ``"eigenvalue"``: ||F^(-1/2) E F^(-1/2)||_2, of Hermitian F;
    - ``"spectral"`` and ``"frobenius"``: ||E|| / ||F||, of any F;
    - ``"residual"``, to first order, with k = ``root_index``: of inverse powers what E adds to
      A^q F^k - I, not symmetric and so more for pairs far apart; of powers (``is_power``) what it
      adds to F^k, divided by ||F^k||_2; of sign and polar factor ||X* E + E* X||_2, which errors
      that rotate leave alone.

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
        if (value.values < 0.0).any() or not value.is_hermitian:
            return _row_norm(_gram_variances(value), n, weights)
        size = size / dips
        if is_power:
            return _row_norm(_power_variances(value, size, root_index), n, weights)
        with np.errstate(over="ignore", invalid="ignore"):
            variances = _word_variances(value, size, root_index)
            level = _norm(variances, np.zeros_like(size), n, weights)
        return level if np.isfinite(level) else float("inf")
    raise InputError(f"norm: {norm!r} is none of {', '.join(NORMS)}")


def _row_norm(variances: np.ndarray, n: int, weights: np.ndarray) -> float:
    return NORM * float(np.sqrt(n * (variances @ weights).max()))


def _norm(variances: np.ndarray, rows: np.ndarray, n: int, weights: np.ndarray) -> float:
    """Return NORM times the mean of the largest norms of a row and of a column."""
    row = np.sqrt(n * (variances @ weights).max())
    column = np.sqrt((n * (weights @ variances) + n * rows).max())
    return NORM * 0.5 * float(row + column)


def _gram_variances(value: NoisyValue) -> np.ndarray:
    """Return the variances of X* E + E* X."""
    sign = np.sign(value.values)
    signs = np.ones(len(value.errors)) if value.signs is None else value.signs
    both = sign[:, None] * value.errors + adjoint(value.errors, signs) * sign
    return (both * both).sum(axis=0)


def _power_variances(value: NoisyValue, size: np.ndarray, root_index: int) -> np.ndarray:
    """Return the variances of sum_l F^l E F^(k-1-l), divided by ||F^k||_2; no power exceeds 1."""
    largest = float(size.max())
    order = np.arange(root_index)
    left = (size[:, None] / largest) ** order
    return value.variances * (left @ left[:, ::-1].T / largest) ** 2


def _word_variances(value: NoisyValue, size: np.ndarray, root_index: int) -> np.ndarray:
    """Return the variances of F^(-k) sum_l F^l E F^(k-1-l), sum_l (f_j/f_i)^(k-1-l)/f_i by pairs.

    They overflow where k and the condition are large: such a residual shows nothing.
    """
    ratios = size / size[:, None]
    total = sum(ratios**order for order in range(root_index))
    return value.variances * (total / size[:, None]) ** 2
