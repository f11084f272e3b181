"""Residuals that are similar to symmetric matrices, one for each kind of function.

For a computed Fhat of F = f(A) whose F^(-1/2) Fhat F^(-1/2) is within e of the identity:

- inverse: I - Z A is self-adjoint in the inner product of A, and its norm there *is* the error;
- inverse square root: I - Z A Z, norm at most (1 + e)^2 - 1;
- square root: I - Y^-1 A Y^-1, norm at most (1 - e)^-2 - 1; needs a Cholesky factorisation of Y,
  which also proves Y positive definite.

From the residual back to the error, with positivity: operator monotonicity of the square root
(Higham, *Functions of Matrices*, problem 6; Bhatia, *Matrix Analysis*, V.1.9).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction

__all__ = ["Residual", "residual_of"]

Block: TypeAlias = np.ndarray


@dataclass(frozen=True)
class Residual:
    """A residual operator on blocks of vectors, and what its norm means.

    ``apply`` maps V to R V and ``norms`` gives the norms of the columns of V in the inner product
    R is self-adjoint in (``isotropic``: the Euclidean one). ``error`` turns the least and
    the greatest eigenvalue of R, given positivity, into a bound on the error.
    """

    apply: Callable[[Block], Block]
    norms: Callable[[Block], np.ndarray]
    isotropic: bool
    error: Callable[[float, float], float]


def _inverse_error(least: float, greatest: float) -> float:
    return max(-least, greatest)


def _root_error(least: float, greatest: float) -> float:
    """Return the error of Z, given (1 - greatest) Z^-2 <= A <= (1 - least) Z^-2."""
    below = 1.0 - math.sqrt(max(1.0 - greatest, 0.0))
    return max(below, math.sqrt(1.0 - least) - 1.0) if greatest < 1.0 else math.inf


def _square_root_error(least: float, greatest: float) -> float:
    """Return the error of Y, given (1 - greatest) Y^2 <= A <= (1 - least) Y^2."""
    if greatest >= 1.0:
        return math.inf
    return max(1.0 / math.sqrt(1.0 - greatest) - 1.0, 1.0 - 1.0 / math.sqrt(1.0 - least))


def _column_norms(v: Block) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->j", v, v))


def residual_of(
    function: MatrixFunction, a: Matrix, value: Matrix, backend: Backend
) -> Residual | None:
    """Return the residual of ``value`` as f(a), both float64; ``None`` if Y is not positive."""

    def times(matrix: Matrix, block: Block) -> Block:
        out = backend.empty(block.shape, block.dtype)
        backend.matmul(out, matrix, block)
        return out

    if function.carries == "z" and function.root_index == 1:

        def norms_in_a(v: Block) -> np.ndarray:
            return np.sqrt(np.maximum(np.einsum("ij,ij->j", v, times(a, v)), 0.0))

        return Residual(lambda v: v - times(value, times(a, v)), norms_in_a, False, _inverse_error)

    if function.carries == "z":
        return Residual(
            lambda v: v - times(value, times(a, times(value, v))),
            _column_norms,
            True,
            _root_error,
        )

    factor = backend.empty(value.shape, value.dtype)
    if not backend.cholesky(factor, value):
        return None

    def solve(v: Block) -> Block:
        half = backend.solve_triangular(factor, np.ascontiguousarray(v), False)
        return backend.solve_triangular(factor, half, True)

    return Residual(
        lambda v: v - solve(times(a, solve(v))),
        _column_norms,
        True,
        _square_root_error,
    )
