"""The worst case of schedules whose numbers are at the ends of float64, or that are no good."""

import json
import time
from typing import Any

import pytest

from matrl.certify import Certificate, certify_worst_case, check_certificate, is_proved
from matrl.core.plan import Domain, Prediction, Scaling, StepRecord
from matrl.plan import Plan


def plan_of(
    function: str, *steps: tuple[str, tuple[float, ...]], domain: tuple[float, float], **facts: Any
) -> Plan:
    defaults = {
        "dtype": "float64",
        "shape": (64, 64),
        "tol": 1e-3,
        "norm": "eigenvalue",
        "scaling": Scaling("constant", 1.0),
    }
    return Plan(
        function=function,
        domain=Domain(*domain, relative=False, proved=True),
        steps=tuple(StepRecord(name, "coupled", "float64", c) for name, c in steps),
        predicted=Prediction(0.0, 0.0, 0.0, ""),
        **(defaults | facts),
    )


def status_of(plan: Plan) -> str:
    """Return what the checker says of the worst case that is written for a plan."""
    written = Certificate.of(plan, worst_case=certify_worst_case(plan, balls=False)).to_json()
    findings = check_certificate(json.loads(plan.to_json()), json.loads(written))
    return {one.statement: one.status for one in findings}["worst_case"]


@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "frobenius", "residual"])
@pytest.mark.parametrize(
    ("steps", "domain"),
    [
        pytest.param([("series-3", (1e300, 1e300))] * 3, (0.5, 1.0), id="overflows"),
        pytest.param([("series-3", (1e-3, -1.0))] * 2, (0.5, 1.0), id="is negative"),
        pytest.param([("newton", (0.0, 1.0))], (0.5, 1.0), id="divides by 0"),
    ],
)
def test_a_schedule_that_goes_astray_has_a_certificate_that_claims_nothing(
    steps: list[tuple[str, tuple[float, ...]]], domain: tuple[float, float], norm: str
) -> None:
    plan = plan_of("sqrt", *steps, domain=domain, norm=norm)
    said = certify_worst_case(plan, balls=False)
    assert said.bound is None
    assert said.ranges == ()
    assert "nothing is proved" in said.claim
    assert not is_proved(plan, 0.999)
    if steps[0][0] != "newton":  # one that divides by 0 is no step to the checker
        assert status_of(plan) == "not checked"


def test_eigenvalues_that_the_scaling_makes_infinite_are_proved_nothing_of() -> None:
    scaling = Scaling("constant", 2.0**1000)
    plan = plan_of("invsqrt", ("series-3", (1.5, -0.5)), domain=(1e100, 1e200), scaling=scaling)
    assert certify_worst_case(plan, balls=False).bound is None
    assert not is_proved(plan, 0.999)


def test_the_range_of_a_domain_with_zero_does_not_end_below_zero() -> None:
    plan = plan_of("sqrt", ("series-3", (1.5, -0.5)), domain=(0.0, 1.0), norm="frobenius")
    said = certify_worst_case(plan, balls=False)
    assert said.ranges[-1][0][0] == 0.0
    assert said.bound == pytest.approx(1.0, rel=1e-15)
    assert status_of(plan) == "verified"


@pytest.mark.parametrize("lower", [5e-324, 1e-323, 1e-315])
def test_roots_of_subnormal_numbers_are_found_soon(lower: float) -> None:
    started = time.monotonic()
    plan = plan_of("invsqrt", ("series-3", (1.5, -0.5)), domain=(lower, 1.0))
    said = certify_worst_case(plan, balls=False)
    assert time.monotonic() - started < 5.0
    root = lower**0.5
    assert said.ranges[0][0][0] == pytest.approx(root, rel=1e-15)
    assert status_of(plan) == "verified"


def test_a_safe_domain_that_leaves_eigenvalues_out_is_refuted() -> None:
    plan = plan_of("invsqrt", ("series-3", (1.5, -0.5)), domain=(0.25, 1.0), tol=0.4)
    document = Certificate.of(plan, worst_case=certify_worst_case(plan, balls=False)).to_dict()
    assert document["worst_case"]["safety"]["holds"]
    assert check_certificate(json.loads(plan.to_json()), document)[1].status == "verified"
    document["worst_case"]["safety"]["upper"] *= 0.99
    finding = check_certificate(json.loads(plan.to_json()), document)[1]
    assert finding.status == "refuted"
    assert "below the first iterate" in finding.message
