"""A step read in two parts, and anew after a pause, is the step read at once."""

import numpy as np
import pytest

from matrl.core.plan import StepRecord
from matrl.core.program import Operation, Program, evaluate
from matrl.core.tracing import Graph
from matrl.discovery.rounding.rounded_step import RoundedStep
from matrl.discovery.rounding.rounding import RoundingModel
from matrl.functions import FUNCTIONS
from matrl.iterations import FORMS, UPDATES, DirectMethod
from matrl.iterations.schedule import forms_of
from matrl.readings.noisy import NoisyReading, NoisyValue, compress

N = 64
NODES, DENSITY = np.geomspace(1e-3, 1.0, 12), np.full(12, 1.0 / 12.0)
SCHEDULES = [
    (function, form.name)
    for function in ("inv", "invsqrt", "sqrt", "sqrt+invsqrt", "sign", "polar", "root(3)")
    for form in FORMS
    if form.admits("polynomial", FUNCTIONS.get(function), None)
]


def step(function: str, form: str) -> tuple[RoundingModel, StepRecord]:
    one = FUNCTIONS.get(function)
    update = UPDATES.get("series-4" if one.root_index == 3 else "series-3")
    assert not isinstance(update, DirectMethod)
    coefficients = update.coefficients(one.root_index, 1e-1, 1.0)
    record = StepRecord(update.name, form, "float32", tuple(coefficients), product="averaged")
    return RoundingModel(one, N, "float64", m=2 * N if function == "polar" else None), record


@pytest.mark.parametrize(("function", "form"), SCHEDULES)
def test_a_pause_changes_nothing(function: str, form: str) -> None:
    levels, noises = [], []
    for pauses in (False, True):
        model, record = step(function, form)
        first, _ = model.after_step(NODES, DENSITY, {}, None, record, np.ones(12))
        if pauses:
            first.pause()
        following = next(
            one.name
            for one in forms_of(UPDATES.get(record.name), FUNCTIONS.get(function), form)  # type: ignore[arg-type]
        )
        second = StepRecord(record.name, following, "float64", record.coefficients)
        last, level = model.after_step(NODES, DENSITY, first.noise, record, second, np.ones(12))
        if pauses:
            last.pause()
        levels.append(level)
        noises.append(last.noise)
    assert 0.0 < levels[0] == levels[1] < np.inf
    assert list(noises[0]) == list(noises[1])
    for name, one in noises[0].items():
        np.testing.assert_array_equal(one.value.errors, noises[1][name].value.errors)
        assert one.dtype == noises[1][name].dtype


def test_two_parts_are_the_whole() -> None:
    """Results first, then what is live: events are numbered otherwise, and nothing else changes."""
    graph = Graph()
    a = graph.input("A", "float32")
    square = a @ a
    live = {"z": square + 1.0, "m": square @ (a + 2.0)}
    result = (a + 1.0).inverse()
    program = graph.program(result, *live.values())
    inputs = {"A": NoisyValue.exact(NODES)}
    parts = RoundedStep(program, live, inputs, NoisyReading(N, DENSITY))
    whole = evaluate(program, NoisyReading(N, DENSITY), inputs)
    np.testing.assert_allclose(parts.results[0].variances, whole[0].variances, rtol=1e-12)
    for kept, name in zip(compress(*whole[1:]), live, strict=True):
        found = parts.noise[name].value
        np.testing.assert_allclose(found.variances, kept.variances, rtol=1e-9)
        np.testing.assert_array_equal(found.values, kept.values)


def test_what_nothing_asks_for_is_not_worked_out() -> None:
    class Counting(NoisyReading):
        def matmul(self, op: Operation, left: NoisyValue, right: NoisyValue) -> NoisyValue:
            seen.append(op)
            return super().matmul(op, left, right)

    seen: list[Operation] = []
    graph = Graph()
    a = graph.input("A", "float64")
    result, live = a @ (a + 1.0), {"m": a @ (a + 2.0)}
    program: Program = graph.program(result, *live.values())
    inputs = {"A": NoisyValue.exact(NODES)}
    one = RoundedStep(program, live, inputs, Counting(N, DENSITY))
    assert one.results
    assert len(seen) == 1
    assert one.noise
    assert len(seen) == 2
