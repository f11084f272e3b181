"""The check after a run: does the residual say that the tolerance was met?

``sketch``: the residual (see :mod:`matrl.execute.residuals`) is applied three times to four random
vectors, in float64. Growth factors and Rayleigh quotients in the inner product the residual is
self-adjoint in lie within its spectrum, so where the error commutes with A a value above what the
tolerance allows is a violation for certain (up to the rounding of the evaluation; other errors, of
rounding, may show more than they are). In the Frobenius measure the mean square over the vectors
estimates the norm of the residual too, and twice what the tolerance allows is called a violation:
of an error of rank one that uses the tolerance up, that refuses three in a thousand. An error that
the residual hardly shows may be larger: :mod:`matrl.execute.residuals.normwise` says by how much.
The last power gives an upper bound on the spectral radius of the residual, its norm in its own
inner product (of one that is in none self-adjoint powers of R* R are taken, and it is the 2-norm),
that holds with a stated probability (a Gaussian block and s columns:
||B||_2 <= alpha sqrt(2/pi) max ||B g_i|| with probability at least 1 - alpha^-s; Halko, Martinsson
& Tropp 2011, lemma 4.1, doi:10.1137/090771806).

For sign and polar factor inequalities on the same vectors are tested beside it. The price is O(n^2)
a vector, and a Cholesky factorisation of the value for roots and positive powers (of A, for inverse
powers judged normwise; of both, shifted, where zero eigenvalues belong to the domain).

``full``: the residual is formed and its norm computed, positivity is verified, and the result is a
rigorous bound on the error in the plan's measure, up to the rounding of the evaluation.

Two outputs that are functions of A, A^(1/2) and A^(-1/2), are judged one by one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from matrl.execute.residuals import Case, Check, Residual, check_for
from matrl.execute.residuals.check import Block, column_norms
from matrl.functions import FUNCTIONS

__all__ = ["FAILURE_PROBABILITY", "REFUSED", "Verdict", "check_full", "check_sketch"]

VECTORS = 4
POWERS = 3
FAILURE_PROBABILITY = 1e-6
FROBENIUS_SLACK = 2.0


@dataclass(frozen=True)
class Verdict:
    """What the guard says: whether the run passes, and the numbers it went by."""

    passed: bool
    residual: float
    residual_bound: float | None = None
    error_bound: float | None = None


REFUSED = Verdict(False, math.inf)


def _judged(case: Case, judge: Callable[[Case, Check], Verdict]) -> Verdict:
    if case.function.carries != "yz":
        return judge(case, check_for(case.function, case.norm))
    verdicts = []
    for name, value in zip(case.function.outputs, case.values, strict=True):
        part = replace(case, function=FUNCTIONS.get(name), values=(value,))
        verdicts.append(judge(part, check_for(part.function, part.norm)))
    return Verdict(
        all(verdict.passed for verdict in verdicts),
        max(verdict.residual for verdict in verdicts),
        _largest([verdict.residual_bound for verdict in verdicts]),
        _largest([verdict.error_bound for verdict in verdicts]),
    )


def _largest(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None


def check_sketch(case: Case) -> Verdict:
    """Return the verdict of the sketched residual and the inequalities."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _judged(case, _sketch)


def check_full(case: Case) -> Verdict:
    """Return the verdict of the whole residual, with positivity."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _judged(case, _full)


def _full(case: Case, check: Check) -> Verdict:
    if not all(case.backend.is_finite(value) for value in case.values):
        return REFUSED
    proof = check.proof(case)
    if proof is None or not math.isfinite(proof.residual):
        return REFUSED
    return Verdict(proof.estimate <= case.tol, proof.residual, proof.residual_bound, proof.bound)


def _gaussian(n: int, dtype: np.dtype) -> Block:
    random = np.random.default_rng(n)
    block = random.standard_normal((n, VECTORS))
    if dtype.kind == "c":
        block = (block + 1j * random.standard_normal((n, VECTORS))) / math.sqrt(2.0)
    return block.astype(dtype)


@dataclass(frozen=True)
class _Sketch:
    """Bounds from inside on a residual's size and spectrum, and an upper bound (None: too large).

    ``mean_square`` is the root of the mean of ||R g||^2, an estimate of the Frobenius norm.
    """

    growth: float
    least: float
    greatest: float
    upper: float
    mean_square: float


def _sketched(residual: Residual, block: Block) -> _Sketch | None:
    """Apply the residual some times; ``None`` where its inner product is none, or it overflows."""

    def weighed(v: Block, w: Block) -> np.ndarray:
        """Return <v, w>, column by column."""
        other = w if residual.weigh is None else residual.weigh(w)
        return np.einsum("ij,ij->j", v.conj(), other).real

    growth, least, greatest, mean_square = 0.0, 0.0, 0.0, 0.0
    sizes, used = np.ones(block.shape[1]), 0
    for power in range(POWERS):
        applied = residual.apply(block)
        before, after = weighed(block, block), weighed(applied, applied)
        if not (np.all(np.isfinite(after)) and np.all(np.isfinite(applied))):
            return None
        if np.any(before < 0.0):
            return None
        alive = before > 0.0
        squares = np.where(alive, before, 1.0)
        growth = max(
            growth, float(np.sqrt(np.where(alive, np.maximum(after, 0.0), 0.0) / squares).max())
        )
        quotients = np.where(alive, weighed(block, applied), 0.0) / squares
        least, greatest = min(least, float(quotients.min())), max(greatest, float(quotients.max()))
        lengths = column_norms(applied)
        if power == 0:
            mean_square = float(np.sqrt(np.mean(lengths**2)))
        sizes, used = sizes * lengths, used + 1
        block = applied / np.where(lengths > 0.0, lengths, 1.0)
        if residual.adjoint and power < POWERS - 1:
            block = residual.adjoint(block)
            lengths = column_norms(block)
            sizes, used = sizes * lengths, used + 1
            block = block / np.where(lengths > 0.0, lengths, 1.0)
    alpha = FAILURE_PROBABILITY ** (-1.0 / VECTORS)
    upper = (alpha * math.sqrt(2.0 / math.pi) * float(sizes.max())) ** (1.0 / used)
    return _Sketch(growth, least, greatest, max(upper, growth), mean_square)


def _sketch(case: Case, check: Check) -> Verdict:
    if not all(case.backend.is_finite(value) for value in case.values):
        return REFUSED
    residual = check.residual(case)
    if residual is None:
        return REFUSED
    block = _gaussian(case.n, case.a.dtype)
    sketch = _sketched(residual, block)
    if sketch is None:
        return REFUSED
    forgiven = case.forgiven(residual.growth * case.allowance())
    # Growth does not tell too large from too small, which weigh differently: it is held to the
    # laxer side, Rayleigh quotients to the side they show.
    error = max(
        residual.error(-max(sketch.growth - forgiven, 0.0), 0.0),
        residual.error(min(sketch.least + forgiven, 0.0), max(sketch.greatest - forgiven, 0.0)),
    )
    if residual.frobenius_error is not None:
        shown = sketch.mean_square / FROBENIUS_SLACK
        error = max(error, residual.frobenius_error(max(shown - forgiven, 0.0)))
    passed = error <= case.tol and check.evidence(case, block) <= 1.0
    return Verdict(passed, sketch.growth, sketch.upper)
