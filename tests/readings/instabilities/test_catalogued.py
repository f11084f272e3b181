"""What really fails is rejected by the noisy reading, and what really works is accepted.

Each case is run densely on two random conjugations of a matrix with a geometric spectrum, in its
dtype, and read noisily at twenty nodes. Thresholds are round numbers at least a factor 10 from what
was measured: at less distance an estimate cannot be asked to decide. All cases are decided rightly,
and so were all but one of 2808 decisions on nearly 400 random schedules (minimax-9, chained,
condition 1e6, float32, n = 24: predicted 6, measured 2e-3). Wrong elsewhere:

- the gram form over several steps from condition 1e4 to 1e5 in float64 is underestimated by up to
  140 (7e-9 for 1e-6), because eigenvalues between the nodes are sent to the lower end of the range;
- Newton's product form at condition 1e10 is overestimated by 75;
- mirrored (Y, Z) is overestimated by about 300 while it diverges.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

WIDE = np.finfo(np.longdouble).eps < 1e-18
F32, F64, C64, C128 = "float32", "float64", "complex64", "complex128"


@dataclass(frozen=True)
class Case:
    """A run, the threshold for its error, and whether it really stays below."""

    function: str
    steps: str
    kappa: float
    dtype: str
    tol: float
    works: bool
    m: int = 48

    def __str__(self) -> str:
        steps = self.steps.replace(" ", "+")
        return f"{self.function}:{steps}:{self.kappa:.0e}:{self.dtype}:{self.m}"


FROM_F32 = "zolotarev-2:partial-fractions@float32 zolotarev-2:zm@float32"

INVERSES = [
    Case("inv", "minimax-3:zm*7", 1e2, F32, 1e-3, True),
    Case("inv", "series-3:zm*12", 1e2, F32, 1e-4, True),
    Case("inv", "minimax-3:zm*11", 1e5, F32, 1e-3, False),
    Case("inv", "minimax-5:zm*6", 1e4, F64, 1e-9, True),
    Case("inv", "minimax-9:zm*4", 1e4, C64, 1e-3, False),
    Case("inv", "cholesky:direct", 1e4, F32, 1e-3, True),
    Case("inv", "cholesky:direct", 1e8, F32, 1e-2, False),
    Case("inv", "cholesky:direct@float32", 1e4, F64, 1e-9, False),
    Case("inv", "eigh:direct", 1e9, F32, 1e-2, False),
    # A float32 start is forgotten by anchored steps, and by no others.
    Case("inv", "minimax-3:zm*4 minimax-3:anchored*3", 1e2, F32, 1e-4, True),
    Case("inv", "minimax-3:zm@float32*9 minimax-2:anchored*3", 1e4, F64, 1e-10, True),
    Case("inv", "minimax-3:zm@float32*9 minimax-2:anchored", 1e4, F64, 1e-8, False),
    Case("inv", "minimax-3:zm@float32*7 minimax-3:anchored*2", 1e3, C128, 1e-11, True),
    Case("inv", "minimax-3:zm@float32*9 minimax-2:zm*3", 1e4, F64, 1e-8, False),
    Case("inv", "minimax-3:zm@float32*11 minimax-2:anchored*4", 1e8, F64, 1e-2, False),
]
ROOTS = [
    Case("invsqrt", "minimax-3:zm*8", 1e2, F32, 1e-4, True),
    Case("invsqrt", "minimax-5:zm*7", 1e5, F32, 1e-4, False),
    Case("invsqrt", "minimax-5:zm*7", 1e5, F32, 1e-1, True),
    Case("invsqrt", "minimax-5:zm:averaged*7", 1e7, F32, 1e-3, False),
    Case("invsqrt", "minimax-9:zm*4", 1e4, F64, 1e-10, True),
    Case("invsqrt", "minimax-9:zm*6", 1e8, F64, 1e-6, True),
    Case("invsqrt", "zolotarev-3:partial-fractions minimax-5:zm", 1e4, C64, 1e-3, True),
    Case("invsqrt", "zolotarev-4:partial-fractions zolotarev-2:zm", 1e8, F64, 1e-6, True),
    Case("invsqrt", "zolotarev-4:partial-fractions zolotarev-2:zm", 1e10, F32, 1e-2, False),
    Case("invsqrt", "halley:partial-fractions halley:zm*5", 1e4, F64, 1e-11, True),
    Case("invsqrt", "newton:product*6", 1e4, F32, 1e-3, True),
    Case("invsqrt", "newton:product*8", 1e9, F32, 1e-2, False),
    Case("invsqrt", "newton:product*8", 1e10, F64, 1e-4, True),
    Case("invsqrt", "eigh:direct", 1e3, F32, 1e-3, True),
    Case("invsqrt", "eigh:direct", 1e8, F32, 1e-2, False),
    Case("sqrt", "minimax-5:ym*4", 1e2, F32, 1e-4, True),
    Case("sqrt", "minimax-5:ym*6", 1e4, C64, 1e-2, True),
    Case("sqrt", "minimax-5:ym*8", 1e8, F32, 1e-2, False),
    Case("sqrt", "minimax-5:ym:averaged*8", 1e8, F64, 1e-6, True),
    Case("sqrt", "newton:product*7", 1e6, F32, 1e-1, True),
    Case("sqrt", "newton:product*7", 1e6, F32, 1e-4, False),
    Case("sqrt", "zolotarev-3:partial-fractions zolotarev-2:ym", 1e6, F64, 1e-9, True),
    Case("invroot-3", "minimax-4:zm*6", 1e2, F32, 1e-4, True),
    Case("invroot-3", "minimax-7:zm*6", 1e4, F64, 1e-11, True),
    Case("invroot-3", "minimax-4:zm*10", 1e8, F32, 1e-2, False),
    Case("root-3", "minimax-7:ym*8", 1e5, F64, 1e-10, True),
    Case("root-5", "minimax-11:ym*6", 1e2, C64, 1e-4, True),
    Case("power-2/3", "minimax-7:ym*6", 1e3, F32, 1e-3, True),
    # What float32 did to a root is permanent, wherever in the schedule it was.
    Case("invsqrt", "minimax-3:zm@float32*4 minimax-3:zm*4", 1e2, F64, 1e-8, False),
    Case("invsqrt", "minimax-3:zm*4 minimax-3:zm@float32*4", 1e2, F64, 1e-8, False),
    Case("invsqrt", "minimax-5:yz@float32*4 minimax-5:yz*4", 1e4, F64, 1e-8, False),
    Case("sqrt", "minimax-5:ym@float32*2 minimax-5:ym*3", 1e2, F64, 1e-8, False),
    Case("invroot-3", "minimax-4:zm@float32*3 minimax-4:zm*4", 1e2, F64, 1e-8, False),
    # Unless it is the inverse square root and a Lyapunov equation is solved.
    Case("invsqrt", f"{FROM_F32} newton-repair:lyapunov", 1e4, F64, 1e-10, False),
    Case("invsqrt", f"{FROM_F32} newton-repair:lyapunov*2", 1e4, F64, 1e-11, True),
    Case("invsqrt", f"{FROM_F32} newton-repair:lyapunov@float32*2", 1e4, F64, 1e-11, True),
    Case("invsqrt", "minimax-5:zm@float32*6 newton-repair:lyapunov*2", 1e4, F64, 1e-11, True),
    Case("invsqrt", "minimax-5:zm@float32*6 minimax-5:zm*2", 1e4, F64, 1e-10, False),
    Case("invsqrt", "minimax-3:zm@float32*8 newton-repair:lyapunov*2", 1e2, C128, 1e-12, True),
]
PAIRS = [
    Case("invsqrt", "minimax-5:yz*5", 1e4, F32, 1e-3, True),
    Case("invsqrt", "minimax-5:yz*7", 1e6, F64, 1e-10, True),
    Case("sqrt", "minimax-5:yz*6", 1e4, F32, 1e-3, True),
    Case("sqrt+invsqrt", "minimax-5:yz*6", 1e4, C64, 1e-3, True),
    Case("sqrt+invsqrt", "minimax-5:yzm*5", 1e3, F32, 1e-3, True),
    Case("sqrt+invsqrt", "minimax-5:yzm*7", 1e6, C128, 1e-9, True),
    Case("sqrt+invsqrt", "newton:product*6", 1e3, F32, 1e-4, True),
    Case(
        "sqrt+invsqrt",
        "zolotarev-3:partial-fractions zolotarev-2:yzm",
        1e8,
        F32,
        1e-2,
        False,
    ),
]
POLAR = [
    Case("polar", "minimax-5:chained*6", 1e4, F32, 1e-2, True),
    Case("polar", "minimax-5:chained*8", 1e7, F32, 1e-3, False),
    Case("polar", "minimax-5:chained*6", 1e4, F64, 1e-9, True, 96),
    Case("polar", "minimax-5:chained*6", 1e4, C64, 1e-2, True, 144),
    Case("polar", "zolotarev-2:chained*2", 1e2, F32, 1e-3, True, 144),
    Case("polar", "zolotarev-2:chained*2", 1e6, F32, 1e-1, False, 144),
    Case("polar", "zolotarev-3:chained*2", 1e5, F64, 1e-6, True),
    # The Gram matrix squares the condition; a chained step is a restart.
    Case("polar", "minimax-5:chained minimax-5:gram*4", 1e1, F32, 1e-4, True),
    Case("polar", "minimax-5:chained minimax-5:gram*6", 1e4, F32, 1e-1, False),
    Case("polar", "minimax-5:chained minimax-5:gram*8", 1e6, F32, 1e-1, False, 144),
    Case("polar", "minimax-5:chained minimax-5:gram*6", 1e4, F64, 1e-5, True, 96),
    Case("polar", "minimax-5:chained*4 minimax-5:gram*2", 1e4, F32, 1e-2, True, 144),
    Case(
        "polar",
        "minimax-5:chained minimax-5:gram minimax-5:chained minimax-5:gram*2 minimax-5:chained",
        1e3,
        F32,
        1e-3,
        True,
        144,
    ),
    Case("polar", "newton:chained newton:gram*6", 1e2, C64, 1e-3, True),
    Case("polar", "newton:chained newton:gram*6", 1e5, F32, 1e-1, False),
    Case("polar", "eigh:direct", 1e1, F32, 1e-4, True),
    Case("polar", "eigh:direct", 1e5, F32, 1e-1, False),
    Case("polar", "svd:direct", 1e4, F32, 1e-2, True, 144),
    Case("polar", "svd:direct", 1e9, F32, 1e-1, False, 144),
    Case("polar", "minimax-5:chained@float32*2 minimax-5:chained*5", 1e3, F64, 1e-8, False),
    Case("polar-right", "minimax-5:chained*5", 1e3, F64, 1e-10, True, 96),
    Case("polar-left", "minimax-5:chained*5", 1e3, C64, 1e-2, True, 96),
]
SIGN = [
    Case("sign", "minimax-5:chained*5", 1e2, F32, 1e-4, True),
    Case("sign", "minimax-5:chained*9", 1e6, F32, 1e-3, False),
    Case("sign", "minimax-5:chained*9", 1e6, F64, 1e-5, True),
    Case("sign", "minimax-5:chained minimax-5:gram*6", 1e4, F32, 1e-2, False),
    Case("sign", "minimax-5:chained*2 minimax-5:gram*4", 1e2, C64, 1e-3, True),
    Case("sign", "zolotarev-3:chained*2", 1e5, F32, 1e-1, False),
    Case("sign", "zolotarev-3:chained*2", 1e3, C128, 1e-10, True),
    Case("sign", "newton:chained newton:gram*6", 1e2, F64, 1e-11, True),
    Case("sign", "newton:chained*8", 1e7, F32, 1e-1, False),
    Case("sign", "eigh:direct", 1e3, F32, 1e-3, True),
    Case("sign", "eigh:direct", 1e9, F32, 1e-1, False),
    Case("sign", "minimax-5:chained@float32*2 minimax-5:chained*4", 1e2, F64, 1e-8, False),
]
SCHEDULES = [*INVERSES, *ROOTS, *PAIRS, *POLAR, *SIGN]


@pytest.mark.parametrize("case", SCHEDULES, ids=str)
def test_schedules_are_decided_rightly(case: Case, laboratory: Any, check: Any) -> None:
    if not WIDE and case.dtype in (F64, C128):
        pytest.skip("no precision wider than float64 here")
    m = case.m if "polar" in case.function else 0
    run = laboratory.run(case.function, case.steps, case.kappa, case.dtype, m=m)
    check(max(laboratory.measured(run)), max(laboratory.predicted(run)), case.tol, case.works)


def test_the_table_is_large_and_has_both_answers() -> None:
    answers = [case.works for case in SCHEDULES]
    accepted, rejected = answers.count(True), answers.count(False)
    print(f"instabilities: {accepted} cases to accept, {rejected} to reject")
    assert len(set(SCHEDULES)) == len(SCHEDULES)
    assert accepted >= 30
    assert rejected >= 30
