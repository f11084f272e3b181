"""(Z, M) and (Y, M): multiply the carried matrix by p, and M by p on both sides.

The feedback is M alone, which keeps Hermitian products stable (Higham, *Functions of Matrices*,
section 6.4 and 7.3 on coupled iterations). M itself may be mirrored: its non-commuting errors do
not grow. The carried matrix is multiplied ``mirrored`` or ``averaged`` as the step says.
"""

from dataclasses import dataclass

from matrl.core.program import Product
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, advance_coupled
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["ResidualForm"]


@dataclass(frozen=True)
class ResidualForm:
    """The coupled form around M, for one of the carried matrices."""

    name: str
    carries: str

    def admits(self, kind: UpdateKind, carries: str, is_start: bool) -> bool:
        """Polynomials always; rationals once a step has been taken (see partial fractions)."""
        return carries == self.carries and (
            kind == "polynomial" or (kind == "rational" and not is_start)
        )

    def advance(
        self, registers: Registers, multiplier: Multiplier, root_index: int, product: Product
    ) -> Registers:
        """Write carried <- carried p and M <- p M p (k factors p)."""
        return advance_coupled(registers, multiplier, root_index, product)


FORMS.register(ResidualForm("zm", "z"))
FORMS.register(ResidualForm("ym", "y"))
