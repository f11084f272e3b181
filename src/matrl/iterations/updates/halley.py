"""Dynamically weighted Halley (QDWH): p(m) = (a + b m)/(1 + c m) with weights from the range.

Third order, one inverse a step. On [1, 1] the weights are Halley's (3, 1, 3). Source: Nakatsukasa,
Bai & Gygi 2010, doi:10.1137/090774999.
"""

from dataclasses import dataclass

from matrl.coefficients import dynamically_weighted_halley
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.partial_fractions import RationalUpdate, flatten
from matrl.iterations.update import Samples

__all__ = ["Halley"]


@dataclass(frozen=True)
class Halley(RationalUpdate):
    """The dynamically weighted Halley update."""

    name: str = "halley"
    source: str = "doi:10.1137/090774999"
    rule: str = "dynamical weights from l (DWH)"

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (constant, weight, shift) of the partial fraction for x in [lower, upper]."""
        return flatten(dynamically_weighted_halley(lower, upper))


UPDATES.register(Halley())
