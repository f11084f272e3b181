"""Which steps make a schedule, and what its program looks like."""

from dataclasses import replace
from typing import Any

import pytest

from matrl.core.plan import StepRecord
from matrl.errors import InputError, UnknownNameError
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule
from matrl.iterations.schedule import check_schedule

FIRST = StepRecord("zolotarev-1", "partial-fractions", "float64", (1.0, 1.0, 1.0))
LATER = replace(FIRST, form="zm")
POLYNOMIAL = StepRecord("minimax-3", "zm", "float64", (1.5, -0.5))
NEWTON = StepRecord("newton", "product", "float64", (1.0, 1.0))
EIGH = StepRecord("eigh", "direct", "float64")


@pytest.mark.parametrize(
    ("function", "steps"),
    [
        ("invsqrt", [FIRST, LATER, POLYNOMIAL, NEWTON]),
        ("invsqrt", [POLYNOMIAL]),
        ("invsqrt", [NEWTON, LATER]),
        ("invsqrt", [EIGH]),
        ("sqrt", [FIRST, replace(LATER, form="ym"), replace(POLYNOMIAL, form="ym")]),
        ("inv", [replace(EIGH, name="cholesky")]),
        ("inv", [POLYNOMIAL.__class__("series-2", "zm", "float32", (2.0, -1.0))]),
        ("invsqrt", [replace(POLYNOMIAL, precision="bfloat16"), LATER]),
    ],
)
def test_schedules_are_accepted_and_traced(function: str, steps: list[StepRecord]) -> None:
    check_schedule(FUNCTIONS.get(function), steps)
    program = trace_schedule(FUNCTIONS.get(function), steps, "float64")
    assert program.inputs == ("A",)
    assert len(program.outputs) == 1
    assert program.operations[program.outputs[0]].dtype == "float64"


@pytest.mark.parametrize(
    ("function", "steps", "message"),
    [
        ("invsqrt", [LATER], r"step 1 \(zolotarev-1\): cannot be carried out in the form 'zm'"),
        ("invsqrt", [FIRST, FIRST], r"step 2 \(zolotarev-1\): cannot be carried out"),
        ("sqrt", [POLYNOMIAL], r"step 1 \(minimax-3\): cannot be carried out in the form 'zm'"),
        ("invsqrt", [replace(NEWTON, form="zm")], "cannot be carried out"),
        ("inv", [FIRST], "step 1 .*: does not exist for inv"),
        ("invsqrt", [replace(POLYNOMIAL, name="minimax-4")], "does not exist for invsqrt"),
        ("inv", [POLYNOMIAL], "needs 3 coefficients, has 2"),
        ("invsqrt", [NEWTON, replace(POLYNOMIAL, coefficients=())], "step 2 .* 2 .* has 0"),
        ("invsqrt", [EIGH, POLYNOMIAL], "step 1 .*: must be the only step"),
        ("invsqrt", [POLYNOMIAL, EIGH], "step 2 .*: must be the only step"),
        ("invsqrt", [replace(EIGH, form="zm")], "of form 'direct'"),
        ("sqrt", [replace(EIGH, name="cholesky")], "of a function it computes"),
        ("invsqrt", [replace(NEWTON, precision="float16")], "steps: one in float16 needs a facto"),
        ("invsqrt", [replace(EIGH, precision="bfloat16")], "one in bfloat16 needs a factorisation"),
        ("invsqrt", [POLYNOMIAL, replace(LATER, precision="bfloat16")], "needs a factorisation"),
    ],
)
def test_other_steps_are_refused(function: str, steps: list[StepRecord], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_schedule(FUNCTIONS.get(function), steps)


@pytest.mark.parametrize("change", [{"name": "halley-2"}, {"form": "coupled"}])
def test_unknown_names_are_refused(change: Any) -> None:
    with pytest.raises(UnknownNameError, match="there is no"):
        check_schedule(FUNCTIONS.get("invsqrt"), [replace(POLYNOMIAL, **change)])
