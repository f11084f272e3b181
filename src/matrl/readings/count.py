"""The count reading: which priced operations a program executes, and what they cost."""

import math
from collections import Counter
from collections.abc import Callable

from matrl.core.program import PRODUCTS, Operation, Program

__all__ = ["TALL", "PriceList", "count", "price"]

TALL = ":tall"
"""Ending of the names of operations on m x n matrices, where m is not n."""

PriceList = Callable[[str, str], float | None]
"""Seconds (or another unit) of (operation, dtype); ``None`` where the machine has no such thing."""


def _folded_in(op: Operation) -> tuple[tuple[str, int], ...]:
    """Return the passes that a combination folded into a product replaces.

    It costs less than they do, but how much less is the product's business.
    """
    if op.kind not in PRODUCTS or not op.coefficients:
        return ()
    return (("add" + (TALL if op.shape == "tall" else ""), max(len(op.operands) - 2, 1)),)


def _priced(op: Operation, tall_operands: bool) -> tuple[tuple[str, int], ...]:
    tall = TALL if tall_operands else ""
    if op.kind == "linear":
        # One pass writes the first one or two terms, each further term is one more.
        return (("add" + tall, max(len(op.operands) - 1, 1)),)
    if op.kind == "matmul":
        if op.product == "mirrored":
            return (("matmul_herm", 1),)
        if op.product == "averaged":
            return (("matmul", 1), ("add", 1))
        return (("matmul" + tall, 1),)
    if op.kind == "gram":
        if op.product == "averaged":
            return (("matmul" + tall, 1), ("add", 1))
        return (("gram" + tall, 1),)
    if op.kind == "outer":
        return (("outer" + tall, 1),)
    if op.kind == "inverse":
        return (("inv_spd", 1),)
    if op.kind == "spectral":
        return (("eigh", 1), ("matmul_herm", 1))
    if op.kind == "lyapunov":
        return (("eigh", 1), ("matmul", 4), ("add", 2))
    if op.kind == "polar":
        return (("svd" + tall, 1), ("matmul" + tall, 1))
    if op.kind == "symmetrize":
        return (("cast", 1), ("add", 1))
    if op.kind == "cast":
        return (("cast" + tall, 1),)
    return ()


def count(program: Program) -> Counter[tuple[str, str]]:
    """Return how often each (price-list operation, dtype) occurs in a program.

    A linear combination counts as one ``add`` a pass, folded into a product or not, a product known
    to be Hermitian as ``matmul_herm``, a spectral function as ``eigh`` and one Hermitian product.
    Names of operations on m x n matrices end in ``":tall"``.
    """
    totals: Counter[tuple[str, str]] = Counter()
    for op in program.operations:
        shapes = {program.operations[operand].shape for operand in op.operands[:2]}
        for name, times in (*_priced(op, "tall" in shapes), *_folded_in(op)):
            totals[name, op.dtype] += times
    return totals


def price(program: Program, prices: PriceList) -> float:
    """Return the cost of a program: the sum over its operations; infinity if one has no price.

    No factorisation has one in a half precision, whatever the list says.
    """
    if program.factorises_in_half:
        return math.inf
    total = 0.0
    for (name, dtype), times in count(program).items():
        seconds = prices(name, dtype)
        if seconds is None:
            return math.inf
        total += times * seconds
    return total
