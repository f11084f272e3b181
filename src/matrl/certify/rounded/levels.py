"""Bounds from factors: the local errors of a program, summed up at any of its values.

The error of a value is the sum over local errors E_s of an operator L_s, of norm N_s at most, on
E_s. Deterministically ||sum L_s E_s|| <= sum N_s b_s. In the model of independent roundings of mean
zero it is f = ||sum d_k v_k||, |d_k| <= u, and the squares u^2 ||v_k||^2 add up to at most
r^2 = sum N_s^2 v_s^2: the mean of f is r at most. f is convex and changes by u ||(v_k)||_2 times
the change of all d_k/u; as the roundings of each entry are at most a share 1/n of their sum of
squares, 2/n where an entry is mirrored, that is r sqrt(2/n). By Talagrand's inequality (Boucheron,
Lugosi & Massart 2013, *Concentration Inequalities*, Oxford, theorem 6.10) f exceeds its mean by
2 l r sqrt(2/n), and by that of bounded differences (McDiarmid 1989,
doi:10.1017/CBO9781107359949.008) by l r, with probability at most exp(-l^2/2).

A product of two errors is one more local error, of the product of their bounds, and an operand is
larger by the bound of its error, so that the bound accounts for what is of higher order.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from matrl.certify.rounded.factors import Factors
from matrl.certify.rounded.sizes import Local, LocalErrors
from matrl.core.precision import FORMATS, is_half
from matrl.core.program import Shape

__all__ = ["Level", "Levels", "RoundedValue"]

Pair = tuple[float, float]
"""A deterministic bound, and a probabilistic one."""


@dataclass(frozen=True)
class Level:
    """Bounds of the first-order error of a value, and of what is of second order."""

    bound: float
    probable: float
    second: Pair = (0.0, 0.0)

    def product(self, other: "Level") -> Pair:
        """Return bounds of the product of two errors, from their sums with the second order."""
        return (
            self.totals[0] * other.totals[0],
            self.totals[1] * other.totals[1],
        )

    @property
    def totals(self) -> Pair:
        """Bounds of all orders together."""
        return self.bound + self.second[0], self.probable + self.second[1]

    def squared(self) -> Pair:
        """Return g^2/(1 - g) for bounds g, the rest of a geometric series; infinity from 1 on."""
        bounded, probable = (g * g / (1.0 - g) if g < 1.0 else math.inf for g in self.totals)
        return bounded, probable


@dataclass(eq=False)
class RoundedValue:
    """Eigenvalues (singular values) at the nodes (q,), and factors by local error."""

    values: np.ndarray
    dtype: str
    errors: dict[int, Factors] = field(default_factory=dict)
    hermitian: bool = True
    shape: Shape = "square"
    level: Level | None = None
    """Of the error without weights, once it was asked for."""

    @classmethod
    def exact(cls, values: np.ndarray, dtype: str, *, tall: bool = False) -> "RoundedValue":
        """Return a value without error."""
        return cls(values, dtype, {}, not tall, "tall" if tall else "square")


@dataclass
class _Source:
    """A local error: its sizes, second-order part, and the mirrored products it enters anew."""

    local: Local
    second: Pair
    mirrored: dict[int, float] = field(default_factory=dict)


@dataclass
class Levels:
    """Numbers the local errors of one program; the base of the rounding reading.

    ``lambda_`` is the l of the module.
    """

    n: int
    m: int
    lambda_: float
    overflowed: bool = False

    def __post_init__(self) -> None:
        """Start without errors."""
        self.sizes = LocalErrors(self.n, self.m)
        self._sources: list[_Source] = []
        self._excess = 1.0 + self.lambda_ * min(1.0, 2.0 * math.sqrt(2.0 / self.n))

    def join(
        self, value: RoundedValue, local: Local, factors: Factors, second: Pair = (0.0, 0.0)
    ) -> RoundedValue:
        """Return the value with one more local error, of these sizes and factors."""
        if not (local.bound or local.deviation or local.systematic or any(second)):
            return value
        errors = {**value.errors, len(self._sources): factors}
        self._sources.append(_Source(local, second))
        return RoundedValue(value.values, value.dtype, errors, value.hermitian, value.shape)

    def fresh(
        self,
        value: RoundedValue,
        local: Local,
        *,
        skew: dict[int, float] | None = None,
        second: Pair = (0.0, 0.0),
    ) -> RoundedValue:
        """Return the value with the error of its own rounding, which is in no special direction.

        ``skew`` are the norms of the skew parts, by local error, that mirroring has added to it.
        """
        largest = float(np.abs(value.values).max())
        # No entry exceeds the 2-norm.
        if is_half(value.dtype) and not largest <= FORMATS[value.dtype].largest:
            self.overflowed = True
        if local.systematic:  # it commutes: there is nothing off the diagonal
            size, diagonal = local.systematic, np.eye(len(value.values))
            value = self.join(value, Local(systematic=size), Factors(diagonal))
            local = Local(local.bound, local.deviation)
        number = len(self._sources)
        mirrored = {source: norm for source, norm in (skew or {}).items() if norm > 0.0}
        ones = np.ones((len(value.values),) * 2)
        rows = None if value.shape == "square" else np.ones(len(value.values))
        factors = Factors(ones, None if value.hermitian else 0.0 * ones, rows)
        if mirrored:
            self._sources.append(_Source(local, second))
            errors = {**value.errors, number: factors}
            value = RoundedValue(value.values, value.dtype, errors, value.hermitian, value.shape)
        else:
            value = self.join(value, local, factors, second)
        for source, norm in mirrored.items():
            self._sources[source].mirrored[number] = norm
        return value

    def level(self, value: RoundedValue, weights: np.ndarray | None = None) -> Level:
        """Return bounds of ||W o E||_F for the value's error E and symmetric weights W (q, q)."""
        if weights is None and value.level is not None:
            return value.level
        norms = self._norms(value, weights)
        systematic = _total(norms, [source.local.systematic for source in self._sources])
        bound = _total(norms, [source.local.bound for source in self._sources]) + systematic
        root = math.hypot(
            *(
                _times(n, s.local.deviation)
                for n, s in zip(norms.tolist(), self._sources, strict=True)
            )
        )
        second = (
            _total(norms, [source.second[0] for source in self._sources]),
            _total(norms, [source.second[1] for source in self._sources]),
        )
        probable = min(self._excess * root + systematic, bound)
        level = Level(bound, probable, second)
        if weights is None:
            value.level = level
        return level

    def inflated(self, local: Local, *operands: RoundedValue) -> Local:
        """Return the local error of an operation on operands as large as computed ones may be."""
        bound, probable = 1.0, 1.0
        for operand in operands:
            size = float(np.abs(operand.values).max())
            if size > 0.0 and operand.errors:
                totals = self.level(operand).totals
                bound *= 1.0 + totals[0] / size
                probable *= 1.0 + totals[1] / size
        return Local(local.bound * bound, local.deviation * probable, local.systematic * probable)

    def relative(self, operand: RoundedValue, backward: Local) -> Level:
        """Return bounds of ||M^(-1/2) E M^(-1/2)||_F, for its error E with one more, M = |value|.

        Below 1 the computed operand is as definite as the exact one.
        """
        size = np.abs(operand.values)
        least = float(size.min())
        if not least > 0.0:
            return Level(math.inf, math.inf)
        level = self.level(operand, 1.0 / np.sqrt(np.outer(size, size)))
        added = self._excess * backward.deviation
        return Level(
            level.bound + backward.bound / least, level.probable + added / least, level.second
        )

    def _norms(self, value: RoundedValue, weights: np.ndarray | None) -> np.ndarray:
        """Return N_s for every local error so far."""
        norms = np.zeros(len(self._sources))
        with np.errstate(over="ignore", invalid="ignore"):
            for source, factors in value.errors.items():
                norms[source] = factors.norm(weights)
        # What is mirrored enters errors with larger numbers only.
        for source in range(len(norms) - 1, -1, -1):
            for later, norm in self._sources[source].mirrored.items():
                if norms.size > later and norms[later] > 0.0:
                    norms[source] += norm * norms[later]
        return norms


def _total(norms: np.ndarray, sizes: Sequence[float]) -> float:
    """Return the sum of products."""
    return sum(_times(n, s) for n, s in zip(norms.tolist(), sizes, strict=True))


def _times(norm: float, size: float) -> float:
    """Return the product; 0 times infinity is 0, and NaN infinity."""
    if not (norm and size):
        return 0.0
    product = float(norm) * float(size)
    return product if product == product else math.inf
