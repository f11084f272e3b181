"""Worst cases: known ones, against dense samples, and what planted faults do to them."""

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl import Plan, Problem, Spectrum, discover
from matrl.certify import certify_worst_case, is_proved
from matrl.core.measure import NORMS, Measure
from matrl.core.plan import Domain, PlanRecord, Prediction, Scaling, StepRecord
from matrl.errors import InputError, MissingExtraError
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.readings.scalar import apply_update

FUNCTION_NAMES = ("inv", "sqrt", "invsqrt", "sqrt+invsqrt", "root-3", "power-3/4", "sign", "polar")
NEWTON_SCHULZ = StepRecord("series-3", "zm", "float64", (1.5, -0.5))
QUINTIC = StepRecord("series-5", "zm", "float64", (1.875, -1.25, 0.375))


def plan_of(
    function="invsqrt", steps=(NEWTON_SCHULZ,), lower=0.25, upper=1.0, **more
) -> PlanRecord:
    defaults = {
        "dtype": "float64",
        "shape": (64, 64),
        "tol": 0.4,
        "norm": "eigenvalue",
        "scaling": Scaling("constant", 1.0),
        "predicted": Prediction(0.0, 0.0, 0.0, ""),
    }
    domain = Domain(lower, upper, relative=False, proved=True)
    return PlanRecord(function=function, domain=domain, steps=tuple(steps), **(defaults | more))


def sampled(plan: PlanRecord, pairs=None, count: int = 20001) -> float:
    """Return the largest error at many eigenvalues, as floating-point arithmetic sees it."""
    function = FUNCTIONS.get(plan.function)
    measure = Measure(plan.norm, function)
    pairs = pairs or [(plan.domain.lower, plan.domain.upper)]
    a = np.concatenate([np.geomspace(pair[0], pair[1], count) for pair in pairs])
    x = function.iterate(a * plan.scaling.factor)
    for step in plan.steps:
        update = UPDATES.get(step.name)
        if not isinstance(update, DirectMethod):
            x = apply_update(update, function.root_index, step.coefficients, x)
    weights = np.ones_like(a)
    if plan.norm != "frobenius":
        weights = measure.weights(a, np.full(len(a), 1.0 / len(a)))
    return float((weights * np.abs(x**measure.power - 1.0)).max())


@pytest.fixture(scope="module")
def found(make_profile):
    def found(function: str, norm: str, lower: float, tol: float, allow: str) -> Plan:
        problem = Problem(
            function, Spectrum.interval(lower, 1.0), tol=tol, shape=(64, 64), norm=cast(Any, norm)
        )
        return discover(problem, profile=make_profile(n=64), allow=allow, nodes=150).plan

    return found


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((NEWTON_SCHULZ,), 0.3125),  # h(1/2) = 11/16
        ((QUINTIC,), 1 - (1.875 * 0.5 - 1.25 * 0.125 + 0.375 * 0.03125)),
        ((StepRecord("newton", "product", "float64", (1.0, 1.0)),), 0.25),  # (1/2 + 2)/2
        ((StepRecord("eigh", "direct", "float64"),), 0.0),
    ],
)
def test_known_extremes(steps, expected):
    bound = bound_of(plan_of(steps=steps))
    assert bound == pytest.approx(expected, rel=1e-14)
    assert bound >= expected


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("allow", ["minimax-*", "zolotarev-*,rational-*,newton*,minimax-*"])
def test_bounds_are_above_samples_and_within_one_percent(found, function, norm, allow):
    plan = found(function, norm, 1e-3, 1e-5, allow)
    said = certify_worst_case(plan, balls=False)
    seen = sampled(plan)
    assert said.bound is not None
    assert seen * (1 - 1e-9) - 1e-15 <= said.bound
    if seen >= 1e-10:
        assert said.bound <= 1.01 * seen
    assert said.safety is None or said.safety.holds
    assert str(plan.domain.lower) in said.claim


@pytest.mark.parametrize("function", ["inv", "invsqrt", "sign", "polar"])
@pytest.mark.parametrize("norm", ["eigenvalue", "spectral", "residual"])
def test_plans_of_an_interval_are_proved(found, function, norm):
    plan = found(function, norm, 1e-2, 1e-4, "*")
    assert is_proved(plan, plan.tol)
    assert not is_proved(plan, 0.2 * sampled(plan)) or plan.steps[0].form == "direct"


@pytest.mark.parametrize("lower", [0.25, 0.3, 0.37, 0.51])
def test_the_bound_is_not_rounded_down_in_words(lower):
    said = certify_worst_case(plan_of(lower=lower))
    words = float(said.claim.rsplit("at most ", 1)[1].rstrip("."))
    assert said.bound is not None
    assert said.bound <= words <= said.bound * (1 + 1e-4)


def test_unions_of_intervals_tell_more_than_their_hull():
    plan = plan_of("sign", lower=0.4, upper=1.6, steps=(replace(NEWTON_SCHULZ, form="chained"),))
    parts = ((0.5, 0.6), (0.9, 1.1))
    said = certify_worst_case(plan, parts)
    assert said.domain == parts
    assert bound_of(plan, parts) < 0.9 * bound_of(plan)
    assert said.bound == pytest.approx(sampled(plan, parts), rel=1e-6)
    assert len(said.ranges[0]) == 2
    touching = certify_worst_case(plan, [(0.5, 0.8), (0.7, 1.1)])
    assert touching.domain == ((0.5, 1.1),)


@pytest.mark.parametrize(
    "fault",
    [
        lambda p: replace(p, steps=(_nudged(p.steps[0]), *p.steps[1:])),
        lambda p: replace(p, domain=replace(p.domain, lower=0.99 * p.domain.lower)),
        lambda p: replace(p, domain=replace(p.domain, upper=1.01 * p.domain.upper)),
        lambda p: replace(p, steps=p.steps[::-1]),
    ],
    ids=["coefficient", "lower end", "upper end", "swapped steps"],
)
def test_planted_violations_are_caught(found, fault):
    """A plan that is as good as its tolerance, and no better, after a small change is not."""
    plan = found("invsqrt", "eigenvalue", 1e-2, 1e-6, "minimax-*")
    tight = bound_of(plan)
    assert is_proved(plan, 1.000001 * tight)
    assert not is_proved(fault(plan), 1.000001 * tight)
    assert bound_of(fault(plan)) > 1.000001 * tight


def _nudged(step: StepRecord) -> StepRecord:
    return replace(step, coefficients=(step.coefficients[0] * 1.001, *step.coefficients[1:]))


def bound_of(plan: PlanRecord, *arguments, **options) -> float:
    bound = certify_worst_case(plan, *arguments, **options).bound
    assert bound is not None
    return bound


def test_what_turns_negative_beyond_its_range_is_not_safe():
    said = certify_worst_case(plan_of(lower=0.25, upper=2.9, tol=0.999)).safety
    assert said is not None
    assert said.holds  # sqrt(2.9) < sqrt(3), where the map turns negative
    unproved = plan_of(lower=0.25, upper=2.9, tol=0.999)
    unproved = replace(unproved, domain=replace(unproved.domain, proved=False))
    said = certify_worst_case(unproved).safety
    assert said is not None
    assert not said.holds
    assert "step 1 (series-3) is not proved positive" in said.reason


def test_what_exceeds_one_by_much_is_not_safe():
    steps = (StepRecord("fitted-3", "zm", "float64", (2.0, -0.5)),)
    said = certify_worst_case(plan_of(steps=steps)).safety
    assert said is not None
    assert not said.holds
    assert "may reach 1.5" in said.reason


def test_of_iterates_that_turn_negative_nothing_is_claimed():
    flips = plan_of("sign", lower=1.0, upper=1.9, norm="residual", steps=(NEWTON_SCHULZ,))
    assert certify_worst_case(flips).bound is None
    assert certify_worst_case(replace(flips, norm="eigenvalue")).bound is None


def test_balls_sharpen_what_is_below_1e_10(found):
    pytest.importorskip("flint")
    plan = found("polar", "eigenvalue", 1e-2, 1e-11, "minimax-*")
    plain, sharp = certify_worst_case(plan, balls=False), certify_worst_case(plan, balls=True)
    assert sharp.bound is not None
    assert plain.bound is not None
    assert sharp.bound <= plain.bound * (1 + 1e-3)
    assert "python-flint" in sharp.method
    assert "python-flint" not in plain.method


def test_without_python_flint_the_extra_is_named_and_intervals_do(monkeypatch):
    from matrl.certify.exact import balls, worst_case

    monkeypatch.setattr(worst_case, "flint_version", lambda: None)
    monkeypatch.setattr(balls, "flint_version", lambda: None)
    assert certify_worst_case(plan_of()).bound == pytest.approx(0.3125, rel=1e-14)
    with pytest.raises(MissingExtraError, match=r"^balls: python-flint .* 'matrl\[flint\]'"):
        certify_worst_case(plan_of(), balls=True)


@settings(max_examples=40)
@given(st.data())
def test_random_schedules_never_exceed_their_bound(data):
    function = data.draw(st.sampled_from(["inv", "invsqrt", "sqrt", "root-3", "sign", "polar"]))
    norm = data.draw(st.sampled_from(NORMS))
    k = FUNCTIONS.get(function).root_index
    iterative = [u for u in UPDATES if not isinstance(u, DirectMethod) and u.supports(k)]
    names = [u.name for u in iterative if not u.uses_samples and u.kind != "repair"]
    steps, lower = [], data.draw(st.floats(1e-3, 0.9))
    for _ in range(data.draw(st.integers(1, 3))):
        update = UPDATES.get(data.draw(st.sampled_from(names)))
        assert not isinstance(update, DirectMethod)
        c = update.coefficients(k, data.draw(st.floats(1e-2, 0.5)), 1.0)
        factor = data.draw(st.floats(0.9, 1.1))
        if update.kind == "polynomial":
            c = tuple(b * factor for b in c)
        steps.append(StepRecord(update.name, "zm", "float64", c))
    plan = plan_of(function, steps, lower=lower, norm=norm)
    said = certify_worst_case(plan, balls=False)
    if said.bound is not None:
        seen = sampled(plan, count=2001)
        assert seen <= said.bound * (1 + 1e-9) + 1e-14 or not math.isfinite(seen)


@pytest.mark.parametrize(
    "domain", [(1.0,), "ab", (0.0, 1.0), (2.0, 1.0), [(0.1, math.nan)], (1, 2, 3)]
)
def test_domains_that_are_none_are_refused(domain):
    with pytest.raises(InputError, match=r"^domain: "):
        certify_worst_case(plan_of(), domain)
