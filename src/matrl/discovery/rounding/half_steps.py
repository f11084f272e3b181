"""Whether a step may follow one in a half precision: what that has pushed out of its range.

A polynomial is positive up to the widened end of its range, and soon negative beyond. In float32
that widening is far above what rounding does; in a half precision it is a few unit roundoffs, and
so it is checked. M fed back must stay positive definite too: its negative eigenvalues would grow.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import FORMATS, is_half
from matrl.core.safety import slack_of, slack_precision
from matrl.iterations import FORMS
from matrl.readings.noisy import NoisyValue, breaks_down

__all__ = ["may_leave_range"]

FRESH = 1.2
"""Unit roundoffs by which a half step itself moves the x it starts from: X Z, and its Gram."""


def may_leave_range(
    function: MatrixFunction,
    records: tuple[StepRecord, StepRecord],
    nodes: np.ndarray,
    residual: NoisyValue | None,
    results: Sequence[NoisyValue],
    n: int,
    weights: np.ndarray,
) -> bool:
    """Return whether rounding may have moved eigenvalues beyond where the second step is safe.

    ``records`` are the step taken in a half precision and the one to come; ``nodes`` moduli of the
    eigenvalues (singular values) of A, ``residual`` is M where it is kept, and ``results`` are the
    outputs if the schedule ended between the two.
    """
    before, after = records
    seen = nodes > 0.0  # a zero eigenvalue is looked after elsewhere
    room = slack_of(slack_precision(after.precision, before.precision), n)
    if is_half(after.precision):
        room -= FRESH * FORMATS[after.precision].unit_roundoff
    if FORMS.get(after.form).needs_residual:
        if residual is None:
            return True
        values = np.where(seen, np.abs(residual.values), np.inf)
        if not breaks_down(replace(residual, values=values), n, weights) < 1.0:
            return True
        k, top = function.root_index, max(1.0, float(residual.values.max()))
        moved = breaks_down(replace(residual, values=np.full_like(nodes, top)), n, weights)
        return not moved <= k * room
    for value, exponent in zip(results, function.exponents, strict=False):
        size = np.abs(value.values)
        f = np.where(seen, nodes, 1.0) ** exponent
        x = np.where(seen, size / f, 0.0) ** (1.0 / function.multiplicity)
        # An error of x, seen at the size of x: what is small does not reach the upper end.
        scale = np.where(seen, size / np.where(seen, x, 1.0), np.inf) * max(1.0, float(x.max()))
        moved = breaks_down(replace(value, values=scale), n, weights)
        if not moved <= function.multiplicity * room:
            return True
    return False
