"""Bounds of rounding errors are never exceeded by runs, and say what they say."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from benchmarks.certify.schedules import SCHEDULES, Schedule
from benchmarks.certify.trials import SPECTRA, VECTORS, draw, rounding_error

from matrl.certify.rounded.nodes import BETWEEN
from matrl.certify.rounded.rounding import RoundingStatement, certify_rounding
from matrl.core.plan import PlanRecord, Scaling
from matrl.errors import IndefiniteMatrixError, InputError

ORDERS = (8, 16, 33, 64)


def order_of(schedule: Schedule, index: int) -> int:
    """Orders by turns; of exact float64 matrices powers of 4."""
    return (16, 64)[index % 2] if schedule.dtype == "float64" else ORDERS[index % 4]


def plan_of(function: str, *chain: str, n: int = 32, **options: object) -> PlanRecord:
    pairs = tuple((one.split()[0], one.split()[1]) for one in chain)
    return Schedule(function, pairs, **options).plan(n)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", range(len(SCHEDULES)))
def test_no_run_exceeds_a_bound(index):
    schedule = SCHEDULES[index]
    plan = schedule.plan(order_of(schedule, index))
    statement = certify_rounding(plan)
    generator = np.random.default_rng(index)
    errors = [
        rounding_error(plan, draw(plan, spectrum, vectors, generator))
        for spectrum in SPECTRA
        for vectors in VECTORS
    ]
    assert min(errors) > 0.0  # something was measured
    assert statement.probabilistic is not None, statement.reasons
    assert max(errors) <= statement.probabilistic
    if statement.deterministic is not None:
        assert statement.probabilistic <= statement.deterministic


CLOSE = {  # Medians of bound over error were 55, 70, 85 and 71, with random eigenvectors.
    "eigh": plan_of("sign", "eigh direct", kappa=10.0, n=64),
    "svd": plan_of("polar", "svd direct", kappa=10.0, n=64),
    "chained": plan_of("polar", "minimax-5 chained", kappa=10.0, n=64),
    "product": plan_of("invsqrt", "newton product", kappa=10.0, n=64),
}


@pytest.mark.parametrize("name", CLOSE)
def test_how_close_bounds_are(name):
    plan, generator = CLOSE[name], np.random.default_rng(5)
    bound = certify_rounding(plan).probabilistic
    seen = [
        rounding_error(plan, draw(plan, spectrum, "random", generator)) for spectrum in SPECTRA * 3
    ]
    assert bound is not None
    assert bound / np.median(seen) < 100.0


def test_bounds_grow_with_n_and_with_confidence():
    plan = plan_of("invsqrt", "newton product", dtype="float64")
    orders = [certify_rounding(plan, n) for n in (16, 64, 256)]
    for before, after in pairwise(orders):
        assert before.deterministic is not None
        assert after.deterministic is not None
        assert before.probabilistic is not None
        assert after.probabilistic is not None
        # As n^2 and, once n is large, as n.
        assert 10.0 < after.deterministic / before.deterministic < 17.0
        assert 2.0 < after.probabilistic / before.probabilistic < 4.0
    surer = certify_rounding(plan, 64, 1e-12)
    assert surer.lambda_ > orders[1].lambda_
    assert (surer.probabilistic or 0.0) > (orders[1].probabilistic or 1.0)
    assert surer.deterministic == orders[1].deterministic


def test_bounds_are_in_proportion_to_the_unit_roundoff():
    single = certify_rounding(plan_of("sqrt", "newton product"))
    double = certify_rounding(plan_of("sqrt", "newton product", dtype="float64"))
    for one, other in (
        (single.probabilistic, double.probabilistic),
        (single.deterministic, double.deterministic),
    ):
        assert one is not None
        assert other is not None
        assert one / other == pytest.approx(2.0**29, rel=0.05)


def test_nodes_are_enough():
    for name, kappa, off in (
        ("newton product", 1e6, BETWEEN[0]),
        ("minimax-5 ym", 1e2, BETWEEN[0]),
        ("minimax-5 ym", 1e6, BETWEEN[1]),
    ):
        plan = plan_of("sqrt", name, kappa=kappa, dtype="float64")
        few, many = (certify_rounding(plan, nodes=nodes).probabilistic for nodes in (160, 400))
        assert few is not None
        assert few == pytest.approx(many, rel=off - 1.0)


def test_a_pair_has_the_larger_error_of_its_two():
    pair = certify_rounding(plan_of("sqrt+invsqrt", "newton product", dtype="float64"))
    for function in ("sqrt", "invsqrt"):
        single = certify_rounding(plan_of(function, "newton product", dtype="float64"))
        assert (single.deterministic or 1.0) <= (pair.deterministic or 0.0) * (1 + 1e-9)


def test_relative_scaling_adds_little():
    plan = plan_of("invsqrt", "newton product", dtype="float64")
    scaled = replace(
        plan,
        scaling=Scaling("frobenius"),
        domain=replace(plan.domain, relative=True),
    )
    before, after = certify_rounding(plan), certify_rounding(scaled)
    assert before.probabilistic is not None
    assert after.probabilistic is not None
    assert before.probabilistic < after.probabilistic < 1.5 * before.probabilistic


def test_cholesky_is_guaranteed_where_it_never_fails():
    safe = plan_of("inv", "cholesky direct", kappa=1e2)
    (pivot,) = certify_rounding(safe).cholesky
    assert pivot.guaranteed
    assert pivot.probable
    # Of n (n + 1) u times the condition, A itself having no error.
    assert pivot.margin * 1e2 * 32 * 33 * 2.0**-24 == pytest.approx(1.0, rel=1e-3)
    for steps in (plan_of("invsqrt", "newton product"), plan_of("inv", "minimax-3 zm")):
        assert len(certify_rounding(steps).cholesky) == sum(
            step.name == "newton" for step in steps.steps
        )


def test_cholesky_is_not_guaranteed_where_it_fails():
    plan = plan_of("inv", "cholesky direct", kappa=1e9)
    statement = certify_rounding(plan)
    (pivot,) = statement.cholesky
    assert not pivot.guaranteed
    assert statement.deterministic is None
    assert statement.probabilistic is None
    assert statement.reasons[0].startswith("deterministic: ")
    assert statement.reasons[1].startswith("probabilistic: ")
    generator, failures = np.random.default_rng(0), 0
    for _ in range(10):
        try:
            rounding_error(plan, draw(plan, "clusters", "random", generator))
        except (IndefiniteMatrixError, FloatingPointError):
            failures += 1
    assert failures > 0


def test_what_is_too_large_for_a_half_precision_is_said():
    plan = plan_of("inv", "minimax-4 zm", kappa=1e6, halves=("float16",) * 16)
    statement = certify_rounding(plan)
    assert statement.deterministic is None
    assert statement.reasons == ("entries may overflow a half precision",)


def test_zero_in_the_domain_and_normwise_measures():
    plan = plan_of("sqrt", "minimax-5 ym", dtype="float64")
    with_zero = replace(plan, domain=replace(plan.domain, has_zero=True))
    statement = certify_rounding(with_zero)
    assert statement.probabilistic is not None
    assert statement.probabilistic < 1e3 * (certify_rounding(plan).probabilistic or 0.0)
    to_zero = replace(plan, norm="spectral", domain=replace(plan.domain, lower=0.0))
    assert certify_rounding(to_zero).probabilistic is not None


def test_the_statement_is_data():
    statement = certify_rounding(plan_of("invsqrt", "newton product"), 16, 1e-3)
    assert isinstance(statement, RoundingStatement)
    data = json.loads(json.dumps(statement.to_dict()))
    assert data["lambda"] == statement.lambda_
    assert (data["order"], data["n"], data["failure_probability"]) == ("first", 16, 1e-3)
    assert [one["index"] for one in data["cholesky"]] == list(range(len(data["cholesky"])))
    assert "10.1137/18M1226312" in data["sources"]


def test_numbers_that_make_no_sense_are_refused():
    plan = plan_of("inv", "cholesky direct")
    for bad in (0, 1.5, True):
        with pytest.raises(InputError, match=r"^n: must be an integer"):
            certify_rounding(plan, bad)  # type: ignore[arg-type]
    for bad in (0.0, 1.0, -1.0):
        with pytest.raises(InputError, match=r"^failure_probability: must lie"):
            certify_rounding(plan, 4, bad)
    with pytest.raises(InputError, match=r"^nodes: must be an integer"):
        certify_rounding(plan, nodes=3)
