"""Matrices in the domain of a schedule, and the rounding errors of runs on them.

What the steps give in exact arithmetic is the scalar reading at the eigenvalues. For float32 those
are of an eigendecomposition in float64. For float64 the matrices are made of eigenvectors +-1 over
sqrt(n), n a power of 4, and of eigenvalues of few digits, so that they are exact, and the values
are formed in extended precision.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import hadamard

from matrl.backends.numpy import numpy_backend
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.core.precision import is_complex, precision_of
from matrl.core.program import evaluate
from matrl.core.scaling import scalable
from matrl.functions import FUNCTIONS
from matrl.iterations.schedule import trace_schedule
from matrl.readings.dense import run
from matrl.readings.scalar import ScalarReading

__all__ = ["SPECTRA", "VECTORS", "Matrix", "draw", "rounding_error"]

SPECTRA = ("log-uniform", "clusters", "outlier-below", "outlier-above", "uniform")
VECTORS = ("random", "reflector", "rotations")
INSIDE = 0.02
"""Share of the interval (in log a) left free at its ends: rounding A moves its eigenvalues."""


@dataclass(frozen=True)
class Matrix:
    """A matrix as a plan is given it: its eigenvalues (singular values) and vectors, exact ones."""

    a: np.ndarray
    values: np.ndarray
    left: np.ndarray
    right: np.ndarray


def draw(plan: PlanRecord, spectrum: str, vectors: str, generator: Any) -> Matrix:
    """Return a matrix of the plan's shape, spectrum in its domain and kind of vectors."""
    function = FUNCTIONS.get(plan.function)
    m, n = plan.shape
    values = _eigenvalues(plan, spectrum, n, generator)
    if function.structure == "hermitian":
        values = values * generator.choice([-1.0, 1.0], n)
    if precision_of(plan.dtype) == "float64":
        return _exact(values, n)
    right = _vectors(n, vectors, plan.dtype, generator)
    if function.structure != "rectangular":
        a = (right * values) @ right.conj().T
        a = _contiguous(0.5 * (a + a.conj().T), plan.dtype)
        values, right = np.linalg.eigh(_wide(a))
        return Matrix(a, values, right, right)
    left = _vectors(m, vectors, plan.dtype, generator)[:, :n]
    a = _contiguous((left * values) @ right.conj().T, plan.dtype)
    left, values, adjoint = np.linalg.svd(_wide(a), full_matrices=False)
    return Matrix(a, values, left, adjoint.conj().T)


def rounding_error(plan: PlanRecord, matrix: Matrix) -> float:
    """Return the largest ||W o (F_computed - F_exact)||_F of the outputs, as the measure weighs."""
    function = FUNCTIONS.get(plan.function)
    program = scalable(fold(trace_schedule(function, plan.steps, plan.dtype)))
    exact = evaluate(program, ScalarReading(), {"A": matrix.values})
    m, n = plan.shape
    orders = [(m, n)] if function.structure == "rectangular" else [(n, n)] * len(exact)
    if function.factor:
        orders.append((n, n) if function.factor == "right" else (m, m))
    outs = [np.empty(shape, plan.dtype) for shape in orders]
    run(program, matrix.a, outs, backend=numpy_backend)
    bases = {"": (matrix.left, matrix.right), "right": (matrix.right,) * 2}
    bases["left"] = (matrix.left, matrix.left)
    errors = []
    for index, (out, value) in enumerate(zip(outs, exact, strict=True)):
        one, other = bases[function.factor if index else ""]
        wide = np.result_type(value.dtype, out.dtype)
        error = out.astype(wide) - (one * value) @ other.conj().T
        errors.append(_weighed(plan, function, matrix, error, index))
    return max(errors)


def _weighed(
    plan: PlanRecord, function: MatrixFunction, matrix: Matrix, error: np.ndarray, index: int
) -> float:
    a = np.abs(matrix.values)
    f = a ** function.exponents[index]
    ends = np.geomspace(plan.domain.lower, plan.domain.upper, 64) ** function.exponents[index]
    if plan.norm == "residual" and function.carries == "x":
        u = matrix.left @ matrix.right.conj().T
        both = u.conj().T @ error
        return float(np.linalg.norm(both + both.conj().T))
    if plan.norm == "eigenvalue" and function.carries != "x":
        return _frobenius(_inside(matrix, error) / np.sqrt(np.outer(f, f)))
    if plan.norm == "residual":
        k = function.root_index
        words = sum(np.outer(f**power, f ** (k - 1 - power)) for power in range(k))
        whole = f[:, None] ** k if function.exponents[index] < 0.0 else (ends**k).max()
        return _frobenius(_inside(matrix, error) * words / whole)
    size = float(ends.max())
    if plan.norm == "frobenius":
        size = math.sqrt(len(a) * float(np.mean(ends * ends)))
    return _frobenius(error) / size


def _inside(matrix: Matrix, error: np.ndarray) -> np.ndarray:
    """Return the error in the eigenbasis."""
    return matrix.left.conj().T @ error @ matrix.left


def _frobenius(x: np.ndarray) -> float:
    return float(np.sqrt(float((np.abs(x) ** 2).sum())))


def _eigenvalues(plan: PlanRecord, spectrum: str, n: int, generator: Any) -> np.ndarray:
    lower, upper = math.log(plan.domain.lower), math.log(plan.domain.upper)
    free = INSIDE * (upper - lower)
    lower, upper = lower + free, upper - free
    if spectrum == "log-uniform":
        logs = generator.uniform(lower, upper, n)
        logs[:2] = lower, upper
    elif spectrum == "clusters":
        logs = np.where(np.arange(n) < n // 2, lower, upper)
        logs = logs + np.where(logs == lower, 1.0, -1.0) * generator.uniform(0.0, 0.01, n)
    elif spectrum == "outlier-below":
        logs = np.full(n, upper) - generator.uniform(0.0, 0.01, n)
        logs[0] = lower
    elif spectrum == "outlier-above":
        logs = np.full(n, lower) + generator.uniform(0.0, 0.01, n)
        logs[0] = upper
    else:
        logs = np.log(generator.uniform(math.exp(lower), math.exp(upper), n))
        logs[:2] = lower, upper
    return np.exp(logs)


def _vectors(n: int, kind: str, dtype: str, generator: Any) -> np.ndarray:
    """Return n orthonormal columns: dense ones, near a permutation, or of pairs of entries."""
    if kind == "reflector":
        v = generator.standard_normal(n)
        v /= np.linalg.norm(v)
        return (np.eye(n) - 2.0 * np.outer(v, v))[:, generator.permutation(n)]
    if kind == "rotations":
        q = np.eye(n)[:, generator.permutation(n)]
        for i in range(0, n - 1, 2):
            angle = generator.uniform(0.0, math.pi)
            c, s = math.cos(angle), math.sin(angle)
            q[:, [i, i + 1]] = q[:, [i, i + 1]] @ np.array([[c, -s], [s, c]])
        return q
    g = generator.standard_normal((n, n))
    if is_complex(dtype):
        g = g + 1j * generator.standard_normal((n, n))
    return np.linalg.qr(g)[0]


def _exact(values: np.ndarray, n: int) -> Matrix:
    """Return the matrix of eigenvalues rounded to 20 digits and exact eigenvectors."""
    step = 2.0 ** (math.floor(math.log2(np.abs(values).max())) - 32)
    values = np.round(values / step) * step
    q = hadamard(n) / math.sqrt(n)
    wide = q.astype(np.longdouble)
    a = (wide * values) @ wide.T
    return Matrix(a.astype(np.float64), values.astype(np.longdouble), wide, wide)


def _contiguous(a: np.ndarray, dtype: str) -> np.ndarray:
    return np.ascontiguousarray(a.astype(dtype))


def _wide(a: np.ndarray) -> np.ndarray:
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
