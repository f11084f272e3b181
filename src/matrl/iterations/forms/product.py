"""Product form of Newton's iteration: one inverse, M by additions only.

M <- (mu^2 M + 2 I + mu^-2 M^-1)/4 and Z <- Z p(M), Y <- Y p(M). Source: Cheng, Higham, Kenney &
Laub 2001, doi:10.1137/S0895479899364015; Higham, *Functions of Matrices*, section 6.4.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.iterations.catalogue import FORMS, has_residual
from matrl.iterations.form import CoupledStep
from matrl.iterations.update import UpdateKind

__all__ = ["ProductForm"]


@dataclass(frozen=True)
class ProductForm(CoupledStep):
    """The form for updates that give their next residual by additions."""

    name: str = "product"
    description: str = "Z <- Z p(M) (Y likewise), M by additions and one inverse"
    source: str = "doi:10.1137/S0895479899364015"

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Updates of the product kind, wherever M drives."""
        return kind == "product" and function.carries != "x" and has_residual(previous)


FORMS.register(ProductForm())
