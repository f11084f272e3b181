"""Plans as pure functions of arrays, for libraries that trace, compile and batch."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from matrl.backends.libraries import Library
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.layout import allocate
from matrl.core.matrices import as_array
from matrl.core.plan import PlanRecord
from matrl.core.precision import eps_of
from matrl.errors import InputError
from matrl.execute.arguments import wrong_dtype
from matrl.execute.dtypes import check_dtypes
from matrl.execute.lanczos import random_start
from matrl.execute.orientation import function_for
from matrl.execute.scaling import MODERATE, exact_exponent
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule
from matrl.readings.dense import run

__all__ = ["pure_function"]


def pure_function(plan: PlanRecord, library: Library) -> Callable[[Any], Any]:
    """Return a -> f(a), unchecked: scaling, schedule and scaling back, nothing looked at.

    For arrays (..., m, n) of the plan's dtype; :class:`~matrl.errors.InputError` for others, and
    for dtypes of steps the library does not have, as soon as it is traced.
    """

    is_rectangular = FUNCTIONS.get(plan.function).structure == "rectangular"
    # Before anything is traced by the library, which knows nothing of how programs are made.
    high = _Pure(plan, function_for(plan, (1, 1)), library)
    wide = _Pure(plan, function_for(plan, (1, 2)), library) if is_rectangular else high

    def function(a: Any) -> Any:
        check_dtypes(plan, high.dtypes, library)
        is_own = library.holds(a, "A")
        if not is_own and type(a) is not np.ndarray:
            a = as_array(a, kind=f"{library.name} or NumPy")
        dtype = str(a.dtype).removeprefix("torch.")
        if dtype != plan.dtype:
            raise wrong_dtype(dtype, plan, library if is_own else None)
        if a.ndim < 2:
            raise InputError(f"A: must be an array (..., m, n), but its shape is {tuple(a.shape)}")
        m, n = a.shape[-2:]
        if m != n and not is_rectangular:
            raise InputError(
                f"A: must be a square matrix (n, n), but its shape is {tuple(a.shape)}"
            )
        if not is_own:
            a = library.backend.from_host(a)
        values = high(a) if m >= n else tuple(value.mT.conj() for value in wide(a.mT.conj()))
        first, *others = values
        return values if others else first

    return function


class _Pure:
    """A function of arrays at least as high as wide."""

    def __init__(self, plan: PlanRecord, function: MatrixFunction, library: Library) -> None:
        self._plan, self._function = plan, function
        self._library = library
        self._backend, self._xp = library.backend, library.namespace
        self._program = fold(trace_schedule(function, plan.steps, plan.dtype))
        self._layout = allocate(self._program)
        self.dtypes = self._program.dtypes

    def __call__(self, a: Any) -> tuple[Any, ...]:
        function, xp = self._function, self._xp
        exponent = self._exponent(a)
        moderate = a if exponent is None else self._times_power_of_two(a, -exponent)
        bound = self._bound(moderate, exponent)
        values = run(
            self._program,
            moderate * (1.0 / bound),
            None,
            backend=self._backend,
            layout=self._layout,
            zero_is_zero=function.vanishes_at_zero and self._plan.norm != "eigenvalue",
        )
        results: list[Any] = []
        for value, power in zip(values, function.exponents, strict=True):
            result = value * bound**power if power else value
            if exponent is not None and power:
                shift = exponent * power
                result = self._times_power_of_two(result, xp.round(shift))
            results.append(result)
        return tuple(results)

    def _exponent(self, a: Any) -> Any:
        """Return e, of which 2^e is taken out (..., 1, 1), in the real dtype; ``None`` for none."""
        function, xp, scaling = self._function, self._xp, self._plan.scaling
        if scaling.kind == "constant":
            fixed = exact_exponent(function, 1.0 / scaling.factor)
            return xp.asarray(float(fixed)) if fixed else None
        _, exponent = xp.frexp(_over(xp.amax, xp.abs(a)))
        index = 1 if function.carries == "x" else function.root_index
        real = _real(a, xp)
        rounded = index * xp.round(xp.asarray(exponent, dtype=real) / index)
        return xp.where(xp.abs(rounded) > MODERATE, rounded, 0.0)

    def _times_power_of_two(self, x: Any, exponent: Any) -> Any:
        """Return x 2^exponent, in two halves, for 2^exponent may be out of range."""
        xp = self._xp
        two = xp.asarray(2.0, dtype=_real(x, xp))
        half = xp.floor(exponent / 2)
        return x * two**half * two ** (exponent - half)

    def _bound(self, a: Any, exponent: Any) -> Any:
        """Return what a matrix is divided by, (..., 1, 1); see ``matrl.execute.scaling``."""
        plan, xp = self._plan, self._xp
        scaling, moduli = plan.scaling, xp.abs(a)
        if scaling.kind == "constant":
            bound = xp.asarray(1.0 / scaling.factor, dtype=_real(a, xp))
            return bound if exponent is None else self._times_power_of_two(bound, -exponent)
        if scaling.kind == "lanczos":
            return self._lanczos(a) / scaling.factor
        if scaling.kind == "frobenius":
            bound = xp.sqrt(_over(xp.sum, moduli * moduli))
        else:
            one = _over(xp.amax, xp.sum(moduli, -2)[..., None, :])
            bound = xp.sqrt(one * _over(xp.amax, xp.sum(moduli, -1)[..., :, None]))
            if scaling.kind == "gershgorin":
                bound = self._gershgorin(a, moduli, one)
        # Sums in the plan's precision, which may come out too small.
        return bound * (1.0 + a.shape[-1] * eps_of(plan.dtype))

    def _gershgorin(self, a: Any, moduli: Any, one: Any) -> Any:
        xp = self._xp
        if self._function.structure != "positive":
            return one
        diagonal = xp.diagonal(a, 0, -2, -1)
        discs = xp.sum(moduli, -1) - xp.abs(diagonal) + xp.real(diagonal)
        return _over(xp.amax, discs[..., :, None])

    def _lanczos(self, a: Any) -> Any:
        """Return the largest Ritz value (of A* A the root), as ``matrl.execute.lanczos`` does."""
        xp, matmul = self._xp, self._backend.matmul
        squared = self._function.structure != "positive"
        n, nowhere = a.shape[-1], cast(Any, None)
        start = random_start(n, np.dtype(self._plan.dtype), 0).astype(self._plan.dtype)
        vector = self._library.beside(start, a) + xp.zeros_like(a[..., :n, :1])
        previous, beta, alive = xp.zeros_like(vector), 0.0, True
        steps = min(self._plan.scaling.steps, n)
        zero = xp.zeros_like(_over(xp.sum, xp.abs(vector)))
        rows = [[zero for _ in range(steps)] for _ in range(steps)]
        for step in range(steps):
            product = matmul(nowhere, a, vector)
            if squared:
                product = matmul(nowhere, a, product, adjoint_x=True)
            alpha = _over(xp.sum, xp.real(vector.conj() * product))
            # Where the space was exhausted before, a Ritz value again, which changes nothing.
            rows[step][step] = xp.where(alive, alpha, rows[0][0]) if step else alpha
            if step + 1 == steps:
                break
            rest = product - alpha * vector - beta * previous
            length = xp.sqrt(_over(xp.sum, xp.real(rest.conj() * rest)))
            alive = alive & (length > n * eps_of(self._plan.dtype) * xp.abs(alpha))
            beta = xp.where(alive, length, 0.0)
            rows[step + 1][step] = rows[step][step + 1] = beta
            previous, vector = vector, rest / xp.where(alive, length, 1.0)
        tridiagonal = xp.concatenate([xp.concatenate(row, -1) for row in rows], -2)
        largest = xp.linalg.eigvalsh(tridiagonal)[..., -1][..., None, None]
        return xp.sqrt(xp.where(largest > 0.0, largest, 0.0)) if squared else largest


def _over(reduce: Any, x: Any) -> Any:
    """Return a reduction over the last two axes, which stay with the length 1."""
    return reduce(x, (-2, -1))[..., None, None]


def _real(x: Any, xp: Any) -> Any:
    """Return the dtype of its real parts."""
    return xp.real(x).dtype
