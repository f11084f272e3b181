"""Proofs against an eigendecomposition in float64, where no residual is both stable and sharp.

LAPACK's eigensolver is backward stable: what it finds are the eigenvalues of A + E with
||E|| <= c eps ||A||, so f of it differs from f(A) by what the condition number says; that is the
allowance added to the bound. Source: Higham, *Functions of Matrices*, sections 3.1 and 4.5.
"""

import numpy as np
import scipy.linalg

from matrl.backends.protocol import Matrix
from matrl.execute.residuals.check import Case, Proof

__all__ = ["eigenvalue_reference", "in_eigenbasis", "normwise_reference"]


def in_eigenbasis(case: Case) -> tuple[np.ndarray, Matrix] | None:
    """Return the eigenvalues of A and V* value V; ``None`` if that is not finite."""
    if not np.all(np.isfinite(case.value)):
        return None
    eigenvalues, vectors = scipy.linalg.eigh(case.a, check_finite=False)
    turned = case.adjoint_times(vectors, case.times(case.value, vectors))
    return eigenvalues, 0.5 * (turned + turned.conj().T)


def eigenvalue_reference(case: Case) -> Proof | None:
    """Return ||F^(-1/2) Fhat F^(-1/2) - I|| as a proof; ``None`` unless Fhat > 0 and A > 0."""
    found = in_eigenbasis(case)
    if found is None or not found[0][0] > 0.0:
        return None
    eigenvalues, turned = found
    half = eigenvalues ** (-0.5 * case.function.exponent)
    ratios = np.linalg.eigvalsh(half[:, None] * turned * half)
    if not ratios[0] > 0.0:
        return None
    k = case.function.root_index
    residual = float(np.abs(ratios**k - 1.0).max())
    allowance = case.allowance(float(eigenvalues[-1] / eigenvalues[0]))
    powered = k * allowance
    error = float(np.abs(ratios - 1.0).max())
    estimate = max(error - case.forgiven(allowance), 0.0)
    return Proof(residual, residual + powered, estimate, error + allowance)


def normwise_reference(case: Case, p: int, q: int) -> Proof | None:
    """Return ||Fhat - F||/||F|| (or the residual measure of a power) as a proof.

    Eigenvalues of A below 0 by no more than the rounding of its entries count as 0. ``None`` if A
    has no such power, or, as a residual does not know the sign of a root, if Fhat has eigenvalues
    as far below 0 as the tolerance would not allow.
    """
    found = in_eigenbasis(case)
    if found is None:
        return None
    eigenvalues, turned = found
    exponent = case.function.exponent
    largest = float(eigenvalues[-1])
    floor = max(case.rounding * largest, case.zero)
    lowest_allowed = -max(case.negative * largest, case.zero) if exponent > 0.0 else floor
    if not largest > 0.0 or eigenvalues[0] < lowest_allowed:
        return None
    eigenvalues = np.where(eigenvalues > case.zero, eigenvalues, 0.0)
    values = eigenvalues**exponent
    size = float(values.max())
    condition = largest / (case.least or max(float(eigenvalues[0]), floor))
    if case.norm == "residual":  # of powers only, and as it stands: V* V = I is not exact
        known = np.linalg.matrix_power(case.a / largest, q)
        residual = np.linalg.matrix_power(case.value / size, p) - known
    else:
        residual = np.linalg.matrix_power(turned / size, p) - np.diag((values / size) ** p)
    if not np.all(np.isfinite(residual)):  # a power that overflows
        return None
    spectral = float(np.linalg.norm(residual, 2))
    if case.norm == "residual":
        error, allowance = spectral, case.rounding * max(p, q)
        lowest = float(np.linalg.eigvalsh(turned)[0]) / size
        if lowest < -((2.0 * case.tol) ** (1.0 / p)):
            return None
    else:
        is_frobenius = case.norm == "frobenius"
        distance = float(np.linalg.norm(turned - np.diag(values), "fro" if is_frobenius else 2))
        error = distance / (float(np.linalg.norm(values)) if is_frobenius else size)
        # Of a power 0 < s < 1 the derivative at the least eigenvalue, or Hoelder's bound at 0.
        allowance = case.allowance(condition)
        if exponent > 0.0:
            allowance = min(allowance * condition**-exponent, case.rounding**exponent)
    estimate = max(error - case.forgiven(allowance), 0.0)
    return Proof(spectral, spectral + p * allowance, estimate, error + allowance)
