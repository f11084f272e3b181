"""Real processes: the same results, killed workers, Ctrl-C, and nothing left behind."""

import logging
import math
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest
from tests.search.parallel.crews import Broken, Drowsy, Sleepy
from tests.search.toys import Network, random_dag

import matrl
from matrl.errors import InputError, WorkersLostError
from matrl.search import Limits, Progress, search_in_parallel
from matrl.search.parallel.conductor import Conductor
from matrl.search.parallel.exchange import AtOnce
from matrl.search.parallel.interrupts import Interrupts
from matrl.search.parallel.messages import Assignment, Ready
from matrl.search.parallel.processes import Processes

ROOT = Path(__file__).parents[3]
PATHS = os.pathsep.join([str(Path(matrl.__file__).parents[1]), str(ROOT)])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_end(pids: list[int]) -> None:
    """Wait until processes have ended; a test that waits too long fails by its runner."""
    while any(is_alive(pid) for pid in pids):
        time.sleep(0.02)


def test_two_processes_find_and_prove_the_optimum():
    make = partial(Network, random_dag(3, 40), {39}, "half")
    result = search_in_parallel(make, workers=2, seed=1)
    assert (result.optimal, result.reason) == (True, "optimal")
    assert result.cost == pytest.approx(make().exact[0])
    assert make().cost_of(result.actions) == pytest.approx(result.cost)


def test_a_slow_worker_changes_nothing_where_that_is_asked_for(tmp_path):
    def once(name: str, seconds: float) -> tuple[object, ...]:
        folder = tmp_path / name
        folder.mkdir()
        one = search_in_parallel(
            partial(Sleepy, folder, seconds), workers=2, deterministic=True, node_limit=160, seed=5
        )
        return (one.cost, one.actions, one.finalists, one.nodes, one.front, one.bound, one.reason)

    assert once("quick", 0.0) == once("slow", 0.005)


def test_a_killed_worker_costs_its_share_only(caplog):
    crew = Processes([Assignment(Drowsy, "mcts", seed) for seed in (0, 1)])
    processes = list(crew._processes)
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if progress.cost < math.inf and not killed:
            killed.append(processes[1].pid)
            processes[1].kill()

    try:
        limits = Limits(nodes=1000)
        with caplog.at_level(logging.WARNING, logger="matrl"):
            result = Conductor(crew, AtOnce(), limits, kill).run(Interrupts(), 8)
    finally:
        crew.close()
    assert killed
    assert "worker 2 of 2 was lost: it was killed by SIGKILL" in caplog.text
    assert result.reason == "nodes"
    assert result.nodes >= 1000
    assert Drowsy().cost_of(result.actions) == pytest.approx(result.cost)
    assert all(process.returncode is not None for process in processes)


SCRIPT = """
    import os, sys
    from functools import partial
    from pathlib import Path
    from tests.search.parallel.crews import Drowsy
    from matrl.search import search_in_parallel

    def children():
        me = str(os.getpid())
        stats = [(p, (p / "stat").read_text().rpartition(")")[2].split()) for p in
                 Path("/proc").iterdir() if p.name.isdigit() and (p / "stat").exists()]
        return [p.name for p, fields in stats if fields[1] == me and fields[0] != "Z"]

    told = []
    def tell(progress):
        if progress.cost < float("inf") and not told:
            told.append(True)
            print("workers", *children(), flush=True)

    result = search_in_parallel(Drowsy, workers=2, progress=tell)
    print(result.reason, result.cost == Drowsy().cost_of(result.actions), flush=True)
    print("left", *children(), flush=True)
"""
"""A script without a guard: workers must not run it again."""


def started(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    script = tmp_path / "script.py"
    script.write_text(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        + textwrap.dedent(SCRIPT)
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": PATHS},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    pids = [int(pid) for pid in re.findall(r"\d+", line)]
    assert line.startswith("workers"), process.communicate()
    assert len(pids) == 2
    return process, pids


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_ctrl_c_in_a_script_returns_the_best_and_ends_the_workers(tmp_path):
    process, pids = started(tmp_path)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out == "interrupted True\nleft\n"
    assert (process.returncode, err) == (0, "")
    assert not any(is_alive(pid) for pid in pids)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_end_when_the_search_is_killed(tmp_path):
    process, pids = started(tmp_path)
    process.kill()
    process.communicate()
    wait_for_end(pids)


def test_an_environment_that_cannot_be_made_is_an_error_that_says_why():
    with pytest.raises(WorkersLostError, match="failed: ValueError: no such thing"):
        search_in_parallel(Broken, workers=1)


def test_what_cannot_be_sent_is_refused():
    with pytest.raises(InputError, match=r"make: cannot be sent to a worker \(.*; give a function"):
        search_in_parallel(lambda: Network({}, {0}), workers=1)


def test_what_the_script_defines_is_refused(monkeypatch):
    monkeypatch.setattr(Broken, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Broken", Broken, raising=False)
    with pytest.raises(InputError, match="make: is defined in the script"):
        search_in_parallel(Broken, workers=1)


def test_workers_have_one_thread_each(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    crew = Processes([Assignment(partial(Network, {}, {0}), "mcts", 0)])
    try:
        assert crew.receive(60.0) == [(0, Ready())]
        environment = Path(f"/proc/{crew._processes[0].pid}/environ").read_bytes().split(b"\0")
        assert b"OPENBLAS_NUM_THREADS=1" in environment
    finally:
        crew.close()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "2"


@pytest.mark.parametrize("workers", [0, -1])
def test_a_number_of_workers_that_is_none(workers):
    with pytest.raises(InputError, match="workers: must be"):
        search_in_parallel(Broken, workers=workers)


def test_an_unknown_planner_is_refused_before_anything_is_started():
    with pytest.raises(KeyError):
        search_in_parallel(Broken, workers=2, planner="guess")


def test_planners_that_draw_nothing_are_warned_of(caplog):
    with caplog.at_level(logging.WARNING, logger="matrl"):
        search_in_parallel(partial(Network, {}, {0}), workers=2, planner="beam")
    assert "draws nothing" in caplog.text
