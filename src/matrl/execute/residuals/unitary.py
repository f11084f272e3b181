"""Sign and polar factor: X* X = I, X* A Hermitian and positive, X within the range of A.

For Hermitian A the polar factor is the sign, so that one check serves both. That X* X = I does not
say which unitary matrix X is; hence the sketch also tests, on the same few vectors, inequalities
that hold for every X with ||X - U|| <= e: the skew part of X* A is at most 2 e ||A||, A - X X* A at
most (2 e + e^2) ||A||, and v* X* A v >= ||A v||^2 / ||A|| - e ||v|| ||A v||, because v* H v >=
||H v||^2 / ||H||. They find another matrix's factor or a flip among the large singular values; a
flip at a small one hides behind the rest, and the sketch claims nothing there.

The proof: with rho = ||X* X - I||, c = max(||X* A - A* X||, ||X A* - A X*||) and h the least
eigenvalue of the Hermitian parts of X* A and A X*, ||X - U|| <= 1 - sqrt(1 - rho) + 2 sin(phi/2),
tan(phi) = c sqrt(1 + rho)/(2 h sqrt(1 - rho)), for square A; an m x n one is replaced by the
triangular factor of its QR factorisation, and what X has outside the range of A is added. As c is
divided by the least singular value, this may prove less than is true; then the value is compared
with a singular value decomposition.

The Hermitian factor is measured normwise: ||Hhat - H||/||H|| in the 2-norm or Frobenius norm. From
the Hermitian part of X* A (of A X*) H is at most ||X - U||_2 ||A|| away, in either norm, so what
Hhat differs from that part is added to the bound; where that may exceed the tolerance, Hhat too is
compared with the decomposition. In the residual measure that difference is its residual.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.linalg

from matrl.backends.protocol import Matrix
from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.execute.residuals.catalogue import CHECKS
from matrl.execute.residuals.check import Block, Case, Proof, Residual, column_norms

__all__ = ["UnitaryCheck"]


@dataclass(frozen=True)
class UnitaryCheck:
    """The check of sign and polar factor."""

    name: str = "unitary"

    def admits(self, function: MatrixFunction, norm: Norm) -> bool:
        """Functions that carry the iterate, in every measure."""
        return function.carries == "x"

    def residual(self, case: Case) -> Residual | None:
        """Return I - X* X, with eigenvalues 1 - (1 + e)^2."""

        def apply(v: Block) -> Block:
            return v - case.gram_times(case.value, v)

        root = math.sqrt(case.n) if case.norm == "frobenius" else 1.0

        def error(least: Any, greatest: Any) -> Any:
            if case.norm == "residual":
                return np.maximum(-least, greatest)
            too_small = 1.0 - np.sqrt(np.maximum(1.0 - greatest, 0.0))
            return np.maximum(too_small, np.sqrt(1.0 - least) - 1.0) / root

        if case.norm != "frobenius":
            return Residual(apply, error)
        share = 1.0 / (root * (2.0 + min(1.0, case.tol * root)))
        return Residual(apply, error, frobenius_error=lambda norm: norm * share)

    def evidence(self, case: Case, block: Block) -> Any:
        """Return how far the inequalities above are used up."""
        a, x, e = case.a, case.value, _largest_error(case)
        size = np.asarray(case.size)[..., None]
        rounding = case.rounding * size
        mapped, turned, product = case.crossed(a, x, block)
        lengths, image = column_norms(block), column_norms(mapped)
        skew = column_norms(product - turned)
        outside = column_norms(mapped - case.times(x, product))
        quotients: Any = np.einsum("...ij,...ij->...j", block.conj(), product).real
        missing = image * image / size - quotients
        ratios = [
            skew / (lengths * (2.0 * e * size + rounding)),
            outside / (lengths * ((2.0 + e) * e * size + rounding)),
            missing / (lengths * (e * image + rounding)),
        ]
        if case.function.factor:
            ratios.append(_factor_ratio(case, block, product, e))
        worst = np.max(ratios, axis=(0, -1))
        return np.where(np.isfinite(worst), worst, math.inf)

    def proof(self, case: Case) -> Proof | None:
        """Return the bound above, sharpened by a decomposition where it is not enough."""
        x = case.value
        if not all(np.all(np.isfinite(value)) for value in case.values):
            return None
        gram = case.adjoint_times(x, x)
        rho = float(np.linalg.norm(gram - np.eye(case.n), 2))
        noise, off = case.rounding, _factor_residual(case)
        bound = _commutator_bound(case)
        if case.norm == "residual":
            # The measure is rho; that X is the right root is demanded all the same.
            if not math.isfinite(bound) and _distances(case)[0] > 1.0:
                return None
            error = max(rho, off)
            estimate = max(error - case.forgiven(noise), 0.0)
            return Proof(rho, rho + noise, estimate, error + noise)
        if case.function.factor:
            bound = bound + off + noise
        estimate = bound
        if bound > case.tol:
            distance, allowance = _distances(case)
            estimate = max(distance - case.forgiven(allowance), 0.0)
            bound = min(bound, distance + allowance)
        return Proof(rho, rho + noise, estimate, bound)


def _largest_error(case: Case) -> float:
    """Return the largest ||X - U||_2 the measure allows."""
    return case.tol * math.sqrt(case.n) if case.norm == "frobenius" else case.tol


def _norm(x: Matrix) -> float:
    return float(np.linalg.norm(x, 2))


def _commutator_bound(case: Case) -> float:
    """Return the bound on ||X - U||_2 by residual, commutator and positivity; may be infinite."""
    a, x, outside = case.a, case.value, 0.0
    if a.shape[0] > a.shape[1]:
        q, a = np.linalg.qr(a)
        inner = case.adjoint_times(q, x)
        outside, x = _norm(x - case.times(q, inner)), inner
    rho = _norm(case.adjoint_times(x, x) - np.eye(case.n)) + case.rounding
    right = case.adjoint_times(x, a)
    left = case.times(np.ascontiguousarray(a), np.ascontiguousarray(x.conj().T))
    noise = case.rounding * case.size
    c = max(_norm(g - g.conj().T) for g in (right, left)) + noise
    h = min(float(np.linalg.eigvalsh(0.5 * (g + g.conj().T))[0]) for g in (right, left)) - noise
    if rho >= 1.0 or h <= 0.0:
        return math.inf
    tangent = c * math.sqrt(1.0 + rho) / (2.0 * h * math.sqrt(1.0 - rho))
    return 1.0 - math.sqrt(1.0 - rho) + 2.0 * math.sin(0.5 * math.atan(tangent)) + outside


def _distances(case: Case) -> tuple[float, float]:
    """Return the largest error in the case's measure, by the SVD, and what rounding may fake.

    In the residual measure the distance of X in the 2-norm.
    """
    left, values, right = scipy.linalg.svd(case.a, full_matrices=False, check_finite=False)
    order: Literal["fro", 2] = "fro" if case.norm == "frobenius" else 2
    size = math.sqrt(case.n) if case.norm == "frobenius" else 1.0
    distance = float(np.linalg.norm(case.value - left @ right, order)) / size
    if case.function.factor and case.norm != "residual":
        basis = right.conj().T if case.function.factor == "right" else left
        factor = (basis * values) @ basis.conj().T
        size = float(np.linalg.norm(values)) if case.norm == "frobenius" else float(values[0])
        distance = max(distance, float(np.linalg.norm(case.values[1] - factor, order)) / size)
    smallest = float(values[-1])
    return distance, case.allowance(values[0] / smallest) if smallest > 0.0 else math.inf


def _factor_ratio(case: Case, block: Block, product: Block, e: float) -> np.ndarray:
    h, x, a = case.values[1], case.value, case.a
    if case.function.factor == "left":
        block = np.resize(block, (*a.shape[:-1], block.shape[-1]))
        product = case.times(a, case.adjoint_times(x, block))
    off = column_norms(case.times(h, block) - product)
    # ||Hhat - H|| + ||X - U|| ||A||; in the Frobenius norm tol ||H||_F may be all in one direction.
    allowed = (2.0 * e + case.rounding) * np.asarray(case.size)[..., None]
    return off / (column_norms(block) * allowed)


def _factor_residual(case: Case) -> float:
    """Return ||Hhat - (X* A + A* X)/2||/||A|| (or of A X*) in the case's norm; 0 without Hhat."""
    x, a = case.value, case.a
    if not case.function.factor:
        return 0.0
    if case.function.factor == "right":
        product = case.adjoint_times(x, a)
    else:
        product = case.times(a, np.ascontiguousarray(x.conj().T))
    off = case.values[1] - 0.5 * (product + product.conj().T)
    if case.norm == "frobenius":
        return float(np.linalg.norm(off) / np.linalg.norm(a))
    return _norm(off) / _norm(a)


CHECKS.register(UnitaryCheck())
