"""Whether what is said of a plan's failures follows from how many there were."""

import math
from typing import Any

from matrl.certify.checking.documents import Refuted, items, member, number, shown, text, whole
from matrl.certify.checking.functions import NORMS

__all__ = ["at_most", "check_statistical"]

MOST_TRIALS = 10**7
MOST_QUANTILES = 100
SLACK = 1e-9
"""How much more, relatively, a probability may be than said: rounding of those that made it."""


def check_statistical(plan_id: Any, said: Any) -> str:
    """Return a sentence if the bounds follow from the counts; else :class:`Refuted`.

    That the matrices were drawn independently, and their errors what is said, cannot be seen here.
    """
    where = "the statistical statement"
    if text(member(said, "plan_id", where), "its plan_id") != plan_id:
        raise Refuted(f"{where} is of another plan than the certificate")
    if text(member(said, "norm", where), "its norm") not in NORMS:
        raise Refuted(f"there is no measure {shown(said['norm'])}")
    tol = float(number(member(said, "tol", where), "tol"))
    confidence = _fraction(member(said, "confidence", where), "the confidence")
    count = whole(member(said, "count", where), "count", 1, MOST_TRIALS)
    failures = whole(member(said, "failures", where), "failures", 0, count)
    bound = float(number(member(said, "failure_probability", where), "the failure probability"))
    if tol <= 0.0:
        raise Refuted("tol is not positive")
    _check_worst(member(said, "worst_error", where), tol, failures)
    if not 0.0 <= bound <= 1.0:
        raise Refuted("the bound on the failure probability is no probability")
    if bound < 1.0 and _exceeds(at_most(failures, count, bound), confidence):
        raise Refuted(
            f"{failures} failures of {count} do not prove a failure probability of at most "
            f"{shown(bound)} with confidence {shown(confidence)}"
        )
    listed = items(member(said, "quantiles", where), "the list of quantiles", MOST_QUANTILES)
    for entry in listed:
        _check_quantile(entry, count, confidence)
    return (
        f"{failures} failures of {count} prove a failure probability of at most {shown(bound)} "
        f"with confidence {shown(confidence)}, if the matrices were drawn independently"
    )


def at_most(failures: int, count: int, p: float) -> float:
    """Return P(Binomial(count, p) <= failures).

    Terms are added from ``failures`` away from the mean. Source of a term without cancellation:
    Loader 2000, *Fast and Accurate Computation of Binomial Probabilities*.

    >>> round(at_most(1, 10, 0.25), 12) == round(0.75**10 + 10 * 0.25 * 0.75**9, 12)
    True
    """
    if failures >= count or p <= 0.0:
        return 1.0
    if p >= 1.0:
        return 0.0
    odds = p / (1.0 - p)
    if failures < count * p:
        term = _term(failures, count, p)
        total = 0.0
        for x in range(failures, -1, -1):
            total += term
            if term <= 1e-18 * total:
                break
            term *= x / ((count - x + 1) * odds)
        return total
    term = _term(failures + 1, count, p)
    total = 0.0
    for x in range(failures + 1, count + 1):
        total += term
        if term <= 1e-18 * total:
            break
        term *= (count - x) * odds / (x + 1)
    return 1.0 - total


def _term(x: int, n: int, p: float) -> float:
    """Return P(Binomial(n, p) = x) for 0 < p < 1."""
    if x == 0:
        return math.exp(n * math.log1p(-p))
    if x == n:
        return math.exp(n * math.log(p))
    y = n - x
    logarithm = _stirling(n) - _stirling(x) - _stirling(y)
    logarithm -= _deviance(x, n * p) + _deviance(y, n * (1.0 - p))
    return math.exp(logarithm) * math.sqrt(n / (2.0 * math.pi * x * y))


def _stirling(n: int) -> float:
    """Return log n! less Stirling's formula."""
    if n < 16:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2.0 * math.pi)
    s = 1.0 / (n * n)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / n


def _deviance(x: int, mean: float) -> float:
    """Return x log(x/mean) + mean - x."""
    difference = x - mean
    if abs(difference) > 0.1 * (x + mean):
        return x * math.log(x / mean) - difference
    v = difference / (x + mean)
    total, power = difference * v, 2.0 * x * v
    for j in range(1, 40):
        power *= v * v
        total += power / (2 * j + 1)
    return total


def _exceeds(probability: float, confidence: float) -> bool:
    allowed = 1.0 - confidence
    return probability > allowed * (1.0 + SLACK) + 2.0**-52


def _fraction(value: Any, where: str) -> float:
    fraction = float(number(value, where))
    if not 0.0 < fraction < 1.0:
        raise Refuted(f"{where} is not between 0 and 1")
    return fraction


def _check_worst(value: Any, tol: float, failures: int) -> None:
    if value is None:
        if failures == 0:
            raise Refuted("the worst error is not known, though no matrix failed")
        return
    worst = float(number(value, "the worst error"))
    if worst < 0.0 or (worst > tol) != (failures > 0):
        raise Refuted("the worst error is not on the side of tol that the failures are")


def _check_quantile(entry: Any, count: int, confidence: float) -> None:
    where = "a quantile"
    quantile = _fraction(member(entry, "quantile", where), where)
    needed = whole(member(entry, "count_needed", where), "its count_needed", 1, MOST_TRIALS)
    if _exceeds(math.exp(needed * math.log(quantile)), confidence):
        raise Refuted(f"{needed} values do not bound the quantile {shown(quantile)}")
    bound = member(entry, "bound", where)
    if bound is None:
        return
    if float(number(bound, "the bound of a quantile")) < 0.0:
        raise Refuted("the bound of a quantile is negative")
    if count < needed:
        raise Refuted(f"{count} values are too few to bound the quantile {shown(quantile)}")
