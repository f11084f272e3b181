"""(Z, M), (Y, M) and (Y, Z, M): multiply the carried matrices by p, and M by p^k.

The feedback is M alone, which keeps Hermitian products stable (Higham, *Functions of Matrices*,
sections 6.4 and 7.3 on coupled iterations). M itself may be mirrored: its non-commuting errors do
not grow. The carried matrices are multiplied ``mirrored`` or ``averaged`` as the step says.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.iterations.catalogue import FORMS, has_residual
from matrl.iterations.form import CoupledStep
from matrl.iterations.update import UpdateKind

__all__ = ["ResidualForm"]


@dataclass(frozen=True)
class ResidualForm(CoupledStep):
    """The coupled form around M, for one choice of carried matrices."""

    name: str = ""
    carries: str = ""
    description: str = ""
    source: str = "Higham 2008, Functions of Matrices, sections 6.4 and 7.3"

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Polynomials always; rationals once a step has been taken (see partial fractions)."""
        if function.carries != self.carries or not has_residual(previous):
            return False
        return kind == "polynomial" or (kind == "rational" and previous is not None)


FORMS.register(ResidualForm(name="zm", carries="z", description="Z <- Z p(M), M <- M p(M)^k"))
FORMS.register(ResidualForm(name="ym", carries="y", description="Y <- Y p(M)^j, M <- M p(M)^k"))
FORMS.register(
    ResidualForm(name="yzm", carries="yz", description="Y <- Y p(M), Z <- Z p(M), M <- M p(M)^2")
)
