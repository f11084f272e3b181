"""The points of a domain a first look goes by: no more than 256 of them."""

from dataclasses import dataclass

import numpy as np

from matrl.core.measure import Measure
from matrl.discovery.problem.domains import ScaledDomain

__all__ = ["Thinned"]

MOST_POINTS = 256
DOUBT = 1.01
"""Errors in the mean at some points were off by less than a thousandth of those at all."""


@dataclass(frozen=True, eq=False)
class Thinned:
    """Some of the points of a domain, ascending, with both ends.

    ``chosen`` (q,) are their places; those from ``first`` on lie in the range coefficients are
    designed for. ``weights`` and ``measured`` put errors together, ``shares`` are the weights of
    their squares, with the densities only where the mean counts and not the ``greatest``;
    ``density`` is that of the spectrum. ``doubt`` is by what factor an error may be less than it
    looks.
    """

    chosen: np.ndarray
    first: int
    weights: np.ndarray
    measured: np.ndarray
    shares: np.ndarray
    density: np.ndarray
    greatest: bool
    doubt: float

    @classmethod
    def of(cls, domain: ScaledDomain, measure: Measure) -> "Thinned":
        """Return the points of a domain, or some that stand for their neighbours too.

        The greatest error at some points is at most that at all; mean squares are the same where
        errors are linear between neighbours.
        """
        order = np.argsort(domain.sampled, kind="stable")
        squares = (domain.density * domain.weights**2)[order]
        places = np.arange(len(order))
        if len(order) > MOST_POINTS:
            places = _spread_out(squares, np.log(domain.sampled[order]))
        chosen = order[places]
        greatest = measure.aggregate == "max"
        weights = domain.weights[chosen]
        logs = np.log(domain.sampled[order])
        density = _shared(domain.density[order], logs, places)
        shares = weights * weights if greatest else _shared(squares, logs, places)
        measured = shares / np.maximum(weights * weights, 1e-300)
        first = int(np.searchsorted(domain.sampled[chosen], domain.lower * (1.0 - 1e-12)))
        doubt = 1.0 if greatest or len(chosen) == len(order) else DOUBT
        return cls(chosen, first, weights, measured, shares, density, greatest, doubt)


def _shared(shares: np.ndarray, logs: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the shares of the points at some places, the others' divided between neighbours."""
    right = np.clip(np.searchsorted(places, np.arange(len(logs))), 1, max(len(places) - 1, 1))
    if len(places) == 1:
        return np.array([shares.sum()])
    left = right - 1
    width = logs[places[right]] - logs[places[left]]
    part = (logs - logs[places[left]]) / np.where(width > 0.0, width, 1.0)
    return np.bincount(left, shares * (1.0 - part), len(places)) + np.bincount(
        right, shares * part, len(places)
    )


def _spread_out(shares: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return ``MOST_POINTS`` places, both ends among them: evenly spaced, and those that count.

    A point counts for its share and for the gap to its neighbours.
    """
    count = len(shares)
    even = np.unique(np.linspace(0, count - 1, MOST_POINTS // 2).round().astype(int))
    rest = np.ones(count, dtype=bool)
    rest[even] = False
    others = np.flatnonzero(rest)
    gaps = np.diff(logs)
    gaps = np.maximum(gaps[others - 1], gaps[others])
    counts = shares[others] / shares.sum() + gaps / max(float(logs[-1] - logs[0]), 1e-300)
    # Of equal ones those take turns, or all would be at one end.
    turns = np.argsort(np.argsort(others * 0.6180339887498949 % 1.0, kind="stable"))
    order = np.lexsort((turns, -counts))
    return np.sort(np.concatenate([even, others[order[: MOST_POINTS - len(even)]]]))
