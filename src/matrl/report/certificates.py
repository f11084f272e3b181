"""A certificate, and what became of its verification, as tables."""

from collections.abc import Sequence

from rich.console import RenderableType

from matrl.certify import (
    Certificate,
    Finding,
    RoundingStatement,
    StatisticalStatement,
    WorstCaseStatement,
)
from matrl.report.tables import facts_table

__all__ = ["certificate_report", "findings_report"]


def certificate_report(certificate: Certificate) -> RenderableType:
    """Return the statements of a certificate, each under its name."""
    facts: list[tuple[str, object]] = [("plan", certificate.plan_id)]
    if certificate.worst_case is not None:
        facts += _worst_case(certificate.worst_case)
    if certificate.rounding is not None:
        facts += _rounding(certificate.rounding)
    if certificate.statistical is not None:
        facts += _statistical(certificate.statistical)
    return facts_table(facts)


def findings_report(findings: Sequence[Finding]) -> RenderableType:
    """Return what was found of each statement."""
    return facts_table([(f"{f.statement}: {f.status}", f.message) for f in findings])


def _worst_case(said: WorstCaseStatement) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [("worst case", said.claim), ("by", said.method)]
    safety = said.safety
    if safety is not None:
        words = f"not proved: {safety.reason}"
        if safety.holds:
            words = f"at most {safety.largest:.6g} for iterates up to {safety.upper:.6g}"
        facts.append(("safety rule", words))
    return facts


def _rounding(said: RoundingStatement) -> list[tuple[str, object]]:
    where = f"at n = {said.n} in the plan's domain, in the Frobenius norm, to first order"
    facts: list[tuple[str, object]] = []
    if said.deterministic is not None:
        facts.append(("rounding", f"at most {said.deterministic:.3g} {where}"))
    if said.probabilistic is not None:
        but = f"except with probability {said.failure_probability:g} if roundings are independent"
        facts.append(
            ("rounding, probabilistic", f"at most {said.probabilistic:.3g} {where}, {but}")
        )
    facts += [("rounding: no bound", reason) for reason in said.reasons]
    for one in said.cholesky:
        word = "cannot break down" if one.guaranteed else "may break down"
        if not one.guaranteed and one.probable:
            word = "can hardly break down"
        facts.append((f"Cholesky factorisation {one.index + 1}", f"{word} in the domain"))
    return facts


def _statistical(said: StatisticalStatement) -> list[tuple[str, object]]:
    sure = f"with confidence {said.confidence:g}"
    facts: list[tuple[str, object]] = [
        (
            "statistical",
            f"P(error > {said.tol:g}) is at most {said.failure_probability:.3g} {sure}: "
            f"{said.failures} of {said.count} held-out matrices",
        )
    ]
    for quantile, bound in said.quantiles:
        known = "no bound from so few" if bound is None else f"at most {bound:.3g} {sure}"
        facts.append((f"error of {quantile:.0%} of matrices", known))
    return facts
