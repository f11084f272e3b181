"""Partial fractions from A: the first step of a schedule costs one inverse a pole and no product.

Z = p(A) is a sum of shifted inverses, and so is Y = A p(A), because a/(a + c) = 1 - c/(a + c).
Source: Nakatsukasa & Freund 2016, doi:10.1137/140990334, for the sums; the additions are algebra.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, advance_coupled
from matrl.iterations.update import Update, UpdateKind

__all__ = ["PartialFractionsForm"]


@dataclass(frozen=True)
class PartialFractionsForm:
    """A rational first step from A."""

    name: str = "partial-fractions"
    description: str = "Z = p(A), Y = A p(A) by additions of shifted inverses of A"
    source: str = "doi:10.1137/140990334"
    needs_residual: bool = True
    keeps_rounding: bool = True

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Rational updates, at the start only."""
        return kind == "rational" and previous is None and function.carries != "x"

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write Z = p(A) or Y = A p(A) by additions, and M for the step after."""
        registers = registers.cast(step.precision)
        assert registers.m is not None
        multiplier = update.multiplier(registers.m, step.coefficients, function.root_index)
        return advance_coupled(registers, multiplier, function, step.product)


FORMS.register(PartialFractionsForm())
