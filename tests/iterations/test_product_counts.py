"""What each step costs, as the catalogue's table says, read off traced schedules."""

from collections import Counter
from typing import Literal

import pytest

from matrl.core.plan import StepRecord
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.polynomial import paterson_stockmeyer, product_count
from matrl.iterations.schedule import DIRECT, form_of
from matrl.readings.count import count

FUNCTION_NAMES = ("inv", "invsqrt", "sqrt")
SQUARE_ROOTS = ("invsqrt", "sqrt")
# Hermitian products for p of degree d in m.
PRODUCTS = {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}


def schedule(
    function: str,
    name: str,
    length: int,
    product: Literal["mirrored", "averaged"] = "mirrored",
) -> list[StepRecord]:
    entry, update = FUNCTIONS.get(function), UPDATES.get(name)
    assert not isinstance(update, DirectMethod)
    coefficients = tuple(update.coefficients(entry.root_index, 0.1, 1.0))
    return [
        StepRecord(name, form_of(update, entry.carries, i == 0), "float64", coefficients, product)
        for i in range(length)
    ]


def kernels(function: str, name: str, length: int, *, with_residual: bool = False) -> Counter[str]:
    """The kernels of a schedule of one update, additions left out."""
    steps = schedule(function, name, length)
    program = trace_schedule(FUNCTIONS.get(function), steps, "float64", with_residual=with_residual)
    totals = count(program)
    assert {dtype for _, dtype in totals} == {"float64"}
    return Counter({kind: times for (kind, _), times in totals.items() if kind != "add"})


def polynomials() -> list[tuple[str, str, int]]:
    cases = []
    for function in FUNCTION_NAMES:
        k = FUNCTIONS.get(function).root_index
        for family in ("minimax", "series"):
            for degree in range(2, 10):
                if (degree - 1) % k == 0:
                    cases.append((function, f"{family}-{degree}", (degree - 1) // k))
    return cases


@pytest.mark.parametrize(("degree", "products"), PRODUCTS.items())
def test_products_of_paterson_stockmeyer(degree: int, products: int) -> None:
    graph = Graph()
    m = graph.input("M", "float64")
    program = graph.program(paterson_stockmeyer(m, [1.0 / (i + 1) for i in range(degree + 1)]))
    assert count(program)["matmul_herm", "float64"] == products
    assert min(product_count(degree, block) for block in range(1, degree + 1)) == products


@pytest.mark.parametrize(("function", "name", "d"), polynomials())
def test_polynomial_steps(function: str, name: str, d: int) -> None:
    k = FUNCTIONS.get(function).root_index
    # First step: no product for Z = p(A), one for Y = A p(A).
    carried = 0 if FUNCTIONS.get(function).carries == "z" else 1
    first = PRODUCTS[d] + carried
    assert kernels(function, name, 1) == Counter(matmul_herm=first)
    # Each M <- p M p (k factors) is k products, of which Y = A p is one at the first step.
    residual = k - carried
    assert kernels(function, name, 1, with_residual=True) == Counter(matmul_herm=first + residual)
    later = PRODUCTS[d] + 1
    for length in (2, 3, 4):
        before = first + residual + (length - 2) * (later + k)
        # The last step does not update M.
        assert kernels(function, name, length) == Counter(matmul_herm=before + later)
        assert kernels(function, name, length, with_residual=True) == Counter(
            matmul_herm=before + later + k
        )


@pytest.mark.parametrize("function", SQUARE_ROOTS)
@pytest.mark.parametrize(
    ("name", "poles"), [("halley", 1), *((f"zolotarev-{r}", r) for r in range(1, 7))]
)
def test_rational_steps(function: str, name: str, poles: int) -> None:
    # First step: partial fractions, inverses only, Z and Y by additions.
    assert kernels(function, name, 1) == Counter(inv_spd=poles)
    # M goes on by one product: m p(m) comes by additions.
    assert kernels(function, name, 1, with_residual=True) == Counter(inv_spd=poles, matmul_herm=1)
    for length in (2, 3, 4):
        # Before the last step one product a step for M, after the first one a step for Z or Y.
        products = (length - 1) + (length - 1)
        assert kernels(function, name, length) == Counter(
            inv_spd=length * poles, matmul_herm=products
        )
        assert kernels(function, name, length, with_residual=True) == Counter(
            inv_spd=length * poles, matmul_herm=products + 1
        )


@pytest.mark.parametrize("function", SQUARE_ROOTS)
def test_newton_in_product_form(function: str) -> None:
    assert kernels(function, "newton", 1) == Counter(inv_spd=1 if function == "invsqrt" else 0)
    for length in (1, 2, 3, 4):
        # M by additions only, so that the residual is free but for the inverse of the last step.
        assert kernels(function, "newton", length, with_residual=True) == Counter(
            inv_spd=length, matmul_herm=length - 1
        )
    for length in (2, 3, 4):
        assert kernels(function, "newton", length) == Counter(
            inv_spd=length, matmul_herm=length - 1
        )


@pytest.mark.parametrize(("function", "name", "d"), polynomials())
def test_averaged_products_are_those_of_the_carried_matrix(
    function: str, name: str, d: int
) -> None:
    entry = FUNCTIONS.get(function)
    mirrored = count(trace_schedule(entry, schedule(function, name, 3), "float64"))
    steps = schedule(function, name, 3, "averaged")
    averaged = count(trace_schedule(entry, steps, "float64"))
    assert averaged["matmul", "float64"] == 2
    assert averaged["matmul_herm", "float64"] == mirrored["matmul_herm", "float64"] - 2
    assert averaged["add", "float64"] == mirrored["add", "float64"] + 2


@pytest.mark.parametrize("function", FUNCTION_NAMES)
@pytest.mark.parametrize(
    ("dtype", "precision"), [("float64", "float64"), ("float32", "float32"), ("float64", "float32")]
)
def test_direct_methods(
    function: str, dtype: Literal["float32", "float64"], precision: Literal["float32", "float64"]
) -> None:
    entry = FUNCTIONS.get(function)
    casts = {("cast", dtype): 1, ("cast", precision): 1} if dtype != precision else {}
    eigh = count(trace_schedule(entry, [StepRecord("eigh", DIRECT, precision)], dtype))
    assert eigh == Counter({("eigh", precision): 1, ("matmul_herm", precision): 1, **casts})
    if function == "inv":
        cholesky = count(trace_schedule(entry, [StepRecord("cholesky", DIRECT, precision)], dtype))
        assert cholesky == Counter({("inv_spd", precision): 1, **casts})


def test_changes_of_precision_cast_both_registers_once() -> None:
    steps = schedule("invsqrt", "minimax-5", 3)
    low = [StepRecord(s.name, s.form, "float32", s.coefficients) for s in steps[:2]]
    program = trace_schedule(FUNCTIONS.get("invsqrt"), [*low, steps[2]], "float64")
    totals = count(program)
    assert totals["cast", "float32"] == 1
    assert totals["cast", "float64"] == 2
    assert totals["matmul_herm", "float32"] == (1 + 2) + (2 + 2)
    assert totals["matmul_herm", "float64"] == 2


def test_cholesky_computes_the_inverse_only() -> None:
    cholesky = UPDATES.get("cholesky")
    assert isinstance(cholesky, DirectMethod)
    assert [f.name for f in FUNCTIONS if cholesky.supports(f)] == ["inv"]
