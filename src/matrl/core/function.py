"""What makes a matrix function: the data every reading needs, and nothing else."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["GREATEST_ROOT_INDEX", "Carries", "MatrixFunction", "Structure"]

GREATEST_ROOT_INDEX = 64
"""Largest k there is a function for: the largest denominator of a rational power."""

Carries = Literal["z", "y", "yz", "x"]
Structure = Literal["positive", "hermitian", "rectangular"]


@dataclass(frozen=True)
class MatrixFunction:
    """A function that drives m = a z^k to 1 (Higham, *Functions of Matrices*, SIAM 2008).

    ``root_index`` is k, with z ~ a^(-1/k). ``carries`` says which product of the steps is the
    answer: ``"z"`` starts from the identity, ``"y"`` from A, ``"yz"`` is both; a step multiplies
    them ``multiplicity`` times by p, so that z^j -> A^(-j/k) and a z^j -> A^(1-j/k). ``"x"`` is the
    iterate x = a z itself, for the sign and the polar factor, whose a is an eigenvalue squared or
    a singular value squared. ``structure`` is what the matrix must be: positive definite,
    Hermitian, or of any shape (m, n). ``factor`` asks for the Hermitian polar factor beside the
    unitary one: H of A = U H (``"right"``) or A = H U (``"left"``).
    """

    name: str
    root_index: int
    exponent: float
    carries: Carries
    description: str
    multiplicity: int = 1
    structure: Structure = "positive"
    factor: Literal["", "right", "left"] = ""

    @property
    def exponents(self) -> tuple[float, ...]:
        """How each output scales: f(c A) = c^exponent f(A) for c > 0."""
        if self.carries == "yz":
            return (-self.exponent, self.exponent)
        if self.carries == "x":
            return (0.0, 1.0) if self.factor else (0.0,)
        return (self.exponent,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what a run returns, in order."""
        if self.carries == "yz":
            return ("sqrt", "invsqrt")
        if self.carries == "x":
            name = "sign" if self.structure == "hermitian" else "unitary"
            return (name, "hermitian") if self.factor else (name,)
        return (self.name,)

    @property
    def vanishes_at_zero(self) -> bool:
        """Whether f(0) = 0 is defined, so that a zero eigenvalue has a meaning."""
        return self.carries == "y"

    def iterate(self, a: np.ndarray) -> np.ndarray:
        """Return x before the first step for eigenvalues (singular values) ``a`` > 0."""
        return a if self.carries == "x" else a ** (1.0 / self.root_index)

    def matrix(self, x: np.ndarray) -> np.ndarray:
        """Return the eigenvalues (singular values) whose iterate before the first step is x."""
        return x if self.carries == "x" else x**self.root_index

    def magnitude(self, a: np.ndarray) -> np.ndarray:
        """Return |f(a)| of the first output for a > 0."""
        return a ** self.exponents[0]
