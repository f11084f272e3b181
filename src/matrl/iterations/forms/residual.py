"""(Z, M), (Y, M) and (Y, Z, M): multiply the carried matrices by p, and M by p^k.

The feedback is M alone, which keeps Hermitian products stable (Higham, *Functions of Matrices*,
sections 6.4 and 7.3 on coupled iterations). M itself may be mirrored: its non-commuting errors do
not grow. The carried matrices are multiplied ``mirrored`` or ``averaged`` as the step says.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, advance_coupled
from matrl.iterations.update import Update, UpdateKind

__all__ = ["COUPLED", "ResidualForm"]

COUPLED = ("zm", "ym", "yzm", "product", "partial-fractions")
"""The forms whose feedback is M, which may follow one another."""


@dataclass(frozen=True)
class ResidualForm:
    """The coupled form around M, for one choice of carried matrices."""

    name: str
    carries: str
    description: str
    source: str = "Higham 2008, Functions of Matrices, sections 6.4 and 7.3"
    needs_residual: bool = True
    keeps_rounding: bool = True

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Polynomials always; rationals once a step has been taken (see partial fractions)."""
        if function.carries != self.carries or (previous is not None and previous not in COUPLED):
            return False
        return kind == "polynomial" or (kind == "rational" and previous is not None)

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write carried <- carried p^j and M <- M p^k."""
        registers = registers.cast(step.precision)
        assert registers.m is not None
        multiplier = update.multiplier(registers.m, step.coefficients, function.root_index)
        return advance_coupled(registers, multiplier, function, step.product)


FORMS.register(ResidualForm("zm", "z", "Z <- Z p(M), M <- M p(M)^k"))
FORMS.register(ResidualForm("ym", "y", "Y <- Y p(M)^j, M <- M p(M)^k"))
FORMS.register(ResidualForm("yzm", "yz", "Y <- Y p(M), Z <- Z p(M), M <- M p(M)^2"))
