"""Iterations that are in no catalogue, because they are not stable."""

from typing import Any

import numpy as np
import pytest

from matrl.core.program import Program
from matrl.core.tracing import Expression, Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES
from matrl.iterations.schedule import advance, start

WIDE = np.finfo(np.longdouble).eps < 1e-18
F32, F64 = "float32", "float64"


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


@pytest.mark.skipif(not WIDE, reason="no precision wider than float64 here")
@pytest.mark.parametrize(("function", "order", "steps", "kappa", "tol", "works"), ANCHORED)
def test_anchored_roots_are_decided_rightly(
    function: str,
    order: str,
    steps: int,
    kappa: float,
    tol: float,
    works: bool,
    laboratory: Any,
    check: Any,
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
    check: Any,
) -> None:
    """Only general products in the order p(T) Z are stable."""
    if not WIDE and dtype == F64:
        pytest.skip("no precision wider than float64 here")
    program = coupled(product, order, steps, dtype, kappa, laboratory)
    run = laboratory.run("invsqrt", "", kappa, dtype)
    (measured,) = laboratory.measured_of_program(program, run)
    (predicted,) = laboratory.predicted_of_program(program, run)
    check(measured, predicted, tol, works)
