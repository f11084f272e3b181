"""What is known of a plan's error beyond the matrices it was found on: certificates."""

from matrl.certify.binomial import (
    count_for_failure_bound,
    count_for_quantile_bound,
    failure_bound,
    quantile_rank,
)
from matrl.certify.held_out import check_held_out, fingerprint
from matrl.certify.statistical import StatisticalStatement, certify_statistically

__all__ = [
    "StatisticalStatement",
    "certify_statistically",
    "check_held_out",
    "count_for_failure_bound",
    "count_for_quantile_bound",
    "failure_bound",
    "fingerprint",
    "quantile_rank",
]
