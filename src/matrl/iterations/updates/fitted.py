"""Fitted polynomials: the best of their degree for a sample of the spectrum, under the safety rule.

What is best is up to the error measure: the largest weighted error at the points, or the mean
square under their density. On all of (0, upper] the map stays positive. On a range alone they are
the minimax polynomials. Compare arXiv:2601.22137.
"""

from dataclasses import dataclass

import numpy as np

from matrl.coefficients import fitted_coefficients, minimax_coefficients
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.polynomial import PolynomialUpdate
from matrl.iterations.update import Samples

__all__ = ["Fitted"]

CAP = 2.0
"""Largest value of the map on (0, upper]: what the minimax map stays below, 1 + E with E < 1.

Without one a fit to a cluster explodes where it has no samples, and the steps after it suffer.
"""
MOST_POINTS = 512
"""Fits to more points are no better and slower; these are spread evenly over the sorted ones."""


@dataclass(frozen=True)
class Fitted(PolynomialUpdate):
    """The fitted update of degree ``degree`` in x."""

    source: str = "doi:10.1137/1035089; compare arXiv:2601.22137"
    rule: str = "weighted fit to samples of the spectrum, safe on (0, u]"
    uses_samples: bool = True

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"fitted-{self.degree}"

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return the coefficients for the samples; without any, the minimax ones."""
        d = (self.degree - 1) // root_index
        if samples is None:
            return minimax_coefficients(root_index, d, lower, upper)
        x, weights, density = _thinned(samples)
        if samples.aggregate == "rms":
            weights = density * weights * weights
        # Only the proportions count, and squares of tiny weights underflow.
        weights = weights / weights.max()
        return fitted_coefficients(
            root_index, d, x, weights, aggregate=samples.aggregate, upper=upper, cap=CAP
        )


def _thinned(samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return at most ``MOST_POINTS`` of the points, both ends included, density added up."""
    x, weights, density = samples.points, samples.weights, samples.density
    if len(x) <= MOST_POINTS:
        return x, weights, density
    order = np.argsort(x)
    chosen = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int))
    shares = np.add.reduceat(density[order], chosen)
    largest = np.maximum.reduceat(weights[order], chosen)
    return x[order][chosen], largest, shares


UPDATES.register_polynomials("fitted", Fitted)
