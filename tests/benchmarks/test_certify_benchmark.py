"""The benchmark of certificates runs and writes what it says."""

import json

import pytest
from benchmarks.certify.command import FIGURES, SCHEMA, main
from benchmarks.certify.rounding import measure, table
from benchmarks.certify.scale import QUICK, Scale
from benchmarks.certify.schedules import SCHEDULES

from matrl.certify.rounded.rounding import certify_rounding


def test_the_command_writes_one_document_and_prints_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.certify.rounding.SCHEDULES", SCHEDULES[:3])
    path = tmp_path / "out" / "certify.json"
    main(["--json", str(path), "--quick"])
    measured = json.loads(path.read_text(encoding="utf-8"))
    assert (measured["schema"], measured["benchmark"]) == (SCHEMA, "certify")
    figure = measured["figures"]["rounding"]
    assert figure["matrices"] == 3 * 15 * QUICK.repetitions
    assert figure["exceeded"] == 0
    assert "bounds exceeded 0 times" in capsys.readouterr().out
    assert list(FIGURES) == ["rounding"]


def test_ratios_are_of_the_bounds_that_are_given(monkeypatch):
    # n = 64 in float32 has no deterministic bound by eigendecomposition.
    schedule = next(s for s in SCHEDULES if s.chain == (("eigh", "direct"),) and s.kappa == 100.0)
    monkeypatch.setattr("benchmarks.certify.rounding.SCHEDULES", (schedule,))
    figure = measure(Scale((64,), 1), lambda line: None)
    (row,) = figure["rows"]
    statement = certify_rounding(schedule.plan(64))
    assert statement.deterministic is None
    assert row["largest_over_deterministic"] == 0.0
    assert row["median_ratio"] * row["median_error"] == pytest.approx(statement.probabilistic)
    assert table(figure).row_count == 1
