"""The benchmark of the search runs and writes what its schema says; how fast, no test asks."""

import io
import json
from dataclasses import replace

import pytest
from benchmarks.search import ablation, optimum, parallel
from benchmarks.search.command import FIGURES, SCHEMA, document, main
from benchmarks.search.problems import Case, environment_of
from benchmarks.search.scale import QUICK
from benchmarks.search.trace import trace
from rich.console import Console

EASY = Case("invsqrt", 1e1, 1e-2)


def test_the_command_writes_one_document_and_prints_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(optimum, "cases", lambda every: [EASY])
    path = tmp_path / "out" / "search.json"
    main(["--json", str(path), "--quick", "--figure", "optimum"])
    measured = json.loads(path.read_text(encoding="utf-8"))
    assert measured["schema"] == SCHEMA
    assert set(measured) == {
        "schema", "benchmark", "started", "machine", "load", "versions", "scale", "figures",
    }  # fmt: skip
    assert {"processor", "usable_cores", "blas_threads"} <= set(measured["machine"])
    assert {"matrl", "numpy", "scipy"} <= set(measured["versions"])
    assert set(measured["load"]) == {"before", "after", "cpu_share"}
    assert list(measured["figures"]) == ["optimum"]
    (row,) = measured["figures"]["optimum"]["rows"]
    assert Case(**{key: row[key] for key in EASY.to_dict()}) == EASY
    for planner in ("mcts", "exhaustive", "float64_only"):
        assert row[planner]["cost"] >= row["best_cost"] >= 0.0
        assert row[planner]["bound"] <= row[planner]["cost"]
    assert measured["figures"]["optimum"]["summary"]["problems"] == 1
    assert "ratio to bound" in capsys.readouterr().out


def test_problems_are_spread_over_the_whole_grid():
    everything = optimum.cases(1)
    assert len(set(everything)) == len(everything) == 6 * 6 * 4 * 3
    some = optimum.cases(QUICK.every)
    assert {case.function for case in some} == set(optimum.FUNCTIONS)
    assert {case.table for case in some} == {case.table for case in everything}
    assert {case.tol for case in some} == set(optimum.TOLERANCES)


def test_a_trace_gets_cheaper_and_ends_at_the_cost_of_the_result():
    found = trace(environment_of(EASY.problem, EASY.table), 20.0)
    assert found.result.optimal
    assert list(found.costs) == sorted(found.costs, reverse=True)
    assert list(found.seconds) == sorted(found.seconds)
    assert found.costs[-1] == pytest.approx(found.result.cost, rel=1e-12)
    assert found.cost_at(found.seconds[0] / 2) == float("inf")
    assert found.cost_at(found.seconds[-1]) == found.costs[-1]
    assert found.seconds_to(found.costs[-1]) == found.seconds[-1]
    assert found.seconds_to(found.costs[-1] / 2) == float("inf")


def test_a_bound_above_a_known_cost_is_a_contradiction():
    one = trace(environment_of(EASY.problem, EASY.table), 20.0)
    cheaper = replace(one, result=replace(one.result, cost=0.9 * one.result.cost))
    assert not optimum.contradicts([one], [one])
    assert not optimum.contradicts([cheaper], [one])
    assert optimum.contradicts([one, cheaper], [one, cheaper])


def test_the_interval_of_a_mean_is_that_of_student():
    one = trace(environment_of(EASY.problem, EASY.table), 20.0)
    runs = [replace(one, seconds=(0.1,), costs=(cost,)) for cost in (2.0, 3.0, 4.0)]
    at = ablation.ratio_at(runs, 1.0, 2.0)
    assert at["mean"] == pytest.approx(1.5)
    # t(0.975, 2) = 4.302653; the deviation of 1, 1.5, 2 is 1/2
    assert at["half_width"] == pytest.approx(4.302653 * 0.5 / 3**0.5, rel=1e-6)
    assert ablation.ratio_at(runs, 0.05, 2.0)["mean"] is None
    assert ablation.ratio_at(runs[:1], 1.0, 2.0)["half_width"] is None


def test_one_and_two_workers_are_measured_by_turns(monkeypatch):
    monkeypatch.setattr(parallel, "PROBLEMS", parallel.PROBLEMS[:1])
    short = replace(QUICK, repetitions=1, parallel_seconds=0.2)
    measured = document(["parallel"], short)["figures"]["parallel"]
    (row,) = measured["rows"]
    assert [len(row["workers"][count]) for count in ("1", "2")] == [1, 1]
    for count, runs in row["workers"].items():
        assert runs[0]["reason"] == "time"
        assert row["steps_per_second"][count] == runs[0]["nodes"] / runs[0]["seconds"] > 0.0
    one, two = row["steps_per_second"].values()
    assert row["ratio"] == pytest.approx(two / one)
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(parallel.table(measured))
    assert f"{row['ratio']:.2f}" in console.export_text()


@pytest.mark.parametrize("wrong", [["--every", "0"], ["--seeds", "-1"], ["--figure", "speed"]])
def test_arguments_that_make_no_sense_are_refused(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--json", str(tmp_path / "x.json"), *wrong])
    assert wrong[0] in capsys.readouterr().err


def test_what_is_infinite_has_no_number_and_tables_show_it(monkeypatch):
    """Prices too dear to plan with in a moment leave a cost that JSON cannot hold."""
    monkeypatch.setattr(optimum, "cases", lambda every: [Case("sign", 1e6, 1e-8, "products only")])
    measured = document(["optimum"], replace(QUICK, optimum_seconds=0.05))
    json.dumps(measured, allow_nan=False)
    (row,) = measured["figures"]["optimum"]["rows"]
    assert row["exhaustive"]["cost"] is None
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(FIGURES["optimum"].table(measured["figures"]["optimum"]))
    lines = console.export_text().splitlines()
    assert next(line for line in lines if "ratio to proved exhaustive" in line).count(" - ") == 2
