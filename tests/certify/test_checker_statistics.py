"""The checker does the arithmetic of statistical statements again, exactly."""

import math

import pytest
from tests.certify.certificates import (
    statistical,
    status,
    two_steps,
)


@pytest.mark.parametrize(
    ("count", "failures", "confidence"),
    [
        (500, 0, 0.99),
        (500, 3, 0.99),
        (500, 499, 0.9),
        (500, 500, 0.9),
        (1, 0, 0.5),
        (7, 3, 0.001),
        (10**6, 12345, 0.999),
    ],
)
def test_statistical_numbers_are_exact(count, failures, confidence):
    plan, certificate = two_steps()
    certificate["statistical"] = said = statistical(count, failures, confidence)
    assert status(plan, certificate, "statistical") == "verified"
    bound = said["failure_probability"]
    said["failure_probability"] = min(1.0, bound * 1.01)  # looser, and true
    assert status(plan, certificate, "statistical") == "verified"
    said["failure_probability"] = bound * (1 - 1e-6)
    assert status(plan, certificate, "statistical") == "refuted"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan_id", "ba9876543210"),
        ("norm", "infinity"),
        ("tol", 0.0),
        ("confidence", 0.999),
        ("confidence", 1.0),
        ("count", 499),
        ("count", 10**7 + 1),
        ("failures", 4),
        ("failures", 501),
        ("failures", 0),
        ("worst_error", 0.5),
        ("failure_probability", None),
        ("failure_probability", 1.5),
        ("quantiles", [{"quantile": 0.99, "bound": 2.0, "count_needed": 458}]),
        ("quantiles", [{"quantile": 0.999, "bound": 2.0, "count_needed": 4603}]),
        ("quantiles", [{"quantile": 0.5, "bound": -1.0, "count_needed": 7}]),
        ("quantiles", [{"quantile": 0.5, "bound": math.nan, "count_needed": 7}]),
        ("quantiles", [{"quantile": 0.5, "bound": 1.0, "count_needed": 6}]),
        ("quantiles", None),
    ],
)
def test_wrong_statistical_numbers_are_refuted(name, value):
    plan, certificate = two_steps()
    certificate["statistical"] = {**statistical(), name: value}
    assert status(plan, certificate, "statistical") == "refuted"
