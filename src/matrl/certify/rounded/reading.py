"""The rounding reading: where local errors arise in a program, and what becomes of them.

Each value carries its eigenvalues at some nodes and, for every local error made on the way, the
factors with which it has come there. What is not a product with commuting matrices is the
mirroring of a triangle: it takes the Hermitian part of an error as it is, and turns the skew part K
into some Hermitian matrix of the same Frobenius norm, in no known direction. That is counted as
part of the local error of the product that mirrors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from matrl.certify.rounded.factors import Factors, plus
from matrl.certify.rounded.levels import Levels, RoundedValue
from matrl.certify.rounded.sizes import Local
from matrl.core.precision import FORMATS
from matrl.core.program import Operation
from matrl.readings.differences import power_differences, sign_differences

__all__ = ["Pivots", "RoundingReading", "hermitian_part"]

_NEGLIGIBLE = 1e-12
"""Of the largest entry: a skew part below it is this computation's own rounding."""


@dataclass(frozen=True)
class Pivots:
    """What a Cholesky factorisation met, by (deterministic, probabilistic) bounds.

    ``margins`` are lower bounds on the least eigenvalue of the computed operand over the one above
    which it succeeds.
    """

    dtype: str
    margins: tuple[float, float]


@dataclass
class RoundingReading(Levels):
    """Reads programs for all matrices (m x n) with eigenvalues at the nodes; one program each.

    >>> import numpy as np
    >>> reading = RoundingReading(n=100, m=100, lambda_=6.0)
    >>> a = RoundedValue.exact(np.array([1e-2, 1.0]), "float32")
    >>> inverse = reading.inverse(Operation("inverse", (0,), dtype="float32"), a)
    >>> level = reading.level(inverse)
    >>> 1.0 < level.bound / level.probable < 100.0
    True
    """

    count: int = 0
    """How many nodes there are."""
    cholesky: list[Pivots] = field(default_factory=list)

    def input(self, values: np.ndarray, dtype: str, *, tall: bool, scaled: bool) -> RoundedValue:
        """Return the input, which is exact unless it is ``scaled`` by a number that is rounded.

        The number's own error does not count; a multiplication may round it, and then an entry.
        """
        self.count = len(values)
        value = RoundedValue.exact(values, dtype, tall=tall)
        if not scaled:
            return value
        size = 2.0 * FORMATS["float64"].unit_roundoff * self.sizes.frobenius(values)
        return self.rescaled(self.fresh(value, Local(systematic=size)))

    def linear(self, op: Operation, operands: Sequence[RoundedValue]) -> RoundedValue:
        """Combine errors linearly."""
        coefficients = op.coefficients
        values = [operand.values for operand in operands]
        total = np.full(self.count, op.shift)
        for c, x in zip(coefficients, values, strict=True):
            total = total + c * x
        local = self.sizes.linear(coefficients, values, op.shift, op.dtype)
        errors = plus(*((c, one.errors) for c, one in zip(coefficients, operands, strict=True)))
        hermitian = op.shape != "tall" and all(operand.hermitian for operand in operands)
        value = RoundedValue(total, op.dtype, errors, hermitian, op.shape)
        # The largest operand's share of error counts for the sum.
        return self.fresh(
            value, max((self.inflated(local, x) for x in operands), default=local, key=_size)
        )

    def matmul(self, op: Operation, left: RoundedValue, right: RoundedValue) -> RoundedValue:
        """Propagate X Y by X dY + dX Y."""
        errors = plus(
            (1.0, {s: one.times(1.0, right.values) for s, one in left.errors.items()}),
            (1.0, {s: one.times(left.values, 1.0) for s, one in right.errors.items()}),
        )
        return self._product(op, left, right, errors, inner=self.sizes.n)

    def gram(self, op: Operation, left: RoundedValue, right: RoundedValue) -> RoundedValue:
        """Propagate X* Y by X* dY + dX* Y; what is outside the range is of second order."""
        inside = {s: Factors(one.direct, one.crossed) for s, one in right.errors.items()}
        errors = plus(
            (1.0, {s: e.adjoint().times(1.0, right.values) for s, e in left.errors.items()}),
            (1.0, {s: one.times(left.values, 1.0) for s, one in inside.items()}),
        )
        return self._product(op, left, right, errors, inner=self.sizes.m)

    def outer(self, op: Operation, left: RoundedValue, right: RoundedValue) -> RoundedValue:
        """Propagate X Y* by X dY* + dX Y*."""
        x, y = left.values, right.values
        errors = plus(
            (1.0, {s: one.times(1.0, y) for s, one in left.errors.items()}),
            (1.0, {s: one.adjoint().times(x, 1.0) for s, one in right.errors.items()}),
        )
        # Outside the range dX Y* and X dY* are two blocks B and C*; the Hermitian part of both has
        # the norm ||B + C||_F/sqrt(2), the skew part ||B - C||_F/sqrt(2).
        rows = {s: one.rows * x for s, one in right.errors.items() if one.rows is not None}
        for source, one in errors.items():
            if source in rows or one.rows is not None:
                own = 0.0 if one.rows is None else np.abs(one.rows)
                both = np.sqrt(0.5) * (own + np.abs(rows.get(source, 0.0)))
                errors[source] = Factors(one.direct, one.crossed, both)
        return self._product(op, left, right, errors, inner=self.sizes.n)

    def inverse(self, op: Operation, operand: RoundedValue) -> RoundedValue:
        """Propagate by -W E W; three local errors, see :meth:`LocalErrors.cholesky`."""
        x = operand.values
        inverse = 1.0 / x
        pairs = np.outer(inverse, inverse)
        errors = {s: one.by(-pairs) for s, one in operand.errors.items()}
        factor, residual, product = self.sizes.cholesky(x, op.dtype)
        broken = self.relative(operand, factor)
        self.cholesky.append(self._pivots(operand, op.dtype))
        value = RoundedValue(inverse, op.dtype, errors)
        value = self.join(value, factor, Factors(pairs))
        left = np.broadcast_to(inverse[:, None], pairs.shape)
        value = self.join(value, residual, Factors(left, left.T))
        second = Factors(np.sqrt(np.abs(pairs)))
        value = self.join(value, Local(), second, second=broken.squared())
        return self.fresh(value, product)

    def spectral(self, op: Operation, operand: RoundedValue) -> RoundedValue:
        """Propagate by divided differences; eigenvectors are orthonormal up to rounding."""
        x = operand.values
        is_sign = op.label == "sign"
        f, differences = sign_differences(x) if is_sign else power_differences(x, op.shift)
        errors = {s: one.by(differences) for s, one in operand.errors.items()}
        backward = self.sizes.backward(x, op.dtype)
        broken = self.relative(operand, backward)
        value = self.join(RoundedValue(f, op.dtype, errors), backward, Factors(differences))
        right = np.broadcast_to(f, differences.shape)
        value = self.join(value, self.sizes.orthogonality(op.dtype), Factors(right, right.T))
        size = np.abs(f)
        second = Factors(np.sqrt(np.outer(size, size)))
        value = self.join(value, Local(), second, second=broken.squared())
        one = np.ones_like(f)
        local = self.sizes.product(one, f, op.dtype, inner=self.sizes.n, doubled=True)
        local += self.sizes.linear((4.0 / 3.0,), (f,), 0.0, op.dtype)
        return self.fresh(value, local)

    def lyapunov(
        self, op: Operation, coefficient: RoundedValue, right: RoundedValue
    ) -> RoundedValue:
        """Propagate by S dD + dD S = dR - dS D - D dS, solved in the eigenbasis of S."""
        s, r = coefficient.values, right.values
        d = r / (2.0 * s)
        inverse = 1.0 / (s[:, None] + s)
        moved = -(d[:, None] + d) * inverse
        errors = plus(
            (1.0, {i: one.by(inverse) for i, one in right.errors.items()}),
            (1.0, {i: one.by(moved) for i, one in coefficient.errors.items()}),
        )
        sizes, one, n = self.sizes, np.ones_like(s), self.sizes.n
        backward = sizes.backward(s, op.dtype)
        broken = self.relative(coefficient, backward)
        value = self.join(RoundedValue(d, op.dtype, errors), backward, Factors(moved))
        columns = np.broadcast_to(r, inverse.shape) * inverse
        value = self.join(value, sizes.orthogonality(op.dtype), Factors(columns, columns.T))
        columns = np.broadcast_to(d, inverse.shape)
        value = self.join(value, sizes.orthogonality(op.dtype), Factors(columns, columns.T))
        # Products with orthogonal matrices: two of R and two of D, one of each mirrored.
        there = sizes.product(one, r, op.dtype, inner=n, doubled=True)
        value = self.join(value, there + there, Factors(inverse))
        size = np.abs(d)
        second = Factors(np.sqrt(np.outer(size, size)))
        value = self.join(value, Local(), second, second=broken.squared())
        back = sizes.product(one, d, op.dtype, inner=n, doubled=True)
        return self.fresh(value, back + back)

    def polar(self, op: Operation, operand: RoundedValue) -> RoundedValue:
        """Propagate by (E - E*)_ij/(s_i + s_j), and by 1/s_j outside the range."""
        s = operand.values
        inverse = 1.0 / (s[:, None] + s)
        errors = {}
        for source, one in operand.errors.items():
            difference = plus((1.0, {0: one}), (-1.0, {0: one.adjoint()}))[0]
            rows = None if one.rows is None else one.rows / s
            errors[source] = difference.by(inverse, rows)
        backward = self.sizes.backward(s, op.dtype)
        broken = self.relative(operand, backward)
        value = RoundedValue(np.sign(s), op.dtype, errors, False, op.shape)
        rows = 1.0 / s if op.shape == "tall" else None
        value = self.join(value, backward, Factors(inverse, -inverse, rows))
        ones = np.ones_like(s)
        local = self.sizes.product(ones, ones, op.dtype, inner=self.sizes.n, doubled=False)
        twice = self.sizes.orthogonality(op.dtype)
        return self.fresh(value, local + twice + twice, second=broken.squared())

    def rescaled(self, value: RoundedValue) -> RoundedValue:
        """Return the value multiplied by a number that is no power of two, its own error apart."""
        local = self.sizes.linear((1.0 + 1.0 / 3.0,), (value.values,), 0.0, value.dtype)
        return self.fresh(replace(value, level=None), local)

    def symmetrize(self, op: Operation, operand: RoundedValue) -> RoundedValue:
        """Keep the Hermitian part."""
        errors = hermitian_part(operand.errors)
        value = RoundedValue(operand.values, op.dtype, errors, True, op.shape)
        local = self.sizes.averaged(operand.values, op.dtype)
        return self.fresh(value, self.inflated(local, operand))

    def cast(self, op: Operation, operand: RoundedValue) -> RoundedValue:
        """Round to the new precision, if it is narrower."""
        local = self.sizes.cast(operand.values, operand.dtype, op.dtype)
        value = RoundedValue(
            operand.values, op.dtype, operand.errors, operand.hermitian, operand.shape
        )
        return self.fresh(value, self.inflated(local, operand))

    def _product(
        self,
        op: Operation,
        left: RoundedValue,
        right: RoundedValue,
        errors: dict[int, Factors],
        *,
        inner: int,
    ) -> RoundedValue:
        """Return a product that is general, mirrored or averaged, from its error in full."""
        x, y = left.values, right.values
        is_general = op.kind == "matmul" and op.product == "general"
        mirrors = not is_general and op.product != "averaged"
        # Of X X* and of X X every sum is Hermitian, and neither triangle errs more than the other.
        same = left is right
        local = self.sizes.product(x, y, op.dtype, inner=inner, doubled=mirrors and not same)
        if op.product == "averaged" and not is_general:
            local += self.sizes.averaged(x * y, op.dtype)
        skew: dict[int, float] = {}
        if mirrors:
            skew = {s: _skew_norm(one) for s, one in errors.items()}
        if not is_general:
            errors = hermitian_part(errors)
        value = RoundedValue(x * y, op.dtype, errors, not is_general, op.shape)
        second = self.level(left).product(self.level(right))
        return self.fresh(value, self.inflated(local, left, right), skew=skew, second=second)

    def _pivots(self, operand: RoundedValue, dtype: str) -> Pivots:
        x = operand.values
        least, largest = float(x.min()), float(x.max())
        error = self.level(operand)
        relative = self.level(operand, 1.0 / np.sqrt(np.abs(np.outer(x, x))))
        above = self.sizes.definite_above(dtype)
        margins = [
            max(least * (1.0 - share), least - size) / ((largest + size) * above)
            for share, size in (
                (relative.bound, error.bound),
                (relative.probable, error.probable),
            )
        ]
        bounds = [margin if margin > 0.0 else 0.0 for margin in margins]
        return Pivots(dtype, (bounds[0], bounds[1]))


def hermitian_part(errors: dict[int, Factors]) -> dict[int, Factors]:
    """Return the factors of the Hermitian part of an error, with as much outside the range."""
    return {
        source: plus((0.5, {0: one}), (0.5, {0: _adjoint(one)}))[0]
        for source, one in errors.items()
    }


def _adjoint(one: Factors) -> Factors:
    """Return the adjoint, with as much outside the range."""
    adjoint = one.adjoint()
    return Factors(adjoint.direct, adjoint.crossed, one.rows)


def _size(local: Local) -> float:
    return local.bound + local.deviation


def _skew_norm(one: Factors) -> float:
    adjoint = one.adjoint()
    inside = Factors(one.direct, one.crossed)
    norm = plus((0.5, {0: inside}), (-0.5, {0: adjoint}))[0].norm()
    if one.rows is not None:  # as much as in the Hermitian part
        norm = max(norm, float(np.abs(one.rows).max()))
    return norm if norm > _NEGLIGIBLE * float(np.abs(one.direct).max()) else 0.0
