"""What a check is: a residual to sketch, inequalities to test, and a proof."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.execute.residuals.strips import strips

__all__ = [
    "EPS",
    "Block",
    "Case",
    "Check",
    "Proof",
    "Residual",
    "column_norms",
    "frobenius_norms",
    "wide",
]

Block: TypeAlias = np.ndarray
SHIFT = 1.0 / 32.0
EPS = float(np.finfo(np.float64).eps)


def column_norms(v: Block) -> np.ndarray:
    """Return the Euclidean norms of the columns of ``v`` (..., n, s)."""
    return np.sqrt(np.einsum("...ij,...ij->...j", v.conj(), v).real)


def frobenius_norms(x: Matrix) -> Any:
    """Return ||x||_F of every matrix of ``x`` (..., m, n), summed in float64 without a copy."""
    if hasattr(x, "frobenius_norm"):  # an operator, which knows it
        return x.frobenius_norm  # type: ignore[attr-defined]
    dtype = np.complex128 if x.dtype.kind == "c" else np.float64
    return np.sqrt(np.einsum("...ij,...ij->...", x.conj(), x, dtype=dtype).real)


def wide(numbers: Any) -> Any:
    """Return one number a matrix, to be multiplied with blocks (..., n, s)."""
    return np.asarray(numbers)[..., None, None]


@dataclass(frozen=True, eq=False)
class Case:
    """One value to judge, or those of a stack: ``values`` as the outputs of f(``a``).

    ``a`` is (..., m, n) with m >= n, all in one precision; what is computed with them is in float64
    or complex128. ``condition`` is an upper estimate of the condition number, for what rounding may
    fake; ``size`` an upper bound of the 2-norm; of a stack they are arrays (...). Where zero
    eigenvalues are in the domain, ``least`` is its least positive one, and what is at most ``zero``
    counts as 0. ``eps`` is that of the dtype it was given in, whose rounding may have made a zero
    eigenvalue negative.
    """

    function: MatrixFunction
    a: Matrix
    values: tuple[Matrix, ...]
    tol: float
    norm: Norm
    condition: Any
    size: Any
    backend: Backend
    least: Any = 0.0
    zero: Any = 0.0
    eps: float = EPS

    @property
    def value(self) -> Matrix:
        """The first output."""
        return self.values[0]

    @property
    def n(self) -> int:
        """The number of columns."""
        return self.a.shape[-1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that is computed in."""
        return np.dtype(np.complex128 if self.a.dtype.kind == "c" else np.float64)

    @property
    def rounding(self) -> float:
        """How large a relative error of products rounding in float64 may fake."""
        return 4.0 * math.sqrt(max(self.a.shape[-2:])) * EPS

    @property
    def negative(self) -> float:
        """How far from 0, relative to ||A||, rounding of A's entries may move an eigenvalue.

        Each entry moves by half an eps of itself, all by that of the Frobenius norm.
        """
        return max(self.rounding, 0.5 * self.eps * math.sqrt(self.n))

    def allowance(self, condition: Any = None) -> Any:
        """Return how large a residual rounding in float64 may fake, 1 being the size of f."""
        return self.rounding * np.maximum(self.condition if condition is None else condition, 1.0)

    def forgiven(self, allowance: Any) -> Any:
        """Return what is forgiven of it: at most the tolerance, or nothing would be checked."""
        return np.minimum(allowance, self.tol)

    def each(self) -> "list[Case]":
        """Return the cases of the matrices of a stack, one by one, in C order."""
        batch = self.a.shape[:-2]

        def of(numbers: Any) -> np.ndarray:
            return np.broadcast_to(numbers, batch)

        numbers = {name: of(getattr(self, name)) for name in ("condition", "size", "least", "zero")}
        return [
            replace(
                self,
                a=self.a[index],
                values=tuple(value[index] for value in self.values),
                **{name: float(array[index]) for name, array in numbers.items()},
            )
            for index in np.ndindex(*batch)
        ]

    def widened(self) -> "Case":
        """Return the same with its matrices in float64 or complex128."""
        a, *values = (x.astype(self.dtype, copy=False) for x in (self.a, *self.values))
        return replace(self, a=a, values=tuple(values))

    @cached_property
    def shifted(self) -> tuple[float, Callable[[Block], Block] | None]:
        """c and v -> (A + c I)^-1 v, c well below ``least`` and above what rounding makes of 0.

        The c of :mod:`matrl.execute.residuals.semidefinite`, for A^(q/p).
        """
        q = self.function.root_index - self.function.multiplicity
        c = min(SHIFT / (q + 2) * self.least + 4.0 * self.zero, self.least)
        factor = self.plus(self.a, c)
        return c, self.solver(factor) if self.backend.cholesky(factor, factor) else None

    def wide_copy(self, x: Matrix) -> Matrix:
        """Return x in the dtype that is computed in, to be written over."""
        return self.backend.cast(self.backend.empty(x.shape, self.dtype), x)

    def plus(self, x: Matrix, shift: float) -> Matrix:
        """Return x + shift I."""
        moved = self.wide_copy(x)
        return self.backend.linear(moved, (1.0,), (moved,), shift)

    def times(self, x: Matrix, v: Block) -> Block:
        """Return x v."""
        out = self.backend.empty((*x.shape[:-1], v.shape[-1]), v.dtype)
        for rows, strip in strips(x, self.dtype):
            self.backend.matmul(out[rows], strip, v)
        return out

    def adjoint_times(self, x: Matrix, v: Block) -> Block:
        """Return x* v."""
        out = self._zeros(x, v)
        for rows, strip in strips(x, self.dtype):
            self._add_adjoint(out, strip, v[rows])
        return out

    def gram_times(self, x: Matrix, v: Block) -> Block:
        """Return x* x v, in one pass over x where it is wide enough to be read in strips."""
        if x.ndim > 2 or x.dtype == self.dtype:
            return self.adjoint_times(x, self.times(x, v))
        out = self._zeros(x, v)
        for _, strip in strips(x, self.dtype):
            self._add_adjoint(out, strip, self.times(strip, v))
        return out

    def crossed(self, a: Matrix, x: Matrix, v: Block) -> tuple[Block, Block, Block]:
        """Return A v, A* X v and X* A v, in one pass over both where they are read in strips."""
        if x.ndim > 2 or x.dtype == self.dtype:
            mapped = self.times(a, v)
            return mapped, self.adjoint_times(a, self.times(x, v)), self.adjoint_times(x, mapped)
        mapped = self.backend.empty((*a.shape[:-1], v.shape[-1]), v.dtype)
        first, second = self._zeros(a, v), self._zeros(x, v)
        for (rows, of_a), (_, of_x) in zip(
            strips(a, self.dtype), strips(x, self.dtype), strict=True
        ):
            self.backend.matmul(mapped[rows], of_a, v)
            self._add_adjoint(first, of_a, self.times(of_x, v))
            self._add_adjoint(second, of_x, mapped[rows])
        return mapped, first, second

    def _zeros(self, x: Matrix, v: Block) -> Block:
        shape = (*x.shape[:-2], x.shape[-1], v.shape[-1])
        return self.backend.linear(self.backend.empty(shape, v.dtype), (), (), 0.0)

    def _add_adjoint(self, out: Block, x: Matrix, v: Block) -> None:
        self.backend.matmul(out, x, v, adjoint_x=True, addends=((1.0, out),))

    def inverse_of(self, x: Matrix) -> Callable[[Block], Block] | None:
        """Return v -> x^-1 v through a Cholesky factorisation; ``None`` where it breaks down.

        In a stack v becomes NaN where it does.
        """
        if x.ndim > 2:
            return self._inverses_of(x)
        factor = self.wide_copy(x)
        if not self.backend.cholesky(factor, factor):
            return None
        return self.solver(factor)

    def is_positive(self, x: Matrix, shift: float = 0.0) -> bool:
        """Return whether x + shift I has a Cholesky factorisation in float64."""
        moved = self.plus(x, shift)
        return self.backend.cholesky(moved, moved)

    def solver(self, factor: Matrix) -> Callable[[Block], Block]:
        """Return v -> (L L*)^-1 v for a lower Cholesky factor."""

        def solve(v: Block) -> Block:
            half = self.backend.solve_triangular(factor, np.ascontiguousarray(v), False)
            return self.backend.solve_triangular(factor, half, True)

        return solve

    def _inverses_of(self, x: Matrix) -> Callable[[Block], Block]:
        solvers = [self.inverse_of(one) for one in x.reshape(-1, *x.shape[-2:])]

        def solve(v: Block) -> Block:
            out = np.full_like(v, np.nan)
            parts = v.reshape(-1, *v.shape[-2:])
            for one, part, solver in zip(out.reshape(parts.shape), parts, solvers, strict=True):
                if solver is not None:
                    one[...] = solver(part)
            return out

        return solve


@dataclass(frozen=True)
class Residual:
    """A residual operator on blocks of vectors, and what its size means.

    ``apply`` maps V (..., n, s) to R V. R is self-adjoint in the inner product u* P v with
    ``weigh`` V -> P V, the Euclidean one if that is ``None``. ``error`` turns lower bounds on its
    extreme eigenvalues (least <= 0 <= greatest) into a lower bound on the error in the case's
    measure, ``-least`` where the value is too large; ``frobenius_error`` does so with its Frobenius
    norm and is asked too where it is there. ``growth`` is how much more than the case's allowance
    rounding may fake.
    """

    apply: Callable[[Block], Block]
    error: Callable[[Any, Any], Any]
    weigh: Callable[[Block], Block] | None = None
    frobenius_error: Callable[[Any], Any] | None = None
    growth: float = 1.0
    adjoint: Callable[[Block], Block] | None = None


@dataclass(frozen=True)
class Proof:
    """What the whole residual says.

    ``estimate`` is the error in the case's measure with what rounding may fake of it forgiven,
    ``bound`` the error with all of that added.
    """

    residual: float
    residual_bound: float
    estimate: float
    bound: float


class Check(Protocol):
    """How values of one kind of function are judged."""

    @property
    def name(self) -> str:
        """Name of the kind."""
        ...

    def admits(self, function: MatrixFunction, norm: Norm) -> bool:
        """Whether this check judges this function in this measure."""
        ...

    def residual(self, case: Case) -> Residual | None:
        """Return the residual to sketch; ``None`` if a value is certainly wrong."""
        ...

    def evidence(self, case: Case, block: Block) -> Any:
        """Return how far the worst inequality is used up by these vectors; above 1 it is broken.

        A right value satisfies every one of them for every block (..., n, s). Of a stack an array.
        """
        ...

    def proof(self, case: Case) -> Proof | None:
        """Return what the whole residual proves; ``None`` if a value is certainly wrong."""
        ...
