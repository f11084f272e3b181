"""What becomes of one local rounding error in later operations, pair of eigenvalues by pair.

All values of a program commute in exact arithmetic. In their common eigenbasis, to first order, an
error E enters a later value as T o E + S o E*, o the product by entries: a product X E is x_i E_ij,
an inverse -E_ij/(x_i x_j), an adjoint exchanges T and S. Source: Higham, *Functions of Matrices*,
SIAM 2008, chapter 3.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Factors", "plus"]


@dataclass(frozen=True, eq=False)
class Factors:
    """The factors of one local error E in a value.

    ``direct`` is T (q, q). ``crossed`` is S (q, q), or ``None`` where E is Hermitian, E* = E, and T
    says it all. ``rows`` (q,) are those of the columns of E outside the range of an m x n matrix,
    ``None`` where E has no such part or none of it has come through.
    """

    direct: np.ndarray
    crossed: np.ndarray | None = None
    rows: np.ndarray | None = None

    def times(self, left: np.ndarray | float, right: np.ndarray | float) -> "Factors":
        """Return the factors of X E Y, for the eigenvalues of X and Y, (q,) or numbers."""
        one = np.ones(len(self.direct))
        both = (left * one)[:, None] * (right * one)
        rows = None if self.rows is None else self.rows * right
        return self.by(both, rows)

    def by(self, both: np.ndarray, rows: np.ndarray | None = None) -> "Factors":
        """Return the factors times a number for each pair, with other rows."""
        crossed = None if self.crossed is None else self.crossed * both
        return Factors(self.direct * both, crossed, rows)

    def adjoint(self) -> "Factors":
        """Return the factors of the adjoint error, without what is outside the range."""
        if self.crossed is None:
            return Factors(self.direct.T)
        return Factors(self.crossed.T, self.direct.T)

    def norm(self, weights: np.ndarray | None = None) -> float:
        """Return the largest ||W o (T o E + S o E*)||_F / ||E||_F, W = ``weights`` symmetric.

        Entries (i, j) and (j, i) of E are mapped by a matrix of order 2, whose 2-norm counts; those
        of a Hermitian E are one number.
        """
        t = self.direct if weights is None else self.direct * weights
        if self.crossed is None:
            largest = float(np.sqrt(0.5 * (t * t + t.T * t.T).max()))
        else:
            s = self.crossed if weights is None else self.crossed * weights
            squares = t * t + s * s
            squares = squares + squares.T
            determinant = t * t.T - s * s.T
            root = np.sqrt(np.maximum(squares**2 - 4.0 * determinant**2, 0.0))
            largest = float(np.sqrt(0.5 * (squares + root).max()))
        if self.rows is None:
            return largest
        rows = self.rows if weights is None else self.rows * np.sqrt(np.diagonal(weights))
        return max(largest, float(np.abs(rows).max()))


def plus(*terms: tuple[float, dict[int, Factors]]) -> dict[int, Factors]:
    """Return the linear combination of errors, given by the factors of each of their sources."""
    sums: dict[int, Factors] = {}
    for coefficient, errors in terms:
        for source, one in errors.items():
            more = one if coefficient == 1.0 else one.times(coefficient, 1.0)
            if coefficient != 1.0 and one.rows is not None:
                more = Factors(more.direct, more.crossed, coefficient * one.rows)
            known = sums.get(source)
            sums[source] = more if known is None else _sum(known, more)
    return sums


def _sum(first: Factors, second: Factors) -> Factors:
    crossed = _added(first.crossed, second.crossed)
    return Factors(first.direct + second.direct, crossed, _added(first.rows, second.rows))


def _added(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second
