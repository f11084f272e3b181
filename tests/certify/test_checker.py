"""The checker proves what is true and refutes what is false, by extremes known in closed form."""

import math
from fractions import Fraction

import pytest
from tests.certify.certificates import (
    NEWTON_SCHULZ,
    QUINTIC,
    certificate_of,
    down,
    found,
    hash_of,
    plan_of,
    status,
    two_steps,
    up,
)

from matrl.certify.checker import check_certificate


def test_two_steps_with_known_ranges_are_verified():
    plan, certificate = two_steps()
    findings = check_certificate(plan, certificate)
    assert [(one.statement, one.status) for one in findings] == [
        ("schedule", "verified"),
        ("worst_case", "verified"),
    ]
    assert all(one.ok for one in findings)
    assert "at most 0.0" in findings[1].message
    assert "from 0.25 to 1.0" in findings[1].message


def test_a_bound_too_small_is_refuted():
    plan, certificate = two_steps()
    certificate["worst_case"]["bound"] *= 1 - 1e-9
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "refuted"
    assert "above the bound" in finding.message


@pytest.mark.parametrize(("step", "place"), [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)])
def test_a_coefficient_changed_is_refuted(step, place):
    plan, certificate = two_steps()
    plan["steps"][step]["coefficients"][place] *= 1 + 1e-3
    findings = found(plan, certificate)
    assert findings["schedule"].message.startswith("the plan is not the one that was certified")
    assert findings["schedule"].status == findings["worst_case"].status == "refuted"
    certificate["schedule_hash"] = hash_of(plan)
    findings = found(plan, certificate)
    assert findings["schedule"].ok
    assert findings["worst_case"].status == "refuted"
    assert f"step {step + 1} (series-" in findings["worst_case"].message


@pytest.mark.parametrize("domain", [[[0.2475, 1.0]], [[0.25, 1.01]], [[0.2, 0.21], [0.25, 1.0]]])
def test_a_domain_widened_is_refuted(domain):
    plan, certificate = two_steps()
    certificate["worst_case"]["domain"] = domain
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "refuted"
    assert finding.message.endswith("is not within the first ranges")


def test_steps_in_another_order_are_refuted():
    plan, _ = two_steps(QUINTIC, NEWTON_SCHULZ)
    _, certificate = two_steps()
    assert status(plan, certificate, "schedule") == "refuted"
    certificate["schedule_hash"] = hash_of(plan)
    assert status(plan, certificate) == "refuted"


@pytest.mark.parametrize(("step", "end"), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_a_range_too_narrow_is_refuted(step, end):
    plan, certificate = two_steps()
    certificate["worst_case"]["ranges"][step][0][end] *= (1 + 1e-12) if end == 0 else (1 - 1e-12)
    assert status(plan, certificate) == "refuted"


def test_a_maximum_inside_is_found_to_the_last_digit():
    # h = (3/2) x - x^3/4 has h' = 0 at x = sqrt(2), where it is sqrt(2) too.
    plan = plan_of("polar", ("fitted-3", (1.5, -0.25)))
    top = math.sqrt(2.0)
    exact = Fraction(top) if Fraction(top) ** 2 >= 2 else Fraction(up(top))
    for high, said in ((float(exact), "verified"), (down(exact), "refuted")):
        ranges = [[[1.0, 2.0]], [[1.0, high]]]
        certificate = certificate_of(plan, [[1.0, 2.0]], ranges, 0.5, "spectral")
        assert status(plan, certificate) == said
    ranges = [[[1.0, 2.0]], [[up(1.0), float(exact)]]]
    assert status(plan, certificate_of(plan, [[1.0, 2.0]], ranges, 0.5)) == "refuted"


@pytest.mark.parametrize(
    ("name", "coefficients"),
    [
        ("newton", (1.0, 1.0)),
        ("newton-norm", (1, 1)),
        ("newton-repair", ()),
        ("zolotarev-even-2", (0.5, 0.25, 0.0, 0.25, 0.0)),
        ("pade-0/1", (0.5, 0.5, 0.0)),
    ],
)
def test_newton_in_its_disguises(name, coefficients):
    # (x + 1/x)/2 on [1/2, 2] is within [1, 5/4]; the minimum 1 is taken inside.
    plan = plan_of("sign", (name, coefficients))
    right = certificate_of(plan, [[0.5, 2.0]], [[[0.5, 2.0]], [[down(1.0), 1.25]]], 0.25)
    assert status(plan, right) == "verified"
    for wrong in ([1 + 1e-12, 1.25], [down(1.0), 1.25 - 1e-12]):
        right["worst_case"]["ranges"][1] = [wrong]
        assert status(plan, right) == "refuted"


def test_a_maximum_of_exactly_one_is_held_by_one():
    # All of these are flat at 1, inside the range or at its end, and nowhere above 1.
    for name, coefficients in (NEWTON_SCHULZ, ("series-7", (35 / 16, -35 / 16, 21 / 16, -5 / 16))):
        for top in (1.0, 1.125):
            plan = plan_of("polar", (name, coefficients))
            certificate = certificate_of(plan, [[0.5, top]], [[[0.5, top]], [[0.5, 1.0]]], 0.5)
            assert status(plan, certificate) == "verified", (name, top)
            certificate["worst_case"]["ranges"][1][0][1] = down(1.0)
            assert status(plan, certificate) == "refuted"


def test_a_scaled_and_centred_newton_step():
    # mu = 2 and centre = 1/2 on [1/4, 1]: (2 x + 1/(2 x))/4, from 1/2 at 1/2 to 5/8 at both ends.
    plan = plan_of("polar", ("newton", (2.0, 0.5)))
    ranges = [[[0.25, 1.0]], [[down(0.5), 0.625]]]
    certificate = certificate_of(plan, [[0.25, 1.0]], ranges, up(0.5), "frobenius")
    assert status(plan, certificate) == "verified"
    plan["steps"][0]["coefficients"] = [2.0, 0.5005]
    certificate["schedule_hash"] = hash_of(plan)
    assert status(plan, certificate) == "refuted"


def test_halley_is_flat_to_second_order_at_one():
    # p = (3 + m)/(1 + 3 m) = 1/3 + (8/9)/(m + 1/3); with stored 1/3 and 8/9 the rest is rounding.
    plan = plan_of("polar", ("halley", (1 / 3, 8 / 9, 1 / 3)))
    low = Fraction(1, 2) * Fraction(13, 7) * (1 - Fraction(1, 10**15))
    high = Fraction(2) * Fraction(7, 13) * (1 + Fraction(1, 10**15))
    certificate = certificate_of(
        plan, [[0.5, 2.0]], [[[0.5, 2.0]], [[float(low), float(high)]]], 0.1
    )
    assert status(plan, certificate) == "verified"


def test_a_third_root_and_a_cubed_residual():
    # p = (4 - m)/3: x0 in [1/2, 1] for a in [1/8, 1], and h(1/2) = 31/48.
    coefficients = (4 / 3, -1 / 3)
    low = Fraction(1, 2) * (Fraction(4 / 3) - Fraction(1 / 3) / 8)
    ranges = [[[0.5, 1.0]], [[down(low), up(1.0)]]]
    for function, norm, power in (
        ("root-3", "eigenvalue", 2),
        ("invroot-3", "eigenvalue", 1),
        ("invroot-3", "residual", 3),
        ("power--2/3", "residual", 6),
        ("power-2/3", "frobenius", 1),
    ):
        plan = plan_of(function, ("series-4", coefficients))
        bound = up(1 - Fraction(ranges[1][0][0]) ** power)
        certificate = certificate_of(plan, [[0.125, 1.0]], ranges, bound, norm)
        assert status(plan, certificate) == "verified"
        certificate["worst_case"]["bound"] = bound * (1 - 1e-9)
        assert status(plan, certificate) == "refuted"


def test_the_scaling_of_the_plan_counts():
    plan = plan_of("invsqrt", NEWTON_SCHULZ, factor=0.25)
    certificate = certificate_of(plan, [[1.0, 4.0]], [[[0.5, 1.0]], [[0.6875, 1.0]]], 0.3125)
    assert status(plan, certificate) == "verified"
    plan["scaling"]["factor"] = 0.5
    certificate["schedule_hash"] = hash_of(plan)
    assert status(plan, certificate) == "refuted"
    plan = plan_of("invsqrt", NEWTON_SCHULZ, kind="frobenius", factor=0.5)
    certificate = certificate_of(plan, [[0.25, 1.0]], [[[0.5, 1.0]], [[0.6875, 1.0]]], 0.3125)
    assert status(plan, certificate) == "verified"
    certificate["worst_case"]["relative"] = False
    assert "relative" in found(plan, certificate)["worst_case"].message


def test_clusters_go_each_into_a_range_of_its_own():
    plan = plan_of("inv", ("series-2", (2.0, -1.0)))  # 2 x - x^2
    domain = [[0.5, 0.625], [1.0, 1.0], [1.25, 1.5]]
    images = [[0.75, 0.859375], [0.9375, 1.0], [0.75, 0.9375]]
    certificate = certificate_of(plan, domain, [domain, [[0.75, 0.9375], [1.0, 1.0]]], 0.25)
    assert status(plan, certificate) == "verified"
    certificate["worst_case"]["ranges"][1] = images  # unsorted and overlapping, they hold as well
    assert status(plan, certificate) == "verified"
    certificate["worst_case"]["ranges"][1] = [[0.75, 0.9], [0.91, 1.0]]
    assert status(plan, certificate) == "refuted"


def test_a_weighted_error_is_bounded_over_the_domain():
    # Of sqrt on [0, 1], spectral: x (1 - h(x)) with h = (3 x - x^3)/2, whose largest value on
    # [0, 1] is where 1 - 3 x + 2 x^3 = 0, that is at x = (sqrt(3) - 1)/2.
    plan = plan_of("sqrt", NEWTON_SCHULZ)
    x = (math.sqrt(3.0) - 1.0) / 2.0
    bound = x * (1.0 - 1.5 * x + 0.5 * x**3)
    for said, factor in (("verified", 1 + 1e-14), ("refuted", 1 - 1e-9)):
        certificate = certificate_of(plan, [[0.0, 1.0]], [], bound * factor, "spectral")
        assert status(plan, certificate) == said
    # Of its inverse on [1/4, 1] the least eigenvalue weighs 1, and errs most.
    plan = plan_of("sqrt+invsqrt", NEWTON_SCHULZ)
    for said, bound in (("verified", 0.3125), ("refuted", 0.3125 - 1e-9)):
        certificate = certificate_of(plan, [[0.25, 1.0]], [], bound, "spectral")
        assert status(plan, certificate) == said
    # The residual of the root, m (1 - h^2) with h^2 = m (3 - m)^2/4, is largest where
    # (m - 1)(2 m^2 - 7 m + 2) = 0.
    plan = plan_of("sqrt", NEWTON_SCHULZ)
    m = (7.0 - math.sqrt(33.0)) / 4.0
    bound = m * (1.0 - m * (3.0 - m) ** 2 / 4.0)
    for said, factor in (("verified", 1 + 1e-14), ("refuted", 1 - 1e-9)):
        certificate = certificate_of(plan, [[0.25, 1.0]], [], bound * factor, "residual")
        assert status(plan, certificate) == said


def test_zero_is_refused_where_the_function_has_no_value():
    plan = plan_of("invsqrt", NEWTON_SCHULZ)
    certificate = certificate_of(plan, [[0.0, 1.0]], [[[0.0, 1.0]], [[0.0, 1.0]]], 1.0)
    assert status(plan, certificate) == "refuted"
    plan = plan_of("sqrt", ("newton", (1.0, 1.0)))
    certificate = certificate_of(plan, [[0.0, 1.0]], [], 1.0, "spectral")
    assert "has a pole" in found(plan, certificate)["worst_case"].message


def test_a_pole_inside_a_range_is_refuted():
    plan = plan_of("sign", ("halley", (1.0, 1.0, -1.0)))
    certificate = certificate_of(plan, [[0.5, 2.0]], [[[0.5, 2.0]], [[1e-9, 1e9]]], 1e9)
    assert "has a pole" in found(plan, certificate)["worst_case"].message


@pytest.mark.parametrize(
    ("upper", "largest", "allowed", "said"),
    [
        (1.7, up(1.0), 1.05, "verified"),
        (1.0, 1.0, 1.05, "verified"),
        (1.7, 0.999, 1.05, "refuted"),  # the maximum is 1
        (1.8, 1.04, 1.05, "refuted"),  # beyond sqrt(3) the map is negative
        (1.7, 1.06, 1.05, "refuted"),
        (-1.0, 1.0, 1.05, "refuted"),
    ],
)
def test_what_safety_says_is_checked(upper, largest, allowed, said):
    plan = plan_of("invsqrt", NEWTON_SCHULZ)
    safety = {"upper": upper, "largest": largest, "allowed": allowed, "holds": True}
    ranges = [[[0.5, 1.0]], [[0.6875, 1.0]]]
    certificate = certificate_of(plan, [[0.25, 1.0]], ranges, 0.3125, safety=safety)
    assert status(plan, certificate) == said
    safety["holds"] = False
    assert status(plan, certificate) == "verified"


def test_safety_of_a_step_with_a_pole_at_zero_starts_at_the_domain():
    plan = plan_of("sign", ("newton-repair", ()))
    safety = {"upper": 4.0, "largest": 2.125, "allowed": 3.0, "holds": True}
    ranges = [[[0.5, 2.0]], [[down(1.0), 1.25]]]
    certificate = certificate_of(plan, [[0.5, 2.0]], ranges, 0.25, safety=safety)
    assert status(plan, certificate) == "verified"
    safety["largest"] = 2.12
    assert status(plan, certificate) == "refuted"


def test_direct_methods_are_exact():
    plan = plan_of("inv", ("cholesky", ()))
    assert status(plan, certificate_of(plan, [[0.5, 1.0]], [], 0.0)) == "verified"
    assert status(plan, certificate_of(plan, [[0.5, 1.0]], [], -1e-30)) == "refuted"
    for plan in (plan_of("sqrt", ("cholesky", ())), plan_of("inv", ("eigh", ()), ("eigh", ()))):
        assert status(plan, certificate_of(plan, [[0.5, 1.0]], [], 0.0)) == "refuted"


def test_the_hash_does_not_tell_one_from_one_point_zero():
    plan, certificate = two_steps()
    plan["scaling"]["factor"] = 1
    plan["steps"][0]["error"] = 0.125
    assert status(plan, certificate, "schedule") == "verified"
    plan["scaling"]["steps"] = 1
    assert status(plan, certificate, "schedule") == "refuted"


def test_rounding_is_not_checked():
    plan, certificate = two_steps()
    certificate["rounding"] = {"bound": 1e-15}
    finding = found(plan, certificate)["rounding"]
    assert (finding.status, finding.ok) == ("not checked", False)
