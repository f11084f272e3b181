"""Writing programs by ordinary arithmetic on expressions.

A :class:`Graph` hands out :class:`Expression` objects; Python operators on them record
operations. Linear combinations are kept symbolic until a product or an inverse needs them, so sums
of sums become one pass. The graph folds the identity (``I @ X`` is ``X``), takes scalar factors out
of products and inverses, and shares equal operations, so first steps need no special cases.
"""

from dataclasses import dataclass, replace

from matrl.core.program import Kind, Operation, Product, Program, Shape

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

    def input(
        self, label: str, dtype: str, *, shape: Shape = "square", hermitian: bool = True
    ) -> "Expression":
        """Return the input matrix called ``label``, square and Hermitian unless said otherwise."""
        node = self._record(Operation("input", dtype=dtype, label=label, shape=shape))
        return Expression(self, ((node, 1.0),), 0.0, dtype, hermitian, shape)

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

    ``@`` of two Hermitian operands is a product known to be Hermitian (they commute in exact
    arithmetic), computed on one triangle, and a general product otherwise; :meth:`matmul` chooses.
    """

    graph: Graph
    terms: tuple[tuple[int, float], ...]
    shift: float
    dtype: str
    hermitian: bool = True
    shape: Shape = "square"

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
                shape=self.shape,
            )
        )

    def as_value(self) -> "Expression":
        """Return this combination as one recorded value, for use in later combinations.

        Otherwise they would contain its terms, and keep them alive.
        """
        if not self.terms:
            return self
        return self._with(((self.materialise(), 1.0),), 0.0)

    def _factored(self) -> tuple[float, int]:
        """Return (factor, node) with this expression equal to factor times the node."""
        if len(self.terms) == 1 and self.shift == 0.0:
            node, factor = self.terms[0]
            return factor, node
        return 1.0, self.materialise()

    def _with(
        self, terms: tuple[tuple[int, float], ...], shift: float, hermitian: bool | None = None
    ) -> "Expression":
        # dataclasses.replace does the same in four times as long, and this is what tracing does.
        kept = self.hermitian if hermitian is None else hermitian
        return Expression(self.graph, terms, shift, self.dtype, kept, self.shape)

    def _record(
        self, op: Operation, factor: float = 1.0, *, hermitian: bool = True
    ) -> "Expression":
        node = self.graph._record(op)
        return Expression(self.graph, ((node, factor),), 0.0, op.dtype, hermitian, op.shape)

    def _check_joins(self, other: "Expression") -> None:
        if other.graph is not self.graph or other.dtype != self.dtype:
            raise ValueError("other: belongs to another graph or precision; cast it first")

    def __add__(self, other: "Expression | float") -> "Expression":
        if not isinstance(other, Expression):
            if self.shape != "square" and other != 0.0:
                raise ValueError("other: the identity can be added to square matrices only")
            return self._with(self.terms, self.shift + other)
        self._check_joins(other)
        if other.shape != self.shape:
            raise ValueError(f"other: is {other.shape}, not {self.shape}")
        sums = dict(self.terms)
        for node, coefficient in other.terms:
            sums[node] = sums.get(node, 0.0) + coefficient
        terms = tuple((node, value) for node, value in sums.items() if value != 0.0)
        hermitian = self.hermitian and other.hermitian
        return self._with(terms, self.shift + other.shift, hermitian)

    __radd__ = __add__

    def __mul__(self, factor: float) -> "Expression":
        terms = tuple((node, value * factor) for node, value in self.terms if value * factor != 0.0)
        return self._with(terms, self.shift * factor)

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

    def matmul(self, other: "Expression", product: Product | None = None) -> "Expression":
        """Return the product with ``other``; multiples of the identity cost nothing.

        ``product`` is by default ``"mirrored"`` where both operands are Hermitian, and
        ``"general"``, the only choice for others, where not.
        """
        self._check_joins(other)
        if self.shape == "square" and not self.terms:
            return other * self.shift
        if not other.terms and other.shape == "square":
            return self * other.shift
        if other.shape != "square":
            raise ValueError(f"other: is {other.shape}; only square matrices multiply from here")
        if product is None:
            both = self.hermitian and other.hermitian and self.shape == "square"
            product = "mirrored" if both else "general"
        left_factor, left = self._factored()
        right_factor, right = other._factored()
        op = Operation(
            "matmul", operands=(left, right), product=product, dtype=self.dtype, shape=self.shape
        )
        return self._record(op, left_factor * right_factor, hermitian=product != "general")

    def gram(self, other: "Expression", product: Product = "mirrored") -> "Expression":
        """Return self* other, known to be Hermitian; ``"averaged"`` if not by mirroring."""
        return self._hermitian_product("gram", other, product, "square")

    def outer(self, other: "Expression", product: Product = "mirrored") -> "Expression":
        """Return self other*, known to be Hermitian, of as many rows as the operands."""
        large = "large" if self.shape == "tall" else "square"
        return self._hermitian_product("outer", other, product, large)

    def _hermitian_product(
        self, kind: Kind, other: "Expression", product: Product, shape: Shape
    ) -> "Expression":
        self._check_joins(other)
        left_factor, left = self._factored()
        right_factor, right = other._factored()
        op = Operation(kind, (left, right), product=product, dtype=self.dtype, shape=shape)
        return self._record(op, left_factor * right_factor)

    def inverse(self) -> "Expression":
        """Return the inverse; the expression must be positive definite when it is run."""
        if not self.terms:
            return self._with((), 1.0 / self.shift)
        factor, operand = self._factored()
        if factor < 0.0:
            factor, operand = 1.0, self.materialise()
        op = Operation("inverse", operands=(operand,), dtype=self.dtype)
        return self._record(op, 1.0 / factor)

    def power(self, exponent: float) -> "Expression":
        """Return the real power through an eigendecomposition."""
        if not self.terms:
            return self._with((), self.shift**exponent)
        operands = (self.materialise(),)
        return self._record(Operation("spectral", operands, shift=exponent, dtype=self.dtype))

    def sign(self) -> "Expression":
        """Return the matrix sign through an eigendecomposition."""
        operands = (self.materialise(),)
        return self._record(Operation("spectral", operands, dtype=self.dtype, label="sign"))

    def polar_factor(self) -> "Expression":
        """Return the unitary polar factor through a singular value decomposition."""
        op = Operation("polar", (self.materialise(),), dtype=self.dtype, shape=self.shape)
        return self._record(op, hermitian=False)

    def lyapunov(self, right: "Expression") -> "Expression":
        """Return D with self D + D self = right, for positive definite self, Hermitian right."""
        self._check_joins(right)
        operands = (self.materialise(), right.materialise())
        return self._record(Operation("lyapunov", operands, dtype=self.dtype))

    def symmetrize(self) -> "Expression":
        """Return the Hermitian part; a no-operation where the value is Hermitian already."""
        if self.hermitian:
            return self
        factor, operand = self._factored()
        return self._record(Operation("symmetrize", (operand,), dtype=self.dtype), factor)

    def cast(self, dtype: str) -> "Expression":
        """Return the same value in another precision; a no-operation where it has it already."""
        if dtype == self.dtype:
            return self
        if not self.terms:
            return replace(self, dtype=dtype)
        op = Operation("cast", (self.materialise(),), dtype=dtype, shape=self.shape)
        return self._record(op, hermitian=self.hermitian)
