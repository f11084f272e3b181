"""After a schedule that missed its tolerance by a little: one or two more steps from its value.

They are taken only where they promise to suffice and cost less than a decomposition, and what they
give is judged like the schedule's value, and more sharply: a residual does not know the sign of an
eigenvalue, and a step takes one that was off and of the wrong sign to exactly the wrong value, so
that positivity is proved here by a Cholesky factorisation, whatever the level of the guard.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction
from matrl.core.layout import Layout, allocate
from matrl.core.program import Program
from matrl.execute.residuals import Case
from matrl.iterations import continuation_update, trace_continuation
from matrl.readings.count import TALL, price
from matrl.readings.dense import allocate_workspace, run
from matrl.readings.scalar import image

__all__ = ["MOST_STEPS", "Continuation", "is_positive"]

MOST_STEPS = 2


class Continuation:
    """The steps that may follow a schedule for matrices (m, n), m >= n.

    ``affordable`` is how many of them cost less than a decomposition, at most :data:`MOST_STEPS`.
    """

    def __init__(self, function: MatrixFunction, dtype: str, shape: tuple[int, int]) -> None:
        self._function, self._shape = function, shape
        self._traced = _traced(function, dtype)
        if self._traced is None:
            self.affordable = 0
            return
        program, _ = self._traced
        m, n = shape
        step = price(program, lambda op, of: _flops(op, of, m / n))
        # A decomposition in float64, and f(A) put together from it (or U, by itself a product).
        name = "svd" if function.structure == "rectangular" else "eigh"
        wide = "complex128" if dtype.startswith("c") else "float64"
        direct = _flops(name + TALL, wide, m / n) + _flops("matmul" + TALL, wide, m / n)
        self.affordable = min(int(direct / step), MOST_STEPS)

    def needed(self, residual: float, tol: float) -> int:
        """Return how many steps take a residual of this size to the tolerance.

        0 if they are more than :data:`MOST_STEPS`, or cost more than the direct method.
        """
        if not residual < 1.0:
            return 0
        function, k = self._function, self._function.root_index
        low, high = (1.0 - residual) ** (1.0 / k), (1.0 + residual) ** (1.0 / k)
        update = continuation_update(function)
        coefficients = update.coefficients(k, 0.5, 1.0)
        if function.carries == "y":  # whose residual is that of the inverse
            low, high = 1.0 / high, 1.0 / low
        for step in range(1, self.affordable + 1):
            if function.carries == "y":  # Newton's map, which is least at 1
                low, high = 1.0, max(((k - 1.0) * x + x ** (1 - k)) / k for x in (low, high))
            else:
                low, high = image(update, k, coefficients, low, high)
            if not (np.isfinite(high) and low > 0.0):
                return 0
            if max(high - 1.0, 1.0 - low) <= tol:
                return step
        return 0

    def step(self, a: Matrix, values: tuple[Matrix, ...], backend: Backend) -> tuple[Matrix, ...]:
        """Return f(a) from ``values`` close to it, in new arrays.

        Raises :class:`~matrl.errors.IndefiniteMatrixError` where a root is not positive definite.
        """
        assert self._traced is not None
        program, layout = self._traced
        m, n = self._shape
        known = [op.label for op in program.operations if op.kind == "input"]
        inputs = dict(zip(self._function.outputs, values, strict=True))
        workspace = allocate_workspace(layout, n, backend, m)
        # Inputs besides A live in slots of their own, after all the others.
        workspace += [inputs[label] for label in known if label != "A"]
        out = tuple(backend.empty(value.shape, value.dtype) for value in values)
        with np.errstate(over="ignore", invalid="ignore"):
            run(program, a, out, backend=backend, layout=layout, workspace=workspace)
        return out


@lru_cache(maxsize=256)
def _traced(function: MatrixFunction, dtype: str) -> tuple[Program, Layout] | None:
    """Return the program of a step and its layout, with slots for the values it starts from."""
    program = trace_continuation(function, dtype)
    if program is None:
        return None
    layout, slots = allocate(program), []
    following = len(layout.dtypes)
    for op, slot in zip(program.operations, layout.slots, strict=True):
        is_value = op.kind == "input" and op.label != "A"
        slots.append(following if is_value else slot)
        following += is_value
    return program, replace(layout, slots=tuple(slots))


def _flops(name: str, dtype: str, ratio: float) -> float:
    """Return multiplications and additions over n^3, for m = ``ratio`` n, in units of float64's.

    Golub & Van Loan, *Matrix Computations*, sections 4.2, 5.4 and 8.3: 9 n^3 for eigenvalues and
    -vectors, 6 m n^2 + 20 n^3 for a thin singular value decomposition. Equal rates are assumed,
    which flatters decompositions: half of theirs are products with vectors.
    """
    op = name.removesuffix(TALL)
    rows = ratio if name.endswith(TALL) else 1.0
    flops = {
        "matmul": 2.0 * rows,
        "matmul_herm": 1.0,
        "gram": rows,
        "outer": rows * rows,
        "inv_spd": 1.0,
        "eigh": 9.0,
        "svd": 6.0 * rows + 20.0,
    }.get(op, 0.0)
    return flops * (0.5 if dtype in ("float32", "complex64") else 1.0)


def is_positive(case: Case) -> bool:
    """Return whether a Cholesky factorisation in float64 proves the branch of every value.

    That of the value for powers, of the Hermitian part of X* A for sign and polar factor: a value
    that has the residual of f(A) and is positive so is no other root.
    """
    if case.function.carries != "x":
        return all(case.is_positive(value) for value in case.values)
    wide = case.widened()
    product = wide.backend.empty((case.n, case.n), case.dtype)
    wide.backend.gram_averaged(product, wide.value, wide.a)
    return wide.backend.cholesky(product, product)
