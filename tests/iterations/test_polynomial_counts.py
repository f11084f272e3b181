"""What polynomial steps cost, as theory says."""

from collections import Counter
from typing import Any

import pytest

from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule
from matrl.iterations.form import power_of
from matrl.iterations.polynomial import paterson_stockmeyer, product_count
from matrl.readings.count import count

# Hermitian products for p of degree d in m.
PRODUCTS = {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}
COUPLED = [f.name for f in FUNCTIONS if f.carries != "x"]
SQUARE_ROOTS = ("invsqrt", "sqrt", "sqrt+invsqrt")


def polynomials(functions: list[str]) -> list[tuple[str, str, int]]:
    cases = []
    for function in functions:
        k = FUNCTIONS.get(function).root_index
        for d in range(1, 9 if k == 1 else 5):
            families = ("minimax", "series") if k <= 2 else ("series",)
            cases += [(function, f"{family}-{k * d + 1}", d) for family in families]
    return cases


@pytest.mark.parametrize(("degree", "products"), PRODUCTS.items())
def test_products_of_paterson_stockmeyer(degree: int, products: int) -> None:
    graph = Graph()
    m = graph.input("M", "float64")
    program = graph.program(paterson_stockmeyer(m, [1.0 / (i + 1) for i in range(degree + 1)]))
    assert count(program)["matmul_herm", "float64"] == products
    assert min(product_count(degree, block) for block in range(1, degree + 1)) == products


@pytest.mark.parametrize(
    ("exponent", "products"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4), (8, 3)]
)
def test_products_of_a_power(exponent: int, products: int, counted: Any) -> None:
    graph = Graph()
    program = graph.program(power_of(graph.input("P", "float64"), exponent))
    assert count(program)["matmul_herm", "float64"] == products
    assert len(counted.powers(exponent)) == products


@pytest.mark.parametrize(("function", "name", "d"), polynomials(COUPLED))
def test_polynomial_steps(function: str, name: str, d: int, counted: Any) -> None:
    entry = FUNCTIONS.get(function)
    k, j = entry.root_index, entry.multiplicity
    has_z, has_y = "z" in entry.carries, "y" in entry.carries
    chain, chain_of_residual = counted.powers(j), counted.powers(k - 1)
    # First step: no product for Z = p(A)^j, one for Y = A p(A)^j, but for p^j itself.
    first = PRODUCTS[d] + len(chain) + has_y
    assert counted.kernels(function, name, 1) == Counter(matmul_herm=first)
    # M <- p^(k-1) (M p): two products, one for k = 1; powers of p are shared with the carried
    # matrix, and so is M p where it is Y.
    residual = (2 if k > 1 else 1) + len(chain_of_residual - chain)
    assert residual <= k
    shared = has_y and j == 1
    assert counted.kernels(function, name, 1, with_residual=True) == Counter(
        matmul_herm=first + residual - shared
    )
    later = PRODUCTS[d] + len(chain) + has_z + has_y
    for length in (2, 3, 4):
        before = first + residual - shared + (length - 2) * (later + residual)
        # The last step does not update M.
        assert counted.kernels(function, name, length) == Counter(matmul_herm=before + later)
        assert counted.kernels(function, name, length, with_residual=True) == Counter(
            matmul_herm=before + later + residual
        )


@pytest.mark.parametrize(("k", "most"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 5), (7, 5),
                                         (8, 6)])  # fmt: skip
def test_squaring_saves_products_of_the_residual(k: int, most: int, counted: Any) -> None:
    """M <- M p^k takes k products one by one; these are what is needed of them."""
    names = {1: "inv", 2: "invsqrt"}
    function = names.get(k, f"invroot-{k}")
    name = f"series-{k + 1}"
    alone = counted.kernels(function, name, 1)["matmul_herm"]
    assert counted.kernels(function, name, 1, with_residual=True)["matmul_herm"] - alone == most


@pytest.mark.parametrize(("function", "name", "d"), polynomials(["inv", *SQUARE_ROOTS, "root-3"]))
def test_averaged_products_are_those_of_the_carried_matrices(
    function: str, name: str, d: int, counted: Any
) -> None:
    entry = FUNCTIONS.get(function)
    forms = counted.natural_forms(entry, name, 3)
    mirrored = count(trace_schedule(entry, counted.steps_of(entry, name, forms), "float64"))
    steps = counted.steps_of(entry, name, forms, "averaged")
    averaged = count(trace_schedule(entry, steps, "float64"))
    # At the first step Y = A p(A)^j is a product of functions of one matrix.
    dearer = 2 * len(entry.carries)
    assert averaged["matmul", "float64"] == dearer
    assert averaged["matmul_herm", "float64"] == mirrored["matmul_herm", "float64"] - dearer
    assert averaged["add", "float64"] == mirrored["add", "float64"] + dearer
