"""What a form is: a way to carry an update out on matrices."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol

from matrl.core.program import Product
from matrl.core.tracing import Expression
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["Form", "Registers", "advance_coupled", "carry"]


@dataclass(frozen=True)
class Registers:
    """The live matrices of a schedule: the carried one (Z or Y) and the residual product M."""

    carried: Expression
    residual: Expression
    carries: Literal["z", "y"]

    @property
    def is_start(self) -> bool:
        """Whether no step has been taken: Z is a multiple of the identity, or Y is M."""
        if self.carries == "z":
            return not self.carried.terms
        return self.carried.is_same(self.residual)

    def cast(self, dtype: str) -> "Registers":
        """Return the registers in another precision."""
        return replace(self, carried=self.carried.cast(dtype), residual=self.residual.cast(dtype))


class Form(Protocol):
    """A way to realise z <- z p(m), m <- m p(m)^k; all forms share the same registers."""

    @property
    def name(self) -> str:
        """Name of the form, as plans store it."""
        ...

    def admits(self, kind: UpdateKind, carries: str, is_start: bool) -> bool:
        """Whether an update of this kind can be carried out in this form here."""
        ...

    def advance(
        self, registers: Registers, multiplier: Multiplier, root_index: int, product: Product
    ) -> Registers:
        """Write one step; ``product`` says how the carried matrix is multiplied."""
        ...


def carry(registers: Registers, multiplier: Multiplier, product: Product) -> Expression:
    """Write the carried matrix times p.

    At the start the factors are functions of one matrix, exactly symmetric ones, so that the
    cheaper mirrored product is as good as the averaged one.
    """
    if not registers.is_start:
        return registers.carried.matmul(multiplier.p, product)
    if registers.carries == "y" and multiplier.residual_times is not None:
        return multiplier.residual_times
    return registers.carried.matmul(multiplier.p)


def advance_coupled(
    registers: Registers, multiplier: Multiplier, root_index: int, product: Product
) -> Registers:
    """Write carried <- carried p and M <- p ... p (m p), by the products additions do not save."""
    residual = multiplier.residual_times
    if residual is None:
        residual = registers.residual @ multiplier.p
    for _ in range(root_index - 1):
        residual = multiplier.p @ residual
    return Registers(carry(registers, multiplier, product), residual, registers.carries)
