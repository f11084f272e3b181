"""What is known of a plan's error beyond the matrices it was found on: certificates."""

from matrl.certify.certificate import (
    Certificate,
    certificate_path,
    load_document,
    schedule_hash,
)
from matrl.certify.checker import Finding, check_certificate
from matrl.certify.exact.safety import SafetyStatement
from matrl.certify.exact.worst_case import WorstCaseStatement, certify_worst_case, is_proved
from matrl.certify.observed.binomial import (
    count_for_failure_bound,
    count_for_quantile_bound,
    failure_bound,
    quantile_rank,
)
from matrl.certify.observed.held_out import check_held_out, fingerprint
from matrl.certify.observed.observation import certify_held_out, errors_on
from matrl.certify.observed.statistical import StatisticalStatement, certify_statistically
from matrl.certify.rounded.rounding import (
    CholeskyStatement,
    RoundingStatement,
    certify_rounding,
)

__all__ = [
    "Certificate",
    "CholeskyStatement",
    "Finding",
    "RoundingStatement",
    "SafetyStatement",
    "StatisticalStatement",
    "WorstCaseStatement",
    "certificate_path",
    "certify_held_out",
    "certify_rounding",
    "certify_statistically",
    "certify_worst_case",
    "check_certificate",
    "check_held_out",
    "count_for_failure_bound",
    "count_for_quantile_bound",
    "errors_on",
    "failure_bound",
    "fingerprint",
    "is_proved",
    "load_document",
    "quantile_rank",
    "schedule_hash",
]
