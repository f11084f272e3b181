"""Lyapunov repair: one Newton step for the inverse square root that forgets earlier rounding.

S D + D S = I - Z A Z with S = A Z, Z <- Z + D; residual and sum in the plan's precision, the solve
in the step's. On eigenvalues it is the unscaled Newton map, p = (1 + 1/m)/2. Source: Newton's
method with its exact derivative, Higham, *Functions of Matrices*, section 6.1, equation (6.2);
Lyapunov equation by eigendecomposition, Bartels & Stewart 1972, doi:10.1145/361573.361582.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import working_dtype
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers
from matrl.iterations.update import Update, UpdateKind

__all__ = ["LyapunovForm"]


@dataclass(frozen=True)
class LyapunovForm:
    """The repair of an approximate inverse square root."""

    name: str = "lyapunov"
    description: str = "Z <- Z + D with S D + D S = I - Z A Z, S = A Z (inverse square root only)"
    source: str = "Higham 2008, Functions of Matrices, equation (6.2)"
    needs_residual: bool = False
    updates_residual: bool = False
    chooses_product: bool = False
    keeps_rounding: bool = False

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """The repair, for the inverse square root, once a step has been taken."""
        fits = function.root_index == 2 and function.carries == "z"
        return kind == "repair" and fits and previous not in (None, "yz")

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write Z + D."""
        a = registers.a
        assert registers.z is not None
        z = registers.z.cast(a.dtype)
        low = working_dtype(step.precision, a.dtype)
        s = a.matmul(z, "averaged")
        residual = 1.0 - z.matmul(a.matmul(z, "general"), "averaged")
        correction = s.cast(low).lyapunov(residual.cast(low)).cast(a.dtype)
        return Registers(a, z=z + correction)


FORMS.register(LyapunovForm())
