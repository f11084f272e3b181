import os
import signal
import subprocess
import sys
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


WITH_SIGINT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from matrl.cli.commands import discover
told = []
line = discover._line
def tell(progress, *rest):
    if not told and progress.cost < float("inf"):
        told.append(print("has a plan", file=sys.stderr, flush=True))
    return line(progress, *rest)
discover._line = tell
from matrl.cli import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_real_sigint_leaves_the_best_plan_a_message_and_0(
    files: Path, tmp_path: Path, workers: str
) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", WITH_SIGINT, "discover", "inv", "--interval", "1e-4", "1"),
            *("--n", "64", "--tol", "1e-8", "--profile", str(files / "products.json")),
            *("--time-limit", "100"),
            *("--workers", workers, "-o", "plan.json"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "has a plan\n"
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 0, err
    assert "interrupted: this is the best plan so far" in err
    assert matrl.Plan.load(tmp_path / "plan.json").function == "inv"
