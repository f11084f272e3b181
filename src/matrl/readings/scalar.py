"""The scalar reading: a program acts on each eigenvalue by itself."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from matrl.core.program import Operation, Program, evaluate
from matrl.core.tracing import Graph
from matrl.iterations.update import Update

__all__ = ["ScalarReading", "apply_update", "image", "is_positive", "multiplier_program"]


class ScalarReading:
    """Values are arrays of eigenvalues, one number for each."""

    def linear(self, op: Operation, operands: Sequence[np.ndarray]) -> np.ndarray:
        """Return the linear combination, the identity being 1."""
        total: np.ndarray | float = op.shift
        for coefficient, operand in zip(op.coefficients, operands, strict=True):
            total = total + coefficient * operand
        return np.asarray(total)

    def matmul(self, op: Operation, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the products eigenvalue by eigenvalue."""
        return left * right

    def gram(self, op: Operation, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the products: singular values are real."""
        return left * right

    outer = gram

    def inverse(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        """Return the reciprocals."""
        return 1.0 / operand

    def spectral(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        """Return the powers or signs."""
        return np.sign(operand) if op.label == "sign" else operand**op.shift

    def lyapunov(self, op: Operation, coefficient: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return r/(2 s)."""
        return right / (2.0 * coefficient)

    def polar(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        """Return 1 for positive singular values, and 0 for 0."""
        return np.sign(operand)

    def symmetrize(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        """Return the operand: eigenvalues are real."""
        return operand

    def cast(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        """Return the operand: this reading is exact arithmetic."""
        return operand


@lru_cache(maxsize=65536)
def multiplier_program(update: Update, root_index: int, coefficients: tuple[float, ...]) -> Program:
    """Return the program of p(m) alone, with input ``"M"``."""
    graph = Graph()
    m = graph.input("M", "float64")
    return graph.program(update.multiplier(m, coefficients, root_index).p)


def apply_update(
    update: Update, root_index: int, coefficients: tuple[float, ...], x: np.ndarray
) -> np.ndarray:
    """Return h(x) = x p(x^k), elementwise."""
    program = multiplier_program(update, root_index, coefficients)
    (p,) = evaluate(program, ScalarReading(), {"M": x**root_index})
    return x * p


def _extrema(
    update: Update, root_index: int, coefficients: tuple[float, ...], lower: float, upper: float
) -> np.ndarray:
    inside = update.critical_points(coefficients, root_index, lower, upper)
    x = np.array([lower, *inside, upper])
    return apply_update(update, root_index, coefficients, x)


def image(
    update: Update, root_index: int, coefficients: tuple[float, ...], lower: float, upper: float
) -> tuple[float, float]:
    """Return the exact range of h over [lower, upper], from its ends and critical points."""
    values = _extrema(update, root_index, coefficients, lower, upper)
    return float(values.min()), float(values.max())


def is_positive(
    update: Update, root_index: int, coefficients: tuple[float, ...], upper: float
) -> bool:
    """Return whether h > 0 on all of (0, upper].

    Rational updates have p > 0 where no coefficient is negative (weights and shifts, of which a
    shift may be zero). A polynomial is positive where p(0) > 0 and h is positive at its stationary
    points and at the end.
    """
    if update.kind != "polynomial":
        return all(c >= 0.0 for c in coefficients)
    if not coefficients[0] > 0.0:
        return False
    return bool(np.all(_extrema(update, root_index, coefficients, 1e-12 * upper, upper) > 0.0))
