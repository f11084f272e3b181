import importlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import matrl
from matrl.cli import console
from matrl.cli.commands import discover as module
from matrl.search import Progress

QUICK = ("--profile", "prices.json", "--nodes", "300", "--time-limit", "5")
INTERVAL = ("--interval", "1e-2", "1", "--n", "64")


def test_prints_a_table_and_saves_the_plan(invoke, tmp_path: Path) -> None:
    result = invoke("discover", "invsqrt", *INTERVAL, *QUICK, "-o", "found.json")
    assert result.exit_code == 0, result.output
    plan = matrl.Plan.load("found.json")
    for step in plan.steps:
        assert step.name in result.stdout
        assert step.form in result.stdout
    for word in ("cost", "rounding", "1e-06", "[0.01, 1]", "nodes", "optimal", "measured"):
        assert word in result.stdout
    assert "found.json" in result.stderr
    assert list(tmp_path.glob("*.tmp")) == []


def test_json_is_one_document(invoke) -> None:
    result = invoke("discover", "sqrt", *INTERVAL, *QUICK, "--json", "-o", "found.json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["function"] == "sqrt"
    assert document["plan"] == "found.json"
    assert document["plan_id"] == matrl.Plan.load("found.json").id
    assert document["steps"][-1]["error"] == document["error"]


def test_json_without_output_names_no_plan(invoke) -> None:
    result = invoke("discover", "inv", *INTERVAL, *QUICK, "--json")
    assert "plan" not in json.loads(result.stdout)
    assert result.stderr == ""


def test_same_arguments_same_plan(invoke) -> None:
    ids = [
        json.loads(invoke("discover", "inv", *INTERVAL, *QUICK, "--json").stdout)["plan_id"]
        for _ in range(2)
    ]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    "source",
    [
        ("--samples", "samples.npy", "--n", "64"),
        ("--matrices", "good.npy"),
        ("--matrices", "good.npy", "--matrices", "calm.npy"),
        ("--interval", "1e-2", "1", "--shape", "64", "64"),
    ],
)
def test_every_source_of_spectra(invoke, source: tuple[str, ...]) -> None:
    result = invoke("discover", "invsqrt", *source, *QUICK, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["shape"] == [64, 64]


def test_samples_with_zeros_make_a_plan_that_says_so(invoke) -> None:
    arguments = ("discover", "sqrt", "--samples", "singular.npy", "--n", "64", *QUICK)
    result = invoke(*arguments, "-o", "found.json")
    assert result.exit_code == 0, result.output
    assert "[0.02, 1] or 0" in result.stdout
    assert "[0.02, 1] or 0" in invoke("show", "found.json").stdout
    assert json.loads(invoke(*arguments, "--json").stdout)["domain_has_zero"] is True


def test_options_reach_the_search(invoke) -> None:
    result = invoke(
        *("discover", "invsqrt", *INTERVAL, *QUICK, "--json", "--tol", "1e-3", "--dtype"),
        *("float32", "--precision", "float32", "--allow", "newton,series-*", "--steps", "9"),
        *("--batch", "2", "--seed", "3", "--norm", "eigenvalue"),
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["tol"], document["dtype"], document["batch"]) == (1e-3, "float32", 2)
    assert {step["precision"] for step in document["steps"]} == {"float32"}
    assert all(step["name"].startswith(("newton", "series")) for step in document["steps"])


def test_half_precisions_come_from_the_profile(invoke, tmp_path: Path) -> None:
    profile = tmp_path / "halves.json"
    ops = [
        {"op": op, "dtype": dtype, "n": 64, "batch": 1, "seconds": seconds * factor}
        for op, seconds in {"matmul": 1.0, "add": 0.02}.items()
        for dtype, factor in {"bfloat16": 0.25, "float32": 0.5}.items()
    ]
    profile.write_text(json.dumps({"schema": 1, "name": "unit", "ops": ops}), encoding="utf-8")
    plan = str(tmp_path / "halves-plan.json")
    arguments = ("discover", "invsqrt", "--interval", "0.02", "1", "--n", "64", "--tol", "5e-2")
    more = ("--dtype", "float32", "--profile", str(profile), "--nodes", "200")
    result = invoke(*arguments, *more, "--precision", "bfloat16,float32", "-o", plan)
    assert result.exit_code == 0, result.output
    assert "bfloat16" in result.stdout
    assert "bfloat16" in invoke("show", plan).stdout
    refused = invoke(*arguments, *more, "--precision", "float16")
    assert refused.exit_code == 2
    assert "no price for products in float16" in refused.stderr


def test_the_least_error_for_steps_or_a_budget(invoke) -> None:
    error = (*QUICK, "--minimize", "error", "--json")
    found = json.loads(invoke("discover", "polar", *INTERVAL, *error, "--steps", "2").stdout)
    assert len(found["steps"]) <= 2
    assert found["error"] + found["rounding"] <= found["tol"] < 1.0
    cheap = json.loads(invoke("discover", "invsqrt", *INTERVAL, *error, "--budget", "9").stdout)
    assert cheap["cost"] <= 9.0 + 1e-6
    enough = (*error, "--steps", "8", "--allow", "minimax-5")
    good = json.loads(invoke("discover", "polar", *INTERVAL, *enough, "--tol", "1e-3").stdout)
    least = json.loads(invoke("discover", "polar", *INTERVAL, *enough).stdout)
    assert least["error"] < good["error"] <= good["tol"]
    assert good["tol"] == pytest.approx(max(1e-3, 1.1 * (good["error"] + good["rounding"])))
    refused = invoke("discover", "invsqrt", *INTERVAL, *error)
    assert refused.exit_code == 2
    assert "minimize: 'error' needs a budget" in refused.stderr


def test_out_of_reach_is_explained(invoke) -> None:
    asked = ("--tol", "1e-9", "--allow", "minimax-3", "--steps", "1")
    result = invoke("discover", "invsqrt", *INTERVAL, *QUICK, *asked)
    assert (result.exit_code, result.stdout) == (1, "")
    for words in ("tol: 1e-09 is out of reach", "best reachable error found is", "ask for"):
        assert words in result.stderr


def test_the_race_is_shown_where_prices_are_measured(
    invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = matrl.Profile.load("prices.json")
    where = importlib.import_module("matrl.discovery.discover")
    monkeypatch.setattr(where, "profile_for", lambda *arguments, **more: prices)
    asked = ("--nodes", "300", "--time-limit", "2", "--allow", "minimax-[35],eigh")
    result = invoke("discover", "invsqrt", *INTERVAL, *asked)
    assert result.exit_code == 0, result.output
    for word in ("race", "predicted/measured", "won"):
        assert word in result.stdout
    document = json.loads(invoke("discover", "invsqrt", *INTERVAL, *asked, "--json").stdout)
    assert document["race"][0]["status"] == "won"
    assert document["race"][0]["plan_id"] == document["plan_id"]
    assert document["race"][0]["predicted_over_measured"] == document["predicted_over_measured"]
    given = json.loads(invoke("discover", "invsqrt", *INTERVAL, *QUICK, "--json").stdout)
    assert given["race"] == []


@pytest.mark.torch
def test_the_library_is_that_of_the_prices(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    prices, asked = matrl.Profile.load("prices.json"), []

    def profile_for(*arguments: Any, library: Any, **more: Any) -> matrl.Profile:
        asked.append(library.name)
        return prices

    where = importlib.import_module("matrl.discovery.discover")
    monkeypatch.setattr(where, "profile_for", profile_for)
    more = ("--nodes", "100", "--allow", "eigh", "--library", "torch")
    result = invoke("discover", "invsqrt", *INTERVAL, *more)
    assert (result.exit_code, asked) == (0, ["PyTorch"]), result.output


def test_planners_and_the_front(invoke) -> None:
    more = ("--planner", "exhaustive", "--expected-calls", "1e12", "--front")
    result = invoke("discover", "invsqrt", *INTERVAL, *QUICK, *more)
    assert result.exit_code == 0, result.output
    assert "front" in result.stdout
    document = json.loads(invoke("discover", "invsqrt", *INTERVAL, *QUICK, *more, "--json").stdout)
    assert document["reason"] in ("optimal", "nodes", "break-even")
    assert document["front"]


def test_an_interrupted_search_still_saves_its_plan(
    invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(progress: Progress, *rest: object) -> str:
        if np.isfinite(progress.cost) and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return ""

    interrupted: list[bool] = []
    monkeypatch.setattr(module, "_line", interrupt)
    result = invoke(
        *("discover", "invsqrt", "--interval", "1e-7", "1", "--n", "64", "--tol", "1e-7"),
        *("--profile", "prices.json", "--time-limit", "60", "--json", "-o", "found.json"),
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["interrupted"] is True
    assert "interrupted" in result.stderr
    assert Path("found.json").exists()


def test_interrupted_elsewhere_is_130(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "discover", interrupt)
    result = invoke("discover", "inv", *INTERVAL, *QUICK)
    assert result.exit_code == 130
    assert result.stdout == ""


def test_out_of_memory_is_1(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhaust(*arguments: object, **more: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "discover", exhaust)
    result = invoke("discover", "inv", *INTERVAL, *QUICK)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "memory" in result.stderr


def test_verbose_and_warnings_go_to_stderr(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(*arguments: object, **more: object) -> matrl.Found:
        logging.getLogger("matrl.somewhere").info("a detail")
        logging.getLogger("matrl.somewhere").warning("take care")
        return real(*arguments, **more)  # type: ignore[arg-type]

    real = matrl.discover
    monkeypatch.setattr(module, "discover", warn)
    usual = invoke("discover", "inv", *INTERVAL, *QUICK, "--json")
    assert usual.stderr == "warning: take care\n"
    json.loads(usual.stdout)
    verbose = invoke("discover", "inv", *INTERVAL, *QUICK, "--json", "-v")
    assert "info: a detail\nwarning: take care\n" in verbose.stderr
    assert "a detail" in invoke("-v", "discover", "inv", *INTERVAL, *QUICK).stderr
    json.loads(verbose.stdout)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(np.inf, np.inf, 0, 0.0, 3.0), ["nothing", "0 nodes/s", "3 s left"]),
        (Progress(2e-3, 1e-7, 500, 2.0, np.inf), ["2 ms", "1.00e-07", "250 nodes/s", "no time"]),
    ],
)
def test_progress_line(progress: Progress, words: list[str]) -> None:
    line = module._line(progress, in_seconds=True)
    for word in words:
        assert word in line


def test_status_line_is_for_terminals_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with console.status_line() as show:
        show("working")
    assert capsys.readouterr().err == ""
    terminal = Console(force_terminal=True, width=60, stderr=True)
    monkeypatch.setattr(console, "_console", lambda file: terminal)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with console.logging_to_stderr(), console.status_line() as show:
        show("working")
        logging.getLogger("matrl.somewhere").warning("take care")
    written = capsys.readouterr().err
    assert "working" in written
    assert "warning: take care" in written


def test_workers_find_the_same_plan_with_the_same_seed_and_nodes(invoke) -> None:
    options = ("--workers", "2", "--deterministic", "--json")
    first = invoke("discover", "inv", *INTERVAL, *QUICK, *options)
    assert first.exit_code == 0, first.output
    again = invoke("discover", "inv", *INTERVAL, *QUICK, *options)
    assert json.loads(first.stdout)["steps"] == json.loads(again.stdout)["steps"]
    assert json.loads(first.stdout)["nodes"] == json.loads(again.stdout)["nodes"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workers", "0"), "error: workers: must be an integer >= 1, got 0"),
        (("--deterministic",), "error: deterministic: needs a limit of nodes"),
        (("--ray", ""), "error: ray: must be the address of a cluster"),
    ],
)
def test_workers_that_cannot_be(invoke, options: tuple[str, ...], message: str) -> None:
    result = invoke("discover", "inv", *INTERVAL, "--profile", "prices.json", *options)
    assert result.exit_code == 2
    assert message in result.stderr
