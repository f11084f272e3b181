"""The noisy reading: a first-order model of rounding errors, pair of eigenvalues by pair.

Each value carries, besides its eigenvalues at some nodes, the standard deviation of its error's
entries in the eigenbasis: ``errors[s, i, j]`` belongs to rounding event s and the pair (i, j).
Errors are followed through the Frechet derivatives of the operations, so that what cancels in
exact arithmetic cancels here and what does not commute is permanent (Higham, *Functions of
Matrices*, chapter 3 and section 4.9). Sizes of fresh errors follow the usual random-rounding model
(Higham & Mary 2019, doi:10.1137/18M1226312) with constants fitted to runs of the dense reading;
``tests/readings/test_noisy.py`` holds the model against such runs.

This is an estimate, not a bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matrl.core.matrices import DTYPES
from matrl.core.program import Operation

__all__ = ["NoisyReading", "NoisyValue", "compress", "rounding_level"]

UNIT = {dtype: float(np.finfo(dtype).eps) / 2 for dtype in DTYPES}
# Fresh error of an operation in units of the unit roundoff u and its natural scale.
PRODUCT = 0.25
INVERSE = 0.25
EIGENDECOMPOSITION = 0.5
PASS = 0.4
# The 2-norm of a random symmetric matrix lies between one and two times its largest row norm.
NORM = 1.6


@dataclass(frozen=True)
class NoisyValue:
    """Eigenvalues at the nodes, shape (q,), and error deviations, shape (sources, q, q)."""

    values: np.ndarray
    errors: np.ndarray

    @classmethod
    def exact(cls, values: np.ndarray) -> "NoisyValue":
        """Return a value without error."""
        return cls(values, np.zeros((0, len(values), len(values))))


def _root_mean_square(values: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sqrt(weights @ (values * values)))


def _padded(errors: np.ndarray, sources: int) -> np.ndarray:
    if len(errors) == sources:
        return errors
    result = np.zeros((sources, *errors.shape[1:]))
    result[: len(errors)] = errors
    return result


class NoisyReading:
    """Reads programs for n x n matrices whose spectrum has density ``weights`` at the nodes.

    One instance numbers the rounding events of one evaluation; do not share it between programs.
    """

    def __init__(self, n: int, weights: np.ndarray, sources: int = 0) -> None:
        self._n = n
        self._weights = weights
        self._sources = sources

    def _with_fresh(
        self, values: np.ndarray, errors: np.ndarray, fresh: np.ndarray | float
    ) -> NoisyValue:
        self._sources += 1
        result = _padded(errors, self._sources)
        result[-1] = fresh
        return NoisyValue(values, result)

    def _pass(self, scale: float, dtype: str) -> float:
        return PASS * UNIT[dtype] * scale / np.sqrt(self._n)

    def linear(self, op: Operation, operands: Sequence[NoisyValue]) -> NoisyValue:
        """Combine errors linearly and round once more, at the size of the largest term."""
        q = len(self._weights)
        values = np.full(q, op.shift)
        scale = abs(op.shift)
        errors = np.zeros((self._sources, q, q))
        for coefficient, operand in zip(op.coefficients, operands, strict=True):
            values = values + coefficient * operand.values
            errors[: len(operand.errors)] += coefficient * operand.errors
            scale += abs(coefficient) * _root_mean_square(operand.values, self._weights)
        return self._with_fresh(values, errors, self._pass(scale, op.dtype))

    def matmul(self, op: Operation, left: NoisyValue, right: NoisyValue) -> NoisyValue:
        """Propagate by the product rule; mirroring turns the skew part into fresh noise."""
        sources = self._sources
        x, y = left.values, right.values
        dx, dy = _padded(left.errors, sources), _padded(right.errors, sources)
        errors = dx * (0.5 * (y[:, None] + y)) + dy * (0.5 * (x[:, None] + x))
        fresh = (
            PRODUCT
            * UNIT[op.dtype]
            * _root_mean_square(x, self._weights)
            * _root_mean_square(y, self._weights)
        )
        if op.product == "mirrored":
            skew = dx * (0.5 * (y - y[:, None])) + dy * (0.5 * (x[:, None] - x))
            weights = self._weights
            fresh = float(np.sqrt(fresh * fresh + weights @ (skew * skew).sum(axis=0) @ weights))
        elif op.product == "averaged":
            fresh /= np.sqrt(2.0)
        return self._with_fresh(x * y, errors, fresh)

    def inverse(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Propagate by -W E W, E with the backward error of a Cholesky factorisation."""
        inverse = 1.0 / operand.values
        pairs = inverse[:, None] * inverse
        scale = _root_mean_square(operand.values, self._weights)
        fresh = INVERSE * UNIT[op.dtype] * scale * pairs
        return self._with_fresh(inverse, -operand.errors * pairs, fresh)

    def spectral(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Propagate by divided differences; the eigensolver is backward stable in the norm."""
        x, exponent = operand.values, op.shift
        values = x**exponent
        gaps = x[:, None] - x
        close = np.abs(gaps) <= 1e-6 * np.maximum(x[:, None], x)
        slope = exponent * np.sqrt(np.outer(values / x, values / x))
        differences = np.where(
            close, slope, (values[:, None] - values) / np.where(close, 1.0, gaps)
        )
        unit = UNIT[op.dtype]
        backward = EIGENDECOMPOSITION * unit * float(x.max())
        product = PRODUCT * unit * _root_mean_square(values, self._weights) / np.sqrt(self._n)
        fresh = np.sqrt((differences * backward) ** 2 + product**2)
        return self._with_fresh(values, operand.errors * differences, fresh)

    def cast(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Round to the new precision."""
        scale = _root_mean_square(operand.values, self._weights)
        return self._with_fresh(operand.values, operand.errors, self._pass(scale, op.dtype))


def compress(*values: NoisyValue) -> tuple[NoisyValue, ...]:
    """Return the values with as many sources as there are values, joint second moments kept.

    For each pair of eigenvalues the errors of the values are jointly distributed; a triangular
    factor of their covariance says the same with fewer sources.
    """
    sources = max(len(value.errors) for value in values)
    stacked = np.stack([_padded(value.errors, sources) for value in values])
    count, q = len(values), stacked.shape[-1]
    factor = np.zeros((count, count, q, q))
    rest = stacked.copy()
    for source in range(count):
        pivot = np.sqrt((rest[source] ** 2).sum(axis=0))
        direction = rest[source] / np.where(pivot > 0.0, pivot, 1.0)
        for row in range(source, count):
            along = (rest[row] * direction).sum(axis=0)
            factor[row, source] = along
            rest[row] -= along * direction
    return tuple(NoisyValue(value.values, factor[row]) for row, value in enumerate(values))


def rounding_level(
    value: NoisyValue, n: int, weights: np.ndarray, dips: np.ndarray | float = 1.0
) -> float:
    """Return the predicted ||F^(-1/2) E F^(-1/2)||_2 of the value's error E, F being the value.

    ``dips`` says how much smaller than at its node the value may be close by: an equioscillating
    map sends eigenvalues between the nodes to the lower end of its range, where the same absolute
    error weighs more.
    """
    deviations = (value.errors**2).sum(axis=0)
    size = np.abs(value.values) / dips
    scaled = deviations / np.outer(size, size)
    return NORM * float(np.sqrt(n * (scaled @ weights).max()))
