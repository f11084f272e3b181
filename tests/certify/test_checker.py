"""The checker proves what is true and refutes what is false, by extremes known in closed form."""

import copy
import hashlib
import json
import math
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.certify import certify_statistically
from matrl.certify.checker import Finding, check_certificate

NEWTON_SCHULZ = ("series-3", (1.5, -0.5))
QUINTIC = ("series-5", (1.875, -1.25, 0.375))


def down(value: Fraction | float) -> float:
    """Return the float64 next below: what a proof of a lower end may be rounded to."""
    return math.nextafter(float(value), -math.inf)


def up(value: Fraction | float) -> float:
    return math.nextafter(float(value), math.inf)


def plan_of(function: str, *steps: tuple[str, tuple[float, ...]], **scaling: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "matrl-plan",
        "function": function,
        "scaling": {"kind": "constant", "factor": 1.0, "steps": 0, **scaling},
        "dtype": "float64",
        "norm": "eigenvalue",
        "tol": 1e-3,
        "steps": [
            {
                "name": name,
                "form": "coupled",
                "precision": "float64",
                "coefficients": list(coefficients),
                "product": "mirrored",
                "error": 0.25,
            }
            for name, coefficients in steps
        ],
    }


def hash_of(plan: dict[str, Any]) -> str:
    essence = {
        **{name: plan[name] for name in ("function", "dtype", "norm")},
        "tol": float(plan["tol"]),
        "scaling": plan["scaling"],
        "steps": [{k: v for k, v in step.items() if k != "error"} for step in plan["steps"]],
    }
    return hashlib.sha256(
        json.dumps(essence, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def certificate_of(
    plan: dict[str, Any],
    domain: list[list[float]],
    ranges: list[list[list[float]]],
    bound: float,
    norm: str = "eigenvalue",
    safety: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "matrl-certificate",
        "plan_id": "0123456789ab",
        "schedule_hash": hash_of(plan),
        "versions": {},
        "worst_case": {
            "claim": "",
            "bound": bound,
            "norm": norm,
            "domain": domain,
            "relative": plan["scaling"]["kind"] != "constant",
            "method": "",
            "ranges": ranges,
            "safety": safety,
        },
        "rounding": None,
        "statistical": None,
    }


def found(plan: Any, certificate: Any) -> dict[str, Finding]:
    return {one.statement: one for one in check_certificate(plan, certificate)}


def status(plan: Any, certificate: Any, statement: str = "worst_case") -> str:
    return found(plan, certificate)[statement].status


def quintic(x: Fraction) -> Fraction:
    return x * (15 - 10 * x**2 + 3 * x**4) / 8


def two_steps(first: Any = NEWTON_SCHULZ, second: Any = QUINTIC) -> tuple[Any, Any]:
    """Return Newton-Schulz, then its next order, for invsqrt on [1/4, 1], where both increase."""
    plan = plan_of("invsqrt", first, second)
    last = down(quintic(Fraction(11, 16)))
    ranges = [[[0.5, 1.0]], [[0.6875, 1.0]], [[last, 1.0]]]
    return plan, certificate_of(plan, [[0.25, 1.0]], ranges, up(1 - Fraction(last)))


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


def statistical(count: int = 500, failures: int = 3, confidence: float = 0.99) -> dict[str, Any]:
    errors = [0.5] * (count - failures) + [2.0] * failures
    said = certify_statistically(
        errors, tol=1.0, norm="spectral", plan_id="0123456789ab", confidence=confidence
    )
    return said.to_dict()


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


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**400, -1, 0, 1e308, 5e-324, "power-0/1", "minimax-999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys: Any = ()
    if isinstance(document, dict):
        keys = document
    elif isinstance(document, list):
        keys = range(len(document))
    return [path] * bool(path) + [p for key in keys for p in places(document[key], (*path, key))]


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_documents_changed_anywhere_raise_nothing(data):
    plan, certificate = copy.deepcopy(FULL)
    both = {"plan": plan, "certificate": certificate}
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(both)))
        holder: Any = both
        for key in path[:-1]:
            holder = holder[key]
        if len(path) > 1 and data.draw(st.booleans()):
            del holder[path[-1]]
        else:
            holder[path[-1]] = data.draw(JSON)
    findings = check_certificate(both["plan"], both["certificate"])
    assert findings[0].statement == "schedule"
    for finding in findings:
        assert finding.status in ("verified", "refuted", "not checked")
        assert finding.message
        assert len(finding.message) < 300


def _full() -> tuple[Any, Any]:
    plan, certificate = two_steps()
    safety = {"upper": 1.2, "largest": 1.04, "allowed": 1.05, "holds": True}
    certificate["worst_case"]["safety"] = safety
    certificate["statistical"] = statistical()
    certificate["rounding"] = {}
    return plan, certificate


FULL = _full()


def test_the_document_that_is_changed_was_verified():
    statuses = [one.status for one in check_certificate(*FULL)]
    assert statuses == ["verified", "verified", "not checked", "verified"]


@pytest.mark.parametrize(
    ("which", "path", "value", "sentence"),
    [
        ("plan", ("function",), "cosine", "no function that is known"),
        ("plan", ("function",), "root-65", "no function that is known"),
        ("plan", ("steps",), [], "has no steps"),
        ("plan", ("steps", 0, "name"), "secant", "no step that is known"),
        ("plan", ("steps", 0, "name"), "series-5", "does not exist for k = 2"),
        ("plan", ("steps", 0, "coefficients"), [1.0] * 101, "has 101 items"),
        ("plan", ("steps",), [{}] * 65, "has 65 items"),
        ("certificate", ("worst_case", "ranges", 0), [[0.5, 1.0]] * 1001, "has 1001 items"),
        ("certificate", ("worst_case", "ranges"), [], "not as many ranges"),
        ("certificate", ("worst_case", "domain"), [], "has no intervals"),
        ("certificate", ("worst_case", "domain"), [[1.0, 0.25]], "lower <= upper"),
        ("certificate", ("worst_case", "bound"), math.nan, "the bound is not a finite number"),
        ("certificate", ("worst_case", "bound"), True, "the bound is no number"),
        ("certificate", ("worst_case", "bound"), 10**400, "the bound is not a finite number"),
        ("certificate", ("worst_case", "norm"), "trace", "there is no measure 'trace'"),
    ],
)
def test_malformed_documents_say_what_is_wrong(which, path, value, sentence):
    plan, certificate = copy.deepcopy(FULL)
    holder: Any = plan if which == "plan" else certificate
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "refuted"
    assert sentence in finding.message


@pytest.mark.parametrize("document", [None, [], "", 3, {}, {"kind": "matrl-certificate"}])
def test_what_is_no_certificate_is_refuted(document):
    (finding,) = check_certificate(two_steps()[0], document)
    assert (finding.statement, finding.status) == ("schedule", "refuted")
    assert status(document, two_steps()[1], "schedule") == "refuted"


def test_work_without_end_is_given_up():
    # As many steps, coefficients and intervals as are read, all of them barely held.
    grid = [[0.5 + i / 4000, 0.5 + (i + 0.5) / 4000] for i in range(1000)]
    plan = plan_of("inv", *[("series-100", (1.0, *[0.0] * 99))] * 64)
    certificate = certificate_of(plan, grid, [grid] * 65, 0.5)
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "not checked"
    assert "more work than a check may" in finding.message
    plan["steps"] = plan["steps"][:5]
    for step in plan["steps"]:
        step.update(name="series-6", coefficients=[1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    certificate["worst_case"]["ranges"] = [grid] * 6
    assert status(plan, certificate) == "verified"


def test_numbers_of_very_different_size_are_given_up():
    plan = plan_of("inv", ("series-2", (2.0, -1.0)))
    certificate = certificate_of(plan, [[0.5, 1.0]], [[[0.5, 1.0]], [[5e-324, 1e308]]], 1e308)
    assert status(plan, certificate) == "verified"
    plan = plan_of("root-64", ("series-65", (65 / 64, -1 / 64)))
    certificate = certificate_of(plan, [[0.5, 1.0]], [[[0.5, 1.0]], [[1e-300, 2.0]]], 10.0)
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "not checked"
    assert "differ too much" in finding.message


def test_the_checker_loads_nothing_but_the_standard_library():
    code = """
import sys, types
for name in ("matrl", "matrl.certify"):
    package = types.ModuleType(name)
    package.__path__ = [path + "/" + name.replace(".", "/") for path in sys.path]
    sys.modules[name] = package
before = set(sys.modules)
import matrl.certify.checker
loaded = {name for name in set(sys.modules) - before if not name.startswith("matrl.certify.chec")}
print(sorted(name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
