"""What direct methods, changes of precision and complex matrices cost."""

from collections import Counter
from typing import Any, Literal

import pytest

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.schedule import DIRECT
from matrl.readings.count import count


def direct_kernels(function: MatrixFunction, name: str) -> Counter[str]:
    spectral = Counter(eigh=1, matmul_herm=1)
    if function.structure != "rectangular":
        return spectral + Counter(inv_spd=1) if function.carries == "yz" else spectral
    factor = Counter({"gram:tall": 1}) if function.factor == "right" else Counter()
    factor += Counter({"outer:tall": 1}) if function.factor == "left" else Counter()
    if name == "svd":
        return factor + Counter({"svd:tall": 1, "matmul:tall": 1})
    return factor + spectral + Counter({"gram:tall": 1, "matmul:tall": 1})


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    ("dtype", "precision"), [("float64", "float64"), ("float32", "float32"), ("float64", "float32")]
)
def test_direct_methods(
    function: MatrixFunction, dtype: str, precision: Literal["float32", "float64"]
) -> None:
    for method in UPDATES:
        if isinstance(method, DirectMethod) and method.supports(function):
            step = StepRecord(method.name, DIRECT, precision)
            totals = count(trace_schedule(function, [step], dtype))
            counted = {name: n for (name, where), n in totals.items() if "cast" not in name}
            if method.name == "cholesky":
                assert counted == Counter(inv_spd=1)
            else:
                assert counted == direct_kernels(function, method.name)
            tall = ":tall" if function.structure == "rectangular" else ""
            casts = Counter({(name, d): n for (name, d), n in totals.items() if "cast" in name})
            expected: Counter[tuple[str, str]] = Counter()
            if dtype != precision:
                shapes = ["", tall] if function.factor == "right" else [tall]
                shapes = ["", ""] if function.carries == "yz" else shapes
                # The Hermitian factor of A = P U is as large as A has rows.
                shapes = [tall, ""] if function.factor == "left" else shapes
                expected["cast" + tall, precision] += 1
                for shape in shapes:
                    expected["cast" + shape, dtype] += 1
            assert casts == expected


def test_cholesky_and_svd_compute_some_functions_only() -> None:
    supported = {
        method.name: [f.name for f in FUNCTIONS if method.supports(f)]
        for method in UPDATES
        if isinstance(method, DirectMethod)
    }
    assert supported["cholesky"] == ["inv"]
    assert supported["svd"] == ["polar", "polar-right", "polar-left"]
    assert supported["eigh"] == [f.name for f in FUNCTIONS]


def test_changes_of_precision_cast_both_registers_once(counted: Any) -> None:
    entry = FUNCTIONS.get("invsqrt")
    steps = counted.steps_of(entry, "minimax-5", ["zm", "zm", "zm"])
    low = [StepRecord(s.name, s.form, "float32", s.coefficients) for s in steps[:2]]
    totals = count(trace_schedule(entry, [*low, steps[2]], "float64"))
    assert totals["cast", "float32"] == 1
    assert totals["cast", "float64"] == 2
    assert totals["matmul_herm", "float32"] == (1 + 2) + (2 + 2)
    assert totals["matmul_herm", "float64"] == 2


def test_complex_matrices_take_the_same_products(counted: Any) -> None:
    for function in ("invsqrt", "sqrt+invsqrt", "sign", "polar-left", "root-3"):
        entry = FUNCTIONS.get(function)
        name = f"series-{entry.root_index + 1}"
        steps = counted.steps_of(entry, name, counted.natural_forms(entry, name, 3))
        low = [StepRecord(s.name, s.form, "float32", s.coefficients) for s in steps[:2]]
        real = count(trace_schedule(entry, [*low, steps[2]], "float64"))
        complex_ = count(trace_schedule(entry, [*low, steps[2]], "complex128"))
        twin = {"float32": "complex64", "float64": "complex128"}
        assert complex_ == Counter({(kernel, twin[d]): n for (kernel, d), n in real.items()})
