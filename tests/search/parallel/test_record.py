"""Several workers write their searches down, each its own, and go on from that."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.search.parallel.crews import Inline, never
from tests.search.parallel.test_processes import PATHS, wait_for_end
from tests.search.recorded import FACTS, Recorded, square
from tests.search.toys import grid

from matrl.errors import ArtifactError, InputError
from matrl.search import Limits, Record, SearchResult, search, search_in_parallel
from matrl.search import journal as module
from matrl.search.journal import checkpoint_of
from matrl.search.log import read_log
from matrl.search.parallel.conductor import Conductor
from matrl.search.parallel.exchange import AtOnce
from matrl.search.parallel.logs import best_of, front_of_logs, read_logs
from matrl.search.parallel.messages import Assignment
from matrl.search.parallel.record import log_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "search.jsonl"


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write checkpoints at every iteration, not waiting for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(module, "CHECKPOINT_SHARE", 1e9)


def record_of(log: Path, *, resume: bool = False, **facts: Any) -> Record:
    return Record(str(log), resume, {**FACTS, **facts}, {"note": 1}, {"kept": "this"})


def team(log: Path, nodes: float, *, resume: bool = False, lost: Any = None) -> SearchResult:
    """Search with two workers of this process."""
    record = record_of(log, resume=resume)
    record.check(2)
    assignments = [Assignment(square, seed, {}, seed, 2, record) for seed in (0, 1)]
    with closing(Inline(assignments, 0, lost)) as crew:
        return Conductor(crew, AtOnce(), Limits(nodes=nodes)).run(never, 8)


def test_every_worker_writes_its_own_log_and_together_they_tell_of_the_result(log: Path):
    result = team(log, 200)
    logs = read_logs(log)
    assert [one.begun.facts["worker"] for one in logs] == [1, 2]
    assert all(one.begun.facts["workers"] == 2 for one in logs)
    written = [one.result for one in logs]
    assert all(one is not None for one in written)
    assert sum(one.nodes for one in written if one is not None) == result.nodes
    best = best_of(logs, 8)
    assert best[0].cost == pytest.approx(result.cost)
    assert [line.cost for line in best] == sorted(line.cost or 0.0 for line in best)
    assert len({tuple(line.steps) for line in best}) == len(best)
    front = front_of_logs(logs)
    assert [line.error for line in front] == sorted((e.quality for e in result.front), reverse=True)


@pytest.mark.usefixtures("often")
def test_nothing_evaluated_is_lost_and_the_search_goes_on_to_the_optimum(log: Path):
    first = team(log, 120)
    assert not first.optimal
    second = team(log, 4000, resume=True)
    assert second.nodes > first.nodes
    assert second.cost <= first.cost
    assert second.optimal
    assert second.cost == pytest.approx(search(square()).cost)
    assert all(one.sittings == 2 for one in read_logs(log))


@pytest.mark.usefixtures("often")
def test_a_lost_worker_goes_on_from_its_checkpoint(log: Path):
    first = team(log, 200, lost={1: 4})
    _, lost = read_logs(log)
    assert lost.result is None
    known = lost.improvements[-1].cost
    second = team(log, 201, resume=True)
    assert second.cost <= min(first.cost, known)
    assert read_logs(log)[1].sittings == 2


def test_a_worker_that_has_written_nothing_begins_anew(log: Path):
    team(log, 100)
    log_of(log, 1).unlink()
    checkpoint_of(log_of(log, 1)).unlink()
    assert len(read_logs(log)) == 1
    assert team(log, 4000, resume=True).optimal
    assert [one.sittings for one in read_logs(log)] == [2, 1]


def test_what_is_in_the_way_is_refused_before_any_work(log: Path):
    log_of(log, 1).write_text("mine")
    with pytest.raises(InputError, match=r"search.jsonl.2 exists already"):
        search_in_parallel(square, workers=2, record=record_of(log))
    assert not log.exists()
    assert log_of(log, 1).read_text() == "mine"


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("damage", ["checkpoint", "log", "missing"])
def test_one_damaged_file_refuses_the_whole(log: Path, index: int, damage: str):
    team(log, 100)
    path = log_of(log, index)
    if damage == "log":
        path.write_bytes(b"?" + path.read_bytes()[1:])
    elif damage == "missing":
        checkpoint_of(path).unlink()
    else:
        content = checkpoint_of(path).read_bytes()
        checkpoint_of(path).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    before = {one: one.read_bytes() for one in log.parent.iterdir()}
    with pytest.raises(ArtifactError, match=path.name):
        search_in_parallel(square, workers=2, record=record_of(log, resume=True))
    assert {one: one.read_bytes() for one in log.parent.iterdir()} == before


def test_other_workers_are_another_search(log: Path):
    team(log, 100)
    with pytest.raises(ArtifactError, match="workers was 2, now 3"):
        search_in_parallel(square, workers=3, record=record_of(log, resume=True))
    with pytest.raises(ArtifactError, match="seed was 3, now 4"):
        search_in_parallel(square, workers=2, record=record_of(log, resume=True, seed=4))
    other = read_log(log).begun
    log_of(log, 1).write_bytes(log.read_bytes())
    assert other.facts["worker"] == 1
    with pytest.raises(ArtifactError, match="of another search"):
        read_logs(log)


class Large(Recorded):
    """Too large to be searched through."""

    def __init__(self) -> None:
        super().__init__(grid(40), {1599})


SCRIPT = """
    import os, sys
    from tests.search.parallel.test_record import Large, record_of
    from pathlib import Path
    from matrl.search import journal, search_in_parallel

    def tell(progress):
        print(*[p.name for p in Path("/proc").iterdir() if p.name.isdigit()
                and f"PPid:\\t{os.getpid()}\\n" in (p / "status").read_text()], flush=True)

    search_in_parallel(Large, workers=2, progress=tell, record=record_of(Path(sys.argv[1])))
"""


def test_a_search_whose_processes_were_all_killed_goes_on(tmp_path: Path, log: Path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, "PYTHONPATH": PATHS}
    with subprocess.Popen(
        [sys.executable, str(script), str(log)],
        env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        workers: list[int] = []
        checkpoints = [checkpoint_of(log_of(str(log), index)) for index in (0, 1)]
        while len(workers) != 2 or not all(map(os.path.exists, checkpoints)):
            workers = [int(word) for word in process.stdout.readline().split()]
        for pid in (workers[1], process.pid, workers[0]):
            os.kill(pid, signal.SIGKILL)
    wait_for_end(workers)
    known = [one.improvements[-1].cost for one in read_logs(log) if one.improvements]
    result = search_in_parallel(
        Large, workers=2, node_limit=2000, record=record_of(log, resume=True)
    )
    assert result.actions
    assert Large().cost_of(result.actions) == pytest.approx(result.cost)
    # What was written after the last checkpoint is found again, or something as good.
    assert result.cost <= 1.5 * min(known, default=result.cost)
    assert all(one.sittings == 2 for one in read_logs(log))
