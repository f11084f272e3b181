"""The noisy reading: a model of rounding errors, pair of eigenvalues by pair.

Each value carries, besides its eigenvalues at some nodes, the standard deviation of its error's
entries in the eigenbasis: ``errors[s, i, j]`` belongs to rounding event s and the pair (i, j). For
m x n values the nodes are singular values and the bases those of singular vectors. Errors are
followed through the Frechet derivatives of the operations, so that what cancels in exact arithmetic
cancels here and what does not commute is permanent (Higham, *Functions of Matrices*, chapter 3 and
section 4.9). A product of two errors is one more rounding event of its size: it is what remains
where an iteration forgets the first order. Where an operand may have lost its definiteness to
rounding, nothing of this holds, and the level is infinite.

Sizes of fresh errors follow the usual random-rounding model (Higham & Mary 2019,
doi:10.1137/18M1226312) with constants fitted to runs of the dense reading; ``tests/readings`` holds
the model against such runs. This is an estimate, not a bound. In a half precision sums are those of
float32 and each result is rounded once; where its entries may overflow, the level is infinite.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matrl.core.program import Operation
from matrl.readings.differences import power_differences, sign_differences
from matrl.readings.noise.events import (
    EIGENDECOMPOSITION,
    INVERSE,
    ORTHOGONALITY,
    SINGULAR_VALUES,
    UNIT,
    Events,
)
from matrl.readings.noise.levels import breaks_down, rounding_level
from matrl.readings.noise.value import NoisyValue, adjoint, compress

__all__ = ["NoisyReading", "NoisyValue", "breaks_down", "compress", "rounding_level"]


class NoisyReading(Events):
    """Reads programs for matrices of order n whose spectrum has density ``weights`` at the nodes.

    ``sources`` is how many rounding events the inputs carry. Where matrices are m x n, m > n, the
    errors outside the range of A are ``rows`` of a value. One instance numbers the rounding events
    of one evaluation; do not share it between programs.

    >>> import numpy as np
    >>> gram = Operation("gram", (0, 0), dtype="float32")
    >>> weights = np.array([0.5, 0.5])
    >>> a = NoisyValue.exact(np.array([1e-4, 1.0]), is_hermitian=False)
    >>> value = NoisyReading(100, weights, m=300).gram(gram, a, a)
    >>> breaks_down(value, 100, weights) > 1.0  # float32 loses the smaller singular value
    True
    """

    def linear(self, op: Operation, operands: Sequence[NoisyValue]) -> NoisyValue:
        """Combine errors linearly and round once more, at the size of the largest term."""
        q = len(self._weights)
        values = np.full(q, op.shift)
        scale = abs(op.shift)
        errors = np.zeros((self._sources, q, q))
        rows: np.ndarray | None = None
        for coefficient, operand in zip(op.coefficients, operands, strict=True):
            values = values + coefficient * operand.values
            errors += coefficient * self._errors(operand)
            scale += abs(coefficient) * self._rms(operand.values)
            more = self._rows(operand)
            if more is not None:
                rows = coefficient * more + (0.0 if rows is None else rows)
        fresh, fresh_rows = self._tall(self._sum(values, scale, op.dtype), op.shape)
        is_hermitian = all(operand.is_hermitian for operand in operands)
        return self._value(
            values,
            errors,
            fresh,
            operands,
            rows=rows,
            fresh_rows=fresh_rows,
            is_hermitian=is_hermitian,
            breakdown=self._overflow(values, op.dtype),
        )

    def matmul(self, op: Operation, left: NoisyValue, right: NoisyValue) -> NoisyValue:
        """Propagate by the product rule, and make the result Hermitian as the product does."""
        dx, dy = self._errors(left), self._errors(right)
        x, y = left.values, right.values
        errors = dx * y + x[:, None] * dy
        second = self._second_order(left.variances, right.variances)
        fresh, fresh_rows = self._tall(self._product(x, y, op.dtype), op.shape)
        variance = second + fresh * fresh
        if op.product != "general":
            return self._hermitian_product(op, x * y, errors, variance, (left, right))
        rows = self._rows(left)
        if rows is not None or fresh_rows is not None:
            outside = self._second_order(left.row_variances, right.variances)
            rows = None if rows is None else rows * y
            fresh_rows = np.sqrt((fresh_rows or 0.0) ** 2 + outside)
        return self._value(
            x * y,
            errors,
            np.sqrt(variance),
            (left, right),
            rows=rows,
            fresh_rows=fresh_rows,
            is_hermitian=False,
            breakdown=self._overflow(x * y, op.dtype),
        )

    def gram(self, op: Operation, left: NoisyValue, right: NoisyValue) -> NoisyValue:
        """Propagate by the product rule for X* Y; what is outside the range is of second order."""
        dx, dy = self._errors(left), self._errors(right)
        x, y = left.values, right.values
        errors = adjoint(dx, self._signs) * y + x[:, None] * dy
        second = self._second_order(left.variances.T, right.variances)
        second = second + self._n * np.outer(left.row_variances, right.row_variances)
        fresh = self._product(x, y, op.dtype)
        variance = second + fresh * fresh
        return self._hermitian_product(op, x * y, errors, variance, (left, right))

    def outer(self, op: Operation, left: NoisyValue, right: NoisyValue) -> NoisyValue:
        """Propagate by the product rule for X Y*; the block outside the range is mirrored."""
        dx, dy = self._errors(left), self._errors(right)
        x, y = left.values, right.values
        errors = dx * y + x[:, None] * adjoint(dy, self._signs)
        second = self._second_order(left.variances, right.variances.T)
        fresh, fresh_rows = self._tall(self._product(x, y, op.dtype), op.shape)
        if op.shape != "square":
            fresh *= np.sqrt(self._n / (self._n + self._outside))
        value = self._hermitian_product(op, x * y, errors, second + fresh * fresh, (left, right))
        if fresh_rows is None:
            return value
        # Two blocks, of X and of Y, each of which is half of the result or, mirrored, all of it.
        both = left.row_variances * y * y + right.row_variances * x * x
        rows = np.zeros((self._sources, len(x)))
        rows[-1] = np.sqrt(0.5 * both + fresh_rows**2)
        return replace(value, rows=rows)

    def inverse(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Propagate by -W E W, E with the backward error of a Cholesky factorisation."""
        inverse = 1.0 / operand.values
        pairs = inverse[:, None] * inverse
        backward = INVERSE * UNIT[op.dtype] * self._rms(operand.values)
        first = operand.variances + backward * backward
        second = self._second_order(first * (inverse * inverse), first) * pairs * pairs
        return self._value(
            inverse,
            -self._errors(operand) * pairs,
            np.sqrt((backward * pairs) ** 2 + second),
            (operand,),
            breakdown=breaks_down(operand, self._n, self._weights, backward),
        )

    def spectral(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Propagate by divided differences; the eigensolver is backward stable in the norm."""
        x = operand.values
        unit = UNIT[op.dtype]
        backward = EIGENDECOMPOSITION * unit * float(np.abs(x).max())
        is_sign = op.label == "sign"
        values, differences = sign_differences(x) if is_sign else power_differences(x, op.shift)
        product = self._product(values, np.ones_like(x), op.dtype) / np.sqrt(self._n)
        fresh = np.sqrt((differences * backward) ** 2 + product**2)
        return self._value(
            values,
            self._errors(operand) * differences,
            fresh,
            (operand,),
            breakdown=breaks_down(operand, self._n, self._weights, backward),
        )

    def lyapunov(self, op: Operation, coefficient: NoisyValue, right: NoisyValue) -> NoisyValue:
        """Propagate by S dD + dD S = dR - dS D - D dS, solved in the eigenbasis of S."""
        ds, dr = self._errors(coefficient), self._errors(right)
        s, r = coefficient.values, right.values
        d = r / (2.0 * s)
        sums, moved = s[:, None] + s, d[:, None] + d
        errors = (dr - ds * moved) / sums
        unit = UNIT[op.dtype]
        backward = EIGENDECOMPOSITION * unit * float(np.abs(s).max())
        # Four products: R to the eigenbasis of S, and D back; the latter are errors of D itself.
        one = np.ones_like(s)
        there, back = self._product(r, one, op.dtype), self._product(d, one, op.dtype)
        changes = np.einsum("sij,sij->ij", errors, errors)
        second = self._second_order(coefficient.variances, changes)
        variance = (backward * moved) ** 2 + there**2 + second + second.T
        return self._value(
            d,
            errors,
            np.sqrt(variance / (sums * sums) + back**2),
            (coefficient, right),
            breakdown=breaks_down(coefficient, self._n, self._weights, backward),
        )

    def polar(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Propagate by (E - E*)_ij/(s_i + s_j) for A = U S V*, and by 1/s_j outside the range."""
        s = operand.values
        sums = s[:, None] + s
        errors = self._errors(operand)
        errors = (errors - adjoint(errors, self._signs)) / sums
        unit = UNIT[op.dtype]
        backward, outside = self._tall(SINGULAR_VALUES * unit * float(s.max()), op.shape)
        product, _ = self._tall(ORTHOGONALITY * unit, op.shape)
        rows = self._rows(operand)
        fresh_rows = None
        if rows is not None or outside is not None:
            rows = None if rows is None else rows / s
            fresh_rows = np.hypot((outside or 0.0) / s, product)
        return self._value(
            np.sign(s),
            errors,
            np.sqrt(2.0 * (backward / sums) ** 2 + product**2),
            (operand,),
            rows=rows,
            fresh_rows=fresh_rows,
            is_hermitian=False,
        )

    def symmetrize(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Drop the skew part."""
        errors = self._errors(operand)
        hermitian = 0.5 * (errors + adjoint(errors, self._signs))
        fresh = self._pass(self._rms(operand.values), op.dtype)
        return self._value(operand.values, hermitian, fresh, (operand,))

    def cast(self, op: Operation, operand: NoisyValue) -> NoisyValue:
        """Round to the new precision."""
        fresh, fresh_rows = self._tall(self._pass(self._rms(operand.values), op.dtype), op.shape)
        return self._value(
            operand.values,
            self._errors(operand),
            fresh,
            (operand,),
            rows=self._rows(operand),
            fresh_rows=fresh_rows,
            is_hermitian=operand.is_hermitian,
            breakdown=self._overflow(operand.values, op.dtype),
        )
