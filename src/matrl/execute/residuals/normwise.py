"""Powers judged normwise: ||Fhat - F||/||F|| in the 2-norm or Frobenius norm, or ||X^p - A^q||.

The residual is A^q - X^p for X = A^(q/p) and A^(-q) - Z^p, by a Cholesky factorisation of A, for
Z = A^(-q/p). ||Fhat - F|| <= e ||F|| implies ||Fhat^p - F^p|| <= ((1 + e)^p - 1) ||F||^p, so more
is a violation; where the error commutes with A and the value is too small, so is more than
1 - (1 - e)^p. ||F|| is taken from a few Lanczos steps on the value, with a margin added that grows
to no more than 1.1^8 in its p-th power, or what the tolerance allows if that is more.

The converse is weak: an error at an eigenvalue where |f| is phi ||F||_2 shows phi^(p-1) times as
much as at the largest (and of a square root ||X - F|| <= ||X^2 - A||^(1/2) and no better). What the
sketch claims in these measures is that the residual is as small as the tolerance asks, an error up
to 1.1^(p-1) phi^(1-p) times the tolerance (in the Frobenius measure twice that, if it is spread)
may pass. A residual divided by F^(p-1) would see it, but errors of rounding, which do not commute
with A, would show in it by the condition number of F more than they are. The proof compares with an
eigendecomposition.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.execute.lanczos import largest_ritz_value
from matrl.execute.residuals.catalogue import CHECKS
from matrl.execute.residuals.check import Block, Case, Proof, Residual, frobenius_norms, wide
from matrl.execute.residuals.powers import word_exponents
from matrl.execute.residuals.reference import normwise_reference
from matrl.execute.residuals.words import rounding_growth

__all__ = ["NormwiseCheck"]

LANCZOS_STEPS = 12
MARGIN = 1.1
"""For p up to 8, and its power 8/p beyond; steps go with the root of p, as their error asks for."""
SLACK = 1.02
"""What Lanczos may miss of the norm; the margin covers it and a tolerance of 0.07."""


@dataclass(frozen=True)
class NormwiseCheck:
    """The check of A^s by Fhat^p against A^q or its inverse."""

    name: str = "normwise"

    def admits(self, function: MatrixFunction, norm: Norm) -> bool:
        """All powers in the normwise measures; the residual measure of positive ones."""
        if function.carries not in ("z", "y"):
            return False
        return norm in ("spectral", "frobenius") or (norm == "residual" and function.carries == "y")

    def residual(self, case: Case) -> Residual | None:
        """Return (A^(+-q) - Fhat^p) / ||F||^p."""
        p, q = word_exponents(case.function)
        solve = case.inverse_of(case.a) if case.function.carries == "z" else None
        if case.function.carries == "z" and solve is None:
            return None
        beyond = max(p / 8.0, 1.0)
        steps = math.ceil(LANCZOS_STEPS * math.sqrt(beyond))
        found = largest_ritz_value(case.value, steps, case.backend)
        # A value that is nowhere positive is refused, as NaN.
        found = np.where(found > 0.0, found, np.nan)
        whole = found
        if case.norm == "frobenius":
            whole = frobenius_norms(case.value)
        margin, slack = MARGIN ** (1.0 / beyond), SLACK ** (1.0 / beyond)
        size = np.maximum(margin * found, slack * (found + whole * case.tol / (1.0 - case.tol)))
        step = wide(size ** (-p / q))  # factor by factor: size^p itself may overflow

        def apply(v: Block) -> Block:
            powered, target = v, v
            for _ in range(p):
                powered = case.times(case.value, powered) / wide(size)
            for _ in range(q):
                target = step * (solve(target) if solve else case.times(case.a, target))
            return target - powered

        def relative(residual: Any) -> Any:
            """Return the least error with a residual of this size."""
            return (1.0 + residual) ** (1.0 / p) - 1.0

        share: Any = 1.0  # of ||F||_F that ||F||_2 is at least
        if case.norm == "frobenius":
            share = size * (1.0 - case.tol) / whole

        def frobenius_error(norm: Any) -> Any:
            return relative(norm * share)

        def error(least: Any, greatest: Any) -> Any:
            if case.norm == "residual":
                return np.maximum(-least, greatest) * (size / found) ** p
            too_small = 1.0 - np.maximum(1.0 - greatest, 0.0) ** (1.0 / p)
            return np.maximum(relative(-least), too_small) * share

        return Residual(
            apply,
            error,
            frobenius_error=frobenius_error if case.norm == "frobenius" else None,
            growth=rounding_growth(p, q),
        )

    def evidence(self, case: Case, block: Block) -> Any:
        """Return 0: the residual says it all."""
        return 0.0

    def proof(self, case: Case) -> Proof | None:
        """Return the distance to an eigendecomposition's value."""
        return normwise_reference(case, *word_exponents(case.function))


CHECKS.register(NormwiseCheck())
