"""What makes a matrix function: the data every reading needs, and nothing else."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["MatrixFunction"]


@dataclass(frozen=True)
class MatrixFunction:
    """A function f(A) = A^exponent of a Hermitian positive definite matrix.

    All our iterations keep z ~ a^(-1/k) and drive m = a z^k to 1, where k is the ``root_index``
    (Higham, *Functions of Matrices*, SIAM 2008). ``carries`` says which product of the steps is
    the answer: ``"z"`` starts from the identity, ``"y"`` from A itself.
    """

    name: str
    root_index: int
    exponent: float
    carries: Literal["z", "y"]
    description: str
