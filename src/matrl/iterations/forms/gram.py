"""Gram: continue in the n x n matrices (Z, M) of A* A, and apply Z to X at the end.

For an m x n matrix with m well above n only the first and the last product are tall. The Gram
matrix squares the condition, and rounding may turn its smallest eigenvalues negative; a chained
step in between is a restart, X <- X Z and M <- X* X. Source: the coupled iteration of Higham,
*Functions of Matrices*, section 7.3, applied to A* A; with restarts, for polynomials,
arXiv:2505.16932, section 4.
"""

from dataclasses import dataclass

from matrl.core.function import MatrixFunction
from matrl.iterations.catalogue import FORMS
from matrl.iterations.form import CoupledStep
from matrl.iterations.update import UpdateKind

__all__ = ["GramForm"]


@dataclass(frozen=True)
class GramForm(CoupledStep):
    """A step on (Z, M) of the Gram matrix, after a chained one."""

    name: str = "gram"
    description: str = "Z <- Z p(M), M <- M p(M)^2 of A* A; a chained step is a restart"
    source: str = "Higham 2008, Functions of Matrices, section 7.3"

    def admits(self, kind: UpdateKind, function: MatrixFunction, previous: str | None) -> bool:
        """All updates for sign and polar factor, but not at the start."""
        return function.carries == "x" and previous is not None and kind != "repair"


FORMS.register(GramForm())
