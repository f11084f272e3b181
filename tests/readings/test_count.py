"""The count reading."""

import math
from collections import Counter

import pytest

from matrl.core.program import Operation, Program
from matrl.core.tracing import Graph
from matrl.readings.count import count, price

A = Operation("input", label="A")


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (Operation("linear", (), (), 2.0), {"add": 1}),
        (Operation("linear", (0,), (2.0,)), {"add": 1}),
        (Operation("linear", (0, 0), (1.0, 1.0)), {"add": 1}),
        (Operation("linear", (0, 0, 0), (1.0, 1.0, 1.0), 1.0), {"add": 2}),
        (Operation("linear", (0,) * 7, (1.0,) * 7), {"add": 6}),
        (Operation("matmul", (0, 0)), {"matmul_herm": 1}),
        (Operation("matmul", (0, 0), product="averaged"), {"matmul": 1, "add": 1}),
        (Operation("matmul", (0, 0), product="general"), {"matmul": 1}),
        (Operation("inverse", (0,)), {"inv_spd": 1}),
        (Operation("spectral", (0,), shift=0.5), {"eigh": 1, "matmul_herm": 1}),
        (Operation("cast", (0,)), {"cast": 1}),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_operation(op: Operation, expected: dict[str, int], dtype: str) -> None:
    placed = Operation(op.kind, op.operands, op.coefficients, op.shift, op.product, dtype, op.label)
    totals = count(Program((A, placed), (1,)))
    assert totals == Counter({(name, dtype): times for name, times in expected.items()})


def test_inputs_are_free() -> None:
    assert count(Program((A,), (0,))) == Counter()
    assert price(Program((A,), (0,)), lambda name, dtype: None) == 0.0


def program() -> Program:
    graph = Graph()
    a = graph.input("A", "float64")
    low = a.cast("float32")
    high = (low @ low + low).inverse().cast("float64")
    return graph.program(high @ high + a + 1.0)


def test_prices_add_up() -> None:
    prices = {
        ("cast", "float32"): 1.0,
        ("cast", "float64"): 2.0,
        ("matmul_herm", "float32"): 10.0,
        ("matmul_herm", "float64"): 20.0,
        ("add", "float32"): 0.25,
        ("add", "float64"): 0.5,
        ("inv_spd", "float32"): 100.0,
    }
    assert count(program()) == Counter(dict.fromkeys(prices, 1))
    assert price(program(), lambda name, dtype: prices.get((name, dtype))) == 133.75


def test_what_has_no_price_costs_infinity() -> None:
    def prices(name: str, dtype: str) -> float | None:
        return None if name == "inv_spd" else 1.0

    assert price(program(), prices) == math.inf
