import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import matrl

SOURCE = Path(matrl.__file__).parents[1]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "matrl", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, err


def test_version_and_help(tmp_path: Path) -> None:
    assert finish(start(tmp_path, "--version")) == (0, f"matrl {matrl.__version__}\n", "")
    code, out, err = finish(start(tmp_path, "--help"))
    assert (code, err) == (0, "")
    for command in ("discover", "run", "show", "profile", "demo"):
        assert command in out


def test_a_matrl_error(tmp_path: Path) -> None:
    code, out, err = finish(start(tmp_path, "show", "missing.json", "--json"))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")


def test_a_closed_pipe_is_quiet(files: Path) -> None:
    process = start(files, "show", "plan.json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=120) != 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_full_disk_is_an_error(files: Path, option: list[str]) -> None:
    with open("/dev/full", "w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "matrl.cli", "show", "plan.json", *option],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=files,
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
        )
    assert found.returncode == 2
    assert found.stderr == "error: cannot write: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_in_the_search_keeps_the_best_plan(files: Path, tmp_path: Path) -> None:
    process = start(
        tmp_path,
        *("discover", "invsqrt", "--interval", "1e-6", "1", "--n", "64", "--tol", "1e-10"),
        *("--profile", str(files / "prices.json"), "--time-limit", "100", "--json"),
        *("-o", "plan.json"),
    )
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    if code in (1, 130):
        pytest.skip("this machine is too slow to have found a plan by then")
    assert code == 0
    document = json.loads(out)
    assert matrl.Plan.load(tmp_path / "plan.json").id == document["plan_id"]
    assert ("interrupted" in err) == document["interrupted"]
