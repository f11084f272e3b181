"""The program of one more step: what it starts from, what it costs, and its map on eigenvalues."""

import numpy as np
import pytest

from matrl.core.program import evaluate
from matrl.functions import FUNCTIONS
from matrl.iterations import continuation_update, trace_continuation
from matrl.readings.count import count
from matrl.readings.scalar import ScalarReading, apply_update

STEPPED = [f.name for f in FUNCTIONS if trace_continuation(f, "float64") is not None]


def traced(name, dtype="float64"):
    program = trace_continuation(FUNCTIONS.get(name), dtype)
    assert program is not None
    return program


def test_all_have_a_step_but_powers_of_other_numerators():
    assert {f.name for f in FUNCTIONS} - set(STEPPED) == {
        f.name for f in FUNCTIONS if f.name.startswith("power")
    }


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_a_step_starts_from_the_values_and_keeps_the_dtype(name, dtype):
    function = FUNCTIONS.get(name)
    program = traced(name, dtype)
    labels = {op.label for op in program.operations if op.kind == "input"}
    assert labels <= {"A", *function.outputs}
    assert labels - {"A"}
    assert {op.dtype for op in program.operations} == {dtype}
    assert len(program.outputs) == len(function.outputs)


@pytest.mark.parametrize("name", STEPPED)
def test_the_map_on_eigenvalues_is_that_of_the_update_or_newtons(name):
    function, a = FUNCTIONS.get(name), np.geomspace(0.1, 2.0, 7)
    k, off = function.root_index, np.linspace(0.9, 1.1, 7)
    exact = [a**exponent for exponent in function.exponents]
    inputs = {label: off * f for label, f in zip(function.outputs, exact, strict=False)}
    found = evaluate(traced(name), ScalarReading(), {"A": a, **inputs})
    if function.carries == "y":
        expected = ((k - 1.0) * off + off ** (1.0 - k)) / k
    else:
        update = continuation_update(function)
        expected = apply_update(update, k, update.coefficients(k, 0.5, 1.0), off)
    for value, f in zip(found, exact, strict=True):
        assert np.allclose(value / f, expected, rtol=1e-13)


def test_what_a_step_costs():
    inverse_root = count(traced("invsqrt"))
    assert inverse_root["matmul", "float64"] == 3
    sign = count(traced("sign", "float32"))
    assert sign["matmul_herm", "float32"] + sign["matmul", "float32"] == 2
