"""Measuring how wrong a computed matrix function is."""

from collections.abc import Sequence

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Measure
from matrl.execute.residuals.twofold import twofold_product

__all__ = ["Reference", "eigenvalue_error"]


class Reference:
    """f(A) of one matrix, known through an eigen- or singular value decomposition in float64.

    Good where n eps cond(A) is far below the errors to be measured. ``measure`` says how errors
    count; of several outputs the largest does. Of functions with f(0) = 0, eigenvalues below 0 by
    no more than the rounding of the dtype of ``a`` count as 0. ``least`` > 0 is the least positive
    eigenvalue of a domain that has 0 too: what is below half of it counts as 0.
    """

    def __init__(self, measure: Measure, a: np.ndarray, *, least: float = 0.0) -> None:
        self._measure = measure
        function = measure.function
        wide = a.astype(np.complex128 if np.iscomplexobj(a) else np.float64)
        self._a = wide
        if function.structure == "rectangular":
            left, values, right = np.linalg.svd(wide, full_matrices=False)
            self._values, self._left, self._right = values, left, right.conj().T
        else:
            self._values, self._left = np.linalg.eigh(wide)
            self._right = self._left
            if function.vanishes_at_zero:
                floor = len(wide) * _eps(a) * float(np.abs(self._values).max())
                negligible = (self._values < 0.0) & (self._values >= -floor)
                self._values = np.where(negligible, 0.0, self._values)
        if least > 0.0:
            self._values = np.where(self._values < 0.5 * least, 0.0, self._values)
        self._least = float(measure.function.magnitude(np.array(least))) if least > 0.0 else -np.inf

    def outputs(self) -> tuple[np.ndarray, ...]:
        """Return f(A), an array an output."""
        return tuple(
            (left * values) @ right.conj().T for left, values, right in self._decompositions()
        )

    def _decompositions(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return (left vectors, values, right vectors) of each output."""
        function, values = self._measure.function, self._values
        if function.carries != "x":
            return [(self._left, values**e, self._left) for e in function.exponents]
        results = [(self._left, np.sign(values), self._right)]
        if function.factor:
            basis = self._right if function.factor == "right" else self._left
            results.append((basis, np.abs(values), basis))
        return results

    def _is_defined(self) -> bool:
        """Whether A has an f(A) that errors can be measured against."""
        measure, smallest = self._measure, float(self._values.min())
        if measure.function.structure != "positive":
            return True
        takes_zero = measure.norm != "eigenvalue" or self._least > 0.0
        may_be_zero = measure.function.vanishes_at_zero and takes_zero
        if smallest > 0.0:
            return True
        return may_be_zero and smallest == 0.0 and float(self._values.max()) > 0.0

    def error(self, value: np.ndarray | Sequence[np.ndarray]) -> float:
        """Return the error of the computed outputs; infinity if they are not finite.

        Infinity too where A has no f(A), because it is indefinite or, unless f(0) = 0 and either
        the measure is normwise or the domain has 0, singular.
        """
        given = value if isinstance(value, tuple | list) else (value,)
        computed = [np.asarray(one).astype(self._a.dtype) for one in given]
        if not self._is_defined():
            return float("inf")
        worst = 0.0
        for index, (left, values, right) in enumerate(self._decompositions()):
            wide = computed[index]
            if not np.all(np.isfinite(wide)):
                return float("inf")
            if self._measure.norm == "residual":
                worst = max(worst, self._residual(wide, index, computed[0]))
            else:
                worst = max(worst, self._difference(wide, left, values, right))
        return worst

    def _difference(
        self, value: np.ndarray, left: np.ndarray, values: np.ndarray, right: np.ndarray
    ) -> float:
        norm = self._measure.norm
        difference = value - (left * values) @ right.conj().T
        if norm == "spectral":
            return _two_norm(difference) / float(np.abs(values).max())
        if norm == "frobenius":
            return float(np.linalg.norm(difference) / np.linalg.norm(values))
        if self._measure.function.carries == "x":
            return _two_norm(difference) / float(np.abs(values).max())
        half = right / np.sqrt(np.maximum(values, self._least))
        scaled = half.conj().T @ difference @ half
        # Of a Hermitian matrix the eigenvalues cost less than the singular values.
        return float(np.abs(np.linalg.eigvalsh(0.5 * (scaled + scaled.conj().T))).max())

    def _residual(self, value: np.ndarray, index: int, u: np.ndarray) -> float:
        function, a = self._measure.function, self._a
        if function.carries == "x":
            if index > 0:
                h = u.conj().T @ a if function.factor == "right" else a @ u.conj().T
                return _two_norm(value - 0.5 * (h + h.conj().T)) / _two_norm(a)
            wide = value.shape[0] < value.shape[1]
            gram = value @ value.conj().T if wide else value.conj().T @ value
            return _two_norm(gram - np.eye(len(gram)))
        k, j = function.root_index, function.multiplicity
        if function.exponents[index] > 0.0:
            known = np.linalg.matrix_power(a, k - j)
            return _two_norm(np.linalg.matrix_power(value, k) - known) / _two_norm(known)
        # In float64 it would be evaluated to eps cond(A)^j.
        high, low = value, np.zeros_like(value)
        for factor in (value,) * (k - 1) + (a,) * j:
            high, low = twofold_product(factor, high, low, np.matmul)
        return _two_norm((high - np.eye(len(high))) + low)


def _eps(a: np.ndarray) -> float:
    return float(np.finfo(np.result_type(a.dtype, np.float32)).eps)


def _two_norm(a: np.ndarray) -> float:
    return float(np.linalg.norm(a, 2))


def eigenvalue_error(
    function: MatrixFunction, a: np.ndarray, value: np.ndarray | Sequence[np.ndarray]
) -> float:
    """Return ||F^(-1/2) Fhat F^(-1/2) - I||_2 for F = f(a), computed in float64.

    For sign and polar factors it is ||Fhat - F||_2/||F||_2. ``a`` is (n, n) or (m, n), ``value``
    what a run returned; see :class:`Reference` for several values of one matrix.

    >>> from matrl.functions import FUNCTIONS
    >>> eigenvalue_error(FUNCTIONS.get("inv"), np.diag([1.0, 4.0]), np.diag([1.0, 0.26]))
    0.04...
    """
    return Reference(Measure("eigenvalue", function), a).error(value)
