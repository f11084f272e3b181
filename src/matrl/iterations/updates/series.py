"""Series updates: the truncated expansion of m^(-1/k) at m = 1.

For k = 1 the hyperpower (Newton-Schulz, Chebyshev, ...) iterations, for k = 2 the Newton-Schulz
iteration and its higher orders, for k > 2 ((k + 1) - m)/k and its higher orders. The order of
convergence is d + 1 for p of degree d in m. Source: Higham, *Functions of Matrices*, sections 5.3,
7.3; Altman 1960 for k = 1; Guo & Higham 2006, doi:10.1137/050643374, for k > 2.
"""

from dataclasses import dataclass

from matrl.coefficients import series_coefficients
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.polynomial import PolynomialUpdate
from matrl.iterations.update import Samples

__all__ = ["Series"]


@dataclass(frozen=True)
class Series(PolynomialUpdate):
    """The series update of degree ``degree`` in x."""

    source: str = "Higham 2008, Functions of Matrices, sections 5.3 and 7.3"
    rule: str = "Taylor polynomial of m^(-1/k) at 1"

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"series-{self.degree}"

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return the Taylor coefficients; x is scaled by 1/upper while upper is below 1."""
        scale = 1.0 / upper if upper < 1.0 else 1.0
        taylor = series_coefficients(root_index, (self.degree - 1) // root_index)
        return tuple(c * scale ** (1 + root_index * i) for i, c in enumerate(taylor))


UPDATES.register_polynomials("series", Series)
