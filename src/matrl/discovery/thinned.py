"""The points of a domain a first look goes by: no more than 256 of them."""

from dataclasses import dataclass

import numpy as np

from matrl.core.measure import Measure
from matrl.discovery.domains import ScaledDomain

__all__ = ["Thinned"]

MOST_POINTS = 256


@dataclass(frozen=True, eq=False)
class Thinned:
    """Some of the points of a domain, ascending, with both ends.

    ``chosen`` (q,) are their places; those from ``first`` on lie in the range coefficients are
    designed for. ``weights`` and ``measured`` put errors together, ``shares`` are the weights of
    their squares, with the densities only where the mean counts and not the ``greatest``;
    ``density`` is that of the spectrum.
    """

    chosen: np.ndarray
    first: int
    weights: np.ndarray
    measured: np.ndarray
    shares: np.ndarray
    density: np.ndarray
    greatest: bool

    @classmethod
    def of(cls, domain: ScaledDomain, measure: Measure) -> "Thinned":
        """Return the points of a domain, or some that stand for their neighbours too.

        The greatest error at some points is at most that at all; mean squares are the same but for
        how much errors differ between neighbours.
        """
        order = np.argsort(domain.sampled, kind="stable")
        places = np.arange(len(order))
        if len(order) > MOST_POINTS:
            places = np.unique(np.linspace(0, len(order) - 1, MOST_POINTS).round().astype(int))
        chosen = order[places]
        greatest = measure.aggregate == "max"
        weights = domain.weights[chosen]
        # Each point between two chosen ones counts for the nearer of them.
        edges = np.concatenate([[0], (places[:-1] + places[1:] + 1) // 2])
        density = np.add.reduceat(domain.density[order], edges)
        squares = (domain.density * domain.weights**2)[order]
        shares = weights * weights if greatest else np.add.reduceat(squares, edges)
        measured = shares / np.maximum(weights * weights, 1e-300)
        first = int(np.searchsorted(domain.sampled[chosen], domain.lower * (1.0 - 1e-12)))
        return cls(chosen, first, weights, measured, shares, density, greatest)
