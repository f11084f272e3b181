"""Checking a certificate against its plan, with nothing of what made either.

This module and :mod:`matrl.certify.checking` use the standard library alone: whoever doubts a
certificate has these few files to read. They know a plan and a certificate as what their JSON says.
"""

from collections.abc import Callable
from typing import Any

from matrl.certify.checking.documents import Claim, Exhausted, Finding, Refuted
from matrl.certify.checking.schedule import check_schedule, schedule_of
from matrl.certify.checking.statistical import check_statistical
from matrl.certify.checking.worst_case import check_worst_case

__all__ = ["Finding", "check_certificate"]


def check_certificate(plan: dict[str, Any], certificate: dict[str, Any]) -> list[Finding]:
    """Return what is found of each statement of a certificate for a plan.

    Both are the documents of JSON files, which may hold anything: what is malformed is
    ``"refuted"``, what takes too much work ``"not checked"``, and nothing is raised. The first
    finding says whether it is this plan that was certified; the others are about the plan given.
    The worst case is proved anew in exact arithmetic, by intervals of integers; of a statistical
    statement the arithmetic is done again; what rounding does is not checked.

    >>> plan = {"kind": "matrl-plan", "function": "inv", "scaling": {}, "steps": []}
    >>> for finding in check_certificate(plan, {"kind": "matrl-certificate", "schema": 1}):
    ...     print(finding.statement, finding.status, finding.message)
    schedule refuted the certificate has no 'plan_id'
    """
    findings = [_found("schedule", lambda: check_schedule(plan, certificate))]
    if not isinstance(certificate, dict):
        return findings
    worst_case, statistical = certificate.get("worst_case"), certificate.get("statistical")
    if worst_case is not None:
        findings.append(
            _found("worst_case", lambda: check_worst_case(schedule_of(plan), worst_case))
        )
    if certificate.get("rounding") is not None:
        message = "what rounding does is estimated where the plan runs; it is not proved here"
        findings.append(Finding("rounding", "not checked", message))
    if statistical is not None:
        plan_id = certificate.get("plan_id")
        findings.append(_found("statistical", lambda: check_statistical(plan_id, statistical)))
    return findings


def _found(statement: Claim, check: Callable[[], str]) -> Finding:
    try:
        return Finding(statement, "verified", check())
    except Refuted as error:
        return Finding(statement, "refuted", str(error))
    except Exhausted as error:
        return Finding(statement, "not checked", str(error))
