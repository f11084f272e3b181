"""Rounding events: how large a fresh error is, and how a value of the noisy reading takes it on."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from matrl.core.precision import DTYPES, FORMATS, HALF_PRECISIONS, eps_of, is_half
from matrl.core.program import Operation
from matrl.readings.noise.value import NoisyValue, adjoint, padded

__all__ = [
    "EIGENDECOMPOSITION",
    "EXACT",
    "INVERSE",
    "ORTHOGONALITY",
    "SINGULAR_VALUES",
    "UNIT",
    "Events",
]

UNIT = {dtype: eps_of(dtype) / 2 for dtype in (*HALF_PRECISIONS, *DTYPES)}
# Fresh error of an operation in units of the unit roundoff u and its natural scale.
PRODUCT = 0.25
INVERSE = 0.25
EIGENDECOMPOSITION = 0.5
SINGULAR_VALUES = 0.15
ORTHOGONALITY = 1.5
PASS = 0.4
# A subnormal number is off by up to half the distance of two, evenly spread.
UNDERFLOW = {name: FORMATS[name].least_subnormal / np.sqrt(12.0) for name in HALF_PRECISIONS}
# No entry exceeds the 2-norm; sums in float32 and errors have the rest.
FULLEST = 0.5
# Variances from which on errors are not followed any more.
HUGE = 1e100
EXACT = "exact"
"""A dtype of operations that make no error, to see what the others make of a schedule."""
UNIT[EXACT] = 0.0


class Events:
    """Numbers the rounding events of one evaluation; the base of the noisy reading."""

    def __init__(
        self, n: int, weights: np.ndarray, sources: int = 0, *, m: int | None = None
    ) -> None:
        self._n = n
        self._outside = 0 if m is None else max(m - n, 0)
        self._weights = weights
        self._signs = np.ones(sources)
        self._given = sources, m

    def anew(self) -> Self:
        """Return a reading of the same matrices for another evaluation."""
        sources, m = self._given
        return type(self)(self._n, self._weights, sources, m=m)

    @property
    def _sources(self) -> int:
        return len(self._signs)

    def _errors(self, value: NoisyValue) -> np.ndarray:
        """Return the errors padded to all sources, and learn the signs of those of the inputs."""
        if value.signs is not None:
            known = len(value.signs)
            self._signs[:known] = np.minimum(self._signs[:known], value.signs)
        q = len(value.values)
        return padded(value.errors, self._sources, (q, q))

    def _rows(self, value: NoisyValue) -> np.ndarray | None:
        if value.rows is None:
            return None
        return padded(value.rows, self._sources, (len(value.values),))

    def _rms(self, values: np.ndarray) -> float:
        return float(np.sqrt(self._weights @ (values * values)))

    def _pass(self, scale: float, dtype: str) -> float:
        rounding = PASS * UNIT[dtype] * scale / np.sqrt(self._n)
        return float(np.hypot(rounding, UNDERFLOW[dtype])) if is_half(dtype) else rounding

    def _sum(self, values: np.ndarray, scale: float, dtype: str) -> float:
        """Return the deviation of a linear combination with these values and terms.

        A half precision rounds once what has been summed in float32.
        """
        return self._pass(self._rms(values) if is_half(dtype) else scale, dtype)

    def _product(self, x: np.ndarray, y: np.ndarray, dtype: str) -> float:
        if is_half(dtype):
            # The sums are those of float32, and then the entries of the result are rounded.
            return float(
                np.hypot(self._product(x, y, "float32"), self._pass(self._rms(x * y), dtype))
            )
        return PRODUCT * UNIT[dtype] * self._rms(x) * self._rms(y)

    def _overflow(self, values: np.ndarray, dtype: str) -> float:
        """Return infinity where entries may overflow a half precision."""
        overflows = is_half(dtype) and np.abs(values).max() > FULLEST * FORMATS[dtype].largest
        return float("inf") if overflows else 0.0

    def _tall(self, size: float, shape: str) -> tuple[float, float | None]:
        """Return deviations of entries and of columns outside, for an n x n event of this size."""
        if shape == "square" or not self._outside:
            return size, None
        # The same relative error as for n x n, spread over m rows.
        size *= np.sqrt(self._n / (self._n + self._outside))
        return size, size * np.sqrt(self._outside / self._n)

    def _value(
        self,
        values: np.ndarray,
        errors: np.ndarray,
        fresh: np.ndarray | float,
        operands: Sequence[NoisyValue],
        *,
        rows: np.ndarray | None = None,
        fresh_rows: np.ndarray | float | None = None,
        is_hermitian: bool = True,
        breakdown: float = 0.0,
    ) -> NoisyValue:
        """Return a value with one more event, in two sources if it is not Hermitian."""
        breakdown = max([breakdown, *(operand.breakdown for operand in operands)])
        if breakdown >= 1.0 or any(operand.variances.max() > HUGE for operand in operands):
            # Nothing is known about the value from here on.
            return NoisyValue(
                values, np.zeros((0, *errors.shape[1:])), None, None, is_hermitian, np.inf
            )
        old = len(errors)
        added = np.array([1.0]) if is_hermitian else np.array([1.0, -1.0])
        self._signs = np.concatenate([self._signs, added])
        result = padded(errors, self._sources, errors.shape[1:])
        # The entries (i, j) and (j, i) of a general error are independent.
        result[old:] = fresh if is_hermitian else fresh * np.sqrt(0.5)
        if rows is not None or fresh_rows is not None:
            rows = padded(rows, self._sources, values.shape)
            rows[old] = 0.0 if fresh_rows is None else fresh_rows
        return NoisyValue(values, result, self._signs, rows, is_hermitian, breakdown)

    def _hermitian_product(
        self,
        op: Operation,
        values: np.ndarray,
        errors: np.ndarray,
        variance: np.ndarray,
        operands: Sequence[NoisyValue],
    ) -> NoisyValue:
        """Return a product made Hermitian, from its error in full and the variance of fresh ones.

        Averaging drops the skew part; mirroring turns it into noise in all directions.
        """
        hermitian = 0.5 * (errors + adjoint(errors, self._signs))
        variance = 0.5 * (variance + variance.T)
        if op.product == "averaged":
            variance = 0.5 * variance
            if is_half(op.dtype):
                variance = variance + self._pass(self._rms(values), op.dtype) ** 2
        else:
            skew = errors - hermitian
            spread = np.einsum("sij,sij->ij", skew, skew)
            variance = variance + self._weights @ spread @ self._weights
        breakdown = self._overflow(values, op.dtype)
        return self._value(values, hermitian, np.sqrt(variance), operands, breakdown=breakdown)

    def _second_order(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the variances of the product of two errors, from theirs."""
        return self._n * (np.minimum(left, HUGE) * self._weights) @ np.minimum(right, HUGE)
