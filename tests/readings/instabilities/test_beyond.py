"""Beyond the upper end: signs flip densely where the scalar map says so."""

from typing import Any

import pytest

from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES
from matrl.iterations.schedule import trace_schedule
from matrl.readings.scalar import is_positive

F32 = "float32"


BEYOND = [
    # function, step, kappa, how far the norm is above the end designed for, works
    ("invsqrt", "minimax-3", "zm", 1e4, 1.03, False),
    ("invsqrt", "minimax-3", "zm", 1e6, 1.01, False),
    ("invsqrt", "minimax-7", "zm", 1e4, 1.03, False),
    ("invsqrt", "minimax-7", "zm", 1e6, 1.01, False),
    ("sqrt", "minimax-3", "ym", 1e4, 1.05, False),
    ("polar", "minimax-7", "chained", 1e3, 1.03, False),
    ("invsqrt", "minimax-3", "zm", 1e4, 1.0, True),
    ("invsqrt", "minimax-7", "zm", 1e4, 1.0, True),
    ("invsqrt", "minimax-5", "zm", 1e4, 1.05, True),
    ("invsqrt", "zolotarev-2", "partial-fractions", 1e4, 1.05, True),
    ("sqrt", "minimax-5", "ym", 1e4, 1.05, True),
    ("polar", "minimax-7", "chained", 1e3, 1.0, True),
]


@pytest.mark.parametrize(("function", "name", "form", "kappa", "over", "works"), BEYOND)
def test_signs_flip_beyond_the_upper_end_where_the_scalar_map_does(
    function: str, name: str, form: str, kappa: float, over: float, works: bool, laboratory: Any
) -> None:
    """One step from A; the spectrum of x reaches ``over`` times the end it was designed for."""
    f = FUNCTIONS.get(function)
    k = f.root_index
    run = laboratory.run(function, f"{name}:{form}", kappa, F32)
    records, ((_, upper, _),) = laboratory.records_of(run)
    update: Any = UPDATES.get(name)
    top = over if f.carries == "x" else over**k
    least = laboratory.least_eigenvalue(trace_schedule(f, records, F32), run, top)
    assert (least > 0.0) is works
    assert is_positive(update, k, records[0].coefficients, over * upper) is works
