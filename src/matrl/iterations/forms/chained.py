"""Chained: X <- X p(X* X), the Gram matrix formed anew in each step, for sign and polar factor.

The product X Z of the step before is carried out first; the form keeps the condition of what is
inverted or squared at that of the current X. Source: Higham, *Functions of Matrices*, chapter 8;
Nakatsukasa, Bai & Gygi 2010, doi:10.1137/090774999; arXiv:2505.16932 for polynomials.
"""

from dataclasses import dataclass, replace

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, advance_coupled, multiply
from matrl.iterations.update import Update, UpdateKind

__all__ = ["ChainedForm"]


@dataclass(frozen=True)
class ChainedForm:
    """A step from the iterate itself; the first step of every schedule for sign and polar."""

    name: str = "chained"
    description: str = "X <- X p(X* X), the Gram matrix formed anew"
    source: str = "doi:10.1137/090774999; arXiv:2505.16932"
    needs_residual: bool = False
    updates_residual: bool = True
    chooses_product: bool = True
    keeps_rounding: bool = True

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """All updates for sign and polar factor, anywhere."""
        return function.carries == "x" and kind != "repair"

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write X <- X Z, M <- X* X, Z <- p(M), and M p^2 for the step after."""
        registers = registers.cast(step.precision)
        x, z = registers.x, registers.z
        assert x is not None
        assert z is not None
        x = multiply(x, z, registers.product)
        m = x @ x if x.hermitian else x.gram(x)
        fresh = replace(registers, x=x, m=m, z=x.graph.identity(x.dtype))
        return advance_coupled(fresh, update, step, function)


FORMS.register(ChainedForm())
