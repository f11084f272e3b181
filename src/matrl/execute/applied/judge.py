"""Judging f(A) as an operator: the sketch of the guard, without f(A).

The residuals of :mod:`matrl.execute.residuals` are products of values with vectors, so the sketch
is the same: three powers, four vectors, the same measures and inequalities, in float64 around an
operator in the plan's dtype. What differs:

- Roots and positive powers eigenvalue by eigenvalue are judged by I minus a word in X and A^-1, by
  a Cholesky factorisation of A, instead of a word in X^-1 and A: X has no factor here. That X is
  positive definite is then not proved, as it is not for inverse roots: of flips of signs only those
  show that make a Rayleigh quotient of eight vectors negative, or Ritz values, or the residual.
- The Frobenius norm of a value is estimated by these vectors. In the Frobenius measure the rate of
  false alarms is therefore not the one the guard states; an alarm costs the time of a run.
- That values are Hermitian is not asked by itself: no factorisation reads one triangle of them.
- f(A) B is compared with the operator once more, on a combination of the columns of B in random
  signs: what was computed for B is of the operator that was judged.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.execute.applied.operator import Operator, OperatorBackend
from matrl.execute.cases import case_of
from matrl.execute.guard import REFUSED, Verdict, check_sketch
from matrl.execute.prepare import Prepared
from matrl.execute.residuals import Case
from matrl.execute.residuals.check import Block, column_norms, frobenius_norms
from matrl.execute.residuals.powers import word_exponents
from matrl.functions import FUNCTIONS

__all__ = ["agrees", "guard_columns", "judge_operators", "probed"]

PROBES = 8
_AGREEMENT = 3.0
_SKETCH = 12
"""Products with vectors for each factor of a word: three powers of four vectors."""


def guard_columns(function: MatrixFunction) -> int:
    """Return with how many vectors, about, the sketch multiplies each output.

    >>> guard_columns(FUNCTIONS.get("invsqrt")), guard_columns(FUNCTIONS.get("polar"))
    (33, 45)
    """
    if function.carries == "x":
        # X* X three times, X and X X* once, and H, in one way or the other.
        return 2 * _SKETCH + 3 * 4 + 1 + PROBES + (4 if function.factor else 0)
    return _SKETCH * function.root_index + 1 + PROBES


def _random_block(n: int, dtype: Any) -> Block:
    """Return standard Gaussian vectors, not those of the sketch."""
    random = np.random.default_rng(n + 1)
    block = random.standard_normal((n, PROBES))
    if np.dtype(dtype).kind == "c":
        block = (block + 1j * random.standard_normal((n, PROBES))) / math.sqrt(2.0)
    return block.astype(dtype)


def probed(operator: Operator) -> Operator:
    """Return the operator with an estimate of its Frobenius norm, and its least Rayleigh quotient.

    The norm is right in the mean square, 25 % off at rank one.
    """
    block = _random_block(operator.shape[1], operator.dtype)
    image = operator.times(block)
    norm = float(frobenius_norms(image)) / math.sqrt(PROBES)
    if image.shape != block.shape:
        return replace(operator, frobenius_norm=norm)
    quotients = np.einsum("ij,ij->j", block.conj(), image).real / column_norms(block) ** 2
    return replace(operator, frobenius_norm=norm, least_quotient=float(quotients.min()))


def agrees(
    operator: Operator, block: Block, value: Block, tol: float, *, adjoint: bool = False
) -> bool:
    """Return whether ``value`` is the operator (or its adjoint) times ``block`` to the tolerance.

    Columns are compared in units of ||F||_F and their lengths, all at once: an error of one column
    beyond 3 s^(1/2) tol (and rounding in the dtype of the value) is found.
    """
    lengths = column_norms(block.astype(operator.dtype))
    signs = np.random.default_rng(block.shape[1]).choice([-1.0, 1.0], len(lengths))
    weights = np.where(lengths > 0.0, signs / np.where(lengths > 0.0, lengths, 1.0), 0.0)[:, None]
    times = operator.adjoint_times if adjoint else operator.times
    difference = times(block @ weights.astype(operator.dtype)) - value @ weights
    rounding = 8.0 * math.sqrt(len(block)) * float(np.finfo(value.dtype).eps)
    allowed = (_AGREEMENT * tol + rounding) * operator.frobenius_norm * math.sqrt(len(lengths))
    return float(frobenius_norms(difference)) <= allowed


def judge_operators(
    plan: PlanRecord,
    function: MatrixFunction,
    prepared: Prepared,
    operators: tuple[Operator, ...],
    backend: Backend,
) -> Verdict:
    """Return the verdict of the sketch on operators as the outputs of f(prepared.a)."""
    values = tuple(operator.as_matrix for operator in operators)
    reading = OperatorBackend(backend).backend
    case = case_of(plan, function, prepared.a, values, prepared.size, prepared.exponent, reading)
    verdicts = [
        _judged(part, operator) for part, operator in zip(_parts(case), operators, strict=False)
    ]
    bounds = [verdict.residual_bound for verdict in verdicts]
    return Verdict(
        all(verdict.passed for verdict in verdicts),
        max(verdict.residual for verdict in verdicts),
        None if None in bounds else max(bounds),
    )


def _parts(case: Case) -> list[Case]:
    if case.function.carries != "yz":
        return [case]
    return [
        replace(case, function=FUNCTIONS.get(name), values=(value,))
        for name, value in zip(case.function.outputs, case.values, strict=True)
    ]


def _judged(case: Case, operator: Operator) -> Verdict:
    # Also where it is no number.
    if case.function.carries != "x" and not operator.least_quotient > 0.0:
        return REFUSED
    if case.function.carries == "y" and case.norm == "eigenvalue":
        turned = _of_the_inverse(case)
        return REFUSED if turned is None else check_sketch(turned)
    return check_sketch(case)


def _of_the_inverse(case: Case) -> Case | None:
    """Return the case of A^(q/p) as that of B^(-q/p), B = A^-1; ``None`` unless A > 0."""
    p, q = word_exponents(case.function)
    solve = case.inverse_of(case.a)
    if solve is None:
        return None
    inverse = Operator(case.a.shape, case.dtype, solve, solve)
    function = replace(case.function, carries="z", multiplicity=q, exponent=-q / p)
    return replace(case, function=function, a=inverse.as_matrix)
