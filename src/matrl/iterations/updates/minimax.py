"""Minimax polynomials on the current range: the best polynomial map of its degree towards 1.

Composed greedily it is worst-case optimal among compositions of fixed degrees: Nakatsukasa &
Freund 2016, doi:10.1137/140990334; Chen & Chow 2014; Amsel et al. 2025, arXiv:2505.16932.
"""

from dataclasses import dataclass

from matrl.coefficients import minimax_coefficients
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.polynomial import PolynomialUpdate
from matrl.iterations.update import Samples

__all__ = ["Minimax"]


@dataclass(frozen=True)
class Minimax(PolynomialUpdate):
    """The minimax update of degree ``degree`` in x."""

    source: str = "arXiv:2505.16932; doi:10.1137/140990334"
    rule: str = "minimises max |h - 1| on the range (Remez)"

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"minimax-{self.degree}"

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return the coefficients that minimise max |h(x) - 1| over [lower, upper]."""
        return minimax_coefficients(root_index, (self.degree - 1) // root_index, lower, upper)


UPDATES.register_polynomials("minimax", Minimax)
