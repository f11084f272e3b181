"""Kernels from an eigenvalue or singular value decomposition."""

from collections.abc import Callable

import numpy as np

from matrl.backends import lapack
from matrl.backends.layout import check_square, check_twin
from matrl.backends.norms import all_finite, row_blocks
from matrl.backends.products import matmul, matmul_hermitian
from matrl.backends.protocol import Matrix
from matrl.errors import IndefiniteMatrixError, InputError, NonFiniteError

__all__ = ["lyapunov", "polar_factor", "spectral_function"]


def _check_finite(name: str, x: Matrix) -> None:
    if not all_finite(x):
        raise NonFiniteError(f"{name} holds NaN or infinity: pass a finite matrix")


def spectral_function(out: Matrix, x: Matrix, function: Callable[[Matrix], Matrix]) -> Matrix:
    """Write V f(w) V^* into ``out`` for Hermitian x = V diag(w) V^*, exactly Hermitian.

    ``function`` maps the 1-D ascending eigenvalues (real, in the precision of x) to as many real
    values and may raise; NonFiniteError if ``x`` (n x n) holds NaN or infinity, ConvergenceError if
    LAPACK gives up. Source: N. J. Higham, *Functions of Matrices* (2008), sec. 4.5,
    https://doi.org/10.1137/1.9780898717778.

    >>> out = np.empty((2, 2), complex)
    >>> print(spectral_function(out, np.array([[0.0, 1j], [-1j, 0.0]]), np.abs).round(12).real)
    [[1. 0.]
     [0. 1.]]
    """
    check_square("x", x)
    check_twin(out, "x", x)
    _check_finite("x", x)
    rows = np.array(x, order="C")
    eigenvalues = lapack.heevd(rows)
    values = np.asarray(function(eigenvalues))
    if values.shape != eigenvalues.shape or values.dtype.kind == "c":
        raise InputError(
            f"function returned {values.dtype} of shape {values.shape}: "
            f"it must return {eigenvalues.size} real values"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = rows * values.astype(eigenvalues.dtype)[:, None]
    return matmul_hermitian(out, rows, scaled, adjoint_x=True)


def lyapunov(out: Matrix, s: Matrix, r: Matrix) -> Matrix:
    """Write the solution D of S D + D S = R into ``out`` (n x n), exactly Hermitian.

    S is Hermitian positive definite, R Hermitian, in one dtype: with S = V diag(w) V^*,
    D = V [(V^* R V)_ij / (w_i + w_j)] V^*. IndefiniteMatrixError if an eigenvalue of S is not
    positive, NonFiniteError for NaN or infinity. Source: N. J. Higham, *Functions of Matrices*
    (2008), secs. 6.1 and B.14, https://doi.org/10.1137/1.9780898717778.

    >>> print(lyapunov(np.empty((1, 1)), np.array([[2.0]]), np.array([[12.0]])))
    [[3.]]
    """
    check_square("s", s)
    check_twin(out, "s", s)
    check_twin(out, "r", r)
    _check_finite("s", s)
    _check_finite("r", r)
    rows = np.array(s, order="C")
    w = lapack.heevd(rows)
    if not w[0] > 0:
        raise IndefiniteMatrixError(
            f"s has the eigenvalue {w[0]}: pass a positive definite matrix, "
            "or shift it by a multiple of the identity"
        )
    work, inner = np.empty_like(rows), np.empty_like(rows)
    matmul(work, rows, r)
    matmul_hermitian(inner, work, rows, adjoint_y=True)
    with np.errstate(over="ignore"):
        for part in row_blocks(inner):
            inner[part] /= w[part, None] + w
    matmul(work, rows, inner, adjoint_x=True)
    return matmul_hermitian(out, work, rows)


def polar_factor(
    out: Matrix, x: Matrix, observe: Callable[[Matrix], object] | None = None
) -> Matrix:
    """Write the unitary polar factor U V^* of x = U diag(s) V^* into ``out``, both m x n, m >= n.

    ``observe`` is handed the n singular values, real and descending: where the last is zero to
    working precision, the factor is one of many, which is the caller's business. InputError if
    m < n, NonFiniteError for NaN or infinity, ConvergenceError if LAPACK gives up. Source: N. J.
    Higham, *Functions of Matrices* (2008), ch. 8, https://doi.org/10.1137/1.9780898717778; LAPACK
    ``gesdd``.

    >>> print(polar_factor(np.empty((2, 1)), np.array([[3.0], [4.0]])).round(12))
    [[0.6]
     [0.8]]
    """
    check_twin(out, "x", x)
    if x.shape[0] < x.shape[1]:
        raise InputError(f"x has shape {x.shape}, more columns than rows: pass its adjoint")
    _check_finite("x", x)
    u, values, v_adjoint = lapack.gesdd(np.array(x, order="C"))
    if observe is not None:
        observe(values)
    return matmul(out, u, v_adjoint)
