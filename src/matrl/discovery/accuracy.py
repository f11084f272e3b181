"""Measuring how wrong a computed matrix function is."""

from collections.abc import Sequence

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Measure

__all__ = ["Reference", "eigenvalue_error"]


class Reference:
    """f(A) of one matrix, known through an eigen- or singular value decomposition in float64.

    Good where n eps cond(A) is far below the errors to be measured. ``measure`` says how errors
    count; of several outputs the largest does. ``least`` > 0 is the least positive eigenvalue of a
    domain that has 0 too: what is below half of it counts as 0.
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
        if least > 0.0:
            self._values = np.where(self._values < 0.5 * least, 0.0, self._values)
        self._least = measure.function.magnitude(np.array(least)) if least > 0.0 else -np.inf

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

    def error(self, value: np.ndarray | Sequence[np.ndarray]) -> float:
        """Return the error of the computed outputs; infinity where they are not finite."""
        computed = value if isinstance(value, tuple | list) else (value,)
        worst = 0.0
        for index, (left, values, right) in enumerate(self._decompositions()):
            wide = np.asarray(computed[index]).astype(self._a.dtype)
            if not np.all(np.isfinite(wide)):
                return float("inf")
            if self._measure.norm == "residual":
                worst = max(worst, self._residual(wide, index))
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
        if np.array_equal(np.abs(values), np.ones_like(values)):
            return _two_norm(difference)
        half = right / np.sqrt(np.maximum(values, self._least))
        scaled = half.conj().T @ difference @ half
        return _two_norm(0.5 * (scaled + scaled.conj().T))

    def _residual(self, value: np.ndarray, index: int) -> float:
        function, a = self._measure.function, self._a
        if function.carries == "x":
            if index > 0:
                return 0.0  # the Hermitian factor has no residual of its own
            wide = value.shape[0] < value.shape[1]
            gram = value @ value.conj().T if wide else value.conj().T @ value
            return _two_norm(gram - np.eye(len(gram)))
        k, j = function.root_index, function.multiplicity
        power = np.linalg.matrix_power(value, k)
        if function.exponents[index] > 0.0:
            known = np.linalg.matrix_power(a, k - j)
            return _two_norm(power - known) / _two_norm(known)
        return _two_norm(np.linalg.matrix_power(a, j) @ power - np.eye(len(power)))


def _two_norm(a: np.ndarray) -> float:
    return float(np.linalg.norm(a, 2))


def eigenvalue_error(
    function: MatrixFunction, a: np.ndarray, value: np.ndarray | Sequence[np.ndarray]
) -> float:
    """Return ||F^(-1/2) Fhat F^(-1/2) - I||_2 for F = f(a), computed in float64.

    For the sign and the unitary polar factor it is ||Fhat - F||_2. ``a`` is (n, n) or (m, n),
    ``value`` what a run returned; see :class:`Reference` for several values of one matrix.

    >>> from matrl.functions import FUNCTIONS
    >>> eigenvalue_error(FUNCTIONS.get("inv"), np.diag([1.0, 4.0]), np.diag([1.0, 0.26]))
    0.04...
    """
    return Reference(Measure("eigenvalue", function), a).error(value)
