"""What an update is.

We keep z ~ a^(-1/k) and the residual product m = a z^k for every eigenvalue a; an update p acts as
z <- z p(m), m <- m p(m)^k. On x = m^(1/k) it is the map h(x) = x p(x^k), which should send the
current range of x towards 1 (Higham, *Functions of Matrices*, SIAM 2008, chapters 5 to 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from matrl.core.function import MatrixFunction
from matrl.core.tracing import Expression

__all__ = ["DirectMethod", "Multiplier", "Update", "UpdateKind"]

UpdateKind = Literal["polynomial", "rational", "product"]


@dataclass(frozen=True)
class Multiplier:
    """p(m) as an expression, with the products it makes cheap.

    ``residual_times`` is m p(m) and ``next_residual`` m p(m)^k where additions give them;
    ``None`` where a product is needed.
    """

    p: Expression
    residual_times: Expression | None = None
    next_residual: Expression | None = None


class Update(Protocol):
    """One member of a family of updates: a rule for coefficients and a program that uses them."""

    @property
    def name(self) -> str:
        """Name of the action, such as ``"minimax-5"``."""
        ...

    @property
    def kind(self) -> UpdateKind:
        """What p is, which decides the forms that can carry it out."""
        ...

    @property
    def degree(self) -> int:
        """Degree of h in x (of its numerator, for a rational map)."""
        ...

    @property
    def source(self) -> str:
        """Where the update is from: DOI, arXiv number or book."""
        ...

    def supports(self, root_index: int) -> bool:
        """Whether the update exists for this root index."""
        ...

    def coefficient_count(self, root_index: int) -> int:
        """Return how many coefficients a step of this update stores."""
        ...

    def coefficients(self, root_index: int, lower: float, upper: float) -> tuple[float, ...]:
        """Return the coefficients for x in [lower, upper]."""
        ...

    def multiplier(
        self, m: Expression, coefficients: Sequence[float], root_index: int
    ) -> Multiplier:
        """Write p(m) as a program."""
        ...

    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        """Return the x inside (lower, upper) at which h may have an extremum."""
        ...


@dataclass(frozen=True)
class DirectMethod:
    """A method that gives the answer in one go and ends the schedule."""

    name: str
    source: str
    functions: tuple[str, ...] | None = None
    """Names of the functions it computes; ``None`` for all of them."""

    def supports(self, function: MatrixFunction) -> bool:
        """Whether the method computes this function."""
        return self.functions is None or function.name in self.functions

    def apply(self, a: Expression, function: MatrixFunction) -> Expression:
        """Write f(A) as a program."""
        if self.name == "cholesky":
            return a.inverse()
        return a.power(function.exponent)
