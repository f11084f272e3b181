"""A search with its log and its checkpoint: what is written when, and going on."""

import logging
import os
from pathlib import Path

import pytest
from tests.search.recorded import FACTS, Recorded, dag, essence, logged, square

from matrl.errors import ArtifactError, InputError
from matrl.search import Journal, Search, search
from matrl.search import checkpoint as checkpoints
from matrl.search import journal as module
from matrl.search.checkpoint import load
from matrl.search.journal import checkpoint_of
from matrl.search.log import Improved, Passed, Resumed, read_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "search.jsonl"


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write progress and checkpoints at every iteration, not waiting for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(module, "CHECKPOINT_SHARE", 1e9)
    monkeypatch.setattr(module, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(module, "PROGRESS_GROWTH", 0.0)


def test_a_log_changes_nothing_about_a_search(log: Path):
    assert essence(logged(square(), log, node_limit=150)) == essence(
        search(square(), node_limit=150)
    )


@pytest.mark.usefixtures("often")
def test_what_is_in_a_log(log: Path):
    result = logged(square(), log)
    found = read_log(log)
    assert found.begun.facts == FACTS
    assert found.begun.notes == {"note": 1}
    costs = [one.cost for one in found.improvements]
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == len(costs) > 1
    network = square()
    for one in found.improvements:
        assert one.steps == [f"arc {action}" for action in one.actions]
        assert one.error == 1e-3
        assert network.cost_of(tuple(one.actions)) == pytest.approx(one.cost)
    bounds = [one.bound or 0.0 for one in found.progress]
    assert len(bounds) > 10
    assert bounds == sorted(bounds)
    written = found.result
    assert written is not None
    assert (written.reason, written.optimal) == ("optimal", True)
    assert (written.cost, written.bound, written.nodes) == (result.cost, result.bound, result.nodes)
    assert [tuple(one.actions) for one in written.best] == [a for _, a in result.finalists]
    assert all(len(one.visits) == len(one.actions) for one in written.best)
    assert [tuple(one.actions) for one in written.front] == [e.actions for e in result.front]


def test_lines_about_progress_get_rarer():
    seconds, lines = 0.0, 0
    while seconds < 24 * 3600.0:
        seconds = max(seconds + module.PROGRESS_SECONDS, seconds * module.PROGRESS_GROWTH)
        lines += 1
    assert lines < 300


def test_a_search_without_a_plan(log: Path):
    network = Recorded({0: [(1, 1.0)], 1: [(2, None)]}, {9})
    assert logged(network, log).actions == ()
    written = read_log(log).result
    assert written is not None
    assert (written.reason, written.cost, written.best) == ("exhausted", None, [])


def whole_and_parts(log: Path, limits: tuple[int, ...], make=square) -> None:
    result = logged(make(), log, node_limit=limits[0], seed=4)
    for limit in limits[1:]:
        result = logged(make(), log, resume=True, node_limit=limit, seed=4)
    assert essence(result) == essence(search(make(), node_limit=limits[-1], seed=4))
    found = read_log(log)
    assert found.sittings == len(limits)
    costs = [one.cost for one in found.improvements]
    assert costs == sorted(set(costs), reverse=True)
    nodes = [one.nodes for one in found.records]
    assert nodes == sorted(nodes)


@pytest.mark.parametrize("limits", [(20, 150), (1, 2, 3, 90, 91), (150, 150), (200, 20)])
def test_going_on_is_as_if_it_had_never_stopped(log, limits):
    if limits[-1] < limits[0]:
        logged(square(), log, node_limit=limits[0])
        done = read_log(log).result
        again = logged(square(), log, resume=True, node_limit=limits[-1])
        assert done is not None
        assert again.nodes == done.nodes
        return
    whole_and_parts(log, limits)


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_in_parts(log, seed):
    whole_and_parts(log, (15, 40, 400), lambda: dag(seed, 40))


def test_a_proved_search_stays_proved(log: Path):
    first = logged(square(), log)
    fresh = square()
    second = logged(fresh, log, resume=True)
    assert second.optimal
    assert essence(second) == essence(first)
    assert fresh.calls == 0


def test_the_time_limit_is_added(log: Path):
    first = logged(square(12), log, node_limit=60)
    second = logged(square(12), log, resume=True, time_limit=1e-9, node_limit=10**6)
    assert second.reason in ("time", "optimal")
    assert second.seconds > first.seconds


class Stopped(BaseException):
    """Stands for the death of the process."""


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("stop", [1, 2, 17, 40, 90])
def test_a_search_that_dies_anywhere_goes_on(log, stop, monkeypatch):
    """Every write is a place to die at: nothing but what came after the checkpoint is lost."""
    calls = 0
    for place in ("replace", "fsync"):
        real = getattr(os, place)

        def dying(*arguments, real=real):
            nonlocal calls
            calls += 1
            if calls == stop + 10:
                raise Stopped
            return real(*arguments)

        monkeypatch.setattr(os, place, dying)
    with pytest.raises(Stopped):
        logged(square(), log, node_limit=400)
    monkeypatch.undo()
    with open(log, "ab") as file:
        file.write(b'{"event":"incumbent","torn')
    result = logged(square(), log, resume=True, node_limit=400)
    assert essence(result) == essence(search(square(), node_limit=400))
    found = read_log(log)
    assert found.sittings == 2
    costs = [one.cost for one in found.improvements]
    assert costs == sorted(set(costs), reverse=True)


def test_ctrl_c_within_an_iteration_keeps_the_checkpoint_before(log: Path):
    result = logged(square(interrupt_at=90), log)
    assert result.interrupted
    assert read_log(log).result is not None
    kept = load(checkpoint_of(log))
    assert kept.log_bytes < log.stat().st_size
    again = logged(square(), log, resume=True)
    assert essence(again) == essence(search(square()))
    found = read_log(log)
    assert [type(one) for one in found.records[:1]] == [Resumed]


def test_ctrl_c_between_iterations_loses_nothing(log, monkeypatch):
    monkeypatch.setattr("matrl.search.reporting.PROGRESS_SECONDS", 0.0)
    seen = 0

    def press(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 7:
            raise KeyboardInterrupt

    result = logged(square(12), log, progress=press)
    assert result.interrupted
    assert essence(logged(square(12), log, resume=True)) == essence(search(square(12)))
    done = read_log(log).records
    place = next(i for i, one in enumerate(done) if isinstance(one, Resumed))
    assert done[place].nodes == done[place - 1].nodes == result.nodes  # type: ignore[union-attr]


@pytest.mark.parametrize("planner", ["exhaustive", "beam", "random"])
def test_other_planners_find_the_optimum_in_parts(log, planner):
    logged(square(), log, planner=planner, node_limit=40)
    result = logged(square(), log, resume=True, planner=planner)
    assert result.cost == pytest.approx(square().exact[0])


def test_nothing_is_overwritten(log: Path):
    logged(square(), log, node_limit=20)
    before = log.read_bytes()
    with pytest.raises(InputError, match=r"log: .*search.jsonl exists already; .*--resume"):
        Journal(log)
    assert log.read_bytes() == before
    log.unlink()
    with pytest.raises(InputError, match=r"search.jsonl.checkpoint exists already"):
        Journal(log)


def test_places_that_cannot_be_written(tmp_path: Path):
    with pytest.raises(InputError, match=r"log: the folder .* does not exist"):
        Journal(tmp_path / "none" / "search.jsonl")
    with pytest.raises(InputError, match="is a folder"):
        Journal(tmp_path)


def test_nothing_to_resume(log: Path):
    with pytest.raises(ArtifactError, match=r"checkpoint: cannot be read .*without --resume"):
        Journal(log, resume=True)
    logged(square(), log, node_limit=20)
    log.unlink()
    with pytest.raises(ArtifactError, match=r"search.jsonl: cannot be written"):
        logged(square(), log, resume=True)


def test_another_search_is_refused_and_left_alone(log: Path):
    logged(square(), log, node_limit=20)
    before = log.read_bytes(), checkpoint_of(log).read_bytes()
    with pytest.raises(ArtifactError, match=r"another search \(seed was 3, now 4\)"):
        logged(square(), log, resume=True, facts={**FACTS, "seed": 4})
    assert (log.read_bytes(), checkpoint_of(log).read_bytes()) == before


def test_another_log_is_refused(log: Path):
    logged(square(), log, node_limit=20)
    content = log.read_bytes()
    for wrong in (content[:-1], content.replace(b'"nodes":', b'"modes":'), b"", b"\n" + content):
        log.write_bytes(wrong)
        with pytest.raises(ArtifactError, match=r"search.jsonl: (is not the log|line \d)"):
            logged(square(), log, resume=True)
        assert log.read_bytes() == wrong


def test_a_damaged_checkpoint_is_refused(log: Path):
    logged(square(), log, node_limit=20)
    content = bytearray(checkpoint_of(log).read_bytes())
    content[len(content) // 2] ^= 4
    checkpoint_of(log).write_bytes(content)
    before = log.read_bytes()
    with pytest.raises(ArtifactError, match="checkpoint: is damaged"):
        logged(square(), log, resume=True)
    assert log.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="needs locks")
def test_one_process_at_a_time(log: Path):
    logged(square(), log, node_limit=20)
    with Journal(log, resume=True) as first:
        first.open(FACTS, {})
        second = Journal(log, resume=True)
        with pytest.raises(ArtifactError, match="another process is writing"):
            second.open(FACTS, {})
    logged(square(), log, resume=True)


@pytest.mark.usefixtures("often")
def test_a_search_outlives_its_log(log, monkeypatch, caplog):
    real, calls = checkpoints.save, 0

    def full(*arguments):
        nonlocal calls
        calls += 1
        if calls == 5:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(module, "save", full)
    with caplog.at_level(logging.WARNING, "matrl"):
        result = logged(square(), log)
    assert result.optimal
    assert "search.jsonl: cannot be written (No space left on device)" in caplog.text
    monkeypatch.undo()
    assert read_log(log).result is None
    assert essence(logged(square(), log, resume=True)) == essence(search(square()))


def test_a_journal_must_be_opened(log: Path):
    with pytest.raises(InputError, match="journal: is not open"):
        search(square(), journal=Journal(log))
    with pytest.raises(InputError, match="journal: has no checkpoint"):
        Journal(log).snapshot()


def test_every_record_has_its_kind(log: Path):
    logged(square(), log, node_limit=60)
    kinds = {type(one) for one in read_log(log).records[:-1]}
    assert kinds == {Improved, Passed}


def test_what_is_kept_comes_back(log: Path):
    logged(square(), log, node_limit=20)
    again = Journal(log, resume=True)
    assert again.kept == {"kept": 2}
    assert isinstance(Search.restored(square(), again.snapshot()), Search)
