import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import matrl


@pytest.mark.parametrize("verify", ["sketch", "full", "off"])
def test_run_saves_the_function_of_the_matrix(invoke, verify: str, tmp_path: Path) -> None:
    result = invoke("run", "plan.json", "good.npy", "-o", "f.out", "--verify", verify)
    assert result.exit_code == 0, result.output
    a, f = np.load("good.npy"), np.load("f.out")
    assert np.abs(f @ a @ f - np.eye(len(a))).max() < 1e-5
    assert ("unchecked" if verify == "off" else "converged") in result.stdout
    assert ("residual" in result.stdout) == (verify != "off")
    assert list(tmp_path.glob("*.tmp")) == []


def test_run_json_is_one_document(invoke) -> None:
    result = invoke("run", "plan.json", "good.npy", "-o", "f.npy", "--verify", "full", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["status"] == "converged"
    assert 0 < document["error_bound"] < 1e-6
    assert document["output"] == "f.npy"
    assert document["shape"] == [64, 64]


def test_other_byte_order(invoke) -> None:
    assert invoke("run", "plan.json", "swapped.npy", "-o", "f.npy").exit_code == 0
    assert np.load("f.npy").dtype == np.float64


def test_a_stack_reports_each_matrix_and_refusals_are_1(invoke) -> None:
    result = invoke("run", "plan.json", "stack.npy", "-o", "f.npy", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["status"] == ["converged", "refused", "converged"]
    assert document["counts"] == {"converged": 2, "refused": 1}
    assert document["residual"][1] is None
    assert "1 of 3" in result.stderr
    f = np.load("f.npy")
    assert f.shape == (3, 64, 64)
    assert np.isnan(f[1]).all()
    assert np.isfinite(f[[0, 2]]).all()


def test_a_stack_as_a_table(invoke) -> None:
    result = invoke("run", "plan.json", "stack.npy", "-o", "f.npy")
    assert result.exit_code == 1
    assert "2 converged, 1 refused" in result.stdout
    assert "A[1]" in result.stdout
    assert invoke("run", "plan.json", "calm.npy", "-o", "f.npy").exit_code == 0


def test_links_are_written_through(invoke, tmp_path: Path) -> None:
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    assert invoke("run", "plan.json", "good.npy", "-o", "link.npy").exit_code == 0
    assert (tmp_path / "link.npy").is_symlink()
    assert (tmp_path / "real.npy").is_file()


def test_show(invoke) -> None:
    result = invoke("show", "plan.json")
    assert result.exit_code == 0, result.output
    plan = matrl.Plan.load("plan.json")
    for word in (plan.id, "invsqrt", "float64", "[0.01, 1]", "predicted", "measured", "seed 0"):
        assert word in result.stdout
    for step in plan.steps:
        assert step.name in result.stdout


def test_show_json_is_the_plan(invoke) -> None:
    result = invoke("show", "plan.json", "--json")
    assert matrl.Plan.from_json(result.stdout) == matrl.Plan.load("plan.json")
    json.loads(result.stdout)


def test_show_escapes_what_a_terminal_would_obey(invoke) -> None:
    plan = matrl.Plan.load("plan.json")
    predicted = replace(plan.predicted, profile="\x1b[2J[bold]odd[/bold]")
    replace(plan, predicted=predicted).save("odd.json")
    result = invoke("show", "odd.json")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[bold]odd[/bold]" in result.stdout


@pytest.mark.parametrize(("name", "exponent"), [("power(0.3)", 0.3), ("invroot-16", -1 / 16)])
def test_a_power_made_on_demand_from_discovery_to_its_value(
    invoke, name: str, exponent: float
) -> None:
    spectrum = ("--interval", "1e-2", "1", "--n", "64", "--tol", "1e-6")
    search = ("--profile", "prices.json", "--nodes", "60", "--precision", "float64")
    found = invoke("discover", name, *spectrum, *search, "-o", "mine.json")
    assert found.exit_code == 0, found.output
    shown = invoke("show", "mine.json")
    assert shown.exit_code == 0
    assert matrl.Plan.load("mine.json").function in shown.stdout
    result = invoke("run", "mine.json", "good.npy", "-o", "f.npy", "--verify", "full", "--json")
    assert json.loads(result.stdout)["status"] == "converged"
    values, vectors = np.linalg.eigh(np.load("good.npy"))
    exact = (vectors * values**exponent) @ vectors.T
    assert np.abs(np.load("f.npy") - exact).max() < 1e-5
