"""The safety rule: how far beyond its range a schedule must stay well-behaved, in numbers.

Polynomial maps turn negative or explode soon beyond the range they are made for. So they are made
for a range whose upper end is widened: by what rounding may do where that end is proved, by a
factor where it is estimated; and on all of that safe domain the whole map must stay near 1.
"""

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.precision import FORMATS, eps_of, is_half

__all__ = [
    "EXACT_ROOT_INDEX",
    "LARGEST_SLACK",
    "OVERSHOOT",
    "SAFETY",
    "highest",
    "safety_of",
    "slack_of",
    "slack_precision",
]

SAFETY = 1.2
"""Factor on the upper end of x where it comes from samples, not from a proved bound.

For k > 8 it is 1.2^(8/k): a factor of 1.2^8 = 4.3 on the eigenvalues and no more.
"""
EXACT_ROOT_INDEX = 8
"""Largest k for which an absolute domain is scaled by a power of two whose k-th root is one.

Then f(A) scales back exactly. Beyond, m would lie below 1 by a factor up to 2^k, which coefficients
by powers of m make up for, but only to overflow in float32; so f(A) is rounded once more.
"""
OVERSHOOT = 0.05
"""How far above 1 a whole schedule's map may go on the safe domain, if tol is less.

Its j-th power (the multiplicity) is what is off: for j > 8 that times 8/j.
"""
LARGEST_SLACK = 0.01
HALF_SLACK = 4.0
"""The slack of a half precision, in units of its unit roundoff."""


def safety_of(function: MatrixFunction) -> float:
    """Return the factor on the upper end of x where it is not proved.

    >>> from matrl.core.function import MatrixFunction
    >>> root = MatrixFunction("root-16", 16, 1 / 16, "y", "")
    >>> round(safety_of(root), 6)
    1.095445
    """
    return SAFETY ** min(1.0, EXACT_ROOT_INDEX / function.root_index)


def highest(function: MatrixFunction, tol: float | np.ndarray) -> float | np.ndarray:
    """Return how far a schedule's map may go anywhere on the safe domain.

    >>> from matrl.core.function import MatrixFunction
    >>> float(highest(MatrixFunction("invsqrt", 2, -0.5, "z", ""), 1e-6))
    1.05
    """
    return 1.0 + np.maximum(tol, OVERSHOOT) * min(1.0, 8.0 / function.multiplicity)


def slack_of(precision: str, n: int) -> float:
    """Return by how much the upper end of a range is widened before a polynomial step.

    In a half precision each result is rounded by itself, whatever n is; in the others the rounding
    of long sums may be as systematic as n says.

    >>> slack_of("bfloat16", 64), slack_of("float32", 64) == 512 * 2.0**-23
    (0.015625, True)
    """
    if is_half(precision):
        return HALF_SLACK * FORMATS[precision].unit_roundoff
    return min(8.0 * n * eps_of(precision), LARGEST_SLACK)


def slack_precision(precision: str, previous: str | None) -> str:
    """Return the precision whose slack a step needs after one in ``previous``.

    A half precision pushes eigenvalues out of the range the step after it starts from. Of two half
    precisions it is the coarser one.

    >>> slack_precision("float32", "bfloat16"), slack_precision("float16", "float32")
    ('bfloat16', 'float16')
    """
    if previous is None or not is_half(previous):
        return precision
    return max(precision, previous, key=eps_of)
