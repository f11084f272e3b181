"""Scaling the input of a program without a scaled copy of it.

A program runs on A divided by a bound. Linear combinations and products read A itself and take the
factor into their coefficients, which saves a pass and a matrix.
"""

from dataclasses import replace

from matrl.core.program import PRODUCTS, Operation, Program

__all__ = ["scalable", "scaled"]


def scalable(program: Program) -> Program:
    """Return an equal program of one input, in which only linear combinations and products read it.

    Where others do (factorisations, casts, an output that is the input), they read 1.0 times it.

    >>> from matrl.core.tracing import Graph
    >>> a = Graph().input("A", "float64")
    >>> [op.kind for op in scalable(a.graph.program(a.inverse() + a)).operations]
    ['input', 'linear', 'inverse', 'linear']
    """
    (source,) = (i for i, op in enumerate(program.operations) if op.kind == "input")
    readers = [op for op in program.operations if source in op.operands]
    if source not in program.outputs and all(map(_takes_factors, readers)):
        return program
    a = program.operations[source]
    copy = Operation("linear", (source,), (1.0,), dtype=a.dtype, shape=a.shape)
    operations = list(program.operations[: source + 1])
    operations.append(copy)
    for op in program.operations[source + 1 :]:
        first = source if _takes_factors(op) else source + 1
        operations.append(op.on(tuple(i + 1 if i > source else first for i in op.operands)))
    outputs = tuple(i + 1 for i in program.outputs)
    return Program(tuple(operations), outputs)


def scaled(op: Operation, value: int, factor: float) -> Operation:
    """Return a linear combination or product that reads ``value`` times a factor.

    >>> square = Operation("matmul", (0, 0, 1), (1.0, 2.0), dtype="float64", shape="square")
    >>> scaled(square, 0, 0.5).coefficients
    (0.25, 2.0)
    """
    if op.kind not in PRODUCTS:
        terms = zip(op.coefficients, op.operands, strict=True)
        return replace(op, coefficients=tuple(c * factor if i == value else c for c, i in terms))
    alpha, *betas = op.coefficients or (1.0,)
    alpha *= factor ** op.operands[:2].count(value)
    terms = zip(betas, op.operands[2:], strict=True)
    return replace(op, coefficients=(alpha, *(c * factor if i == value else c for c, i in terms)))


def _takes_factors(op: Operation) -> bool:
    return op.kind == "linear" or op.kind in PRODUCTS
