"""Powers judged normwise: ||Fhat - F||/||F|| in the 2-norm or Frobenius norm, or ||X^p - A^q||.

The residual is X^p - A^q for X = A^(q/p) and Z^p - A^(-q), by a Cholesky factorisation of A, for
Z = A^(-q/p). ||Fhat - F|| <= e ||F|| implies ||Fhat^p - F^p|| <= ((1 + e)^p - 1) ||F||^p, so more
is a violation. The converse is weak near singular matrices (of a square root ||X - F|| <=
||X^2 - A||^(1/2) and no better): the sketch claims that the residual is as small as the tolerance
asks, and no more; the proof compares with an eigendecomposition. ||F|| is taken from a few Lanczos
steps on the value, with a margin added that grows to no more than 1.1^8 in its p-th power.
"""

import math
from dataclasses import dataclass

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.execute.lanczos import largest_ritz_value
from matrl.execute.residuals.catalogue import CHECKS
from matrl.execute.residuals.check import Block, Case, Proof, Residual
from matrl.execute.residuals.powers import word_exponents
from matrl.execute.residuals.reference import normwise_reference
from matrl.execute.residuals.words import rounding_growth

__all__ = ["NormwiseCheck"]

LANCZOS_STEPS = 12
MARGIN = 1.1
"""For p up to 8, and its power 8/p beyond; steps go with the root of p, as their error asks for."""


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
        """Return (Fhat^p - A^(+-q)) / ||F||^p."""
        p, q = word_exponents(case.function)
        solve = case.inverse_of(case.a) if case.function.carries == "z" else None
        if case.function.carries == "z" and solve is None:
            return None
        beyond = max(p / 8.0, 1.0)
        margin = MARGIN ** (1.0 / beyond)
        steps = math.ceil(LANCZOS_STEPS * math.sqrt(beyond))
        size = margin * largest_ritz_value(case.value, steps, case.backend)
        if not size > 0.0:
            return None
        step = size ** (-p / q)  # factor by factor: size^p itself may overflow

        def apply(v: Block) -> Block:
            powered, target = v, v
            for _ in range(p):
                powered = case.times(case.value, powered) / size
            for _ in range(q):
                target = step * (solve(target) if solve else case.times(case.a, target))
            return powered - target

        def relative(residual: float) -> float:
            """Return the least error with a residual of this size."""
            return (1.0 + residual) ** (1.0 / p) - 1.0

        def error(least: float, greatest: float) -> float:
            norm = max(-least, greatest)
            return norm * margin**p if case.norm == "residual" else relative(norm)

        if case.norm != "frobenius":
            return Residual(apply, error, growth=rounding_growth(p, q))
        share = size / float(np.linalg.norm(case.value))
        return Residual(
            apply,
            error,
            frobenius_error=lambda norm: relative(norm * share),
            growth=rounding_growth(p, q),
        )

    def evidence(self, case: Case, block: Block) -> float:
        """Return 0: the residual says it all."""
        return 0.0

    def proof(self, case: Case) -> Proof | None:
        """Return the distance to an eigendecomposition's value."""
        return normwise_reference(case, *word_exponents(case.function))


CHECKS.register(NormwiseCheck())
