"""The race: who is dropped, who wins, and what is kept of it."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from matrl import Plan, Problem, Spectrum, discover
from matrl.discovery.race import race as module
from matrl.discovery.race.race import RaceEntry, race, with_measurements
from matrl.errors import UnreachableError

N = 24
INTERVAL = Spectrum.interval(1e-2, 1.0)


@pytest.fixture(scope="module")
def plan_of(make_profile):
    """Return plans of the inverse square root: coarse ones and fine ones."""

    def plan_of(tol: float, allow: str = "minimax-*", spectrum=INTERVAL) -> Plan:
        problem = Problem("invsqrt", spectrum, tol=tol, shape=(N, N))
        return discover(problem, profile=make_profile(n=N), allow=allow).plan

    return plan_of


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch):
    """Let the plans take given seconds, in their order."""

    def timed(*seconds: float) -> None:
        monkeypatch.setattr(
            module, "_interleaved", lambda plans, a, batch, library: seconds[: len(plans)]
        )

    return timed


def problem_of(tol: float | None = 1e-6, spectrum=INTERVAL, **more) -> Problem:
    return Problem("invsqrt", spectrum, tol=tol, shape=(N, N), **more)


def test_what_misses_the_tolerance_is_dropped(plan_of):
    coarse, fine = plan_of(1e-2), plan_of(1e-8)
    first, second = race([coarse, fine], problem_of(), 0)
    assert (first.plan, first.status, first.reason) == (fine, "won", "")
    assert first.error <= 1e-8
    assert first.seconds is not None
    assert first.seconds > 0.0
    assert first.ratio == fine.predicted.cost / first.seconds
    assert (second.plan, second.status) == (coarse, "dropped")
    assert second.seconds is None
    assert second.ratio is None
    assert second.error > 1e-6
    assert "above 1e-06" in second.reason


def test_of_the_accurate_the_fastest_wins(plan_of, timed):
    plans = [plan_of(1e-7), plan_of(1e-8), plan_of(1e-9)]
    timed(3.0, 1.0, 2.0)
    entries = race(plans, problem_of(), 0)
    assert [entry.plan for entry in entries] == [plans[1], plans[2], plans[0]]
    assert [entry.status for entry in entries] == ["won", "ran", "ran"]
    assert [entry.seconds for entry in entries] == [1.0, 2.0, 3.0]


def test_what_is_measured_is_the_error_of_the_worst_matrix(plan_of):
    """Of eigenvalues at the two ends only, those at the lower end are off the most."""
    plan = plan_of(1e-2)
    (entry,) = race([plan], problem_of(2e-2), 0)
    assert entry.error == pytest.approx(plan.predicted.error, rel=1e-3)


def test_a_plan_that_fails_is_dropped_by_its_message(plan_of):
    narrow = plan_of(1e-8, spectrum=Spectrum.interval(0.5, 1.0))
    bad = replace(narrow, steps=(replace(narrow.steps[0], coefficients=(np.inf, 1.0)),))
    entries = race([bad, plan_of(1e-8)], problem_of(), 0)
    assert [entry.status for entry in entries] == ["won", "dropped"]
    assert entries[1].reason
    assert entries[1].to_dict()["measured_error"] is None


def test_where_the_error_is_minimised_it_decides_within_the_budget(plan_of, timed):
    plans = [plan_of(1e-2), plan_of(1e-4), plan_of(1e-8)]
    timed(1.0, 2.0, 3.0)
    options = {"minimizes_error": True}
    assert [e.plan for e in race(plans, problem_of(None), 0, **options)] == plans[::-1]
    entries = race(plans, problem_of(None), 0, budget=2.5, **options)
    assert [e.plan for e in entries] == [plans[1], plans[0], plans[2]]
    assert [e.status for e in entries] == ["won", "ran", "over budget"]
    # If none keeps to the budget, the one that is the least over it is the best there is.
    assert race(plans, problem_of(None), 0, budget=0.5, **options)[0].plan == plans[0]
    # What is small enough counts alike, and the fastest wins.
    enough = max(2.0 * plans[1].predicted.error, 1e-14)
    assert enough < plans[0].predicted.error
    assert race(plans, problem_of(enough), 0, **options)[0].plan == plans[1]


def test_a_batch_is_timed_as_one(plan_of, monkeypatch: pytest.MonkeyPatch):
    plan = plan_of(1e-8)
    plan = replace(plan, batch=5, predicted=replace(plan.predicted, cost=1e-3))
    calls = []
    real = module.Executor.__call__

    def noted(self, a, *, out=None):
        calls.append(a.shape)
        return real(self, a, out=out)

    monkeypatch.setattr(module.Executor, "__call__", noted)
    (entry,) = race([plan], problem_of(1e-6, batch=5), 0)
    assert (N, N) in calls
    assert calls[-1] == (5, N, N)
    assert entry.seconds is not None
    assert entry.seconds > 0.0


def test_a_large_batch_is_timed_on_a_part_of_it(plan_of):
    a = np.eye(N)
    fast = replace(plan_of(1e-8), predicted=replace(plan_of(1e-8).predicted, cost=1e-3))
    slow = replace(fast, predicted=replace(fast.predicted, cost=1e3))
    assert module._stacked([fast], a, 7) == 7
    assert module._stacked([slow], a, 7) == 1
    assert module._stacked([slow], a, 7000) == 14
    assert module._stacked([fast], a, 10**9) == module.BATCH_BYTES // a.nbytes


def test_no_matrices_no_race(plan_of):
    large = Problem("invsqrt", INTERVAL, shape=(4096, 4096))
    assert race([plan_of(1e-8)], large, 0) == []


def test_entries_are_data(plan_of):
    plan = plan_of(1e-8)
    document = RaceEntry(plan, 1e-9, 0.5, "won").to_dict()
    assert document["plan_id"] == plan.id
    assert document["predicted_over_measured"] == plan.predicted.cost / 0.5
    assert (document["measured_seconds"], document["measured_error"]) == (0.5, 1e-9)
    assert len(document["steps"]) == len(plan.steps)


def test_the_winner_says_how_it_did(plan_of):
    plan = plan_of(1e-8)
    made = with_measurements(RaceEntry(plan, 1e-9, 0.5, "won"), optimal=True).provenance
    assert (made.measured_error, made.measured_seconds, made.optimal) == (1e-9, 0.5, True)
    assert made.predicted_over_measured == plan.predicted.cost / 0.5
    again = Plan.from_json(replace(plan, provenance=made).to_json())
    assert again.provenance == made


class TestDiscovery:
    """With this machine's prices, which are made up here: only the race is real."""

    @pytest.fixture
    def solve(self, make_profile, monkeypatch: pytest.MonkeyPatch):
        profile = make_profile(n=N, dtypes=("float32", "float64"))
        where = importlib.import_module("matrl.discovery.discover")
        monkeypatch.setattr(where, "profile_for", lambda *a, **k: profile)

        def solve(tol=1e-6, function="invsqrt", spectrum=INTERVAL, batch=1, **options):
            problem = Problem(function, spectrum, tol=tol, shape=(N, N), batch=batch)
            usual = {"nodes": 500, "time_limit": 2.0, "allow": "minimax-[357],zolotarev-*,eigh"}
            return discover(problem, **{**usual, **options})

        return solve

    def test_the_finalists_differ_in_structure(self, solve):
        found = solve(time_limit=60.0)
        assert len(found.race) >= 3
        plans = [entry.plan for entry in found.race]
        structures = {
            tuple((s.name, s.form, s.precision, s.product) for s in p.steps) for p in plans
        }
        assert len(structures) == len(plans)
        kinds = {frozenset(s.name.partition("-")[0] for s in p.steps) for p in plans}
        assert len(kinds) >= 2
        least = min(plan.predicted.cost for plan in plans)
        assert all(plan.predicted.cost <= 1.3 * least for plan in plans)

    def test_the_winner_is_what_is_found(self, solve):
        found = solve()
        winner = found.race[0]
        assert winner.status == "won"
        assert winner.plan == found.plan
        assert found.cost == found.plan.predicted.cost
        made = found.plan.provenance
        assert (made.measured_error, made.measured_seconds) == (winner.error, winner.seconds)
        assert made.predicted_over_measured == winner.ratio
        times = [e.seconds for e in found.race if e.seconds is not None]
        assert times == sorted(times)
        document = found.to_dict()
        assert document["race"][0]["plan_id"] == document["plan_id"] == found.plan.id
        assert document["predicted_over_measured"] == winner.ratio

    def test_given_prices_decide_alone(self, solve, make_profile):
        found = solve(profile=make_profile(n=N))
        assert found.race == ()
        assert found.plan.provenance.measured_seconds is None
        assert found.plan.provenance.predicted_over_measured is None

    def test_a_batch_races_as_one(self, solve):
        found = solve(batch=3)
        assert found.plan.batch == 3
        assert found.race[0].seconds is not None

    def test_a_budget_is_raced_for(self, solve):
        found = solve(None, minimize="error", budget=4.0, allow="minimax-*")
        assert found.minimized == "error"
        errors = [entry.error for entry in found.race if entry.status in ("won", "ran")]
        assert errors == sorted(errors)
        assert found.plan.tol >= 1.1 * found.race[0].error
        assert found.race[0].plan == found.plan
        a = np.diag(np.geomspace(1e-2, 1.0, N))
        assert found.plan.run(a, verify="full").status == "converged"

    def test_measured_over_budget_is_said(self, solve, timed, caplog):
        timed(*[9.0] * 8)
        with caplog.at_level("WARNING", logger="matrl"):
            found = solve(None, minimize="error", budget=4.0, allow="minimax-*")
        assert found.plan.provenance.measured_seconds == 9.0
        assert "budget: 9 s was measured" in caplog.text

    def test_where_all_miss_the_tolerance_the_error_says_so(self, solve, monkeypatch):
        class Hopeless(module.Reference):
            def error(self, value):
                return 0.25

        monkeypatch.setattr(module, "Reference", Hopeless)
        with pytest.raises(UnreachableError, match=r"least measured error is 0\.25"):
            solve()
