"""What of a program to form and what only to apply, by counted operations.

What is applied must be read by applied values only, so a split is a cut through the graph. All cuts
that follow the order of the program are priced, from forming everything to applying all there is,
and the cheapest is improved by moving single values (with what must then move too) to the other
side until nothing gains. A program of a chain of steps has hardly other cuts; that none is cheaper
is not proved. Operations in float32 count half. Source of the counts: Golub & Van Loan, *Matrix
Computations*, sections 1.1, 4.2 and 8.3.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from matrl.core.application import (
    Application,
    Combine,
    Solve,
    Tape,
    application_of,
    can_be_applied,
)
from matrl.core.precision import precision_of
from matrl.core.program import Operation, Program

__all__ = ["Sizes", "application_flops", "best_application", "program_flops"]


@dataclass(frozen=True)
class Sizes:
    """Of an m x n matrix, and of the block of ``columns`` vectors it is applied to."""

    m: int
    n: int
    columns: int


def program_flops(program: Program, sizes: Sizes) -> float:
    """Return what it takes to run a program: operations in float64, half of those in float32.

    >>> from matrl.core.tracing import Graph
    >>> a = Graph().input("A", "float64")
    >>> program_flops(a.graph.program(a @ a), Sizes(10, 10, 1))  # one triangle of a product
    1000.0
    """
    return sum(_flops(program, op, sizes) for op in program.operations)


def _flops(program: Program, op: Operation, sizes: Sizes) -> float:
    if op.kind == "input":
        return 0.0
    m, n = float(sizes.m), float(sizes.n)
    rows = m if "tall" in (program.operations[i].shape for i in op.operands[:2]) else n
    extra = 2.0 * len(op.operands[2:]) * rows * n
    half = 0.5 if op.product == "mirrored" else 1.0
    flops = {
        "linear": 2.0 * max(len(op.operands), 1) * rows * n,
        "matmul": 2.0 * half * rows * n * n + extra,
        "gram": 2.0 * half * rows * n * n + extra,
        "outer": 2.0 * half * rows * rows * n + extra,
        "inverse": n**3,
        "spectral": 10.0 * n**3,
        "lyapunov": 17.0 * n**3,
        "polar": 6.0 * rows * n * n + 20.0 * n**3 + 2.0 * rows * n * n,
        "symmetrize": 2.0 * n * n,
        "cast": rows * n,
    }[op.kind]
    return flops * _weight(op.dtype)


def application_flops(application: Application, sizes: Sizes, dtype: str) -> float:
    """Return what forming and factorising takes, and applying to the block, which is ``dtype``."""
    program, weight = application.program, _weight(dtype)
    total = program_flops(application.formed, sizes)
    for matrix in application.matrices:
        op = program.operations[matrix.value]
        rows, columns = _shape(op, sizes)
        if op.dtype != dtype:
            total += rows * columns
        if matrix.is_factor:
            total += weight * float(columns) ** 3 / 3.0
    return total + weight * _tape_flops(application, application.forward, sizes)


def _tape_flops(application: Application, tape: Tape, sizes: Sizes) -> float:
    total, program = 0.0, application.program
    for step in tape.steps:
        if isinstance(step, Combine):
            total += 2.0 * len(step.blocks) * max(sizes.m, sizes.n) * sizes.columns
            continue
        op = program.operations[application.matrices[step.matrix].value]
        rows, columns = _shape(op, sizes)
        if isinstance(step, Solve):
            rows = columns
        total += 2.0 * rows * columns * sizes.columns
    return total


def _shape(op: Operation, sizes: Sizes) -> tuple[int, int]:
    m, n = sizes.m, sizes.n
    return {"square": (n, n), "tall": (m, n), "large": (m, m)}[op.shape]


def _weight(dtype: str) -> float:
    return 1.0 if precision_of(dtype) == "float64" else 0.5


@lru_cache(maxsize=256)
def best_application(program: Program, sizes: Sizes, dtype: str) -> Application:
    """Return the cheapest split found for a block of this size and dtype.

    >>> from matrl.core.tracing import Graph
    >>> a = Graph().input("A", "float64")
    >>> program = a.graph.program(a @ a @ a)
    >>> [sorted(best_application(program, Sizes(100, 100, s), "float64").applied) for s in (1, 90)]
    [[1, 2], []]
    """
    return _Search(program, sizes, dtype).best()


class _Search:
    def __init__(self, program: Program, sizes: Sizes, dtype: str) -> None:
        self._program, self._sizes, self._dtype = program, sizes, dtype
        self._able = can_be_applied(program)
        self._readers: list[set[int]] = [set() for _ in program.operations]
        for index, op in enumerate(program.operations):
            for operand in op.operands:
                self._readers[operand].add(index)
        self._cost = math.inf

    def best(self) -> Application:
        best = self._better(frozenset())
        assert best is not None
        applied: frozenset[int] = frozenset()
        for value in range(len(self._program.operations) - 1, -1, -1):
            if self._fits(value, applied):
                applied |= {value}
                best = self._better(applied) or best
        while True:
            for applied in self._neighbours(best.applied):
                better = self._better(applied)
                if better is not None:
                    best = better
                    break
            else:
                return best

    def _better(self, applied: frozenset[int]) -> Application | None:
        """Return the split if it is cheaper than what there is, which is then its cost."""
        each = 2.0 * _weight(self._dtype) * self._sizes.n**2 * self._sizes.columns
        most = None if math.isinf(self._cost) else int(self._cost / max(each, 1.0)) + 1
        split = application_of(self._program, applied, most)
        if split is None:
            return None
        cost = application_flops(split, self._sizes, self._dtype)
        if not cost < self._cost:
            return None
        self._cost = cost
        return split

    def _fits(self, value: int, applied: frozenset[int]) -> bool:
        return self._able[value] and self._readers[value] <= applied

    def _neighbours(self, applied: frozenset[int]) -> list[frozenset[int]]:
        """Return the splits with one value more applied, or formed with what it needs."""
        operations = self._program.operations
        more = [
            applied | {value}
            for value in range(len(operations))
            if value not in applied and self._fits(value, applied)
        ]
        fewer = []
        for value in applied:
            needed, pending = {value}, [value]
            while pending:
                operands = set(operations[pending.pop()].operands) & applied
                pending.extend(operands - needed)
                needed |= operands
            fewer.append(applied - needed)
        return more + fewer
