"""Anchored inverse: Z <- Z p(A Z), the residual recomputed from A in every step.

Only for k = 1 does it repair earlier errors, those of a lower precision too: the non-commuting part
of an error E becomes E A E, of second order. Source: Ben-Israel & Cohen 1966, doi:10.1137/0703035;
Higham, *Functions of Matrices*, section 7.3 and problem 5 of chapter 7 on why roots are different.
"""

from dataclasses import dataclass, replace

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import working_dtype
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers
from matrl.iterations.update import Update, UpdateKind

__all__ = ["AnchoredForm"]


@dataclass(frozen=True)
class AnchoredForm:
    """A polynomial step for the inverse with its residual from A."""

    name: str = "anchored"
    description: str = "Z <- Z p(A Z), the residual recomputed from A (inverse only)"
    source: str = "doi:10.1137/0703035"
    needs_residual: bool = False
    updates_residual: bool = False
    chooses_product: bool = False
    keeps_rounding: bool = False

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Polynomials for the inverse, once a step has been taken."""
        return kind == "polynomial" and function.root_index == 1 and previous is not None

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write T = A Z and Z <- Z p(T), the result averaged: it is Hermitian but for rounding."""
        registers = replace(registers, m=None).cast(step.precision)
        a = registers.a.cast(working_dtype(step.precision, registers.a.dtype))
        assert registers.z is not None
        t = a.matmul(registers.z, "general")
        p = update.multiplier(t, step.coefficients, 1).p
        return replace(registers, z=registers.z.matmul(p, "averaged"))


FORMS.register(AnchoredForm())
