"""What an update is.

We keep z ~ a^(-1/k) and the residual product m = a z^k for every eigenvalue a; an update p acts as
z <- z p(m), m <- m p(m)^k. On x = m^(1/k) it is the map h(x) = x p(x^k), which should send the
current range of x towards 1 (Higham, *Functions of Matrices*, SIAM 2008, chapters 5 to 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.tracing import Expression

__all__ = [
    "DirectMethod",
    "Multiplier",
    "Samples",
    "Update",
    "UpdateKind",
    "can_meet_zero",
    "some_range",
    "with_hermitian_factor",
]

UpdateKind = Literal["polynomial", "rational", "product", "repair"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Where a rule that fits may look: values of x and their weights in the error measure.

    ``points`` (q,) lie in (0, upper]; ``weights`` (q,) multiply |h(x) - 1|, and under ``"rms"``
    the mean square has the ``density`` (q,), which sums to 1.
    """

    points: np.ndarray
    weights: np.ndarray
    density: np.ndarray
    aggregate: Literal["max", "rms"] = "max"


@dataclass(frozen=True)
class Multiplier:
    """p(m) as an expression, with the products it makes cheap.

    ``residual_times`` is m p(m) and ``next_residual`` m p(m)^2 where additions give them;
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
        """Degree of h in x (of its numerator, for a rational map), for square roots."""
        ...

    @property
    def source(self) -> str:
        """Where the update is from: DOI, arXiv number or book."""
        ...

    @property
    def rule(self) -> str:
        """How its coefficients are found, in a few words."""
        ...

    @property
    def uses_samples(self) -> bool:
        """Whether its coefficients depend on more of the spectrum than its range."""
        ...

    @property
    def has_pole_at_zero(self) -> bool:
        """Whether h sends what is below the range far above it."""
        ...

    @property
    def equioscillates(self) -> bool:
        """Whether h takes every range to [1 - E, 1 + E], where E depends on upper/lower alone."""
        ...

    def supports(self, root_index: int) -> bool:
        """Whether the update exists for this root index."""
        ...

    def dominated_by(self, root_index: int) -> str:
        """Return the name of an update as cheap that narrows every range at least as much.

        Its own name where there is none. Where a range is all that is known, a search need not
        try the dominated one.
        """
        ...

    def order(self, root_index: int) -> int:
        """Return the order of convergence near 1."""
        ...

    def degree_for(self, root_index: int) -> int:
        """Return the degree of h in x for this root index."""
        ...

    def coefficient_count(self, root_index: int) -> int:
        """Return how many coefficients a step of this update stores."""
        ...

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
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
    """A method that gives the answer in one go and ends the schedule.

    ``functions`` names what it computes; ``None`` stands for every function. ``route`` is how:
    by eigenvalues (for the polar factor those of A* A), a Cholesky inverse, or singular values.
    """

    name: str
    source: str
    route: Literal["eigenvalues", "cholesky", "singular-values"]
    functions: tuple[str, ...] | None = None

    def supports(self, function: MatrixFunction) -> bool:
        """Whether the method computes this function."""
        return self.functions is None or function.name in self.functions

    def apply(self, a: Expression, function: MatrixFunction) -> tuple[Expression, ...]:
        """Write the outputs of f(A) as a program."""
        if self.route == "cholesky":
            return (a.inverse(),)
        if function.carries == "yz":
            # The root is as well conditioned as the square root of A's condition, so that its
            # Cholesky inverse adds nothing to the error of the decomposition: one is enough.
            root = a.power(0.5)
            return (root, root.inverse())
        if function.structure == "hermitian":
            return (a.sign(),)
        if function.carries != "x":
            return (a.power(function.exponent),)
        by_eigenvalues = self.route == "eigenvalues"
        unitary = a @ a.gram(a).power(-0.5) if by_eigenvalues else a.polar_factor()
        return with_hermitian_factor(unitary, a, function)


def can_meet_zero(update: Update | DirectMethod, precision: str) -> bool:
    """Return whether a step takes a zero eigenvalue to 0 where f(0) = 0.

    An update does whose p(0) is finite, for Y starts from A. Of the direct methods it is the
    eigendecomposition in float64, whose eigenvalues are told from 0 before f is applied.
    """
    if isinstance(update, DirectMethod):
        return update.route == "eigenvalues" and precision == "float64"
    return not update.has_pole_at_zero


def some_range(root_index: int) -> tuple[float, float]:
    """Return a range of x to design coefficients for where it does not matter which.

    [0.1, 1], but m = x^k stays above 1e-8: further off the rules need not find coefficients.

    >>> some_range(2), round(some_range(16)[0] ** 16, 20)
    ((0.1, 1.0), 1e-08)
    """
    return 0.1 ** min(1.0, 8.0 / root_index), 1.0


def with_hermitian_factor(
    unitary: Expression, a: Expression, function: MatrixFunction
) -> tuple[Expression, ...]:
    """Return the polar factor and, if the function asks for it, the Hermitian one."""
    if function.factor == "right":
        return (unitary, unitary.gram(a))
    if function.factor == "left":
        return (unitary, a.outer(unitary))
    return (unitary,)
