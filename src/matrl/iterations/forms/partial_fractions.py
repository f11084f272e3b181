"""Partial fractions from A: the first step of a schedule costs one inverse a pole and no product.

Z = p(A) is a sum of shifted inverses, and so is Y = A p(A), because a/(a + c) = 1 - c/(a + c).
Source: Nakatsukasa & Freund 2016, doi:10.1137/140990334, for the sums; the additions are algebra.
"""

from dataclasses import dataclass

from matrl.core.program import Product
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, advance_coupled
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["PartialFractionsForm"]


@dataclass(frozen=True)
class PartialFractionsForm:
    """A rational first step from A."""

    name: str = "partial-fractions"

    def admits(self, kind: UpdateKind, carries: str, is_start: bool) -> bool:
        """Rational updates, at the start only."""
        return kind == "rational" and is_start

    def advance(
        self, registers: Registers, multiplier: Multiplier, root_index: int, product: Product
    ) -> Registers:
        """Write Z = p(A) or Y = A p(A) by additions, and M for the step after."""
        return advance_coupled(registers, multiplier, root_index, product)


FORMS.register(PartialFractionsForm())
