"""How far predicted levels are from measured errors, form by form."""

from typing import Any

import numpy as np
import pytest

from matrl.functions import FUNCTIONS
from matrl.iterations.schedule import trace_schedule

WIDE = np.finfo(np.longdouble).eps < 1e-18
F32, F64, C64, C128 = "float32", "float64", "complex64", "complex128"


CALIBRATION = {
    "chained polar": [
        ("polar", "minimax-5:chained*5", 1e2, F32, 48),
        ("polar", "minimax-5:chained*5", 1e2, F32, 144),
        ("polar", "minimax-5:chained*6", 1e3, F64, 48),
        ("polar", "minimax-5:chained*6", 1e3, F64, 144),
        ("polar", "minimax-3:chained*9", 1e3, C64, 48),
        ("polar", "minimax-3:chained*9", 1e3, C64, 144),
        ("polar", "minimax-5:chained*5", 1e2, C128, 48),
        ("polar", "minimax-5:chained*5", 1e2, C128, 144),
        ("polar", "zolotarev-2:chained*2", 1e3, F32, 48),
        ("polar", "zolotarev-2:chained*2", 1e3, C64, 144),
    ],
    "gram": [
        ("polar", "minimax-5:chained minimax-5:gram*3", 1e1, F32, 48),
        ("polar", "minimax-5:chained minimax-5:gram*4", 1e2, F32, 144),
        ("polar", "minimax-5:chained minimax-5:gram*4", 1e2, C64, 48),
        ("polar", "minimax-5:chained*2 minimax-5:gram*4", 1e3, F64, 48),
        ("polar", "newton:chained newton:gram*6", 1e2, C64, 48),
    ],
    "sign": [
        ("sign", "minimax-5:chained*5", 1e2, F32, 48),
        ("sign", "minimax-3:chained*9", 1e3, C64, 48),
        ("sign", "minimax-5:chained*6", 1e3, F64, 48),
        ("sign", "zolotarev-3:chained*2", 1e3, C128, 48),
        ("sign", "newton:chained newton:gram*6", 1e2, F64, 48),
        ("sign", "eigh:direct", 1e3, F32, 48),
    ],
    "roots": [
        ("invroot-3", "minimax-4:zm*6", 1e2, F32, 48),
        ("invroot-3", "minimax-7:zm*6", 1e4, F64, 48),
        ("root-3", "minimax-7:ym*5", 1e2, C64, 48),
        ("root-3", "minimax-4:ym*9", 1e3, F64, 48),
        ("invroot-5", "minimax-6:zm*6", 1e2, F32, 48),
        ("invroot-5", "minimax-11:zm*6", 1e3, C128, 48),
        ("root-5", "minimax-11:ym*6", 1e2, F32, 48),
        ("root-5", "minimax-6:ym*8", 1e3, F64, 48),
    ],
    "pairs": [
        ("sqrt+invsqrt", "minimax-5:yzm*5", 1e3, F32, 48),
        ("sqrt+invsqrt", "minimax-3:yzm*8", 1e4, F64, 48),
        ("sqrt+invsqrt", "minimax-5:yzm*5", 1e2, C64, 48),
        ("sqrt+invsqrt", "zolotarev-2:partial-fractions zolotarev-2:yzm", 1e3, F32, 48),
        ("sqrt+invsqrt", "newton:product*6", 1e3, F32, 48),
    ],
    "yz": [
        ("sqrt+invsqrt", "minimax-5:yz*5", 1e3, F32, 48),
        ("invsqrt", "minimax-5:yz*5", 1e4, F32, 48),
        ("invsqrt", "minimax-3:yz*8", 1e4, F64, 48),
        ("sqrt", "minimax-5:yz*4", 1e2, C64, 48),
        ("sqrt", "minimax-9:yz*4", 1e4, C128, 48),
    ],
}


@pytest.mark.parametrize("group", CALIBRATION)
def test_typical_levels_of_each_form_are_within_a_factor_3(group: str, laboratory: Any) -> None:
    """And each case within a factor 10."""
    ratios = []
    for function, steps, kappa, dtype, m in CALIBRATION[group]:
        if WIDE or dtype in (F32, C64):
            run = laboratory.run(function, steps, kappa, dtype, m=m)
            pairs = zip(laboratory.predicted(run), laboratory.measured(run), strict=True)
            ratios.extend(predicted / measured for predicted, measured in pairs)
    median = float(np.median(ratios))
    spread = f"{min(ratios):.2g} to {max(ratios):.2g}"
    print(f"{group}: {len(ratios)} ratios, median {median:.2f}, {spread}")
    assert 1 / 3 < median < 3
    assert 0.1 < min(ratios) <= max(ratios) < 10.0


@pytest.mark.parametrize(
    "steps",
    ["minimax-5:yz*5", "minimax-5:yzm*5", "newton:product*6"],
)
def test_following_a_pair_step_by_step_is_reading_it_at_once(steps: str, laboratory: Any) -> None:
    """Compression between the steps loses nothing; the inverse root has no dips to count."""
    run = laboratory.run("sqrt+invsqrt", steps, 1e3, F64)
    program = trace_schedule(FUNCTIONS.get(run.function), laboratory.records_of(run)[0], F64)
    at_once = laboratory.predicted_of_program(program, run)[1]
    assert abs(laboratory.predicted(run)[1] / at_once - 1.0) < 0.05


@pytest.mark.parametrize(
    ("function", "steps", "m"),
    [
        ("polar", "minimax-5:chained*5", 48),
        ("polar", "minimax-5:chained*2 minimax-5:gram*3", 144),
        ("sign", "newton:chained newton:gram*4", 0),
    ],
)
def test_following_an_iterate_step_by_step_is_reading_it_at_once(
    function: str, steps: str, m: int, laboratory: Any
) -> None:
    run = laboratory.run(function, steps, 1e2, F64, m=m)
    program = trace_schedule(FUNCTIONS.get(function), laboratory.records_of(run)[0], F64)
    (at_once,) = laboratory.predicted_of_program(program, run)
    assert abs(laboratory.predicted(run)[0] / at_once - 1.0) < 1e-6
