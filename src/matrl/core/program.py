"""Straight-line programs over matrices: what every reading reads.

A program is a list of operations in static single assignment form: operation ``i`` defines value
``i`` and refers to earlier values by their index. It is pure data; see :mod:`matrl.core.tracing`
for how one is written and :mod:`matrl.readings` for how one is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_args

from matrl.core.precision import is_half

__all__ = [
    "KINDS",
    "PRODUCTS",
    "Kind",
    "Operation",
    "Product",
    "Program",
    "Reading",
    "Shape",
    "evaluate",
]

Kind = Literal[
    "input",
    "linear",
    "matmul",
    "gram",
    "outer",
    "inverse",
    "spectral",
    "lyapunov",
    "polar",
    "symmetrize",
    "cast",
]
Product = Literal["general", "mirrored", "averaged"]
Shape = Literal["square", "tall", "large"]

KINDS: tuple[Kind, ...] = get_args(Kind)
PRODUCTS: frozenset[Kind] = frozenset({"matmul", "gram", "outer"})
"""What multiplies two operands, and may have a linear combination folded in."""
FACTORISATIONS: frozenset[Kind] = frozenset({"inverse", "spectral", "lyapunov", "polar"})
"""What goes through a factorisation, which no half precision has."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a program.

    ``kind`` decides which fields count:

    - ``input``: the matrix called ``label``;
    - ``linear``: the sum of ``coefficients[j] * operands[j]`` plus ``shift`` times the identity;
    - ``matmul``: the product of two operands; ``product`` says whether it is a ``general`` one, or
      known to be Hermitian and then computed on one triangle and ``mirrored``, or computed in full
      and ``averaged`` with its adjoint (dearer, and kinder to small eigenvalues);
    - ``gram`` and ``outer``: X* Y and X Y*, known to be Hermitian, ``mirrored`` or ``averaged``;
      these three may have a linear combination folded in: ``coefficients[0]`` times the product,
      plus ``coefficients[1 + j] * operands[2 + j]``, plus ``shift`` times the identity, no
      coefficients standing for the product itself;
    - ``inverse``: the inverse of a Hermitian positive definite operand;
    - ``spectral``: the power ``shift`` of a Hermitian operand through its eigendecomposition, or,
      with the ``label`` ``"sign"``, its sign;
    - ``lyapunov``: the solution D of S D + D S = R, for positive definite S;
    - ``polar``: the unitary polar factor through a singular value decomposition;
    - ``symmetrize``: the Hermitian part of the operand;
    - ``cast``: the operand rounded or widened to ``dtype``.

    Values are ``square`` (n x n), ``tall`` (m x n) or ``large`` (m x m), as ``shape`` says, which
    prices and memory depend on. Operand order is kept, for rounding depends on it.
    """

    kind: Kind
    operands: tuple[int, ...] = ()
    coefficients: tuple[float, ...] = ()
    shift: float = 0.0
    product: Product = "mirrored"
    dtype: str = "float64"
    label: str = ""
    shape: Shape = "square"

    def on(self, operands: tuple[int, ...]) -> "Operation":
        """Return the same operation on other operands."""
        return Operation(
            self.kind,
            operands,
            self.coefficients,
            self.shift,
            self.product,
            self.dtype,
            self.label,
            self.shape,
        )


@dataclass(frozen=True)
class Program:
    """An immutable straight-line program: operations in order, and which values it returns."""

    operations: tuple[Operation, ...]
    outputs: tuple[int, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input matrices, in the order of their operations."""
        return tuple(op.label for op in self.operations if op.kind == "input")

    @property
    def dtypes(self) -> frozenset[str]:
        """The dtypes and half precisions it computes in, that of its inputs among them."""
        return frozenset(op.dtype for op in self.operations)

    @property
    def factorises_in_half(self) -> bool:
        """Whether it asks for a factorisation in a half precision, which does not exist."""
        return any(op.kind in FACTORISATIONS and is_half(op.dtype) for op in self.operations)

    def last_uses(self) -> tuple[int, ...]:
        """Return, per value, the index of the last operation that reads it.

        Outputs live to the end: their last use is ``len(operations)``; a value nobody reads has
        its own index.
        """
        last = list(range(len(self.operations)))
        for index, op in enumerate(self.operations):
            for operand in op.operands:
                last[operand] = index
        for output in self.outputs:
            last[output] = len(self.operations)
        return tuple(last)

    def restricted_to(self, outputs: Iterable[int]) -> "Program":
        """Return the program without what ``outputs`` do not need (dead-code elimination)."""
        outputs = tuple(outputs)
        needed = set(outputs)
        for index in range(len(self.operations) - 1, -1, -1):
            if index in needed:
                needed.update(self.operations[index].operands)
        kept = sorted(needed)
        renumbered = {old: new for new, old in enumerate(kept)}
        operations = tuple(
            op.on(tuple(renumbered[operand] for operand in op.operands))
            for op in (self.operations[index] for index in kept)
        )
        return Program(operations, tuple(renumbered[output] for output in outputs))


Value = TypeVar("Value")


class Reading(Protocol[Value]):
    """A way to read programs: a meaning for each kind of operation but ``input``."""

    def linear(self, op: Operation, operands: Sequence[Value]) -> Value:
        """Return the linear combination of the operands and the identity."""
        ...

    def matmul(self, op: Operation, left: Value, right: Value) -> Value:
        """Return the product."""
        ...

    def gram(self, op: Operation, left: Value, right: Value) -> Value:
        """Return X* Y."""
        ...

    def outer(self, op: Operation, left: Value, right: Value) -> Value:
        """Return X Y*."""
        ...

    def inverse(self, op: Operation, operand: Value) -> Value:
        """Return the inverse of a positive definite operand."""
        ...

    def spectral(self, op: Operation, operand: Value) -> Value:
        """Return the operand to the power ``op.shift``, or its sign."""
        ...

    def lyapunov(self, op: Operation, coefficient: Value, right: Value) -> Value:
        """Return D with S D + D S = R."""
        ...

    def polar(self, op: Operation, operand: Value) -> Value:
        """Return the unitary polar factor."""
        ...

    def symmetrize(self, op: Operation, operand: Value) -> Value:
        """Return the Hermitian part."""
        ...

    def cast(self, op: Operation, operand: Value) -> Value:
        """Return the operand in the precision ``op.dtype``."""
        ...


def evaluate(
    program: Program, reading: Reading[Value], inputs: dict[str, Value]
) -> tuple[Value, ...]:
    """Read a program: feed ``inputs`` through its operations and return its outputs.

    Values are dropped after their last use, so a reading of large values needs no more of them at
    once than the program does. ``KeyError`` if an input is missing.
    """
    last = program.last_uses()
    values: list[Any] = [None] * len(program.operations)
    for index, op in enumerate(program.operations):
        if op.kind == "input":
            values[index] = inputs[op.label]
            continue
        operands = [values[operand] for operand in op.operands]
        if op.kind == "linear":
            values[index] = reading.linear(op, operands)
        elif op.kind in PRODUCTS and op.coefficients:
            left, right, *addends = operands
            product = getattr(reading, op.kind)(op, left, right)
            values[index] = reading.linear(op, [product, *addends])
        else:
            values[index] = getattr(reading, op.kind)(op, *operands)
        for operand in op.operands:
            if last[operand] == index:
                values[operand] = None
    return tuple(values[output] for output in program.outputs)
