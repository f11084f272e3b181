"""The check after a run: does the residual say that the tolerance was met?

``sketch``: the residual (see :mod:`matrl.execute.residuals`) is applied three times to four random
vectors, in float64. Growth factors and Rayleigh quotients in the inner product the residual is
self-adjoint in lie within its spectrum, so where the error commutes with A a value above what the
tolerance allows is a violation for certain (up to the rounding of the evaluation; other errors, of
rounding, may show more than they are). In the Frobenius measure the mean square over the vectors
estimates the norm of the residual too, and 2.9 times what the tolerance allows is called a
violation: an error of rank one that uses the tolerance up is refused once in a million. An error
that
the residual hardly shows may be larger: :mod:`matrl.execute.residuals.normwise` says by how much.
The last power gives an upper bound on the spectral radius of the residual, its norm in its own
inner product (of one that is in none self-adjoint powers of R* R are taken, and it is the 2-norm),
that holds with a stated probability (a Gaussian block and s columns:
||B||_2 <= alpha sqrt(2/pi) max ||B g_i|| with probability at least 1 - alpha^-s; Halko, Martinsson
& Tropp 2011, lemma 4.1, doi:10.1137/090771806).

For sign and polar factor inequalities on the same vectors are tested beside it. Values of functions
of Hermitian matrices have to be Hermitian to rounding, at either level.

What the sketch promises. *False alarms*: none for an error that commutes with A and is within the
tolerance, up to what rounding may fake, which is forgiven; in the Frobenius measure at most 1e-6.
*Detection*: of four Gaussian vectors the largest component along the worst eigenvector is below
0.0396 with probability 1e-6, and after three powers the largest growth factor is at least the cube
root of that over the length of the vector. So a residual above 3 n^(1/6) times what the tolerance
allows (9 to 10 times at n = 1024) is found with probability 1 - 1e-6 where R is self-adjoint in the
Euclidean inner product, whatever else is in it; one that stands out by itself at once. Flips of
signs hide from residuals of even powers. The vectors are the same for all matrices of an order: the
probability is that of matrices made without knowing them.

*Price*: 12 products with vectors for each factor of the word, at 2 n^2 operations each (36 for an
inverse square root, 36/n of a matrix product; 36 more with A where its inner product is used), 24
and 20 more for sign and polar factor, and a Cholesky factorisation of the value for roots and
positive powers (of A, for inverse powers judged normwise; of both, shifted, where zero eigenvalues
belong to the domain).

``full``: the residual is formed and its norm computed, positivity is verified, and the result is a
rigorous bound on the error in the plan's measure, up to the rounding of the evaluation.

Two outputs that are functions of A, A^(1/2) and A^(-1/2), are judged one by one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matrl.execute.residuals import Case, Check, Residual, check_for
from matrl.execute.residuals.check import Block, column_norms, frobenius_norms
from matrl.functions import FUNCTIONS

__all__ = ["FAILURE_PROBABILITY", "REFUSED", "Verdict", "check_full", "check_sketch"]

VECTORS = 4
POWERS = 3
FAILURE_PROBABILITY = 1e-6
FROBENIUS_SLACK = 2.9
"""P(chi^2_4 > 4 * 2.9^2) = (1 + 16.82) exp(-16.82) = 8.8e-7; of rank one the tail is heaviest."""


@dataclass(frozen=True)
class Verdict:
    """What the guard says: whether the run passes, and the numbers it went by.

    Of a stack (..., m, n) they are arrays (...).
    """

    passed: Any
    residual: Any
    residual_bound: Any = None
    error_bound: Any = None


REFUSED = Verdict(False, math.inf)


def _judged(case: Case, judge: Callable[[Case, Check], Verdict]) -> Verdict:
    if case.function.carries != "yz":
        return judge(case, check_for(case.function, case.norm))
    verdicts = []
    for name, value in zip(case.function.outputs, case.values, strict=True):
        part = replace(case, function=FUNCTIONS.get(name), values=(value,))
        verdicts.append(judge(part, check_for(part.function, part.norm)))
    return Verdict(
        np.all([verdict.passed for verdict in verdicts], axis=0),
        np.max([verdict.residual for verdict in verdicts], axis=0),
        _largest([verdict.residual_bound for verdict in verdicts]),
        _largest([verdict.error_bound for verdict in verdicts]),
    )


def _largest(numbers: list[Any]) -> Any:
    known = [number for number in numbers if number is not None]
    return np.max(known, axis=0) if len(known) == len(numbers) else None


def check_sketch(case: Case) -> Verdict:
    """Return the verdict of the sketched residual and the inequalities.

    A stack (..., m, n) is judged in the calls one matrix takes, by the same vectors, and what is
    wrong with one of them spoils no other; the numbers are arrays (...). Only Cholesky
    factorisations, and all there is where the domain has the eigenvalue 0, go one by one.

    >>> from matrl.backends.numpy import numpy_backend
    >>> from matrl.functions import FUNCTIONS
    >>> a = np.array([[[4.0]], [[4.0]]])
    >>> values = np.array([[[0.5]], [[0.6]]])
    >>> square_root = FUNCTIONS.get("invsqrt")
    >>> case = Case(square_root, a, (values,), 1e-3, "eigenvalue", 1.0, 4.0, numpy_backend)
    >>> check_sketch(case).passed.tolist()
    [True, False]
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if case.a.ndim > 2 and np.any(case.least):
            return _joined(case, [_plain(one, _judged(one, _sketch)) for one in case.each()])
        return _plain(case, _judged(case, _sketch))


def check_full(case: Case) -> Verdict:
    """Return the verdict of the whole residual of one matrix, with positivity."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _plain(case, _judged(case.widened(), _full))


def _joined(case: Case, verdicts: list[Verdict]) -> Verdict:
    """Return the verdict of a stack from those of its matrices."""

    def numbers(name: str) -> Any:
        found = [getattr(verdict, name) for verdict in verdicts]
        if name.endswith("bound"):
            found = [np.nan if number is None else number for number in found]
        return np.array(found).reshape(case.a.shape[:-2])

    return Verdict(numbers("passed"), numbers("residual"), numbers("residual_bound"))


def _plain(case: Case, verdict: Verdict) -> Verdict:
    """Return the verdict with plain numbers where it is about one matrix."""
    if case.a.ndim > 2:
        return verdict
    bounds = (verdict.residual_bound, verdict.error_bound)
    return Verdict(
        bool(verdict.passed),
        float(verdict.residual),
        *(None if bound is None else float(bound) for bound in bounds),
    )


def _full(case: Case, check: Check) -> Verdict:
    finite = all(case.backend.is_finite(value) for value in case.values)
    if not (finite and _are_hermitian(case)):
        return REFUSED
    proof = check.proof(case)
    if proof is None or not math.isfinite(proof.residual):
        return REFUSED
    return Verdict(proof.estimate <= case.tol, proof.residual, proof.residual_bound, proof.bound)


def _are_hermitian(case: Case) -> Any:
    """Return whether every value that has to be Hermitian is, but for rounding; of a stack each.

    Factorisations read one triangle only, so that what is in the other would not be seen.
    """
    rectangular = case.function.structure == "rectangular"
    allowed = 4.0 * math.sqrt(case.n) * case.eps
    are: Any = np.ones(case.a.shape[:-2], dtype=bool)
    for value in case.values[1:] if rectangular else case.values:
        are = are & (case.backend.asymmetry(value) <= allowed * frobenius_norms(value))
    return are


def _gaussian(case: Case) -> Block:
    """Return the vectors, the same for every matrix of this order."""
    random = np.random.default_rng(case.n)
    block = random.standard_normal((case.n, VECTORS))
    if case.dtype.kind == "c":
        block = (block + 1j * random.standard_normal((case.n, VECTORS))) / math.sqrt(2.0)
    shape = (*case.a.shape[:-2], case.n, VECTORS)
    return np.array(np.broadcast_to(block, shape), dtype=case.dtype)


@dataclass(frozen=True)
class _Sketch:
    """Bounds from inside on a residual's size and spectrum, and an upper bound; all arrays (...).

    ``mean_square`` is the root of the mean of ||R g||^2, an estimate of the Frobenius norm.
    ``is_sound`` says where they mean anything: no overflow, and an inner product that is one.
    """

    growth: Any
    least: Any
    greatest: Any
    upper: Any
    mean_square: Any
    is_sound: Any


def _sketched(residual: Residual, block: Block) -> _Sketch:
    """Apply the residual some times."""

    def weighed(v: Block, w: Block) -> np.ndarray:
        """Return <v, w>, column by column."""
        other = w if residual.weigh is None else residual.weigh(w)
        return np.einsum("...ij,...ij->...j", v.conj(), other).real

    def scaled(block: Block, lengths: np.ndarray) -> Block:
        return block / np.where(lengths > 0.0, lengths, 1.0)[..., None, :]

    growth = least = greatest = mean_square = np.zeros(block.shape[:-2])
    is_sound = np.ones(block.shape[:-2], dtype=bool)
    sizes, used = np.ones((*block.shape[:-2], block.shape[-1])), 0
    for power in range(POWERS):
        applied = residual.apply(block)
        before, after = weighed(block, block), weighed(applied, applied)
        is_sound &= np.all(np.isfinite(after) & (before >= 0.0), axis=-1)
        is_sound &= np.all(np.isfinite(applied), axis=(-2, -1))
        alive = before > 0.0
        squares = np.where(alive, before, 1.0)
        grown = np.sqrt(np.where(alive, np.maximum(after, 0.0), 0.0) / squares)
        growth = np.maximum(growth, grown.max(axis=-1))
        quotients = np.where(alive, weighed(block, applied), 0.0) / squares
        least = np.minimum(least, quotients.min(axis=-1))
        greatest = np.maximum(greatest, quotients.max(axis=-1))
        lengths = column_norms(applied)
        if power == 0:
            mean_square = np.sqrt(np.mean(lengths**2, axis=-1))
        sizes, used = sizes * lengths, used + 1
        block = scaled(applied, lengths)
        if residual.adjoint and power < POWERS - 1:
            block = residual.adjoint(block)
            lengths = column_norms(block)
            sizes, used = sizes * lengths, used + 1
            block = scaled(block, lengths)
    alpha = FAILURE_PROBABILITY ** (-1.0 / VECTORS)
    upper = (alpha * math.sqrt(2.0 / math.pi) * sizes.max(axis=-1)) ** (1.0 / used)
    return _Sketch(growth, least, greatest, np.maximum(upper, growth), mean_square, is_sound)


def _sketch(case: Case, check: Check) -> Verdict:
    if case.a.ndim == 2 and not all(case.backend.is_finite(value) for value in case.values):
        return REFUSED
    residual = check.residual(case)
    if residual is None:
        return REFUSED
    block = _gaussian(case)
    sketch = _sketched(residual, block)
    if case.a.ndim == 2 and not sketch.is_sound:
        return REFUSED
    forgiven = case.forgiven(residual.growth * case.allowance())
    # Growth does not tell too large from too small, which weigh differently: it is held to the
    # laxer side, Rayleigh quotients to the side they show.
    error = np.maximum(
        residual.error(-np.maximum(sketch.growth - forgiven, 0.0), 0.0),
        residual.error(
            np.minimum(sketch.least + forgiven, 0.0), np.maximum(sketch.greatest - forgiven, 0.0)
        ),
    )
    if residual.frobenius_error is not None:
        shown = sketch.mean_square / FROBENIUS_SLACK
        error = np.maximum(error, residual.frobenius_error(np.maximum(shown - forgiven, 0.0)))
    passed = (
        sketch.is_sound
        & _are_hermitian(case)
        & (error <= case.tol)
        & (check.evidence(case, block) <= 1.0)
    )
    shown = np.where(sketch.is_sound, sketch.growth, math.inf)
    return Verdict(passed, shown, np.where(sketch.is_sound, sketch.upper, math.inf))
