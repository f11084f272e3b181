"""Profiles and permissions that leave a tolerance out of reach: what is said of it is true."""

import importlib
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matrl import Found, Problem, Profile, Spectrum, discover
from matrl.coefficients import minimax_coefficients
from matrl.core.measure import Norm
from matrl.core.plan import StepRecord
from matrl.core.precision import Dtype
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.problem.domains import scaled_domains
from matrl.discovery.unreachable.imprecision import most_imprecise
from matrl.discovery.unreachable.reachable import Deadline, Question, least_error
from matrl.discovery.unreachable.remedies import missing_operations, with_prices
from matrl.discovery.unreachable.unreachable import why_unreachable
from matrl.errors import UnreachableError
from matrl.iterations import UPDATES
from matrl.search import SearchResult

N = 256
BOTH = ("float32", "float64")


def profile(*ops: str) -> Profile:
    """Return prices of operations, given as "op" in both precisions or as "op/precision"."""
    entries = []
    for op in ops:
        name, _, precision = op.partition("/")
        for dtype in (precision,) if precision else BOTH:
            price = {"matmul": 1.0, "inv_spd": 0.9, "eigh": 9.0, "add": 0.05}[name]
            price *= 0.5 if dtype == "float32" else 1.0
            entries.append({"op": name, "dtype": dtype, "n": N, "batch": 1, "seconds": price})
    return Profile.from_json(json.dumps({"schema": 1, "name": "crippled", "ops": entries}))


FULL = profile("matmul", "inv_spd", "eigh", "add")


def solve(
    tol: float,
    prices: Profile,
    function: str = "invsqrt",
    kappa: float | Spectrum = 1e2,
    norm: Norm = "eigenvalue",
    dtype: Dtype = "float64",
    **more: Any,
) -> Found:
    spectrum = kappa if isinstance(kappa, Spectrum) else Spectrum.interval(1 / kappa, 1)
    problem = Problem(function, spectrum, tol=tol, shape=(N, N), norm=norm, dtype=dtype)
    return discover(problem, **{"profile": prices, "nodes": 1000, "time_limit": 60.0, **more})


def message(tol, prices, **asked) -> str:
    with pytest.raises(UnreachableError, match=r"^tol: ") as caught:
        solve(tol, prices, **asked)
    return str(caught.value)


SINGLE = profile("matmul/float32", "inv_spd/float32", "add")
SAMPLES = Spectrum.samples(np.geomspace(0.01, 1.0, 30))
CASES = {
    "no float64 products": (
        (1e-8, SINGLE, {"allow": "minimax-*"}),
        ["matmul (float32) is too imprecise", "a price for matmul (float64)", "'crippled' lacks"],
    ),
    "float32 steps only": (
        (1e-8, FULL, {"allow": "minimax-*", "precision": "float32"}),
        ["matmul (float32) is too imprecise", "with precision float64 allowed too"],
    ),
    "no products": (
        (1e-6, profile("add/float64"), {"allow": "minimax-*"}),
        ["a price for matmul (float64), which", "exact arithmetic"],
    ),
    "one step": (
        (1e-6, FULL, {"allow": "minimax-*", "steps": 1}),
        ["in 1 step:", "with more than 1 step"],
    ),
    "one update": (
        (1e-6, FULL, {"allow": "zolotarev-1", "steps": 2}),
        ["in 2 steps:", "with more than 2 steps", "other actions than 'zolotarev-1' allowed"],
    ),
    "a direct method only": (
        (1e-12, FULL, {"allow": "eigh", "kappa": 1e6}),
        ["eigh (float64) is too imprecise"],
    ),
    "results in float32": (
        (1e-6, FULL, {"function": "inv", "allow": "eigh", "kappa": 1e4, "dtype": "float32"}),
        ["cast (float32) is too imprecise", "with dtype='float64'"],
    ),
    "samples": (
        (1e-4, FULL, {"allow": "fitted-5,minimax-5", "steps": 1, "kappa": SAMPLES}),
        ["with more than 1 step"],
    ),
    "samples, float32, in the mean": (
        (
            1e-9,
            FULL,
            {"allow": "minimax-5", "precision": "float32", "kappa": SAMPLES, "norm": "frobenius"},
        ),
        ["matmul (float32) is too imprecise", "with precision float64 allowed too"],
    ),
    "two steps, in the mean": (
        (
            1e-4,
            FULL,
            {"function": "polar", "kappa": 1e3, "norm": "frobenius", "steps": 2}
            | {"allow": "minimax-5", "precision": "float64"},
        ),
        ["exact arithmetic", "with more than 2 steps"],
    ),
    "in the mean": (
        (1e-8, SINGLE, {"function": "sqrt", "norm": "frobenius", "allow": "minimax-3,minimax-5"}),
        ["(float32) is too imprecise", "a price for matmul (float64)"],
    ),
}


SLOW = (
    "no float64 products",
    "float32 steps only",
    "samples, float32, in the mean",
    "in the mean",
)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[pytest.mark.slow] if case in SLOW else []) for case in CASES],
)
def test_the_best_reachable_error_is_true(case, monkeypatch):
    """A little more is reached, a little less is not."""
    (tol, prices, asked), words = CASES[case]
    said = message(tol, prices, **asked)
    for word in words:
        assert word in said
    found = re.search(r"best reachable error found is (\S+) ", said)
    assert found
    best = float(found[1])
    assert best > tol
    where = importlib.import_module("matrl.discovery.discover")
    monkeypatch.setattr(where, "why_unreachable", lambda *arguments: "tol: as before")
    reached = solve(min(1.02 * best, 0.999), prices, **asked)
    if "would not do for its range" not in said:
        assert reached.error + reached.plan.predicted.rounding == pytest.approx(best, rel=0.03)
    with pytest.raises(UnreachableError):
        solve(0.8 * best, prices, **asked)
    least = re.search(r"ask for (\S+) or more$", said)
    assert least
    assert best * 0.995 <= float(least[1]) <= 1.1 * best


@pytest.mark.parametrize(
    ("prices", "asked", "words"),
    [
        (profile(), {"allow": "minimax-*"}, "add (float64) and matmul (float64)"),
        (profile("matmul/float32"), {"allow": "minimax-*"}, "add (float64) and matmul (float64)"),
        (profile("matmul"), {"allow": "minimax-*"}, "a price for add (float64)"),
        (
            profile("matmul", "add"),
            {"allow": "newton,zolotarev-*"},
            "a price for inv_spd (float64)",
        ),
        (profile("matmul", "add"), {"allow": "eigh"}, "a price for eigh (float64)"),
    ],
)
def test_where_no_step_has_a_price_what_is_missing_is_said(prices, asked, words):
    said = message(1e-8, prices, function="invsqrt", **asked)
    assert "no step has a price" in said
    assert words in said
    # And with these prices it is reached.
    missing = re.findall(r"(\w+) \((float\d\d)\)", said[said.index(words) :].split(",")[0])
    problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-8, shape=(N, N))
    whole = with_prices(Question(problem, prices, (), BOTH), missing).profile
    assert solve(1e-8, whole, **asked).plan.steps


def test_the_least_error_of_one_minimax_step_is_that_of_the_polynomial():
    said = message(1e-8, FULL, allow="minimax-3", steps=1)
    c = minimax_coefficients(2, 1, 0.1, 1.0)
    best = 1.0 - 0.1 * float(np.polynomial.polynomial.polyval(0.01, c))
    assert f"best reachable error found is {best:.3g} " in said


def test_a_search_cut_short_is_not_taken_for_a_proof():
    """Where its limits are what is in the way, that is said."""
    problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-6, shape=(N, N))
    question = Question(problem, FULL, allowed_updates(problem, "minimax-*"), ("float64",))
    cut = SearchResult(np.inf, (), (), 9, 1.0, 0.5, False, "nodes", 1e-9)
    said = why_unreachable(question, cut, "minimax-*", 60.0)
    assert "was not reached before the limit of nodes, but a schedule with an error of" in said
    updates = allowed_updates(problem, "eigh")
    hard = replace(question, problem=replace(problem, tol=1e-15), updates=updates)
    said = why_unreachable(hard, replace(cut, reason="time"), "minimax-*", 60.0)
    assert "was not reached by any schedule found before the time limit" in said
    assert "eigh (float64) is too imprecise" in said


def test_missing_operations_are_those_an_update_needs():
    problem = Problem("invsqrt", Spectrum.interval(1e-2, 1), shape=(N, N))
    question = Question(problem, profile("add"), (), BOTH)
    assert missing_operations(question, UPDATES.get("minimax-5"), "float64") == {
        ("matmul", "float64")
    }
    single = missing_operations(question, UPDATES.get("eigh"), "float32")
    assert single == {("eigh", "float32"), ("matmul", "float32")}
    assert not missing_operations(replace(question, profile=FULL), UPDATES.get("eigh"), "float64")


@pytest.mark.parametrize(
    ("steps", "worst"),
    [
        ([("eigh", "direct", "float64", ())], ("eigh", "float64")),
        ([("eigh", "direct", "float32", ())], ("eigh", "float32")),
        ([("minimax-3", "product", "float32", (1.5, -0.5))] * 3, ("matmul", "float32")),
    ],
)
def test_the_most_imprecise_operation(steps, worst):
    problem = Problem("invsqrt", Spectrum.interval(0.5, 1), shape=(N, N))
    (domain,) = scaled_domains(problem.spectrum, problem.measure, N)
    forms = ["product", "zm", "zm"]
    records = [
        StepRecord(name, form if name == "eigh" else forms[i], precision, coefficients)
        for i, (name, form, precision, coefficients) in enumerate(steps)
    ]
    assert most_imprecise(problem, domain, records) == worst


def test_the_least_error_is_that_of_the_best_direct_method():
    problem = Problem("inv", Spectrum.interval(1e-6, 1), shape=(N, N))
    question = Question(
        problem, FULL, allowed_updates(problem, "cholesky,eigh,minimax-3"), ("float64",)
    )
    best = least_error(question, Deadline.after(60.0))
    assert [step.name for step in best.steps] == ["cholesky"]
    assert best.total == best.error + best.rounding < 1e-9
