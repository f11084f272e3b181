"""The check after a run: does the residual say that the tolerance was met?

``sketch``: the residual is applied a few times to a few random vectors. Growth factors are lower
bounds on its norm, so where the error commutes with A a value above what the tolerance allows is a
violation for certain (up to the rounding of the evaluation, which is in float64; other errors, of
rounding, may show more than they are); and the last power gives an upper bound that holds with a
stated probability (a Gaussian block and s columns: ||B||_2 <= alpha sqrt(2/pi)
max ||B g_i|| with probability at least 1 - alpha^-s; Halko, Martinsson & Tropp 2011, lemma 4.1,
doi:10.1137/090771806).

``full``: the residual is formed and its norm computed, positivity is verified, and the result is a
rigorous bound on the error, up to the rounding of the evaluation.
"""

import math
from dataclasses import dataclass

import numpy as np

from matrl.backends.protocol import Backend, Matrix
from matrl.core.function import MatrixFunction
from matrl.execute.residuals import residual_of

__all__ = ["FAILURE_PROBABILITY", "Verdict", "check_full", "check_sketch"]

VECTORS = 4
POWERS = 3
FAILURE_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Verdict:
    """What the guard says: whether the run passes, and the numbers it went by."""

    passed: bool
    residual: float
    residual_bound: float | None = None
    error_bound: float | None = None


REFUSED = Verdict(False, math.inf)


def _rounding_allowance(n: int, condition: float) -> float:
    """Return how large a residual rounding in float64 may fake."""
    return 4.0 * math.sqrt(n) * float(np.finfo(np.float64).eps) * max(condition, 1.0)


def _forgiven(allowance: float, tol: float) -> float:
    """Return what is forgiven of it: never more than the tolerance, or nothing would be checked."""
    return min(allowance, tol)


def check_sketch(
    function: MatrixFunction,
    a: Matrix,
    value: Matrix,
    tol: float,
    condition: float,
    backend: Backend,
) -> Verdict:
    """Return the verdict of the sketched residual; ``a`` and ``value`` are float64 (n, n)."""
    n = a.shape[-1]
    residual = residual_of(function, a, value, backend)
    if residual is None:
        return REFUSED
    block = np.random.default_rng(n).standard_normal((n, VECTORS))
    sizes = before = residual.norms(block)
    worst, least, greatest = 0.0, 0.0, 0.0
    for _ in range(POWERS):
        applied = residual.apply(block)
        after = residual.norms(applied)
        if not np.all(np.isfinite(after)):
            return REFUSED
        growth = np.where(before > 0.0, after / np.where(before > 0.0, before, 1.0), 0.0)
        worst = max(worst, float(growth.max()))
        if residual.isotropic:
            squares = np.where(before > 0.0, before * before, 1.0)
            quotients = np.einsum("ij,ij->j", block, applied) / squares
            least = min(least, float(quotients.min()))
            greatest = max(greatest, float(quotients.max()))
        sizes = sizes * growth
        block = applied / np.where(after > 0.0, after, 1.0)
        before = np.where(after > 0.0, 1.0, 0.0)
    bound = None
    if residual.isotropic:
        alpha = FAILURE_PROBABILITY ** (-1.0 / VECTORS)
        size = alpha * math.sqrt(2.0 / math.pi) * float(sizes.max())
        bound = max(size ** (1.0 / POWERS), worst)
    # Norms do not tell too large from too small, which weigh differently: growth is held to the
    # laxer side, Rayleigh quotients, which lie within R's spectrum, to the side they show.
    allowance = _forgiven(_rounding_allowance(n, condition), tol)
    errors = (
        residual.error(-max(worst - allowance, 0.0), 0.0),
        residual.error(min(least + allowance, 0.0), max(greatest - allowance, 0.0)),
    )
    return Verdict(max(errors) <= tol, worst, bound)


def check_full(
    function: MatrixFunction,
    a: Matrix,
    value: Matrix,
    tol: float,
    condition: float,
    backend: Backend,
) -> Verdict:
    """Return the verdict of the whole residual, with positivity; float64 (n, n) inputs."""
    n = a.shape[-1]
    residual = residual_of(function, a, value, backend)
    factor = backend.empty((n, n), np.float64)
    if residual is None or not backend.cholesky(factor, value):
        return REFUSED
    matrix = _formed(function, a, value, backend)
    if matrix is None or not np.all(np.isfinite(matrix)):
        return REFUSED
    eigenvalues = np.linalg.eigvalsh(matrix)
    least, greatest = float(eigenvalues[0]), float(eigenvalues[-1])
    norm = max(-least, greatest)
    allowance = _rounding_allowance(n, condition)
    # What rounding may fake is forgiven; the bound that is reported includes it.
    forgiven = _forgiven(allowance, tol)
    passed = residual.error(min(least + forgiven, 0.0), max(greatest - forgiven, 0.0)) <= tol
    error = residual.error(least - allowance, greatest + allowance)
    return Verdict(passed, norm, norm + allowance, error)


def _formed(function: MatrixFunction, a: Matrix, value: Matrix, backend: Backend) -> Matrix | None:
    """Return the symmetric matrix similar to the residual."""
    n = a.shape[-1]
    identity = np.eye(n)
    left = backend.empty((n, n), np.float64)
    right = backend.empty((n, n), np.float64)
    if function.carries == "z" and function.root_index == 1:
        factor = backend.empty((n, n), np.float64)
        if not backend.cholesky(factor, a):
            return None
        backend.matmul(left, value, factor)
        backend.matmul(right, np.ascontiguousarray(factor.T), left)
    elif function.carries == "z":
        backend.matmul(left, a, value)
        backend.matmul(right, value, left)
    else:
        factor = backend.empty((n, n), np.float64)
        if not backend.cholesky(factor, value):
            return None
        half = backend.solve_triangular(factor, a, False)
        left = backend.solve_triangular(factor, half, True)  # Y^-1 A
        half = backend.solve_triangular(factor, np.ascontiguousarray(left.T), False)
        right = backend.solve_triangular(factor, half, True)
    return identity - 0.5 * (right + right.T)
