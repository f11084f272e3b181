"""Product form of Newton's iteration: one inverse, M by additions only.

M <- (mu^2 M + 2 I + mu^-2 M^-1)/4 and Z <- Z p(M). Source: Cheng, Higham, Kenney & Laub 2001,
doi:10.1137/S0895479899364015; Higham, *Functions of Matrices*, section 6.4 (product form).
"""

from dataclasses import dataclass

from matrl.core.program import Product
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import Registers, carry
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["ProductForm"]


@dataclass(frozen=True)
class ProductForm:
    """The form for updates that give their next residual by additions."""

    name: str = "product"

    def admits(self, kind: UpdateKind, carries: str, is_start: bool) -> bool:
        """Updates of the product kind, anywhere."""
        return kind == "product"

    def advance(
        self, registers: Registers, multiplier: Multiplier, root_index: int, product: Product
    ) -> Registers:
        """Write carried <- carried p; M is the update's own."""
        assert multiplier.next_residual is not None
        return Registers(
            carry(registers, multiplier, product), multiplier.next_residual, registers.carries
        )


FORMS.register(ProductForm())
