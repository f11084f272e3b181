"""Scalings of Newton's step for the square root index.

The functions that return (mu, centre) mean the update p(m) = centre (mu + 1/(mu m))/2, whose map
on x is centre (mu x + 1/(mu x))/2. Only the optimal one centres the image at 1: the others are
not told the exact ends of the range, so they cannot, and their centre is 1.0.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matrl.coefficients._arguments import (
    check_scaled,
    checked_integer,
    checked_interval,
    checked_number,
)
from matrl.errors import InputError

_WEIGHTS_OFF = 1e-6  # how far the weights may be from summing to 1


def newton_scaling(lower: float, upper: float) -> tuple[float, float]:
    """Return (mu, centre) of the scaled Newton update p(m) = centre (mu + 1/(mu m))/2.

    The map x p(x^2) = centre (mu x + 1/(mu x))/2 takes [lower, upper] to [centre, 2 - centre],
    and no other mu gives a narrower image. The scaling is mu = 1/sqrt(lower upper).

    Args:
        lower: least x, positive.
        upper: greatest x, at least lower.

    Raises:
        InputError: not 0 < lower <= upper, both finite, or upper too far from 1 for floats.

    Source: Higham, Functions of Matrices, SIAM 2008, sections 5.5 and 8.6,
    doi:10.1137/1.9780898717778.

    >>> newton_scaling(0.25, 4.0)
    (1.0, 0.64)
    """
    lower, upper = checked_interval(lower, upper)
    root_lower, root_upper = math.sqrt(lower), math.sqrt(upper)
    scaling = 1.0 / root_lower / root_upper
    check_scaled((scaling,), upper)
    greatest = (root_upper / root_lower + root_lower / root_upper) / 2.0
    return scaling, 2.0 / (1.0 + greatest)


def byers_xu_scaling(lower: float, upper: float) -> tuple[float, float]:
    """Return (mu, 1.0) of Byers and Xu's scaled Newton update, which is not centred.

    The scaling is mu = 1/sqrt(lower upper) of the range at hand, and the map takes that range to
    [1, (mu upper + 1/(mu upper))/2]; from range to range that gives ``byers_xu_scalings``. With the
    true ends it equals the optimal scaling. Byers and Xu call it suboptimal because it is told
    bounds of the ends, and only at the start.

    Args:
        lower: least x, positive; 1.0 after the first step.
        upper: greatest x, at least lower.

    Raises:
        InputError: not 0 < lower <= upper, both finite, or upper too far from 1 for floats.

    Source: Byers & Xu (2008), doi:10.1137/060664483.

    >>> byers_xu_scaling(0.25, 4.0)
    (1.0, 1.0)
    """
    return newton_scaling(lower, upper)[0], 1.0


def byers_xu_scalings(lower: float, upper: float, steps: int) -> tuple[float, ...]:
    """Return mu_0..mu_(steps-1) of Byers and Xu's recurrence for uncentred Newton updates.

    mu_0 = 1/sqrt(a b), mu_1 = sqrt(2 sqrt(a b)/(a + b)), then mu_(j+1) = sqrt(2/(mu_j + 1/mu_j)),
    for [a, b] = [lower, upper] at the start; nothing else of the spectrum is asked for.

    Args:
        lower: least x at the start, positive.
        upper: greatest x at the start, at least lower.
        steps: how many, at least 1.

    Raises:
        InputError: an argument is out of its range, or upper too far from 1 for floats.

    Source: Byers & Xu (2008), doi:10.1137/060664483.

    >>> [round(mu, 6) for mu in byers_xu_scalings(0.25, 4.0, 3)]
    [1.0, 0.685994, 0.965895]
    """
    steps = checked_integer("steps", steps, 1)
    scalings = [newton_scaling(lower, upper)[0]]
    if steps > 1:
        ratio = math.sqrt(float(lower)) / math.sqrt(float(upper))
        scalings.append(math.sqrt(2.0 * ratio / (1.0 + ratio * ratio)))
    while len(scalings) < steps:
        scalings.append(math.sqrt(2.0 / (scalings[-1] + 1.0 / scalings[-1])))
    return tuple(scalings)


def determinantal_scaling(x: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Return (mu, 1.0) of determinantal scaling, mu = |det X|^(-1/n), from the spectrum of X.

    With every eigenvalue and weights 1/n that is exact; with a sample it is an estimate. It makes
    the geometric mean of mu x equal to 1 and is optimal for no range in particular.

    Args:
        x: values of the spectrum of X, positive, at least one.
        weights: share of each, not negative, summing to 1.

    Raises:
        InputError: x or weights is empty, out of its range, or they differ in length.

    Source: Byers (1987), doi:10.1016/0024-3795(87)90222-9; Higham, Functions of Matrices, section
    5.5, doi:10.1137/1.9780898717778.

    >>> round(determinantal_scaling((0.25, 1.0, 16.0, 1.0), (0.25,) * 4)[0], 12)
    0.707106781187
    """
    values, shares = _checked_sample(x, weights)
    logarithms = (share * math.log(value) for value, share in zip(values, shares, strict=True))
    return math.exp(-math.fsum(logarithms)), 1.0


def norm_scaling(x: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Return (mu, 1.0) of norm scaling, mu = (||X^-1||_F/||X||_F)^(1/2), from the spectrum of X.

    It stands in for Higham's (||X^-1||_1 ||X^-1||_inf/(||X||_1 ||X||_inf))^(1/4), which needs the
    entries of X: sqrt(||X||_1 ||X||_inf) lies within a factor sqrt(n) of ||X||_F either way, so
    the two scalings do too, and this one within n^(1/4) of the optimal 1/sqrt(lower upper).

    Args:
        x: singular values of X, positive, at least one.
        weights: share of each, not negative, summing to 1.

    Raises:
        InputError: x or weights is empty, out of its range, or they differ in length.

    Source: Higham (1986), doi:10.1137/0907079; Functions of Matrices, sections 5.5 and 8.6,
    doi:10.1137/1.9780898717778.

    >>> round(norm_scaling((0.5, 2.0, 8.0), (0.25, 0.5, 0.25))[0], 12)
    0.5
    """
    values, shares = _checked_sample(x, weights)
    least, greatest = min(values), max(values)
    pairs = tuple(zip(values, shares, strict=True))
    # Both sums scaled to at most 1, so no square over- or underflows in a way that counts
    norm = math.fsum(share * (value / greatest) ** 2 for value, share in pairs)
    inverse = math.fsum(share * (least / value) ** 2 for value, share in pairs)
    return (inverse / norm) ** 0.25 / math.sqrt(least) / math.sqrt(greatest), 1.0


def determinantal_scalings(
    x: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mu (...) of ``determinantal_scaling`` for many spectra at once.

    Args:
        x: values of the spectra, positive, shape (..., q); not checked.
        weights: share of each, summing to 1, shape (q,).

    >>> determinantal_scalings(np.array([[0.25, 1.0], [1.0, 16.0]]), np.full(2, 0.5)).round(12)
    array([2.  , 0.25])
    """
    return np.exp(-(np.log(x) @ weights))


def norm_scalings(x: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mu (...) of ``norm_scaling`` for many spectra at once.

    Args:
        x: values of the spectra, positive, shape (..., q); not checked.
        weights: share of each, shape (q,).

    >>> norm_scalings(np.array([[0.5, 2.0, 8.0]]), np.array([0.25, 0.5, 0.25])).round(12)
    array([0.5])
    """
    least, greatest = x.min(axis=-1, keepdims=True), x.max(axis=-1, keepdims=True)
    quotient = ((least / x) ** 2 @ weights) / ((x / greatest) ** 2 @ weights)
    return quotient**0.25 / np.sqrt(least[..., 0]) / np.sqrt(greatest[..., 0])


def _checked_sample(
    x: Sequence[float], weights: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the values that weigh anything and their weights, or raise InputError."""
    values = [checked_number("x", value, "pass positive floats") for value in x]
    shares = [checked_number("weights", share, "pass floats that sum to 1") for share in weights]
    if not values or min(values) <= 0.0:
        found = min(values) if values else "empty"
        raise InputError(f"x is or holds {found!r}; pass at least one value, all positive")
    if len(values) != len(shares):
        raise InputError(
            f"weights has {len(shares)} entries for {len(values)} of x; pass one for each"
        )
    if min(shares) < 0.0 or abs(math.fsum(shares) - 1.0) > _WEIGHTS_OFF:
        raise InputError(
            f"weights sum to {math.fsum(shares)!r} with least {min(shares)!r}; pass shares that "
            "are not negative and divide them by their sum"
        )
    pairs = [(value, share) for value, share in zip(values, shares, strict=True) if share > 0.0]
    return tuple(value for value, _ in pairs), tuple(share for _, share in pairs)
