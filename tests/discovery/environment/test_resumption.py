"""Searches for schedules in parts, which must come out as searches in one."""

import math
import sys
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from matrl import Problem, Profile, Spectrum, discover
from matrl.discovery.environment.resumption import facts_of
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.states.outcomes import KnownOutcomes
from matrl.discovery.states.state import Action
from matrl.errors import ArtifactError, InputError
from matrl.search import Budgeted, Limits, Search
from matrl.search.journal import checkpoint_of
from matrl.search.log import read_log
from matrl.search.snapshot import Snapshot

N = 128
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without making a failing example smaller, which takes minutes."""
HALF = {"float64": 1.0, "float32": 0.45}


@pytest.fixture(scope="session")
def profile(prices) -> Profile:
    ops = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": seconds * share}
        for op, seconds in {**prices, "add": 0.013}.items()
        for dtype, share in HALF.items()
    ]
    document = {"schema": 1, "name": "halves", "ops": ops}
    return Profile.from_json(msgspec.json.encode(document))


def matrices() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    made = []
    for _ in range(2):
        vectors, _ = np.linalg.qr(random.standard_normal((24, 24)))
        made.append((vectors * np.geomspace(0.01, 1.0, 24)) @ vectors.T)
    return [0.5 * (a + a.T) for a in made]


SAMPLES = Spectrum.samples(np.geomspace(1e-4, 1.0, 40) ** 1.3)
PROBLEMS = {
    "interval": (Problem("invsqrt", Spectrum.interval(1e-4, 1), 1e-7, shape=(N, N)), "*"),
    "repairs": (Problem("inv", Spectrum.interval(1e-2, 1), 1e-8, shape=(N, N)), "minimax-[2-5]"),
    "pure repairs": (
        Problem("invsqrt", Spectrum.interval(1e-2, 1), 1e-6, shape=(N, N)),
        "minimax-[357],newton-repair",
    ),
    "samples": (Problem("invsqrt", SAMPLES, 1e-5, shape=(N, N)), "fitted-[35],minimax-5,newton"),
    "grid": (
        Problem("sqrt", Spectrum.interval(1e-6, 1), 1e-8, shape=(N, N), norm="frobenius"),
        "minimax-[357],newton",
    ),
    "matrices": (Problem("inv", Spectrum.of(matrices()), 1e-5), "minimax-[357],newton*"),
}


def environment(kind, profile, *, minimizes_error=False) -> Any:
    problem, allow = PROBLEMS[kind]
    updates = allowed_updates(problem, allow)
    made = environment_for(problem, profile, updates, minimizes_error=minimizes_error, steps=6)
    return Budgeted(made, 7.0) if minimizes_error else made


def essence(result):
    return (
        result.cost,
        result.actions,
        result.finalists,
        result.nodes,
        result.bound,
        result.optimal,
        result.best_quality,
        result.front,
    )


def in_parts(make, cuts, seed):
    one = Search(make(), seed=seed)
    reason = one.advance(Limits(nodes=cuts[0]))
    for cut in cuts[1:]:
        data = msgspec.msgpack.encode(one.snapshot())
        one = Search.restored(make(), msgspec.msgpack.decode(data, type=Snapshot))
        reason = one.advance(Limits(nodes=cut))
    return one.result(reason)


def in_one(make, nodes, seed):
    one = Search(make(), seed=seed)
    return one.result(one.advance(Limits(nodes=nodes)))


@pytest.mark.parametrize("kind", list(PROBLEMS))
def test_a_search_in_parts_is_a_search_in_one(profile, kind):
    def make():
        return environment(kind, profile)

    cuts = (40, 200, 400) if kind in ("samples", "grid", "matrices") else (200, 1000, 2000)
    assert essence(in_parts(make, cuts, 1)) == essence(in_one(make, cuts[-1], 1))


@pytest.mark.parametrize("kind", ["interval", "samples"])
def test_a_search_for_the_least_error_in_parts(profile, kind):
    def make():
        return environment(kind, profile, minimizes_error=True)

    cuts = (40, 120) if kind == "samples" else (200, 600)
    assert essence(in_parts(make, cuts, 1)) == essence(in_one(make, cuts[-1], 1))


@given(seed=st.integers(0, 10**6), first=st.integers(1, 1500), further=st.integers(0, 1500))
@settings(max_examples=5, deadline=None, phases=QUICK)
def test_an_interval_cut_anywhere(profile, seed, first, further):
    def make():
        return environment("interval", profile)

    cuts = (first, first + further)
    assert essence(in_parts(make, cuts, seed)) == essence(in_one(make, cuts[-1], seed))


@given(seed=st.integers(0, 10**6), first=st.integers(1, 150), further=st.integers(0, 150))
@settings(max_examples=3, deadline=None, phases=QUICK)
def test_samples_cut_anywhere(profile, seed, first, further):
    def make():
        return environment("samples", profile)

    cuts = (first, first + further)
    assert essence(in_parts(make, cuts, seed)) == essence(in_one(make, cuts[-1], seed))


def test_nothing_is_computed_to_restore(profile, monkeypatch):
    one = Search(environment("samples", profile))
    one.advance(Limits(nodes=300))
    fresh = environment("samples", profile)

    def computed(*_):
        raise AssertionError("an outcome is computed again")

    monkeypatch.setattr(KnownOutcomes, "_made", computed)
    monkeypatch.setattr(type(fresh._confirmations), "_look", computed)
    two = Search.restored(fresh, one.snapshot())
    for (_, old), (_, new) in zip(one._graph.nodes, two._graph.nodes, strict=True):
        assert new.state.range_key == old.state.range_key
        assert new.state.actions == old.state.actions
        assert fresh.quality(new.state) == one.environment.quality(old.state)
        assert fresh.done(new.state) == one.environment.done(old.state)


def test_actions_as_plain_data(profile):
    made = environment("matrices", profile)
    for action in (Action("minimax-3", "zm", "float32", "averaged"), Action("scaling", domain=1)):
        assert made.load_action(made.dump_action(action)) == action
    least = environment("matrices", profile, minimizes_error=True)
    for action in least.expand(least.root(), 0).actions:
        assert least.load_action(least.dump_action(action)) == action
    for wrong in (
        None,
        {"name": 3},
        {"name": "nothing"},
        {"name": "scaling", "domain": 99},
        ["newton"],
    ):
        for one in (made, least):
            with pytest.raises(ValueError, match=r".+"):
                one.load_action(wrong)


def test_actions_in_words(profile):
    made = environment("matrices", profile)
    assert made.describe(Action("newton", "product", "float32")) == "newton (product, float32)"
    averaged = Action("newton", "product", "float32", "averaged")
    assert made.describe(averaged) == "newton (product, float32, averaged)"
    assert made.describe(Action("eigh", "direct", "float64")) == "eigh (float64)"
    assert made.describe(Action("scaling", domain=0)) == "scaled by frobenius"


EMPTY = {
    "places": [],
    "outcomes": {"rules": [], "variations": []},
    "reached": [],
    "prices": [],
    "guide": None,
}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        {**EMPTY, "reached": [[0, True]]},
        {**EMPTY, "outcomes": {}},
        {**EMPTY, "outcomes": {"rules": [[0, "newton", "", None]], "variations": []}},
        {**EMPTY, "places": [[9, 1, 1, True, 0, False, None]]},
        {**EMPTY, "places": [[0, 1, 1, True, 0, False, b"x"]]},
        {**EMPTY, "prices": [["newton", 1.0]]},
        {**EMPTY, "more": []},
    ],
)
def test_a_memory_that_makes_no_sense_is_refused(profile, wrong):
    with pytest.raises(ValueError, match=r".+"):
        environment("samples", profile).load_memory(wrong)


def test_an_empty_memory_is_one(profile):
    made = environment("samples", profile)
    made.load_memory(EMPTY)
    assert made.dump_memory()["places"] == []


def test_a_look_that_makes_no_sense_is_refused(profile):
    made = environment("samples", profile)
    for wrong in (None, [1.0], [math.nan, 1.0, 1.0, 1.0], "look"):
        with pytest.raises(ValueError, match=r".+"):
            made.load_look(made.root(), wrong)


def test_facts_tell_problems_apart(profile):
    def facts(kind):
        problem, allow = PROBLEMS[kind]
        return facts_of(problem, profile, allowed_updates(problem, allow), ["float64"], seed=3)

    every = [facts(kind) for kind in PROBLEMS]
    assert len({str(one) for one in every}) == len(every)
    assert every[0]["seed"] == 3
    assert every[0] == facts("interval")
    moved = Spectrum.samples(np.nextafter(np.asarray(SAMPLES.points), 2.0))
    other = Problem("invsqrt", moved, 1e-5, shape=(N, N))
    assert facts_of(other, profile, [], [])["spectrum"] != every[2]["spectrum"]


@pytest.mark.torch
def test_a_search_for_another_library_is_not_resumed(profile, tmp_path):
    """Its plans would race on other arrays than they were priced for."""
    pytest.importorskip("torch")
    log = tmp_path / "search.jsonl"
    problem, allow = PROBLEMS["interval"]
    arguments = {"profile": profile, "allow": allow, "nodes": 50, "log": log}
    discover(problem, **arguments)
    with pytest.raises(ArtifactError, match=r"another search \(library was numpy, now torch\)"):
        discover(replace(problem, library="torch"), resume=True, **arguments)


# discover(..., log=, resume=) ----------------------------------------------------------------


@pytest.mark.parametrize("least", [False, True])
def test_discover_in_parts(profile, tmp_path, least):
    log = tmp_path / "search.jsonl"
    problem, allow = PROBLEMS["interval"]
    options = {"minimize": "error", "steps": 3, "allow": "minimax-[35]"} if least else {}

    def found(nodes, **more):
        arguments = {"allow": allow, "nodes": nodes, **options, **more}
        return discover(problem, profile=profile, **arguments)

    found(200, log=log)
    part, whole = found(900, log=log, resume=True), found(900)
    assert part.plan.steps == whole.plan.steps
    assert (part.cost, part.nodes, part.optimal) == (whole.cost, whole.nodes, whole.optimal)
    assert [one.id for one in part.front] == [one.id for one in whole.front]
    kept = read_log(log)
    assert kept.begun.facts["function"] == "invsqrt"
    assert kept.result is not None
    assert kept.result.nodes == whole.nodes
    best = kept.result.best[0]
    assert best.price == pytest.approx(whole.finalists[0].predicted.cost)
    assert best.steps[0].startswith(whole.finalists[0].steps[0].name)
    assert len(best.steps) == len(whole.finalists[0].steps)


def test_other_arguments_are_refused_by_name(profile, tmp_path):
    log = tmp_path / "search.jsonl"
    problem, allow = PROBLEMS["interval"]
    discover(problem, profile=profile, allow=allow, nodes=100, log=log)
    other = Problem("invsqrt", Spectrum.interval(1e-4, 1), 1e-5, shape=(N, N))
    with pytest.raises(ArtifactError, match=r"another search \(tol was 1e-07, now 1e-05\)"):
        discover(other, profile=profile, allow=allow, nodes=100, log=log, resume=True)
    for change, said in (
        ({"seed": 7}, "seed was 0, now 7"),
        ({"planner": "beam"}, "planner was mcts, now beam"),
        ({"steps": 5}, "steps was None, now 5"),
        ({"allow": "minimax-3"}, "actions was .*, now minimax-3"),
        ({"precision": "float64"}, r"precision was \['float32', 'float64'\], now \['float64'\]"),
        ({"minimize": "error", "budget": 9.0}, "minimize was cost, now error; budget was None"),
    ):
        arguments = {"allow": allow, "nodes": 100, **change}
        with pytest.raises(ArtifactError, match=said):
            discover(problem, profile=profile, log=log, resume=True, **arguments)
    dear = Profile.from_json(profile.to_json().replace("0.013", "0.014"))
    with pytest.raises(ArtifactError, match=r"profile was halves \(\w+\), now halves \(\w+\)"):
        discover(problem, profile=dear, allow=allow, log=log, resume=True)


def test_measured_prices_are_kept_for_the_rest_of_a_search(profile, tmp_path, monkeypatch):
    log = tmp_path / "search.jsonl"
    small = Problem("invsqrt", Spectrum.interval(0.1, 1), 1e-3, shape=(N, N))
    measured = [profile]
    module = sys.modules["matrl.discovery.discover"]
    monkeypatch.setattr(module, "profile_for", lambda *_, **__: measured.pop())
    discover(small, allow="newton,minimax-3", nodes=50, log=log)
    found = discover(small, allow="newton,minimax-3", nodes=100, log=log, resume=True)
    assert found.plan.predicted.profile == "halves"
    with pytest.raises(ArtifactError, match="prices was measured, now given"):
        discover(small, profile=profile, allow="newton,minimax-3", log=log, resume=True)


def test_what_is_not_possible_is_said_before_any_work(profile, tmp_path):
    problem, allow = PROBLEMS["interval"]
    with pytest.raises(InputError, match="resume: needs log"):
        discover(problem, profile=profile, allow=allow, resume=True)
    with pytest.raises(InputError, match="log: must be the path of a file, got 3"):
        discover(problem, profile=profile, allow=allow, log=3)  # type: ignore[arg-type]
    log = tmp_path / "search.jsonl"
    with pytest.raises(ArtifactError, match="cannot be read"):
        discover(problem, profile=profile, allow=allow, log=log, resume=True)
    log.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        discover(problem, profile=profile, allow=allow, log=log)
    assert log.read_text() == "mine"
    assert not checkpoint_of(log).exists()
