"""Programs that apply what they compute to vectors: f(A) B without f(A).

Of a program some values are *applied* and the others *formed*. With X = alpha Y Z + sum beta C +
shift I, X b = alpha Y (Z b) + sum beta (C b) + shift b, so that b is pulled from the outputs
through what is applied, and products of n x n matrices become products with blocks of vectors. An
inverse that is applied is a solve with a Cholesky factor, a third of the work of the inverse. What
is not reached that way is not formed either. Which values are applied is a matter of price:
:mod:`matrl.core.splitting`.

All blocks have one dtype; casts and Hermitian parts on the way do nothing, for they change rounding
errors only. Source: evaluating f(A)b through a composition, Higham, *Functions of Matrices*,
chapter 13.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from matrl.core.folding import hermitian_values
from matrl.core.program import PRODUCTS, Operation, Program

__all__ = [
    "Application",
    "Combine",
    "Multiply",
    "Needed",
    "Solve",
    "Tape",
    "TapeStep",
    "application_of",
    "can_be_applied",
]


@dataclass(frozen=True, slots=True)
class Multiply:
    """The product of a matrix, or of its adjoint, with an earlier block."""

    matrix: int
    block: int
    adjoint: bool = False


@dataclass(frozen=True, slots=True)
class Solve:
    """The solution X of L L* X = block, for the Cholesky factor L that is a matrix here."""

    matrix: int
    block: int


@dataclass(frozen=True, slots=True)
class Combine:
    """The linear combination of earlier blocks."""

    blocks: tuple[int, ...]
    coefficients: tuple[float, ...]


TapeStep: TypeAlias = Multiply | Solve | Combine


@dataclass(frozen=True)
class Tape:
    """What is done to block 0, in order: step i makes block i + 1. ``outputs`` are blocks."""

    steps: tuple[TapeStep, ...]
    outputs: tuple[int, ...]

    def last_uses(self) -> tuple[int, ...]:
        """Return, per block, the last step that reads it; ``len(steps)`` for outputs."""
        last = [-1] * (len(self.steps) + 1)
        for index, step in enumerate(self.steps):
            for block in step.blocks if isinstance(step, Combine) else (step.block,):
                last[block] = index
        for block in self.outputs:
            last[block] = len(self.steps)
        return tuple(last)


@dataclass(frozen=True, slots=True)
class Needed:
    """A matrix that tapes multiply with, or solve with if ``is_factor``: a value, or its factor.

    It is output ``source`` of what is formed, or A itself where that is ``None``.
    """

    value: int
    is_factor: bool
    source: int | None


@dataclass(frozen=True)
class Application:
    """A program, split: what is formed of it, and how its outputs are applied to a block.

    ``formed`` computes from A what ``matrices`` are made of; ``forward`` makes the outputs of
    ``program`` times block 0.
    """

    program: Program
    applied: frozenset[int]
    formed: Program
    matrices: tuple[Needed, ...]
    forward: Tape

    def tape(self, outputs: Iterable[int], *, adjoint: bool = False) -> Tape:
        """Return how these outputs (or their adjoints), counted from 0, are applied."""
        writer = _Writer(self.program, self.applied)
        writer.numbers = {
            (matrix.value, matrix.is_factor): index for index, matrix in enumerate(self.matrices)
        }
        return writer.tape([self.program.outputs[output] for output in outputs], adjoint)


def can_be_applied(program: Program) -> tuple[bool, ...]:
    """Return which values need not be formed where nothing that is formed reads them."""
    able = [op.kind not in ("input", "spectral", "lyapunov", "polar") for op in program.operations]
    for op in program.operations:
        if op.kind not in PRODUCTS and op.kind not in ("linear", "cast", "symmetrize"):
            for operand in op.operands:
                able[operand] = False
    return tuple(able)


def application_of(
    program: Program, applied: frozenset[int], most_products: int | None = None
) -> Application | None:
    """Return the program with the values ``applied`` applied and what else it needs formed.

    Nothing outside ``applied`` may read what is in it; see also :func:`can_be_applied`. ``None``
    where that takes more than ``most_products`` products and solves with blocks.

    >>> from matrl.core.tracing import Graph
    >>> a = Graph().input("A", "float64")
    >>> program = a.graph.program((3.0 * a @ a - 2.0 * a).inverse() @ a)
    >>> split = application_of(program, frozenset({3, 4}))
    >>> split.forward.steps
    (Multiply(matrix=0, block=0, adjoint=False), Solve(matrix=1, block=1))
    >>> [(matrix.is_factor, matrix.source) for matrix in split.matrices]
    [(False, None), (True, 0)]
    >>> [op.kind for op in split.formed.operations]
    ['input', 'matmul', 'linear']
    """
    writer = _Writer(program, applied, most_products)
    try:
        tape = writer.tape(program.outputs, False)
    except _TooLong:
        return None
    outputs: list[int] = []
    matrices: list[Needed] = []
    for value, is_factor in writer.numbers:
        is_input = program.operations[value].kind == "input" and not is_factor
        matrices.append(Needed(value, is_factor, None if is_input else len(outputs)))
        if not is_input:
            outputs.append(value)
    formed = program.restricted_to(outputs)
    return Application(program, applied, formed, tuple(matrices), tape)


class _TooLong(Exception):
    """A tape that is longer than anybody wants it."""


@dataclass
class _Writer:
    """Writes tapes; equal steps are shared."""

    program: Program
    applied: frozenset[int]
    most_products: int | None = None
    numbers: dict[tuple[int, bool], int] = field(default_factory=dict)

    def tape(self, values: Iterable[int], adjoint: bool) -> Tape:
        self._steps: dict[TapeStep, int] = {}
        self._products = 0
        self._known: dict[tuple[int, int, bool], int] = {}
        self._hermitian = hermitian_values(self.program)
        outputs = tuple(self._times(value, 0, adjoint) for value in values)
        return Tape(tuple(self._steps), outputs)

    def _times(self, value: int, block: int, adjoint: bool) -> int:
        """Return the block that is a value, or its adjoint, times a block."""
        adjoint = adjoint and not self._hermitian[value]
        key = (value, block, adjoint)
        if key not in self._known:
            self._known[key] = self._write(value, block, adjoint)
        return self._known[key]

    def _write(self, value: int, block: int, adjoint: bool) -> int:
        op = self.program.operations[value]
        if value not in self.applied:
            return self._record(Multiply(self._matrix(value, False), block, adjoint))
        if op.kind == "inverse":
            return self._record(Solve(self._matrix(op.operands[0], True), block))
        if op.kind in ("cast", "symmetrize"):
            return self._times(op.operands[0], block, adjoint)
        terms: dict[int, float] = {}

        def add(term: int, coefficient: float) -> None:
            terms[term] = terms.get(term, 0.0) + coefficient

        operands, coefficients = op.operands, op.coefficients
        if op.kind in PRODUCTS:
            product = self._product(op, block, adjoint)
            if not coefficients:
                return product
            add(product, coefficients[0])
            operands, coefficients = operands[2:], coefficients[1:]
        for operand, coefficient in zip(operands, coefficients, strict=True):
            add(self._times(operand, block, adjoint), coefficient)
        if op.shift != 0.0:
            add(block, op.shift)
        if list(terms.values()) == [1.0]:
            return next(iter(terms))
        return self._record(Combine(tuple(terms), tuple(terms.values())))

    def _product(self, op: Operation, block: int, adjoint: bool) -> int:
        left, right = op.operands[:2]
        left_adjoint, right_adjoint = op.kind == "gram", op.kind == "outer"
        if adjoint:
            (left, left_adjoint), (right, right_adjoint) = (
                (right, not right_adjoint),
                (left, not left_adjoint),
            )
        return self._times(left, self._times(right, block, right_adjoint), left_adjoint)

    def _matrix(self, value: int, is_factor: bool) -> int:
        return self.numbers.setdefault((value, is_factor), len(self.numbers))

    def _record(self, step: TapeStep) -> int:
        known = self._steps.get(step)
        if known is not None:
            return known
        self._products += not isinstance(step, Combine)
        if self.most_products is not None and self._products > self.most_products:
            raise _TooLong
        self._steps[step] = len(self._steps) + 1
        return self._steps[step]
