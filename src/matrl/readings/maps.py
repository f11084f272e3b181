"""Many maps on many points at once: h(x) = x N(m)/D(m), m = x^k, N and D by powers of m.

The scalar reading follows the program of one update. Here any number of maps of any number of
states are a few products of small matrices, which is what a search can afford to do to children it
may never visit.
"""

import numpy as np

from matrl.core.powers import whole_power
from matrl.iterations.update import Update

__all__ = ["apply_maps", "as_ratio", "powers"]

FARTHEST = 1e30
"""Larger m count as this, so that their powers are finite: a rational p is constant there."""


def as_ratio(
    update: Update, coefficients: np.ndarray, root_index: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the coefficients of N (..., t) and D (..., t) by powers of m; no D of a polynomial.

    ``coefficients`` (..., c) are those an update stores, for any number of ranges.

    >>> from matrl.iterations import UPDATES
    >>> newton = UPDATES.get("newton")  # (mu, centre) = (1, 1) is p = (1 + 1/m)/2
    >>> [c.tolist() for c in as_ratio(newton, np.array([1.0, 1.0]), 2)]
    [[0.5, 0.5], [0.0, 1.0]]
    """
    c = np.asarray(coefficients, dtype=np.float64)
    if update.kind == "polynomial":
        return c, None
    if update.kind == "product":
        mu, centre = c[..., 0], c[..., 1]
        numerator = np.stack([0.5 * centre / mu, 0.5 * centre * mu], axis=-1)
        return numerator, np.broadcast_to([0.0, 1.0], numerator.shape)
    if update.kind == "repair":
        half = np.full((*c.shape[:-1], 2), 0.5)
        return half, np.broadcast_to([0.0, 1.0], half.shape)
    return _summed(c[..., :1], c[..., 1::2], c[..., 2::2])


def _summed(
    constant: np.ndarray, weights: np.ndarray, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return constant + sum_j weights_j/(m + shifts_j) over a common denominator."""
    numerator, denominator = constant, np.ones_like(constant)
    for j in range(weights.shape[-1]):
        weight, shift = weights[..., j : j + 1], shifts[..., j : j + 1]
        nothing = np.zeros_like(constant)
        rest = np.concatenate([weight * denominator, nothing], axis=-1)
        numerator = _times(numerator, shift) + rest
        denominator = _times(denominator, shift)
    return numerator, denominator


def _times(polynomial: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the polynomial times m + shift."""
    nothing = np.zeros_like(polynomial[..., :1])
    return np.concatenate([nothing, polynomial], axis=-1) + np.concatenate(
        [shift * polynomial, nothing], axis=-1
    )


def powers(root_index: int, x: np.ndarray, terms: int) -> np.ndarray:
    """Return m^0, ..., m^(terms - 1), m = x^k, as (..., terms, q) for x (..., q) >= 0."""
    with np.errstate(over="ignore"):
        m = np.minimum(whole_power(x, root_index), FARTHEST)
    result = np.empty((*x.shape[:-1], terms, x.shape[-1]))
    result[..., 0, :] = 1.0
    for i in range(1, terms):
        np.multiply(result[..., i - 1, :], m, out=result[..., i, :])
    return result


def apply_maps(
    root_index: int,
    x: np.ndarray,
    numerators: np.ndarray,
    denominators: np.ndarray | None = None,
    *,
    m_powers: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return h(x) (..., maps, q) for x (..., q) >= 0 and maps (..., maps, t), broadcast.

    ``numerators`` and ``denominators`` are by rising powers of m = x^k; without denominators the
    maps are polynomials. ``m_powers`` (..., >= t, q) are those of :func:`powers` where they are
    known already, ``out`` is where to put the result. Exact to rounding for positive coefficients;
    for a polynomial the error is about eps sum_i |c_i| x^(1 + ki).

    >>> x = np.array([0.5, 1.0])
    >>> apply_maps(2, x, np.array([[1.5, -0.5], [1.0, 0.0]])).tolist()
    [[0.6875, 1.0], [0.5, 1.0]]
    """
    terms = numerators.shape[-1]
    if m_powers is None:
        m_powers = powers(root_index, x, terms)
    by_power = m_powers[..., :terms, :]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        result = np.matmul(numerators, by_power, out=out)
        if denominators is not None:
            np.divide(result, np.matmul(denominators, by_power), out=result)
        return np.multiply(result, x[..., None, :], out=result)
