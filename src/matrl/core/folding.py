"""Folding linear combinations into the product they are made of.

``c_0 I + c_1 M + c_2 M M`` is a product and then one pass or more over memory. A kernel that writes
``alpha x y + sum beta_i C_i + shift I`` does it all while the product's blocks are in the cache.
"""

from dataclasses import replace

from matrl.core.precision import is_half
from matrl.core.program import PRODUCTS, Operation, Program

__all__ = ["fold", "hermitian_values"]

_HERMITIAN_KINDS = frozenset({"gram", "outer", "inverse", "lyapunov", "spectral", "symmetrize"})


def fold(program: Program) -> Program:
    """Return an equal program with every linear combination folded into its last product.

    That is possible where nothing else reads the product. Products known to be Hermitian take in
    what is Hermitian only, since one triangle of the result is computed. Half precisions are left
    as they are: there each kernel rounds.

    >>> from matrl.core.tracing import Graph
    >>> m = Graph().input("A", "float64")
    >>> folded = fold(m.graph.program(3.0 * m @ m - 2.0 * m + 1.0))
    >>> [(op.kind, op.operands, op.coefficients, op.shift) for op in folded.operations[1:]]
    [('matmul', (0, 0, 0), (3.0, -2.0), 1.0)]
    """
    operations = list(program.operations)
    hermitian = hermitian_values(program)
    readers = [0] * len(operations)
    for op in operations:
        for operand in op.operands:
            readers[operand] += 1
    for output in program.outputs:
        readers[output] += 2
    became = list(range(len(operations)))
    for index, op in enumerate(operations):
        if op.kind != "linear" or not op.operands or is_half(op.dtype):
            continue
        place = max(op.operands)
        product = operations[place]
        if product.kind not in PRODUCTS or product.coefficients or readers[place] != 1:
            continue
        mirrors = product.kind != "matmul" or product.product != "general"
        if mirrors and not all(hermitian[operand] for operand in op.operands):
            continue
        operations[place] = _folded(product, op, place)
        became[index] = place
    # What has moved up is read where it now is.
    moved = [op.on(tuple(became[operand] for operand in op.operands)) for op in operations]
    outputs = tuple(became[output] for output in program.outputs)
    return Program(tuple(moved), outputs).restricted_to(outputs)


def _folded(product: Operation, combination: Operation, place: int) -> Operation:
    terms = dict(zip(combination.operands, combination.coefficients, strict=True))
    scale = terms.pop(place)
    return replace(
        product,
        operands=(*product.operands, *terms),
        coefficients=(scale, *terms.values()),
        shift=combination.shift,
    )


def hermitian_values(program: Program) -> list[bool]:
    """Return which values are exactly Hermitian, whatever the Hermitian input."""
    known: list[bool] = []
    for op in program.operations:
        if op.kind == "input":
            known.append(op.shape == "square")
        elif op.kind == "matmul":
            known.append(op.product != "general")
        elif op.kind in ("linear", "cast"):
            known.append(op.shape != "tall" and all(known[operand] for operand in op.operands))
        else:
            known.append(op.kind in _HERMITIAN_KINDS)
    return known
