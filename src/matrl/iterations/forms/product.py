"""Product form of Newton's iteration: one inverse, M by additions only.

M <- (mu^2 M + 2 I + mu^-2 M^-1)/4 and Z <- Z p(M), Y <- Y p(M). Source: Cheng, Higham, Kenney &
Laub 2001, doi:10.1137/S0895479899364015; Higham, *Functions of Matrices*, section 6.4.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, advance_coupled
from matrl.iterations.forms.residual import COUPLED
from matrl.iterations.update import Update, UpdateKind

__all__ = ["ProductForm"]


@dataclass(frozen=True)
class ProductForm:
    """The form for updates that give their next residual by additions."""

    name: str = "product"
    description: str = "Z <- Z p(M) (Y likewise), M by additions and one inverse"
    source: str = "doi:10.1137/S0895479899364015"
    needs_residual: bool = True
    keeps_rounding: bool = True

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Updates of the product kind, wherever M drives."""
        fits = function.carries != "x" and (previous is None or previous in COUPLED)
        return fits and kind == "product"

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write carried <- carried p; M is the update's own."""
        registers = registers.cast(step.precision)
        assert registers.m is not None
        multiplier = update.multiplier(registers.m, step.coefficients, function.root_index)
        return advance_coupled(registers, multiplier, function, step.product)


FORMS.register(ProductForm())
