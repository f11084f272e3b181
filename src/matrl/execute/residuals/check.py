"""What a check is: a residual to sketch, inequalities to test, and a proof."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm

__all__ = ["EPS", "Block", "Case", "Check", "Proof", "Residual", "column_norms"]

Block: TypeAlias = np.ndarray
SHIFT = 1.0 / 32.0
EPS = float(np.finfo(np.float64).eps)


def column_norms(v: Block) -> np.ndarray:
    """Return the Euclidean norms of the columns of ``v`` (n, s)."""
    return np.sqrt(np.einsum("ij,ij->j", v.conj(), v).real)


@dataclass(frozen=True, eq=False)
class Case:
    """One value to judge: ``values`` as the outputs of f(``a``), all in float64 or complex128.

    ``a`` is (m, n) with m >= n; ``condition`` an upper estimate of its condition number, for what
    rounding may fake; ``size`` an upper bound of its 2-norm. Where zero eigenvalues are in the
    domain, ``least`` is its least positive one, and what is at most ``zero`` counts as 0. ``eps``
    is that of the dtype it was given in, whose rounding may have made a zero eigenvalue negative.
    """

    function: MatrixFunction
    a: Matrix
    values: tuple[Matrix, ...]
    tol: float
    norm: Norm
    condition: float
    size: float
    backend: Backend
    least: float = 0.0
    zero: float = 0.0
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
    def rounding(self) -> float:
        """How large a relative error of products rounding in float64 may fake."""
        return 4.0 * math.sqrt(max(self.a.shape)) * EPS

    @property
    def negative(self) -> float:
        """How far from 0, relative to ||A||, rounding of A's entries may move an eigenvalue.

        Each entry moves by half an eps of itself, all by that of the Frobenius norm.
        """
        return max(self.rounding, 0.5 * self.eps * math.sqrt(self.n))

    def allowance(self, condition: float | None = None) -> float:
        """Return how large a residual rounding in float64 may fake, 1 being the size of f."""
        return self.rounding * max(self.condition if condition is None else condition, 1.0)

    def forgiven(self, allowance: float) -> float:
        """Return what is forgiven of it: at most the tolerance, or nothing would be checked."""
        return min(allowance, self.tol)

    @cached_property
    def shifted(self) -> tuple[float, Callable[[Block], Block] | None]:
        """c and v -> (A + c I)^-1 v, c well below ``least`` and above what rounding makes of 0.

        The c of :mod:`matrl.execute.residuals.semidefinite`, for A^(q/p).
        """
        q = self.function.root_index - self.function.multiplicity
        c = min(SHIFT / (q + 2) * self.least + 4.0 * self.zero, self.least)
        return c, self.inverse_of(self.plus(self.a, c))

    def plus(self, x: Matrix, shift: float) -> Matrix:
        """Return x + shift I."""
        moved = self.backend.empty(x.shape, x.dtype)
        self.backend.linear(moved, (1.0,), (x,), shift)
        return moved

    def times(self, x: Matrix, v: Block) -> Block:
        """Return x v."""
        out = self.backend.empty((x.shape[0], v.shape[1]), v.dtype)
        self.backend.matmul(out, x, v)
        return out

    def adjoint_times(self, x: Matrix, v: Block) -> Block:
        """Return x* v."""
        out = self.backend.empty((x.shape[1], v.shape[1]), v.dtype)
        self.backend.matmul(out, x, v, adjoint_x=True)
        return out

    def inverse_of(self, x: Matrix) -> Callable[[Block], Block] | None:
        """Return v -> x^-1 v through a Cholesky factorisation; ``None`` where it breaks down."""
        factor = self.backend.empty(x.shape, x.dtype)
        if not self.backend.cholesky(factor, x):
            return None

        def solve(v: Block) -> Block:
            half = self.backend.solve_triangular(factor, np.ascontiguousarray(v), False)
            return self.backend.solve_triangular(factor, half, True)

        return solve


@dataclass(frozen=True)
class Residual:
    """A residual operator on blocks of vectors, and what its size means.

    ``apply`` maps V to R V. R is self-adjoint in the inner product u* P v with ``weigh`` V -> P V,
    the Euclidean one if that is ``None``. ``error`` turns lower bounds on its extreme eigenvalues
    (least <= 0 <= greatest) into a lower bound on the error in the case's measure, ``-least`` where
    the value is too large; ``frobenius_error`` does so with its Frobenius norm and is asked too
    where it is there. ``growth`` is how much more than the case's allowance rounding may fake.
    """

    apply: Callable[[Block], Block]
    error: Callable[[float, float], float]
    weigh: Callable[[Block], Block] | None = None
    frobenius_error: Callable[[float], float] | None = None
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

    def evidence(self, case: Case, block: Block) -> float:
        """Return how far the worst inequality is used up by these vectors; above 1 it is broken.

        A right value satisfies every one of them for every block (n, s).
        """
        ...

    def proof(self, case: Case) -> Proof | None:
        """Return what the whole residual proves; ``None`` if a value is certainly wrong."""
        ...
