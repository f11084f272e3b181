"""Coupled (Y, Z): T = Z Y, Y <- Y p(T), Z <- p(T) Z, by general products in exactly this order.

With symmetrised products, or the order Z p(T), it is unstable (Higham, *Functions of Matrices*,
section 6.3 and theorem 6.12, for the order). Higham, Mackey, Mackey & Tisseur 2005,
doi:10.1137/S0895479804442218.
"""

from dataclasses import dataclass, replace

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers
from matrl.iterations.update import Update, UpdateKind

__all__ = ["CoupledForm"]


@dataclass(frozen=True)
class CoupledForm:
    """The unsymmetrised coupled iteration for the square root and its inverse."""

    name: str = "yz"
    description: str = "T = Z Y, Y <- Y p(T), Z <- p(T) Z by general products"
    source: str = "doi:10.1137/S0895479804442218"
    needs_residual: bool = False
    updates_residual: bool = False
    chooses_product: bool = False
    keeps_rounding: bool = True

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Polynomials for square roots, from the first step to the last."""
        fits = function.root_index == 2 and function.carries != "x"
        return fits and kind == "polynomial" and previous in (None, self.name)

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write T, Y and Z; at the start Z = p(A) and Y = A p(A)."""
        if registers.m is not None:  # the first step: both, whichever the function carries
            a = registers.a
            registers = replace(registers, m=None, y=a, z=a.graph.identity(a.dtype))
        registers = registers.cast(step.precision)
        y, z = registers.y, registers.z
        assert y is not None
        assert z is not None
        t = z @ y if not z.terms else z.matmul(y, "general")
        p = update.multiplier(t, step.coefficients, function.root_index).p
        if not z.terms:
            return replace(registers, y=y @ p, z=p * z.shift)
        return replace(registers, y=y.matmul(p, "general"), z=p.matmul(z, "general"))


FORMS.register(CoupledForm())
