"""The whole demonstration, on patches small enough for a test."""

import json
import sys

import numpy as np
import pytest

from matrl.demo import run_demo
from matrl.demo.judging import step_errors, whitened_deviation
from matrl.demo.patches import load_photographs, split
from matrl.errors import MissingExtraError
from matrl.plan import Plan

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

REQUIRED = {
    "tol",
    "predicted_error",
    "measured_error",
    "seconds_plan",
    "seconds_best_direct",
    "ratio",
    "search_seconds",
    "break_even_calls",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A small run: its folder and its exit code."""
    folder = tmp_path_factory.mktemp("demo") / "made" / "here"
    return folder, run_demo(folder, time_limit=1.0, patch=4, repetitions=2)


@pytest.mark.slow
def test_files_and_summary(demo):
    folder, code = demo
    assert code == 0
    assert {path.name for path in folder.iterdir()} == {
        "plan.json",
        "summary.json",
        "spectrum.png",
    }
    assert (folder / "spectrum.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary.keys() >= REQUIRED
    assert summary["measured_error"] <= summary["tol"] == 0.01
    assert summary["whitened_deviation"] <= summary["whitened_limit"]
    assert summary["status"] == "converged"
    assert summary["ratio"] == pytest.approx(
        summary["seconds_best_direct"] / summary["seconds_plan"]
    )
    best = summary["routes"][summary["best_direct"]]
    assert best["meets_tol"]
    meeting = [r["seconds"] for r in summary["routes"].values() if r["meets_tol"]]
    assert best["seconds"] == min(meeting)


@pytest.mark.slow
def test_step_errors_end_within_the_tolerance(demo):
    folder, _ = demo
    plan = Plan.load(folder / "plan.json")
    sample = split(load_photographs(), 4).held_out[0]
    errors = step_errors(plan, sample)
    assert [name for name, _ in errors] == [step.name for step in plan.steps]
    for (_, error), step in zip(errors, plan.steps, strict=True):
        assert error.shape == sample.eigenvalues.shape
        assert error.max() <= step.error * (1 + 1e-6)
    assert errors[-1][1].max() <= plan.tol


@pytest.mark.slow
def test_json_output_is_the_summary_alone(tmp_path, capsys):
    code = run_demo(tmp_path, time_limit=1.0, json_output=True, patch=3, repetitions=1)
    out = capsys.readouterr().out
    assert code in {0, 1}
    assert json.loads(out) == json.loads((tmp_path / "summary.json").read_text())


def test_deviation_is_zero_for_a_perfect_factor():
    c = np.diag([1.0, 4.0, 1e4])
    assert whitened_deviation(c, np.diag([1.0, 0.5, 1e-2])) < 1e-12


def test_without_matplotlib_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'matrl\[demo\]'"):
        run_demo(tmp_path / "out")
    assert not (tmp_path / "out").exists()
