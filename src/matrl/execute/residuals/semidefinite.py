"""Roots and positive powers where zero eigenvalues belong to the domain, eigenvalue by eigenvalue.

The error of X for F = A^(q/p) is ||G^(-1/2) (X - F) G^(-1/2)||, G = f(max(A, l)), with l the least
positive eigenvalue of the domain. X may have no inverse, so two operators are sketched instead, by
D = (A + c I)^-1, whose Cholesky factorisation proves that no eigenvalue is below -c:

- on the range, T (T^q - W) T with T = A D and W the word of q factors D and p factors X. Where the
  error commutes with A its eigenvalues are -(a/(a + c))^(q + 2) ((1 + e)^p - 1), so that what shows
  is a violation for certain; errors are underestimated, by a factor (1 + c/l)^(q + 2) at the most,
  at the least eigenvalue. The outer factors T leave the null space to the other operator.
- on the null space, P X P/f(l), P = (c D)^t: I there and at most (c/(c + l))^t on the range. Of a
  right value its norm is at most the tolerance and (c/(c + l))^(2t), whether errors commute or not;
  t makes the latter a tenth of the former if it can.

A flipped sign, which X^p does not show for even p, is found by a Cholesky factorisation of X and
twice what the tolerance allows at 0. What is between 0 and l is no zero of A, and passes only if X
is right there, or within the tolerance of 0. c is l/(32 (q + 2)) and four times what may count as 0
(where that decides, less is seen).

The proof counts eigenvalues of modulus at most ``case.zero`` as 0, refuses lower ones, and compares
with an eigendecomposition in float64. Source of the measure: Higham, *Functions of Matrices*,
chapter 3; the shift, the filter and the clipping at l are ours.
"""

import math
from typing import Any

import numpy as np
import scipy.linalg

from matrl.execute.residuals.check import Block, Case, Proof, Residual, column_norms
from matrl.execute.residuals.words import balanced_word, rounding_growth

__all__ = ["null_space_evidence", "range_residual", "semidefinite_reference"]

MOST_FILTERS = 8
POWERS = 3


def range_residual(case: Case, p: int, q: int) -> Residual | None:
    """Return T (T^q - W) T; ``None`` if A or the value is certainly indefinite."""
    # First what is not kept: two factors at a time would be twice the memory.
    if not case.is_positive(case.value, 2.0 * case.tol * _least_value(case)):
        return None
    c, solve = case.shifted
    if solve is None:
        return None
    word, weighted = balanced_word(p, q)  # its letters: D for A, and X for Z, their inverses

    def on_range(v: Block) -> Block:
        """Return T v."""
        return v - c * solve(v)

    def apply(v: Block) -> Block:
        result = target = on_range(v)
        for letter in word:
            result = solve(result) if letter == "a" else case.times(case.value, result)
        for _ in range(q):
            target = on_range(target)
        return on_range(target - result)

    def error(least: Any, greatest: Any) -> Any:
        small, large = np.maximum(1.0 - greatest, 0.0) ** (1.0 / p), (1.0 - least) ** (1.0 / p)
        return np.maximum(1.0 - small, large - 1.0)

    weigh = solve if weighted else None
    return Residual(apply, error, weigh, growth=rounding_growth(p, q))


def _least_value(case: Case) -> float:
    """Return f(l)."""
    return float(case.function.magnitude(np.array(case.least)))


def null_space_evidence(case: Case, block: Block) -> float:
    """Return the norm of P X P/f(l) on these vectors, in units of what a right value may have."""
    c, solve = case.shifted
    if solve is None:
        return math.inf
    on_range = c / (c + case.least)
    filters = math.ceil(0.5 * math.log(0.1 * case.tol) / math.log(on_range))
    filters = min(max(filters, 1), MOST_FILTERS)
    size = _least_value(case)

    def filtered(v: Block) -> Block:
        for _ in range(filters):
            v = c * solve(v)
        return v

    largest = 0.0
    for _ in range(POWERS):
        lengths = column_norms(block)
        block = block / np.where(lengths > 0.0, lengths, 1.0)
        block = filtered(case.times(case.value, filtered(block))) / size
        largest = max(largest, float(column_norms(block).max()))
    # An eigenvalue -case.zero counts as 0 too, and P is more than I there.
    on_zeros = (c / (c - case.zero)) ** (2 * filters)
    allowed = case.tol * on_zeros + on_range ** (2 * filters) + case.forgiven(case.allowance())
    return largest / allowed if math.isfinite(largest) else math.inf


def semidefinite_reference(case: Case) -> Proof | None:
    """Return ||G^(-1/2) (X - F) G^(-1/2)|| as a proof; ``None`` if A is indefinite."""
    if not np.all(np.isfinite(case.value)):
        return None
    eigenvalues, vectors = scipy.linalg.eigh(case.a, check_finite=False)
    if eigenvalues[0] < -case.zero:
        return None
    is_zero = eigenvalues <= case.zero
    sizes = case.function.magnitude(np.where(is_zero, case.least, eigenvalues))
    turned = case.adjoint_times(vectors, case.times(case.value, vectors))
    turned = 0.5 * (turned + turned.conj().T) - np.diag(np.where(is_zero, 0.0, sizes))
    half = 1.0 / np.sqrt(sizes)
    error = float(np.linalg.norm(half[:, None] * turned * half, 2))
    allowance = case.allowance()
    estimate = max(error - case.forgiven(allowance), 0.0)
    return Proof(error, error + allowance, estimate, error + allowance)
