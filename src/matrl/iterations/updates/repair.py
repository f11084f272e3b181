"""The repair step: Newton's map p = (1 + 1/m)/2, carried out by a Lyapunov equation.

Its point is not its order, which is 2, but that it forgets the rounding of earlier steps; see
:mod:`matrl.iterations.forms.lyapunov`. Source: Higham, *Functions of Matrices*, section 6.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matrl.core.tracing import Expression
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.update import Multiplier, Samples, UpdateKind

__all__ = ["Repair"]


@dataclass(frozen=True)
class Repair:
    """One unscaled Newton step with its exact derivative; it has no coefficients."""

    name: str = "newton-repair"
    kind: UpdateKind = "repair"
    degree: int = 2
    source: str = "Higham 2008, Functions of Matrices, section 6.1"
    rule: str = "none"
    uses_samples: bool = False
    has_pole_at_zero: bool = True
    equioscillates: bool = False

    def supports(self, root_index: int) -> bool:
        """Square roots only."""
        return root_index == 2

    def dominated_by(self, root_index: int) -> str:
        """Its own name: nothing else repairs."""
        return "newton-repair"

    def order(self, root_index: int) -> int:
        """Return 2."""
        return 2

    def degree_for(self, root_index: int) -> int:
        """Return 2, of the type (2, 1)."""
        return 2

    def coefficient_count(self, root_index: int) -> int:
        """None."""
        return 0

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return nothing: the map does not depend on the range."""
        return ()

    def multiplier(
        self, m: Expression, coefficients: Sequence[float], root_index: int
    ) -> Multiplier:
        """Write p = (1 + 1/m)/2, which the scalar reading needs."""
        return Multiplier(0.5 + 0.5 * m.inverse())

    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        """Return x = 1, the one minimum of h, where it lies inside."""
        return (1.0,) if lower < 1.0 < upper else ()


UPDATES.register(Repair())
