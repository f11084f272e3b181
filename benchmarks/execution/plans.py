"""The matrices, and the plans discovered for them."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from matrl import Found, Problem, Spectrum, discover

__all__ = ["Case", "plan_found"]


@dataclass(frozen=True)
class Case:
    """A function of matrices of one kind: order (rows x order for polar), dtype and tolerance."""

    function: str
    n: int
    dtype: str
    tol: float
    rows: int = 0
    batch: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of one matrix."""
        return self.rows or self.n, self.n

    def __str__(self) -> str:
        size = f"{self.rows}x{self.n}" if self.rows else str(self.n)
        stack = f"{self.batch} of " if self.batch > 1 else ""
        return f"{self.function} {stack}{size} {self.dtype} tol={self.tol:g}"

    def matrix(self, seed: int) -> np.ndarray:
        """Return a random matrix: Wishart (ratio 0.5), of either sign for sign, Gaussian for polar.

        The signs are those of a random half of the eigenvectors.
        """
        random = np.random.default_rng(seed)
        m, n = self.shape
        if self.function == "polar":
            return (random.standard_normal((m, n)) / np.sqrt(m)).astype(self.dtype)
        g = random.standard_normal((2 * n, n))
        a = g.T @ g / (2 * n)
        if self.function == "sign":
            values, vectors = np.linalg.eigh(a)
            a = (vectors * (values * random.choice([-1.0, 1.0], n))) @ vectors.T
        return np.ascontiguousarray((0.5 * (a + a.T)).astype(self.dtype))

    def matrices(self, seed: int) -> np.ndarray:
        """Return one matrix, or the stack of a batch."""
        if self.batch == 1:
            return self.matrix(seed)
        return np.stack([self.matrix(seed + index) for index in range(self.batch)])


@cache
def plan_found(case: Case, seconds: float) -> Found:
    """Discover a plan for a case from four training matrices, with the prices of this machine."""
    train = [case.matrix(1000 + index) for index in range(4)]
    problem = Problem(
        case.function,  # pyright: ignore[reportArgumentType]
        Spectrum.of(train),
        tol=case.tol,
        dtype=case.dtype,  # pyright: ignore[reportArgumentType]
        shape=case.shape,
        batch=case.batch,
    )
    return discover(problem, time_limit=seconds)
