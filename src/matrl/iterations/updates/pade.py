"""Padé approximants of m^(-1/k) at 1, of the types [r/r] and [r-1/r], x scaled to the range.

For k = 2 the globally convergent principal iterations; [1/1] is Halley's. Source: Kenney & Laub
1991, doi:10.1137/0612020; Higham, *Functions of Matrices*, section 5.4; Gomilko, Karp, Lin &
Zietak, J. Comput. Appl. Math. 236 (2012) 4410-4420, for k > 2.
"""

from dataclasses import dataclass

from matrl.coefficients import pade
from matrl.core.function import GREATEST_ROOT_INDEX
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.partial_fractions import RationalUpdate, flatten
from matrl.iterations.update import Samples

__all__ = ["Pade"]


@dataclass(frozen=True)
class Pade(RationalUpdate):
    """The Padé update [numerator/poles]."""

    numerator: int = 1
    source: str = "doi:10.1137/0612020; Higham 2008, Functions of Matrices, section 5.4"
    rule: str = "Padé approximant of m^(-1/k) at 1, x scaled by 1/sqrt(l u)"

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"pade-{self.numerator}/{self.poles}"

    def supports(self, root_index: int) -> bool:
        """All roots."""
        return 2 <= root_index <= GREATEST_ROOT_INDEX

    def order(self, root_index: int) -> int:
        """Return r + s + 1 for the type [s/r], doubled up by symmetry: 2r + 1 or 2r."""
        return self.numerator + self.poles + 1

    def degree_for(self, root_index: int) -> int:
        """Degree of h in x: the larger of those of numerator and denominator."""
        return max(root_index * self.numerator + 1, root_index * self.poles)

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (constant, weight_1, shift_1, ...) for x in [lower, upper]."""
        return flatten(pade(root_index, self.poles, lower, upper, self.numerator))


for _poles in range(1, 5):
    for _numerator in (_poles - 1, _poles):
        UPDATES.register(Pade(poles=_poles, numerator=_numerator))
