"""`matrl discover --log`, `--resume`, and `matrl show` of a log."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_process import SOURCE, finish

import matrl
from matrl.search.journal import checkpoint_of
from matrl.search.log import Resumed, read_log

ARGUMENTS = ("discover", "invsqrt", "--interval", "1e-3", "1", "--n", "64", "--time-limit", "60")
PRICED = (*ARGUMENTS, "--profile", "prices.json", "--log", "search.jsonl")


def test_show_a_log(invoke) -> None:
    assert invoke(*PRICED, "--nodes", "500").exit_code == 0
    result = invoke("show", "search.jsonl")
    assert result.exit_code == 0, result.output
    for word in ("invsqrt", "incumbents", "the tree's best lines", "front", "visits", "the limit"):
        assert word in result.stdout
    document = json.loads(invoke("show", "search.jsonl", "--json").stdout)
    assert document["kind"] == "matrl-search-log"
    assert document["facts"]["shape"] == [64, 64]
    assert document["notes"]["nodes"] == 500
    assert document["result"]["best"][0]["cost"] == document["incumbents"][-1]["cost"]


def test_resume(invoke) -> None:
    whole = invoke(*PRICED[:-2], "--nodes", "1500", "--json")
    assert invoke(*PRICED, "--nodes", "300").exit_code == 0
    part = invoke(*PRICED, "--nodes", "1500", "--resume", "--json")
    assert part.exit_code == 0, part.output
    one, other = json.loads(part.stdout), json.loads(whole.stdout)
    for name in ("cost", "error", "steps", "nodes", "optimal", "front", "plan_id"):
        assert one[name] == other[name]
    assert "resumed" in invoke("show", "search.jsonl").stdout


def test_logs_of_workers_are_shown_together(invoke) -> None:
    workers = ("--workers", "2")
    assert invoke(*PRICED, *workers, "--nodes", "600").exit_code == 0
    shown = invoke("show", "search.jsonl")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("\nworker ") == 2
    for word in ("incumbents", "the tree's best lines", "front"):
        assert shown.stdout.count(word) == 1
    document = json.loads(invoke("show", "search.jsonl", "--json").stdout)
    assert [one["facts"]["worker"] for one in document["workers"]] == [1, 2]
    assert document["result"] == document["workers"][0]["result"]
    resumed = invoke(*PRICED, *workers, "--nodes", "1500", "--resume", "--json")
    assert resumed.exit_code == 0, resumed.output
    assert "resumed" in invoke("show", "search.jsonl").stdout
    result = invoke(*PRICED, "--nodes", "1500", "--resume")
    assert result.exit_code == 2
    assert "workers was 2, now not known" in result.stderr


def test_what_is_refused(invoke, tmp_path: Path) -> None:
    result = invoke(*PRICED, "--resume")
    assert result.exit_code == 2
    assert "search.jsonl.checkpoint: cannot be read" in result.stderr
    result = invoke(*PRICED[:-2], "--resume")
    assert result.exit_code == 2
    assert "resume: needs log (--log)" in result.stderr
    assert invoke(*PRICED, "--nodes", "300").exit_code == 0
    result = invoke(*PRICED, "--nodes", "300")
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    result = invoke(*PRICED, "--resume", "--tol", "1e-5")
    assert result.exit_code == 2
    assert "tol was None, now 1e-05" in result.stderr
    log = tmp_path / "search.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    for arguments in (("show", "search.jsonl"), (*PRICED, "--resume")):
        result = invoke(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "search.jsonl" in result.stderr


def test_show_tells_logs_from_plans(invoke, tmp_path: Path) -> None:
    assert invoke(*PRICED, "--nodes", "300", "-o", "found.json").exit_code == 0
    assert "plan" in invoke("show", "found.json").stdout
    content = (tmp_path / "search.jsonl").read_bytes()
    for name, wrong in (("a", content[3:]), ("b", b"{}" + content), ("c", b"")):
        (tmp_path / name).write_bytes(wrong)
        assert invoke("show", name).exit_code == 2
    assert invoke("show", "search.jsonl.checkpoint").exit_code == 2


# Real processes -------------------------------------------------------------------------------

AT_A_CHECKPOINT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from matrl.search import journal
journal.CHECKPOINT_SECONDS = 0.05
real, saved, told = journal.Journal.save, [], []
def save(self, search):
    real(self, search)
    saved.append(search.cost)
    if len(saved) > 2 and search.cost < float("inf") and not told:
        told.append(True)
        print("saved", file=sys.stderr, flush=True)
journal.Journal.save = save
from matrl.cli import main
main(sys.argv[1:])
"""
LONG = (
    *("discover", "inv", "--interval", "1e-4", "1", "--n", "64", "--tol", "1e-8"),
    *("--log", "search.jsonl"),
)


def start(files: Path, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    profile = ("--profile", str(files / "products.json"))
    return subprocess.Popen(
        [sys.executable, "-c", AT_A_CHECKPOINT, *LONG, *profile, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )


def until_saved(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    assert process.stderr.readline() == "saved\n"


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_a_killed_search_goes_on(files: Path, tmp_path: Path) -> None:
    process = start(files, tmp_path, "--time-limit", "100")
    until_saved(process)
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL
    assert checkpoint_of(tmp_path / "search.jsonl").exists()
    code, out, err = finish(start(files, tmp_path, "--time-limit", "0.2", "--resume", "--json"))
    assert code == 0, err
    document = json.loads(out)
    assert matrl.__version__ == read_log(tmp_path / "search.jsonl").begun.facts["version"]
    records = read_log(tmp_path / "search.jsonl").records
    resumed = [one for one in records if isinstance(one, Resumed)]
    assert len(resumed) == 1
    assert 0 < resumed[0].nodes <= document["nodes"]
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_an_interrupted_search_goes_on_where_it_was(files: Path, tmp_path: Path) -> None:
    process = start(files, tmp_path, "--time-limit", "100", "--json")
    until_saved(process)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code == 0, err
    assert "the search goes on from search.jsonl.checkpoint with --resume" in err
    document = json.loads(out)
    assert document["interrupted"]
    resumed = ("--time-limit", "100", "--nodes", str(document["nodes"]), "--resume", "--json")
    code, out, err = finish(start(files, tmp_path, *resumed))
    assert code == 0, err
    again = json.loads(out)
    for name in ("cost", "nodes", "steps", "front", "plan_id"):
        assert again[name] == document[name]
