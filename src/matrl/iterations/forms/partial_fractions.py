"""Partial fractions from A: the first step of a schedule costs one inverse a pole and no product.

Z = p(A) is a sum of shifted inverses, and so is Y = A p(A), because a/(a + c) = 1 - c/(a + c).
Source: Nakatsukasa & Freund 2016, doi:10.1137/140990334, for the sums; the additions are algebra.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import CoupledStep
from matrl.iterations.update import UpdateKind

__all__ = ["PartialFractionsForm"]


@dataclass(frozen=True)
class PartialFractionsForm(CoupledStep):
    """A rational first step from A."""

    name: str = "partial-fractions"
    description: str = "Z = p(A), Y = A p(A) by additions of shifted inverses of A"
    source: str = "doi:10.1137/140990334"

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Rational updates, at the start only."""
        return kind == "rational" and previous is None and function.carries != "x"


FORMS.register(PartialFractionsForm())
