"""Roots, inverse roots and rational powers, judged eigenvalue by eigenvalue.

The error of Fhat for F = A^s is ||F^(-1/2) Fhat F^(-1/2) - I||. With Z for A^(-q/p), which is
Fhat or its inverse (by a Cholesky factorisation, which also proves Fhat positive definite), the
residual is I minus a word of p factors Z and q factors A. Where the error commutes with A, its
eigenvalues are 1 - (1 + e)^p, so that what the sketch sees is a violation for certain.

The proof. For q = 1 the residual is I - B* A B with B B* = Z^p, and (1 - g) Z^-p <= A <=
(1 - l) Z^-p in the Loewner order; the p-th root is operator monotone, which gives the error, given
Z > 0 (Higham, *Functions of Matrices*, problem 6; Bhatia, *Matrix Analysis*, V.1.9). For q > 1 such
a residual would lose cond(A)^q digits, and the value is compared with an eigendecomposition.
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
from matrl.execute.residuals.reference import eigenvalue_reference
from matrl.execute.residuals.semidefinite import (
    null_space_evidence,
    range_residual,
    semidefinite_reference,
)
from matrl.execute.residuals.words import balanced_word, rounding_growth

__all__ = ["PowerCheck", "word_exponents"]


def word_exponents(function: MatrixFunction) -> tuple[int, int]:
    """Return (p, q) with f(A) = A^(q/p) or A^(-q/p)."""
    p, j = function.root_index, function.multiplicity
    return p, (p - j if function.carries == "y" else j)


def _root(x: Any, p: int) -> Any:
    return np.maximum(x, 0.0) ** (1.0 / p)


@dataclass(frozen=True)
class PowerCheck:
    """The check of A^s by I minus a word in Z and A."""

    name: str = "powers"

    def admits(self, function: MatrixFunction, norm: Norm) -> bool:
        """All powers eigenvalue by eigenvalue."""
        return function.carries in ("z", "y") and norm == "eigenvalue"

    def residual(self, case: Case) -> Residual | None:
        """Return I minus the word, or what is in its place where A may be singular."""
        if case.least:
            return range_residual(case, *word_exponents(case.function))
        solve = case.inverse_of(case.value) if case.function.carries == "y" else None
        if case.function.carries == "y" and solve is None:
            return None
        p, q = word_exponents(case.function)
        word, weighted = balanced_word(p, q)

        def apply(v: Block) -> Block:
            result = v
            for letter in word:
                if letter == "a":
                    result = case.times(case.a, result)
                else:
                    result = solve(result) if solve else case.times(case.value, result)
            return v - result

        def error(least: Any, greatest: Any) -> Any:
            return _error(case, least, greatest)

        def weigh(v: Block) -> Block:
            return case.times(case.a, v)

        growth = rounding_growth(p, q)
        return Residual(apply, error, weigh if weighted else None, growth=growth)

    def evidence(self, case: Case, block: Block) -> Any:
        """Return 0, for the residual says it all, unless there is a null space."""
        return null_space_evidence(case, block) if case.least else 0.0

    def proof(self, case: Case) -> Proof | None:
        """Return what the residual proves; positivity is part of it."""
        if case.least:
            return semidefinite_reference(case)
        p, q = word_exponents(case.function)
        if q > 1:
            return eigenvalue_reference(case)
        factor = case.backend.empty(case.value.shape, case.value.dtype)
        if not case.backend.cholesky(factor, case.value):
            return None
        product = _congruent(case, factor)
        if not np.all(np.isfinite(product)):
            return None
        eigenvalues = np.linalg.eigvalsh(np.eye(case.n) - 0.5 * (product + product.conj().T))
        least, greatest = float(eigenvalues[0]), float(eigenvalues[-1])
        norm, allowance = max(-least, greatest), rounding_growth(p, q) * case.allowance()
        forgiven = case.forgiven(allowance)
        estimate = float(_error(case, min(least + forgiven, 0.0), max(greatest - forgiven, 0.0)))
        bound = float(_error(case, least - allowance, greatest + allowance))
        return Proof(norm, norm + allowance, estimate, bound)


def _error(case: Case, least: Any, greatest: Any) -> Any:
    """Return the error, given (1 - greatest) Z^-p <= A^q <= (1 - least) Z^-p."""
    p = case.function.root_index
    small, large = _root(1.0 - greatest, p), _root(1.0 - least, p)
    positive = np.where(small > 0.0, small, 1.0)
    if case.function.carries == "z":
        error = np.maximum(1.0 - positive, large - 1.0)
    else:
        error = np.maximum(1.0 / positive - 1.0, 1.0 - 1.0 / large)
    return np.where(small > 0.0, error, math.inf)


def _congruent(case: Case, factor: Matrix) -> Matrix:
    """Return B* A B for B B* = Z^p, from the lower Cholesky factor of the value."""
    p = case.function.root_index
    if case.function.carries == "z":
        b = factor if p % 2 else case.value
        for _ in range((p - 1) // 2):
            b = case.times(case.value, b)
        return case.adjoint_times(b, case.times(case.a, b))
    solve = case.backend.solve_triangular

    def half(x: Matrix) -> Matrix:
        """Return B* x."""
        for _ in range(p // 2):
            x = solve(factor, solve(factor, np.ascontiguousarray(x), False), True)
        return solve(factor, np.ascontiguousarray(x), False) if p % 2 else x

    return half(half(case.a).conj().T)


CHECKS.register(PowerCheck())
