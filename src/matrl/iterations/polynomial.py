"""Polynomial updates: evaluating a polynomial of a matrix with few products."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matrl.coefficients import polynomial_critical_points
from matrl.core.function import GREATEST_ROOT_INDEX
from matrl.core.tracing import Expression
from matrl.iterations.update import Multiplier, UpdateKind

__all__ = ["PolynomialUpdate", "degrees", "exists", "paterson_stockmeyer", "product_count"]

REGISTERED = range(1, 9)
"""Root indices whose degrees are registered; those of the others are made on demand."""
DEGREES_IN_M = {1: 8}
"""Largest degree of p in m for a root index; 4 for those not named."""


def largest_degree(root_index: int) -> int:
    """Return the largest degree of p in m that polynomial updates offer for a root index."""
    return DEGREES_IN_M.get(root_index, 4)


def degrees(root_indices: Iterable[int] = REGISTERED) -> tuple[int, ...]:
    """Return all degrees D = k d + 1 in x that some root index has, in increasing order.

    >>> degrees([1]), degrees([3])
    ((2, 3, 4, 5, 6, 7, 8, 9), (4, 7, 10, 13))
    """
    offered = {k * d + 1 for k in root_indices for d in range(1, largest_degree(k) + 1)}
    return tuple(sorted(offered))


def exists(degree: int) -> bool:
    """Return whether some root index has a polynomial update of this degree in x.

    >>> exists(257), exists(10), exists(250)
    (True, True, False)
    """
    return degree in degrees(range(1, GREATEST_ROOT_INDEX + 1))


@dataclass(frozen=True)
class PolynomialUpdate:
    """What polynomial updates share: the map h(x) = x p(x^k) has degree ``degree`` in x."""

    degree: int
    kind: UpdateKind = "polynomial"
    uses_samples: bool = False
    has_pole_at_zero: bool = False

    def dominated_by(self, root_index: int) -> str:
        """Name of the minimax update of the same degree."""
        return f"minimax-{self.degree}"

    def supports(self, root_index: int) -> bool:
        """Degrees k d + 1: all from 2 to 9 for k = 1, d up to 4 for the others."""
        return (
            1 <= root_index <= GREATEST_ROOT_INDEX
            and (self.degree - 1) % root_index == 0
            and 1 <= (self.degree - 1) // root_index <= largest_degree(root_index)
        )

    def order(self, root_index: int) -> int:
        """Return d + 1: h - 1 can vanish so often at 1, or equioscillate around it."""
        return (self.degree - 1) // root_index + 1

    def degree_for(self, root_index: int) -> int:
        """Return the degree of h in x, the same for every root index."""
        return self.degree

    def coefficient_count(self, root_index: int) -> int:
        """One for each power of m from 0 to (degree - 1)/k."""
        return (self.degree - 1) // root_index + 1

    def multiplier(
        self, m: Expression, coefficients: Sequence[float], root_index: int
    ) -> Multiplier:
        """Write p(m) by Paterson-Stockmeyer."""
        return Multiplier(paterson_stockmeyer(m, coefficients))

    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        """Return the stationary points of the polynomial h."""
        return polynomial_critical_points(root_index, tuple(coefficients), lower, upper)


def product_count(degree: int, block: int) -> int:
    """Return how many products Paterson-Stockmeyer with this block length needs.

    >>> [min(product_count(degree, s) for s in (1, 2, 3)) for degree in range(1, 9)]
    [0, 1, 2, 2, 3, 3, 4, 4]
    """
    return (block - 1) + -(-(degree - block) // block) if degree > block else max(degree - 1, 0)


def paterson_stockmeyer(m: Expression, coefficients: Sequence[float]) -> Expression:
    """Write sum_i coefficients[i] m^i by the Paterson-Stockmeyer scheme.

    Powers up to the block length are formed once, then Horner's rule runs over blocks. Source:
    doi:10.1137/0202007; Higham, *Functions of Matrices*, section 4.2.
    """
    degree = len(coefficients) - 1
    block = min(range(1, max(degree, 1) + 1), key=lambda s: (product_count(degree, s), s))
    powers = [m]
    while len(powers) < block:
        powers.append(powers[(len(powers) - 1) // 2] @ powers[len(powers) // 2])

    def block_sum(start: int) -> Expression:
        total = m * 0.0 + coefficients[start]
        for offset in range(1, min(block, degree - start + 1)):
            total = total + coefficients[start + offset] * powers[offset - 1]
        return total

    starts = range(0, degree + 1, block)
    # A last block of the one coefficient c_degree rides on the block before it: c M^s + (...).
    result = block_sum(starts[-1])
    for start in reversed(starts[:-1]):
        result = result @ powers[-1] + block_sum(start)
    return result
