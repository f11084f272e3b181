"""What rounding adds to the error of a plan, by a bound that is proved to first order.

A schedule is read as one program, for all matrices with eigenvalues at nodes that cover the domain,
the ends among them. Each local error is bounded where it arises
(:mod:`matrl.certify.rounded.sizes`) and followed to the result pair by pair
(:mod:`matrl.certify.rounded.factors`). No eigenvectors and no density of the spectrum are assumed:
both bounds are for the worst of them.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from matrl.certify.arguments import checked_count, checked_fraction
from matrl.certify.rounded.levels import Level, RoundedValue
from matrl.certify.rounded.nodes import Nodes, spectrum_nodes
from matrl.certify.rounded.reading import RoundingReading, hermitian_part
from matrl.core.folding import fold
from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.core.plan import PlanRecord
from matrl.core.program import Program, evaluate
from matrl.core.scaling import scalable
from matrl.functions import FUNCTIONS
from matrl.iterations.schedule import check_schedule, trace_schedule

__all__ = ["CholeskyStatement", "RoundingStatement", "certify_rounding"]

NODES = 160
LARGEST = 0.1
"""A bound that is larger is not given: local errors are those of nearly exact operands."""
SOURCES = (
    "first order in the unit roundoff, at nodes of the domain; Frobenius norm. Deterministic: "
    "Higham 2002, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1, 3.6, 10.1 "
    "(theorems 10.3, 10.7), 14.2 and lemma 19.3. Probabilistic: independent roundings of mean zero "
    "(Higham & Mary 2019, doi:10.1137/18M1226312), all entries of a product summed in one order, "
    "inequalities of Talagrand (Boucheron, Lugosi & Massart 2013, theorem 6.10) and McDiarmid "
    "(doi:10.1017/CBO9781107359949.008). Assumed: eigen- and singular value decompositions and "
    "inverses of triangles as in matrl.certify.rounded.sizes; no underflow but in half "
    "precisions; no Strassen-like products"
)


@dataclass(frozen=True)
class CholeskyStatement:
    """Whether one Cholesky factorisation of a plan can break down, in the domain.

    ``index`` counts the inverses of the program from 0, ``dtype`` is that of the factorisation.
    ``margin`` is a lower bound on the least eigenvalue of the computed operand over the level from
    which success is sure (Higham 2002, theorem 10.7), by deterministic bounds on the errors so far;
    ``guaranteed`` that it exceeds 1. ``probable_margin`` and ``probable`` are the same by
    probabilistic bounds.
    """

    index: int
    dtype: str
    guaranteed: bool
    margin: float
    probable: bool
    probable_margin: float

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-ready data."""
        return dict(vars(self))


@dataclass(frozen=True)
class RoundingStatement:
    """Bounds of ||F_computed - F_exact||_F, as the measure ``norm`` counts, for one order n.

    F_exact is what the steps give in exact arithmetic. ``deterministic`` holds for all roundings;
    ``probabilistic`` with probability 1 - ``failure_probability`` at least where roundings are
    independent, of mean zero and at most u. The measures' 2-norms are no greater than the Frobenius
    norm. Both are of first ``order`` in u, with a bound of products of errors added; ``None`` where
    that exceeds 0.1 or an operand may lose its definiteness, as ``reasons`` say. The norm of a sum
    of roundings exceeds its root mean square by a factor 1 + ``lambda_`` at most, and by less for
    large n.
    """

    norm: Norm
    n: int
    deterministic: float | None
    probabilistic: float | None
    failure_probability: float
    lambda_: float
    cholesky: tuple[CholeskyStatement, ...]
    reasons: tuple[str, ...] = ()
    order: str = "first"
    sources: str = SOURCES

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-ready data; ``bound`` is the deterministic one."""
        return {
            "norm": self.norm,
            "n": self.n,
            "bound": self.deterministic,
            "probabilistic": self.probabilistic,
            "failure_probability": self.failure_probability,
            "lambda": self.lambda_,
            "order": self.order,
            "cholesky": [one.to_dict() for one in self.cholesky],
            "reasons": list(self.reasons),
            "sources": self.sources,
        }


def certify_rounding(
    plan: PlanRecord,
    n: int | None = None,
    failure_probability: float = 1e-6,
    *,
    nodes: int = NODES,
) -> RoundingStatement:
    """Return bounds of the rounding error of ``plan`` for all matrices of its domain, of order n.

    ``n`` is by default that of the plan; of m x n matrices m grows in proportion. ``nodes`` is the
    greatest number of eigenvalues of either sign that stand for the domain; for those between, the
    bounds are raised by 2 %, or by a fifth where values oscillate more often than there are nodes.

    The error is that of the schedule on the scaled matrix. In the measures ``spectral`` and
    ``frobenius`` it is relative to the norm of f for the largest |f| of the domain and for
    eigenvalues uniform in log a, as in :class:`~matrl.core.measure.Measure`; in ``residual`` it is
    what rounding adds to the residual. An eigenvalue 0 of the domain is taken for 1e-12 of its
    least positive one, and a lower end 0 for what the measure can notice.

    Raises :class:`~matrl.errors.InputError` for numbers or steps that make no sense. Source: Higham
    & Mary 2019, doi:10.1137/18M1226312; Higham, *Functions of Matrices*, SIAM 2008, section 4.9.

    >>> from matrl.core.plan import Domain, Prediction, Scaling, StepRecord
    >>> domain, steps = (
    ...     Domain(1e-2, 1.0, False, True),
    ...     (StepRecord("cholesky", "direct", "float64"),),
    ... )
    >>> plan = PlanRecord(
    ...     "inv",
    ...     "float64",
    ...     (100, 100),
    ...     1e-8,
    ...     "eigenvalue",
    ...     domain,
    ...     Scaling("constant"),
    ...     steps,
    ...     Prediction(0.0, 0.0, 0.0, ""),
    ... )
    >>> statement = certify_rounding(plan)
    >>> print(f"{statement.deterministic:.1e} {statement.probabilistic:.1e}")
    3.1e-10 5.9e-12
    >>> statement.cholesky[0].guaranteed
    True
    """
    function = FUNCTIONS.get(plan.function)
    check_schedule(function, plan.steps)
    rows, columns = max(plan.shape), min(plan.shape)
    order = columns if n is None else checked_count("n", n, 1)
    nodes = checked_count("nodes", nodes, 4)
    probability = checked_fraction("failure_probability", failure_probability)
    program = scalable(fold(trace_schedule(function, plan.steps, plan.dtype)))
    # At most two levels are asked for at each operation, and one for each output.
    statements = 2 * len(program.operations) + 2 * len(program.outputs)
    lambda_ = math.sqrt(2.0 * math.log(statements / probability))
    reading = RoundingReading(order, max(order, order * rows // columns), lambda_)
    chosen = spectrum_nodes(plan, function, program, nodes)
    totals = [one.totals for one in _levels(plan, function, reading, program, chosen)]
    deterministic, why = _stated(chosen.between * max(t[0] for t in totals), "deterministic")
    probabilistic, why_not = _stated(chosen.between * max(t[1] for t in totals), "probabilistic")
    reasons = [reason for reason in (why, why_not) if reason]
    if reading.overflowed:
        deterministic = probabilistic = None
        reasons = ["entries may overflow a half precision"]
    return RoundingStatement(
        plan.norm,
        order,
        deterministic,
        probabilistic,
        probability,
        lambda_,
        tuple(
            CholeskyStatement(
                index,
                pivots.dtype,
                pivots.margins[0] > 1.0,
                pivots.margins[0],
                pivots.margins[1] > 1.0,
                pivots.margins[1],
            )
            for index, pivots in enumerate(reading.cholesky)
        ),
        tuple(reasons),
    )


def _stated(bound: float, which: str) -> tuple[float | None, str]:
    """Return the bound, or ``None`` and why it says nothing."""
    if not math.isfinite(bound):
        return None, f"{which}: an operand may lose its definiteness to rounding, or gamma_n >= 1"
    if bound > LARGEST:
        return None, f"{which}: the bound is {bound:.2g}, too large for an analysis of first order"
    return bound, ""


def _levels(
    plan: PlanRecord,
    function: MatrixFunction,
    reading: RoundingReading,
    program: Program,
    nodes: Nodes,
) -> list[Level]:
    """Return the level of each output in the measure."""
    scaled = plan.scaling.kind != "constant"
    tall = function.structure == "rectangular"
    source = reading.input(nodes.values, plan.dtype, tall=tall, scaled=scaled)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        values = evaluate(program, reading, {"A": source})
        if scaled:
            values = tuple(map(reading.rescaled, values))
        a = np.maximum(np.abs(nodes.values), nodes.least)
        weigh = _residual if plan.norm == "residual" else _relative
        return [
            weigh(plan, function, reading, value, a, index) for index, value in enumerate(values)
        ]


def _relative(
    plan: PlanRecord,
    function: MatrixFunction,
    reading: RoundingReading,
    value: RoundedValue,
    a: np.ndarray,
    index: int,
) -> Level:
    """Return the level relative to f: pair by pair, or to its norm."""
    f = a ** function.exponents[index]
    if plan.norm == "eigenvalue" and function.carries != "x":
        return reading.level(value, 1.0 / np.sqrt(np.outer(f, f)))
    size = float(f.max())
    if plan.norm == "frobenius":
        even = np.geomspace(float(a.min()), float(a.max()), 256) ** function.exponents[index]
        size = math.sqrt(reading.n * float(np.mean(even * even)))
    return reading.level(value, np.full((len(a), len(a)), 1.0 / size))


def _residual(
    plan: PlanRecord,
    function: MatrixFunction,
    reading: RoundingReading,
    value: RoundedValue,
    a: np.ndarray,
    index: int,
) -> Level:
    """Return the level of what rounding adds to the residual, to first order."""
    if function.carries == "x" and index == 1:
        # The error of H and that of (U* A + A* U)/2, of which U's is a part.
        return reading.level(value, np.full((len(a), len(a)), 2.0 / float(a.max())))
    if function.carries == "x" and function.structure == "rectangular":
        errors = {s: one.times(2.0, 1.0) for s, one in hermitian_part(value.errors).items()}
        inside = {s: type(one)(one.direct, one.crossed) for s, one in errors.items()}
        return reading.level(RoundedValue(value.values, value.dtype, inside))
    if function.carries == "x":
        sign = value.values
        return reading.level(value, np.abs(np.sign(sign)[:, None] + np.sign(sign)))
    # X^k for the k-th root X = A^s: sum_l X^l E X^(k-1-l), over X^k or its norm.
    f, k = a ** function.exponents[index], function.root_index
    words = sum(np.outer(f**power, f ** (k - 1 - power)) for power in range(k))
    whole = f[:, None] ** k if function.exponents[index] < 0.0 else (f**k).max()
    return reading.level(value, words / whole)
