"""Inverse powers in the residual measure, ||A^q Z^p - I||_2: the product itself.

It is not symmetric unless Z and A commute, and no congruent residual bounds it. The sketch applies
it to vectors, in float64, which may fake eps cond(A)^q of it: that much is forgiven, at most the
tolerance. It is also what rounding the entries of Z to float64 may change it by. The proof forms
the product to twice the digits of float64, so that its bound is as good as the measure.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from matrl.backends.protocol import Matrix
from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.execute.residuals.catalogue import CHECKS
from matrl.execute.residuals.check import Block, Case, Proof, Residual
from matrl.execute.residuals.powers import word_exponents
from matrl.execute.residuals.twofold import TWOFOLD_ERROR, twofold_product
from matrl.execute.residuals.words import rounding_growth

__all__ = ["InverseProductCheck"]


@dataclass(frozen=True)
class InverseProductCheck:
    """The check of Z = A^(-q/p) by A^q Z^p - I."""

    name: str = "inverse-product"

    def admits(self, function: MatrixFunction, norm: Norm) -> bool:
        """Inverse powers in the residual measure."""
        return norm == "residual" and function.carries == "z"

    def residual(self, case: Case) -> Residual | None:
        """Return I - A^q Z^p."""
        p, q = word_exponents(case.function)

        def product(factors: tuple[Matrix, ...], v: Block) -> Block:
            """Return v minus the product of the factors, the first one first, with it."""
            result = v
            for factor in factors:
                result = case.times(factor, result)
            return v - result

        known, powers = (case.a,) * q, (case.value,) * p

        def apply(v: Block) -> Block:
            return product(powers + known, v)

        def adjoint(v: Block) -> Block:
            return product(known + powers, v)

        power = np.clip(case.condition, 1.0, 1e40) ** q
        growth = rounding_growth(p, q)
        more = case.forgiven(growth * case.allowance(power))
        more -= case.forgiven(growth * case.allowance())

        def error(least: Any, greatest: Any) -> Any:
            return np.maximum(-least, greatest) - more

        return Residual(apply, error, adjoint=adjoint, growth=rounding_growth(p, q))

    def evidence(self, case: Case, block: Block) -> Any:
        """Return 0: the residual says it all."""
        return 0.0

    def proof(self, case: Case) -> Proof | None:
        """Return the norm of the product less the identity; ``None`` unless Z > 0."""
        p, q = word_exponents(case.function)
        if not case.backend.cholesky(case.backend.empty(case.a.shape, case.a.dtype), case.value):
            return None
        high, low = case.value, np.zeros_like(case.value)
        for factor in (case.value,) * (p - 1) + (case.a,) * q:
            high, low = twofold_product(factor, high, low, case.times)
        if not (np.all(np.isfinite(high)) and np.all(np.isfinite(low))):
            return None
        norm = float(np.linalg.norm((high - np.eye(case.n)) + low, 2))
        sizes = math.log2(np.linalg.norm(case.a, 2)) * q
        sizes += math.log2(np.linalg.norm(case.value, 2)) * p
        products = (p + q) * case.n * TWOFOLD_ERROR * 2.0 ** min(sizes, 1000.0)
        allowance = case.rounding * (1.0 + norm) + products
        estimate = max(norm - case.forgiven(allowance), 0.0)
        return Proof(norm, norm + allowance, estimate, norm + allowance)


CHECKS.register(InverseProductCheck())
