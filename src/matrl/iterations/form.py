"""What a form is: a way to carry an update out on matrices."""

from dataclasses import dataclass, replace
from typing import Protocol

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import working_dtype
from matrl.core.program import Product
from matrl.core.tracing import Expression
from matrl.iterations.update import Multiplier, Update, UpdateKind

__all__ = ["CoupledStep", "Form", "Registers", "advance_coupled", "multiply", "power_of"]

GREATEST_FACTOR = 8
"""Largest k for which p, where it is a multiple of one matrix, is left as that.

Its k-th power would be taken of the factor and the matrix by themselves, and either overflow.
"""


@dataclass(frozen=True)
class Registers:
    """The live matrices of a schedule; ``None`` where its function or form has none.

    ``a`` is the matrix itself, ``z`` ~ A^(-1/k) (to the power the function carries), ``y`` the
    product that starts from A, ``x`` the base of the iterate x z for sign and polar factor, ``m``
    the residual product that drives the steps. ``product`` says how x z is to be multiplied.
    """

    a: Expression
    m: Expression | None = None
    z: Expression | None = None
    y: Expression | None = None
    x: Expression | None = None
    product: Product = "mirrored"

    def live(self) -> dict[str, Expression]:
        """Return the registers there are besides A, by name."""
        named = {"m": self.m, "z": self.z, "y": self.y, "x": self.x}
        return {name: value for name, value in named.items() if value is not None}

    def cast(self, precision: str) -> "Registers":
        """Return all registers but A in another precision."""
        dtype = working_dtype(precision, self.a.dtype)
        if all(value.dtype == dtype for value in self.live().values()):
            return self
        return replace(self, **{name: value.cast(dtype) for name, value in self.live().items()})


class Form(Protocol):
    """A way to realise z <- z p(m), m <- m p(m)^k."""

    @property
    def name(self) -> str:
        """Name of the form, as plans store it."""
        ...

    @property
    def description(self) -> str:
        """What it carries and how, in a few words."""
        ...

    @property
    def source(self) -> str:
        """Where the form is from: DOI, arXiv number or book."""
        ...

    @property
    def needs_residual(self) -> bool:
        """Whether the step before must have updated M (otherwise the form recomputes it)."""
        ...

    @property
    def updates_residual(self) -> bool:
        """Whether M is there after it, for a form that needs it."""
        ...

    @property
    def chooses_product(self) -> bool:
        """Whether carried matrices are multiplied as the step's ``product`` says."""
        ...

    @property
    def keeps_rounding(self) -> bool:
        """Whether earlier errors of the carried matrices are permanent."""
        ...

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """Whether an update of this kind can be carried out here.

        ``previous`` is the form of the step before, ``None`` at the start.
        """
        ...

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write one step; ``step.product`` says how the carried matrices are multiplied."""
        ...


@dataclass(frozen=True)
class CoupledStep:
    """What forms with the feedback M share: carried <- carried p^j, M <- M p^k."""

    needs_residual: bool = True
    updates_residual: bool = True
    chooses_product: bool = True
    keeps_rounding: bool = True

    def advance(
        self, registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
    ) -> Registers:
        """Write one step; see :func:`advance_coupled`."""
        return advance_coupled(registers, update, step, function)


def power_of(p: Expression, exponent: int) -> Expression:
    """Write p^exponent, exponent >= 1, by repeated squaring."""
    if exponent == 1:
        return p
    half = power_of(p, exponent // 2)
    return half @ half if exponent % 2 == 0 else p @ (half @ half)


def multiply(
    carried: Expression, p: Expression, product: Product, *, is_single: bool = False
) -> Expression:
    """Write carried p.

    ``is_single`` says that both are functions of one matrix, exactly symmetric ones, so that the
    cheaper mirrored product is as good as the averaged one.
    """
    if not carried.terms or is_single or not carried.hermitian:
        return carried.matmul(p)
    return carried.matmul(p, product)


def advance_coupled(
    registers: Registers, update: Update, step: StepRecord, function: MatrixFunction
) -> Registers:
    """Write carried <- carried p^j and M <- M p^k, by the products additions do not save."""
    registers = registers.cast(step.precision)
    m, k, j = registers.m, function.root_index, function.multiplicity
    assert m is not None
    multiplier = update.multiplier(m, step.coefficients, k)
    if k > GREATEST_FACTOR:
        multiplier = replace(multiplier, p=multiplier.p.as_value())
    p, z, y, product = multiplier.p, registers.z, registers.y, step.product
    if z is not None:
        z = multiply(z, power_of(p, j), product)
    if y is not None:
        is_start = y.is_same(m)
        if is_start and multiplier.residual_times is not None:
            y = multiplier.residual_times
            if j > 1:
                y = multiply(y, power_of(p, j - 1), product, is_single=True)
        else:
            y = multiply(y, power_of(p, j), product, is_single=is_start)
    following = _next_residual(m, multiplier, k)
    return replace(registers, m=following, z=z, y=y, product=product)


def _next_residual(m: Expression, multiplier: Multiplier, k: int) -> Expression:
    if multiplier.next_residual is not None and k == 2:
        return multiplier.next_residual.as_value()
    p, times = multiplier.p, multiplier.residual_times
    if times is None:
        times = m @ p
    return times if k == 1 else power_of(p, k - 1) @ times
