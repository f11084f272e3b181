"""Writing programs by ordinary arithmetic on expressions.

A :class:`Graph` hands out :class:`Expression` objects; Python operators on them record
operations. Linear combinations are kept symbolic until a product or an inverse needs them, so sums
of sums become one pass. The graph folds the identity (``I @ X`` is ``X``), takes scalar factors out
of products and inverses, and shares equal operations, so first steps need no special cases.
"""

from dataclasses import dataclass

from matrl.core.program import Operation, Product, Program

__all__ = ["Expression", "Graph"]


class Graph:
    """A program under construction."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._index: dict[Operation, int] = {}

    def _record(self, op: Operation) -> int:
        index = self._index.get(op)
        if index is None:
            index = self._index[op] = len(self._operations)
            self._operations.append(op)
        return index

    def input(self, label: str, dtype: str) -> "Expression":
        """Return the Hermitian input matrix called ``label``."""
        node = self._record(Operation("input", dtype=dtype, label=label))
        return Expression(self, ((node, 1.0),), 0.0, dtype)

    def identity(self, dtype: str) -> "Expression":
        """Return the identity, which costs nothing until it is added to something."""
        return Expression(self, (), 1.0, dtype)

    def program(self, *outputs: "Expression") -> Program:
        """Return the program of ``outputs``, without anything they do not need."""
        nodes = tuple(output.materialise() for output in outputs)
        return Program(tuple(self._operations), nodes).restricted_to(nodes)


@dataclass(frozen=True, eq=False)
class Expression:
    """A linear combination of recorded values and the identity; build with Python operators.

    ``@`` is a product known to be Hermitian (the operands commute in exact arithmetic), computed on
    one triangle; :meth:`matmul` chooses otherwise.
    """

    graph: Graph
    terms: tuple[tuple[int, float], ...]
    shift: float
    dtype: str

    def is_same(self, other: "Expression") -> bool:
        """Return whether both expressions denote the same value, coefficient by coefficient."""
        return (
            self.graph is other.graph
            and self.terms == other.terms
            and self.shift == other.shift
            and self.dtype == other.dtype
        )

    def materialise(self) -> int:
        """Record this combination as a value of its own, if it is not one yet; return its index."""
        if len(self.terms) == 1 and self.shift == 0.0 and self.terms[0][1] == 1.0:
            return self.terms[0][0]
        return self.graph._record(
            Operation(
                "linear",
                operands=tuple(node for node, _ in self.terms),
                coefficients=tuple(coefficient for _, coefficient in self.terms),
                shift=self.shift,
                dtype=self.dtype,
            )
        )

    def _factored(self) -> tuple[float, int]:
        """Return (factor, node) with this expression equal to factor times the node."""
        if len(self.terms) == 1 and self.shift == 0.0:
            node, factor = self.terms[0]
            return factor, node
        return 1.0, self.materialise()

    def _node(self, node: int, factor: float = 1.0, dtype: str | None = None) -> "Expression":
        return Expression(self.graph, ((node, factor),), 0.0, dtype or self.dtype)

    def _check_joins(self, other: "Expression") -> None:
        if other.graph is not self.graph or other.dtype != self.dtype:
            raise ValueError("other: belongs to another graph or precision; cast it first")

    def __add__(self, other: "Expression | float") -> "Expression":
        if not isinstance(other, Expression):
            return Expression(self.graph, self.terms, self.shift + other, self.dtype)
        self._check_joins(other)
        sums = dict(self.terms)
        for node, coefficient in other.terms:
            sums[node] = sums.get(node, 0.0) + coefficient
        terms = tuple((node, value) for node, value in sums.items() if value != 0.0)
        return Expression(self.graph, terms, self.shift + other.shift, self.dtype)

    __radd__ = __add__

    def __mul__(self, factor: float) -> "Expression":
        terms = tuple((node, value * factor) for node, value in self.terms if value * factor != 0.0)
        return Expression(self.graph, terms, self.shift * factor, self.dtype)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> "Expression":
        return self * (1.0 / divisor)

    def __neg__(self) -> "Expression":
        return self * -1.0

    def __sub__(self, other: "Expression | float") -> "Expression":
        return self + (-other)

    def __rsub__(self, other: "Expression | float") -> "Expression":
        return (-self) + other

    def __matmul__(self, other: "Expression") -> "Expression":
        return self.matmul(other)

    def matmul(self, other: "Expression", product: Product = "mirrored") -> "Expression":
        """Return the product with ``other``; multiples of the identity cost nothing."""
        self._check_joins(other)
        if not self.terms:
            return other * self.shift
        if not other.terms:
            return self * other.shift
        left_factor, left = self._factored()
        right_factor, right = other._factored()
        node = self.graph._record(
            Operation("matmul", operands=(left, right), product=product, dtype=self.dtype)
        )
        return self._node(node, left_factor * right_factor)

    def inverse(self) -> "Expression":
        """Return the inverse; the expression must be positive definite when it is run."""
        if not self.terms:
            return Expression(self.graph, (), 1.0 / self.shift, self.dtype)
        factor, operand = self._factored()
        if factor < 0.0:
            factor, operand = 1.0, self.materialise()
        node = self.graph._record(Operation("inverse", operands=(operand,), dtype=self.dtype))
        return self._node(node, 1.0 / factor)

    def power(self, exponent: float) -> "Expression":
        """Return the real power through an eigendecomposition."""
        if not self.terms:
            return Expression(self.graph, (), self.shift**exponent, self.dtype)
        node = self.graph._record(
            Operation("spectral", operands=(self.materialise(),), shift=exponent, dtype=self.dtype)
        )
        return self._node(node)

    def cast(self, dtype: str) -> "Expression":
        """Return the same value in another precision; a no-operation where it has it already."""
        if dtype == self.dtype:
            return self
        if not self.terms:
            return Expression(self.graph, (), self.shift, dtype)
        node = self.graph._record(Operation("cast", operands=(self.materialise(),), dtype=dtype))
        return self._node(node, dtype=dtype)
