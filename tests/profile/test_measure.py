"""Measurement at tiny sizes, and what it leaves out when time is short."""

import math

import pytest

import matrl.profile.session as module
from matrl.errors import InputError, MatrlError, UnknownNameError
from matrl.profile.measure import (
    measure,
    measure_entries,
    measure_for,
    measure_machine,
    plan_operations,
)
from matrl.profile.profile import KNOWN_OPERATIONS
from matrl.profile.session import Task


class Simulated:
    """A clock, and workloads that only advance it."""

    def __init__(self, monkeypatch, slowdown=lambda op, n: 1.0, compilation=0.0):
        self.now = 0.0
        outer = self

        class Workload:
            def __init__(self, dtype, n, batch, m, library=None):
                self.n, self.batch, self.ratio = n, batch, m / n

                self.prepared = set()

            def prepare(self, op):
                if op not in self.prepared:
                    outer.now += compilation
                self.prepared.add(op)

            def run(self, op):
                self.prepare(op)
                exponent = module.nominal_exponent(op)
                unit = 1e-8 if exponent == 2 else 2e-11 * module._WEIGHTS.get(op, 1.0)
                outer.now += (
                    self.batch * unit * self.n**exponent * self.ratio * slowdown(op, self.n)
                )

        monkeypatch.setattr(module, "Workload", Workload)
        monkeypatch.setattr(module.time, "perf_counter", lambda: self.now)


def test_all_operations_at_tiny_sizes():
    found = measure(KNOWN_OPERATIONS, ["float32", "float64"], [2, 5], budget=30)
    assert len(found.entries) == len(KNOWN_OPERATIONS) * 4
    assert all(entry.seconds > 0 and math.isfinite(entry.seconds) for entry in found.entries)
    assert found.name


def test_compilation_is_no_part_of_a_price(monkeypatch):
    prices = []
    for seconds in (0.0, 2.0):
        Simulated(monkeypatch, compilation=seconds)
        (entry,) = measure(["matmul"], ["float32"], [300], batch=2, budget=10.0).entries
        prices.append(entry)
    assert prices[0].batch == 2
    assert prices[0].key == prices[1].key
    assert prices[0].seconds == pytest.approx(prices[1].seconds)


def test_complex_dtypes_are_measured_on_request(monkeypatch):
    found = measure(KNOWN_OPERATIONS, ["complex64", "complex128"], [3], budget=30)
    assert len(found.entries) == 2 * len(KNOWN_OPERATIONS)
    Simulated(monkeypatch)
    assert {entry.dtype for entry in measure_machine().entries} == {"float32", "float64"}
    asked = measure_machine(dtypes=["complex64"])
    assert {entry.dtype for entry in asked.entries} == {"complex64"}


@pytest.mark.parametrize("rows", [5, 30])
def test_rectangles(rows):
    found = measure_for(["float32", "complex64"], 10, 2, rows=rows)
    shapes = {(entry.op, entry.n, entry.rows) for entry in found.entries}
    both = {"matmul", "add", "cast", "norm", "matvec"}
    assert {op for op, n, m in shapes if (n, m) == (10, rows)} == both | {"gram", "svd"}
    square = {"chol", "inv_spd", "eigh", "matmul_herm"}
    assert {op for op, n, m in shapes if (n, m) == (10, 10)} == both | square
    assert len(found.entries) == 2 * len(shapes)
    assert found.seconds("svd", "complex64", 10, batch=2, m=rows) == next(
        e.seconds for e in found.entries if (e.op, e.dtype) == ("svd", "complex64")
    )


def test_rows_equal_to_n_are_square():
    assert {entry.m for entry in measure_for(["float64"], 4, rows=4).entries} == {None}
    assert "gram" not in plan_operations()


def test_operations_can_be_chosen():
    found = measure_for(["float64"], 4, rows=9, operations=["gram", "eigh"])
    assert {(entry.op, entry.rows) for entry in found.entries} == {("gram", 9), ("eigh", 4)}


@pytest.mark.parametrize("rows", [101, 130, 5000, 300000])
@pytest.mark.parametrize("slow", [1.0, 200.0])
def test_budget_is_kept_for_rectangles(monkeypatch, rows, slow):
    clock = Simulated(monkeypatch, lambda op, n: slow)
    found = measure_for(["complex64", "complex128"], 100, rows=rows)
    if slow == 1.0 and rows <= 5000:
        assert clock.now <= 5.0
    kinds = {(entry.op, entry.dtype, entry.m is None) for entry in found.entries}
    assert len(kinds) == len(found.entries) == 2 * 16
    for entry in found.entries:
        assert entry.m is None or entry.m > entry.n
        assert found.seconds(entry.op, entry.dtype, 100, m=entry.m and rows) is not None


def test_tasks_keep_their_shape():
    task = Task("gram", "float64", 2000, 2002)
    assert (task.at(64).n, task.at(64).m) == (64, 65)
    assert Task("gram", "float64", 2002, 2000).at(64).m == 63
    assert Task("gram", "float64", 400, 1200).at(100).m == 300
    assert Task("gram", "float64", 400, 1200).kind != Task("gram", "float64", 400, 400).kind
    assert Task("add", "float64", 9000, 9000).largest_order == 4096
    assert Task("add", "complex128", 9000, 18000).largest_order == 2048


def test_progress_counts_up_to_the_total():
    seen = []
    measure(["add", "matmul"], ["float64"], [2, 3], progress=lambda *args: seen.append(args))
    assert [done for done, _, _ in seen] == [0, 1, 2, 3, 4]
    assert {total for _, total, _ in seen} == {4}
    assert "n = 2" in seen[0][2]


def test_partial_results_survive_an_interruption():
    collected = []

    def collect(entries):
        for entry in entries:
            collected.append(entry)

    def interrupt(done, total, text):
        if done == 2:
            raise KeyboardInterrupt

    found = measure_entries(["add"], ["float64"], [2, 3, 4], progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        collect(found)
    assert [entry.n for entry in collected] == [2, 3]


def test_measure_for_covers_a_plan():
    found = measure_for(["float64"], 6, 3)
    assert {entry.op for entry in found.entries} == {
        "matmul",
        "matmul_herm",
        "inv_spd",
        "eigh",
        "add",
        "chol",
        "cast",
        "norm",
        "matvec",
    }
    assert all((entry.n, entry.batch) == (6, 3) for entry in found.entries)


@pytest.mark.parametrize("n", [1, 100, 2048, 20000])
@pytest.mark.parametrize("batch", [1, 1000])
def test_budget_is_kept_and_nothing_is_missing(monkeypatch, n, batch):
    clock = Simulated(monkeypatch)
    found = measure_for(["float32", "float64"], n, batch)
    assert clock.now <= 5.0
    pairs = {(entry.op, entry.dtype) for entry in found.entries}
    assert len(pairs) == len(found.entries) == 18
    assert all(entry.n <= n and entry.batch in (1, batch) for entry in found.entries)
    for op, dtype in pairs:
        assert found.seconds(op, dtype, n, batch=batch) is not None


def test_everything_fits_where_time_suffices(monkeypatch):
    clock = Simulated(monkeypatch)
    found = measure_for(["float64"], 2048, 1, budget=10.0)
    assert {entry.n for entry in found.entries} == {2048}
    assert clock.now <= 6.0


@pytest.mark.parametrize("budget", [1e-6, 0.5, 10.0, 60.0])
@pytest.mark.parametrize("slow", [1.0, 8.0])
def test_machine_budget_survives_a_slow_neighbour(monkeypatch, budget, slow):
    clock = Simulated(monkeypatch, lambda op, n: slow if n >= 1024 else 1.0)
    found = measure_machine(budget=budget)
    if budget >= 10:
        assert clock.now <= budget
    pairs = {(entry.op, entry.dtype) for entry in found.entries}
    assert len(pairs) == 2 * (len(KNOWN_OPERATIONS) - 1)


def test_cheap_tasks_come_first():
    order = [entry.n for entry in measure_entries(["matmul"], ["float64"], [9, 3, 6])]
    assert order == [3, 6, 9]


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((["multiply"], ["float64"], [3]), {}, UnknownNameError),
        ((["add"], ["float16"], [3]), {}, InputError),
        ((["add"], ["float64"], [0]), {}, InputError),
        ((["add"], ["float64"], [3]), {"batch": 0}, InputError),
        ((["add"], ["float64"], [3]), {"rows": 0}, InputError),
        ((["add"], ["float64"], [3]), {"budget": 0}, InputError),
        ((["add"], ["float64"], [3]), {"budget": math.nan}, InputError),
    ],
)
def test_refusals(arguments, options, error):
    with pytest.raises(error) as caught:
        measure(*arguments, **options)
    assert isinstance(caught.value, MatrlError)
