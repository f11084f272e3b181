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

from matrl.core.program import Program
from matrl.core.tracing import Expression, Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES
from matrl.iterations.schedule import advance, start, trace_schedule
from matrl.readings.scalar import is_positive

WIDE = np.finfo(np.longdouble).eps < 1e-18


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


F32, F64, C64, C128 = "float32", "float64", "complex64", "complex128"
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


# Iterations that are in no catalogue, because they are not stable -------------------------------


def anchored_root(function: str, order: str, steps: int, kappa: float, laboratory: Any) -> Program:
    """Converge by (Z, M), then recompute M from A: as A Z^k, or as Z^(k-1) A Z."""
    f = FUNCTIONS.get(function)
    k = f.root_index
    run = laboratory.run(function, f"minimax-{2 * k + 1}:zm:averaged*10", kappa, F64)
    graph = Graph()
    records, _ = laboratory.records_of(run)
    registers: Any = start(graph, f, F64, F64)
    for record in records:
        registers = advance(registers, record, f)
    a, z = registers.a, registers.z
    update: Any = UPDATES.get(f"series-{k + 1}")
    coefficients = update.coefficients(k, 1.0, 1.0)
    for _ in range(steps):
        if order == "AZ^k":
            power: Expression = z
            for _ in range(k - 1):
                power = power.matmul(z, "averaged")
            m = a.matmul(power, "averaged")
        else:
            m = a.matmul(z, "general")
            for _ in range(k - 2):
                m = z.matmul(m, "general")
            m = z.matmul(m, "averaged")
        z = z.matmul(update.multiplier(m, coefficients, k).p, "averaged")
    return graph.program(z)


def coupled(product: Any, order: str, steps: int, dtype: str, kappa: float, lab: Any) -> Program:
    """Return the coupled (Y, Z) iteration with these products; Z p(T) in place of p(T) Z."""
    run = lab.run("invsqrt", f"minimax-5:yz*{steps}", kappa, dtype)
    graph = Graph()
    y, z = graph.input("A", dtype), graph.identity(dtype)
    for record in lab.records_of(run)[0]:
        update: Any = UPDATES.get(record.name)
        t = z.matmul(y, product)
        p = update.multiplier(t, record.coefficients, 2).p
        y = y.matmul(p, product)
        z = p.matmul(z, product) if order == "pZ" else z.matmul(p, product)
    return graph.program(z.symmetrize())


ANCHORED = [
    # function, order, steps, kappa, tol, works: unstable for kappa > 9, and > 34 for Z A Z.
    ("invsqrt", "AZ^k", 8, 5.0, 1e-14, True),
    ("invsqrt", "AZ^k", 8, 20.0, 1e-14, False),
    ("invsqrt", "AZ^k", 8, 1e2, 1e-10, False),
    ("invsqrt", "AZ^k", 4, 1e4, 1e-3, False),
    ("invsqrt", "ZAZ", 8, 20.0, 1e-14, True),
    ("invsqrt", "ZAZ", 8, 1e2, 1e-12, True),
    ("invsqrt", "ZAZ", 12, 1e2, 1e-14, False),
    ("invsqrt", "ZAZ", 8, 1e4, 1e-4, False),
    ("invroot-3", "AZ^k", 8, 5.0, 1e-14, True),
    ("invroot-3", "AZ^k", 8, 1e2, 1e-10, False),
    ("invroot-3", "ZAZ", 8, 5.0, 1e-14, True),
    ("invroot-3", "ZAZ", 8, 1e4, 1e-3, False),
]
COUPLED = [
    # product, order, steps, dtype, kappa, tol, works
    ("general", "pZ", 12, F32, 20.0, 1e-4, True),
    ("general", "pZ", 12, F32, 1e4, 1e-3, True),
    ("general", "pZ", 12, F64, 1e4, 1e-11, True),
    ("mirrored", "pZ", 12, F32, 20.0, 1e-4, True),
    ("mirrored", "pZ", 12, F32, 1e4, 1e-2, False),
    ("mirrored", "pZ", 12, F64, 1e4, 1e-6, False),
    ("averaged", "pZ", 12, F32, 20.0, 1e-4, True),
    ("averaged", "pZ", 12, F32, 1e4, 1e-2, False),
    ("averaged", "pZ", 12, F64, 1e4, 1e-6, False),
    ("general", "Zp", 12, F32, 10.0, 1e-4, True),
    ("general", "Zp", 12, F32, 1e2, 1e-3, False),
    ("general", "Zp", 12, F64, 1e2, 1e-12, False),
]


def check(measured: float, predicted: float, tol: float, works: bool) -> None:
    # The table is right: nothing lies within a factor 10 of its threshold.
    assert measured < tol / 10.0 if works else measured > 10.0 * tol
    assert (predicted <= tol) is works


@pytest.mark.parametrize("case", SCHEDULES, ids=str)
def test_schedules_are_decided_rightly(case: Case, laboratory: Any) -> None:
    if not WIDE and case.dtype in (F64, C128):
        pytest.skip("no precision wider than float64 here")
    m = case.m if "polar" in case.function else 0
    run = laboratory.run(case.function, case.steps, case.kappa, case.dtype, m=m)
    check(max(laboratory.measured(run)), max(laboratory.predicted(run)), case.tol, case.works)


@pytest.mark.skipif(not WIDE, reason="no precision wider than float64 here")
@pytest.mark.parametrize(("function", "order", "steps", "kappa", "tol", "works"), ANCHORED)
def test_anchored_roots_are_decided_rightly(
    function: str, order: str, steps: int, kappa: float, tol: float, works: bool, laboratory: Any
) -> None:
    """An anchored root multiplies non-commuting errors; only for k = 1 does it forget them."""
    program = anchored_root(function, order, steps, kappa, laboratory)
    run = laboratory.run(function, "", kappa, F64)
    (measured,) = laboratory.measured_of_program(program, run)
    (predicted,) = laboratory.predicted_of_program(program, run)
    check(measured, predicted, tol, works)


@pytest.mark.parametrize(("product", "order", "steps", "dtype", "kappa", "tol", "works"), COUPLED)
def test_coupled_iterations_are_decided_rightly(
    product: str,
    order: str,
    steps: int,
    dtype: str,
    kappa: float,
    tol: float,
    works: bool,
    laboratory: Any,
) -> None:
    """Only general products in the order p(T) Z are stable."""
    if not WIDE and dtype == F64:
        pytest.skip("no precision wider than float64 here")
    program = coupled(product, order, steps, dtype, kappa, laboratory)
    run = laboratory.run("invsqrt", "", kappa, dtype)
    (measured,) = laboratory.measured_of_program(program, run)
    (predicted,) = laboratory.predicted_of_program(program, run)
    check(measured, predicted, tol, works)


# Beyond the upper end -----------------------------------------------------------------------------

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


# Calibration ----------------------------------------------------------------------------------

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


def test_the_table_is_large_and_has_both_answers() -> None:
    answers = [case.works for case in SCHEDULES]
    answers += [row[-1] for row in (*ANCHORED, *COUPLED, *BEYOND)]
    accepted, rejected = answers.count(True), answers.count(False)
    print(f"instabilities: {accepted} cases to accept, {rejected} to reject")
    assert len(set(SCHEDULES)) == len(SCHEDULES)
    assert accepted >= 30
    assert rejected >= 30
