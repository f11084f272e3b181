"""When cached prices are used, and when new ones are measured and kept."""

import logging

import pytest

import matrl.profile.chosen as module
from matrl.profile.chosen import NEEDED, NEEDED_OF_RECTANGLES, covers, profile_for
from matrl.profile.measure import measured_shapes, plan_operations
from matrl.profile.profile import OperationTime, Profile

ALL = plan_operations(rectangular=True)


def priced(dtypes, n, rows=None, operations=ALL, batch=1, left_out=()):
    entries = [
        OperationTime(op, dtype, size, batch, 1e-3, None if m == size else m)
        for op in operations
        for dtype in dtypes
        for size, m in measured_shapes(op, n, rows)
        if (op, m) not in left_out
    ]
    return Profile("test", tuple(entries))


def test_squares():
    found = priced(["float64"], 100)
    assert covers(found, ["float64"], 100)
    assert covers(found, ["float64"], 100, rows=100)
    assert not covers(found, ["float64"], 101)
    assert not covers(found, ["complex128"], 100)
    assert not covers(found, ["float64", "float32"], 100)
    assert not covers(found, ["float64"], 100, 5)
    assert not covers(found, ["float64"], 100, rows=200)


@pytest.mark.parametrize("op", NEEDED)
def test_each_needed_operation_is_needed(op):
    found = priced(["float64"], 100, operations=[other for other in ALL if other != op])
    assert not covers(found, ["float64"], 100)
    assert covers(found, ["float64"], 100, operations=["gram", "norm"])
    assert not covers(found, ["float64"], 100, operations=[op])


@pytest.mark.parametrize("op", [*NEEDED_OF_RECTANGLES, "matmul", "add"])
def test_rectangles_need_prices_of_rectangles(op):
    assert covers(priced(["complex64"], 100, 300), ["complex64"], 100, rows=300)
    found = priced(["complex64"], 100, 300, left_out=[(op, 300)])
    assert not covers(found, ["complex64"], 100, rows=300)
    assert covers(found, ["complex64"], 100)


def test_rectangles_of_about_the_shape_will_do():
    found = priced(["float64"], 100, 300)
    assert covers(found, ["float64"], 100, rows=550)
    assert not covers(found, ["float64"], 100, rows=650)
    assert not covers(found, ["float64"], 100, rows=140)


def test_prices_of_rectangles_say_nothing_of_squares():
    tall = priced(["float64"], 200, 400, operations=["matmul"]).entries
    small = priced(["float64"], 50).entries
    found = Profile("test", (*small, *(entry for entry in tall if entry.m)))
    assert not covers(found, ["float64"], 100)


def test_what_the_cache_lacks_is_measured_and_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("MATRL_HOME", str(tmp_path))
    calls = []

    def measured(dtypes, n, batch, progress, rows, operations, library):
        calls.append((tuple(dtypes), n, rows))
        return priced(dtypes, n, rows, operations or ALL, batch)

    monkeypatch.setattr(module, "measure_for", measured)
    for _ in range(2):
        profile_for(["float64"], 10)
        profile_for(["float64"], 10, rows=40)
        profile_for(["complex128"], 10, operations=["gram"])
    assert calls == [
        (("float64",), 10, None),
        (("float64",), 10, 40),
        (("complex128",), 10, None),
    ]


def test_extrapolated_prices_are_not_kept(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("MATRL_HOME", str(tmp_path))
    monkeypatch.setattr(module, "measure_for", lambda *a, **k: priced(["float64"], 64))
    with caplog.at_level(logging.WARNING):
        profile_for(["float64"], 100)
    assert "too busy" in caplog.text
    assert not list(tmp_path.rglob("*.json"))
