"""The benchmark of execution runs and writes what it says; how fast, no test asks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.execution import memory, overhead, predicted, speed
from benchmarks.execution.command import FIGURES, SCHEMA, main
from benchmarks.execution.plans import Case
from benchmarks.execution.recorder import Recorder
from benchmarks.execution.routes import invsqrt_routes, polar_routes, stack_routes
from benchmarks.execution.scale import QUICK

from matrl.backends.numpy import numpy_backend

TINY = replace(QUICK, orders=(24,), repetitions=2, seconds=0.3, order=24, stack=3, small=8)


def quiet(line: str) -> None:
    """Say nothing."""


def test_the_command_writes_one_document_and_prints_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.execution.command.QUICK", TINY)
    path = tmp_path / "out" / "execution.json"
    main(["--json", str(path), "--quick", "--figure", "memory"])
    measured = json.loads(path.read_text(encoding="utf-8"))
    assert (measured["schema"], measured["benchmark"]) == (SCHEMA, "execution")
    assert list(measured["figures"]) == ["memory"]
    assert "partial-fractions" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--json", str(path), "--threads", "0"])


def test_every_figure_measures_and_prints(monkeypatch):
    monkeypatch.setattr(speed, "interleave", fast(speed.interleave))
    monkeypatch.setattr(predicted, "FUNCTIONS", ("inv", "polar"))
    for name, figure in FIGURES.items():
        measured = figure.measure(TINY, quiet)
        rows = measured["rows"]
        assert rows, name
        assert figure.table(measured).row_count >= len(rows)
    for row in speed.measure(TINY, quiet)["rows"]:
        assert row["errors"]["plan"] <= 1e-4
        assert row["fastest"] in row["seconds"]
        low, high = row["interval"]
        assert low <= row["ratio"] <= high
        assert set(row["status"]) == {"converged"}


def fast(interleave):
    return lambda contenders, a: interleave(contenders, a, pause=0.0)


def test_a_run_is_taken_apart_into_its_kernels():
    recorder = Recorder()
    x = np.eye(3)
    out = np.zeros((3, 3))
    assert recorder.matmul(out, x, x, alpha=2.0, addends=((1.0, out),)) is out
    recorder.inverse_spd(np.empty((3, 3)), out)
    assert [name for name, _ in recorder.calls] == ["matmul", "inverse_spd"]
    assert recorder.seconds() > 0.0
    assert np.array_equal(out, 2.0 * x)  # what is called again works on copies
    assert recorder.norms(x).one == numpy_backend.norms(x).one


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_routes_compute_what_they_say(dtype):
    case = Case("invsqrt", 20, dtype, 1e-3)
    for route in invsqrt_routes(dtype).values():
        assert speed.error_of(case, case.matrix(0), route(case.matrix(0))) <= 1e-3
    stack = Case("invsqrt", 20, dtype, 1e-3, batch=3)
    for route in stack_routes().values():
        assert speed.error_of(stack, stack.matrices(0), route(stack.matrices(0))) <= 1e-3
    polar = Case("polar", 10, dtype, 1e-3, rows=20)
    for route in polar_routes().values():
        assert speed.error_of(polar, polar.matrix(0), route(polar.matrix(0))) <= 1e-3


def test_memory_is_counted_in_matrices():
    rows = memory.measure(replace(TINY, order=128), quiet)["rows"]
    assert {row["form"] for row in rows} == set(memory.GOALS)
    assert all(0.0 < row["off"] <= row["sketch"] + 0.5 for row in rows)


def test_the_sign_has_eigenvalues_of_either_sign():
    values = np.linalg.eigvalsh(Case("sign", 30, "float64", 1e-3).matrix(0))
    assert values.min() < 0.0 < values.max()
    assert {case.batch for case in overhead.cases(QUICK)} == {1, QUICK.stack}
