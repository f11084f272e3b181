"""Norm bounds a plan may divide a matrix by: which one is the first decision of a search.

Each costs something and is loose by some factor: loose bounds stretch the range of x. ``frobenius``
and ``one-norm`` take one pass; for rectangular matrices the latter is (||A||_1 ||A||_inf)^(1/2).
``gershgorin`` bounds the largest eigenvalue; for a positive definite matrix it is the one-norm, so
it is a choice only for others. ``lanczos`` is a Ritz value over 1 - eps, an upper bound that fails
with the probability 1.648 sqrt(n) exp(-sqrt(eps)(2k - 1)) after k steps from a random start
(Kuczynski & Wozniakowski 1992, doi:10.1137/0613066); of A* A, where A is not positive definite.
Norms: Higham, *Accuracy and Stability of Numerical Algorithms*, SIAM 2002, chapter 6.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import Scaling
from matrl.core.spectrum import MatrixStatistics, Spectrum

__all__ = [
    "BOUND_FACTS",
    "BoundFacts",
    "NormBound",
    "lanczos_failure",
    "lanczos_steps",
    "norm_bounds",
]

LANCZOS_LOOSENESS = (0.2, 0.04)
"""How far below the largest eigenvalue a Ritz value may be: fewer steps, or a tighter bound."""
LANCZOS_FAILURE = 1e-9


@dataclass(frozen=True)
class BoundFacts:
    """What is known of a kind of bound before any matrix: of what, its price, its looseness."""

    name: str
    bounds: str
    operations: str
    looseness: str
    source: str


BOUND_FACTS = (
    BoundFacts(
        "frobenius",
        "||A||_2, proved",
        "1 norm",
        "1 to sqrt(n); 1 where one eigenvalue dominates",
        "Higham 2002, Accuracy and Stability, chapter 6",
    ),
    BoundFacts(
        "one-norm",
        "||A||_2 <= (||A||_1 ||A||_inf)^(1/2), proved",
        "1 norm",
        "1 to sqrt(n)",
        "Higham 2002, Accuracy and Stability, chapter 6",
    ),
    BoundFacts(
        "gershgorin",
        "lambda_max <= max_i (a_ii + sum_j |a_ij|), proved; the one-norm where positive definite",
        "1 norm",
        "1 to sqrt(n)",
        "Golub & Van Loan, Matrix Computations, section 7.2",
    ),
    BoundFacts(
        "lanczos",
        "lambda_max (of A* A unless positive definite), but for a stated failure probability",
        "k matvec, k for a failure below 1e-9",
        f"1/(1 - eps), eps = {LANCZOS_LOOSENESS[0]} or {LANCZOS_LOOSENESS[1]}",
        "doi:10.1137/0613066",
    ),
)


@dataclass(frozen=True)
class NormBound:
    """A norm bound: how plans call it, its value for a known matrix, products with vectors."""

    scaling: Scaling
    of: Callable[[MatrixStatistics], float]
    matvecs: int = 0

    def looseness(self, spectrum: Spectrum) -> float:
        """Return the median of bound over norm for the matrices of a spectrum."""
        ratios = [self.of(s) / s.largest for s in spectrum.statistics if s.largest > 0.0]
        return float(np.median(ratios)) if ratios else math.nan


def lanczos_failure(n: int, steps: int, looseness: float = LANCZOS_LOOSENESS[0]) -> float:
    """Return the probability that Lanczos from a random start underestimates by more than that."""
    return 1.648 * math.sqrt(n) * math.exp(-math.sqrt(looseness) * (2 * steps - 1))


def lanczos_steps(n: int, looseness: float = LANCZOS_LOOSENESS[0]) -> int:
    """Return how many Lanczos steps make the failure probability at most 1e-9."""
    needed = math.log(1.648 * math.sqrt(n) / LANCZOS_FAILURE) / math.sqrt(looseness)
    return math.ceil((needed + 1.0) / 2.0)


def norm_bounds(function: MatrixFunction, spectrum: Spectrum, n: int) -> tuple[NormBound, ...]:
    """Return the bounds to choose from; those that say the same as an earlier one are left out."""
    is_positive = function.structure == "positive"
    bounds = [
        NormBound(Scaling("frobenius"), lambda s: s.frobenius),
        NormBound(Scaling("one-norm"), lambda s: math.sqrt(s.one_norm * s.inf_norm)),
    ]
    if is_positive:
        bounds.append(NormBound(Scaling("gershgorin"), lambda s: s.gershgorin))
    bounds += [_lanczos(n, looseness, is_positive) for looseness in LANCZOS_LOOSENESS]
    kept: list[NormBound] = []
    seen: set[tuple[float, ...]] = set()
    for bound in bounds:
        values = tuple(round(bound.of(s) / s.largest, 9) for s in spectrum.statistics)
        if values not in seen:
            scaling = replace(bound.scaling, looseness=bound.looseness(spectrum))
            kept.append(replace(bound, scaling=scaling))
        seen.add(values)
    return tuple(kept)


def _lanczos(n: int, looseness: float, is_positive: bool) -> NormBound:
    steps = lanczos_steps(n, looseness)
    # Of A* A the largest eigenvalue is a square, and every step takes two products.
    factor = 1.0 - looseness if is_positive else math.sqrt(1.0 - looseness)
    scaling = Scaling("lanczos", factor, lanczos_failure(n, steps, looseness), steps)
    return NormBound(scaling, lambda s: s.largest / factor, steps * (1 if is_positive else 2))
