"""Powers judged normwise: ||Fhat - F||/||F|| in the 2-norm or Frobenius norm, or ||X^p - A^q||.

The residual is X^p - A^q for X = A^(q/p) and Z^p - A^(-q), by a Cholesky factorisation of A, for
Z = A^(-q/p). ||Fhat - F|| <= e ||F|| implies ||Fhat^p - F^p|| <= ((1 + e)^p - 1) ||F||^p, so more
is a violation. The converse is weak near singular matrices (of a square root ||X - F|| <=
||X^2 - A||^(1/2) and no better): the sketch claims that the residual is as small as the tolerance
asks, and no more; the proof compares with an eigendecomposition. ||F|| is taken from a few Lanczos
steps on the value, with a tenth added.
"""

from dataclasses import dataclass

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.execute.lanczos import largest_ritz_value
from matrl.execute.residuals.catalogue import CHECKS
from matrl.execute.residuals.check import Block, Case, Proof, Residual
from matrl.execute.residuals.powers import word_exponents
from matrl.execute.residuals.reference import normwise_reference

__all__ = ["NormwiseCheck"]

LANCZOS_STEPS = 12
MARGIN = 1.1


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
        size = MARGIN * largest_ritz_value(case.value, LANCZOS_STEPS, case.backend)
        if not size > 0.0:
            return None
        scale = size**p

        def apply(v: Block) -> Block:
            powered, target = v, v
            for _ in range(p):
                powered = case.times(case.value, powered)
            for _ in range(q):
                target = solve(target) if solve else case.times(case.a, target)
            return (powered - target) / scale

        def relative(residual: float) -> float:
            """Return the least error with a residual of this size."""
            return (1.0 + residual) ** (1.0 / p) - 1.0

        def error(least: float, greatest: float) -> float:
            norm = max(-least, greatest)
            return norm * MARGIN**p if case.norm == "residual" else relative(norm)

        if case.norm != "frobenius":
            return Residual(apply, error)
        share = size / float(np.linalg.norm(case.value))
        return Residual(apply, error, frobenius_error=lambda norm: relative(norm * share))

    def evidence(self, case: Case, block: Block) -> float:
        """Return 0: the residual says it all."""
        return 0.0

    def proof(self, case: Case) -> Proof | None:
        """Return the distance to an eigendecomposition's value."""
        return normwise_reference(case, *word_exponents(case.function))


CHECKS.register(NormwiseCheck())
