"""What steps cost in the chained, Gram, coupled and repairing forms, as theory says."""

from collections import Counter
from typing import Any, Literal

import pytest

from matrl.core.plan import StepRecord
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule
from matrl.readings.count import count

# Hermitian products for p of degree d in m.
PRODUCTS = {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}
SQUARE_ROOTS = ("invsqrt", "sqrt", "sqrt+invsqrt")
CHAINED = ("sign", "polar", "polar-right", "polar-left")


def chained_kernels(function: str, gram: int, last: int) -> Counter[str]:
    """Gram matrices and products of X, and the Hermitian factor at the end."""
    if function == "sign":
        return Counter(matmul_herm=gram + last)
    kernels = Counter({"gram:tall": gram, "matmul:tall": last})
    kernels["gram:tall"] += function == "polar-right"
    kernels["outer:tall"] += function == "polar-left"
    return +kernels


@pytest.mark.parametrize("function", CHAINED)
@pytest.mark.parametrize(
    ("name", "own", "onward"),
    [
        *((f"minimax-{2 * d + 1}", Counter(matmul_herm=PRODUCTS[d]), 2) for d in range(1, 5)),
        ("series-5", Counter(matmul_herm=1), 2),
        ("halley", Counter(inv_spd=1), 1),
        ("zolotarev-4", Counter(inv_spd=4), 1),
        ("pade-1/2", Counter(inv_spd=2), 1),
        ("newton", Counter(inv_spd=1), 0),
    ],
)
def test_chained_and_gram_steps(
    function: str, name: str, own: Counter[str], onward: int, counted: Any
) -> None:
    """A Gram matrix, p, and one product a chained step; a Gram step updates Z and M instead."""
    for length in (1, 2, 3):
        expected = chained_kernels(function, length, length)
        for _ in range(length):
            expected += own
        assert counted.kernels(function, name, ["chained"] * length) == expected
    # A Gram step: M goes on by 2 products, by fewer where additions do; one product for Z.
    for grams in (1, 2):
        forms = ["chained", *["gram"] * grams]
        expected = chained_kernels(function, 1, 1) + Counter(matmul_herm=grams * (onward + 1))
        for _ in forms:
            expected += own
        assert counted.kernels(function, name, forms) == expected
    # A restart leaves the update of M before it undone.
    forms = ["chained", "gram", "chained"]
    expected = chained_kernels(function, 2, 2) + Counter(matmul_herm=onward + 1)
    for _ in forms:
        expected += own
    assert counted.kernels(function, name, forms) == expected


@pytest.mark.parametrize("name", ["minimax-5", "halley", "newton"])
def test_averaged_products_of_chained_steps(name: str, counted: Any) -> None:
    """Those of X: of the sign, where X is Hermitian. The polar factor's are general anyway."""
    for function, dearer in (("sign", 3), ("polar", 0)):
        entry = FUNCTIONS.get(function)
        forms = ["chained"] * 3
        mirrored = count(trace_schedule(entry, counted.steps_of(entry, name, forms), "float64"))
        steps = counted.steps_of(entry, name, forms, "averaged")
        averaged = count(trace_schedule(entry, steps, "float64"))
        assert averaged["matmul", "float64"] == dearer
        assert averaged["matmul_herm", "float64"] == mirrored["matmul_herm", "float64"] - dearer
        assert averaged["matmul:tall", "float64"] == mirrored["matmul:tall", "float64"]


@pytest.mark.parametrize("function", SQUARE_ROOTS)
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_coupled_steps_are_general_products(function: str, d: int, counted: Any) -> None:
    """All but the first; the Hermitian part at the end is a copy and a pass."""
    name, is_both = f"minimax-{2 * d + 1}", function == "sqrt+invsqrt"
    needs_y = function != "invsqrt"
    # Z = p(A), Y = A p(A), exactly Hermitian, so in cheaper products.
    first = Counter(matmul_herm=PRODUCTS[d] + needs_y)
    assert counted.kernels(function, name, ["yz"]) == +first
    last = Counter(matmul=1 + PRODUCTS[d] + 1 + is_both, cast=1 + is_both)
    middle = Counter(matmul=1 + PRODUCTS[d] + 2)
    expected = Counter(matmul_herm=PRODUCTS[d] + 1)
    for length in (2, 3, 4):
        assert counted.kernels(function, name, ["yz"] * length) == expected + last
        expected += middle


@pytest.mark.parametrize("d", range(1, 9))
def test_anchored_steps_are_general_products(d: int, counted: Any) -> None:
    name = f"minimax-{d + 1}"
    first = Counter(matmul_herm=PRODUCTS[d])
    for anchored in (1, 2, 3):
        forms = ["zm", *["anchored"] * anchored]
        # T = A Z, p(T), Z p(T); the step before need not update M.
        assert counted.kernels("inv", name, forms) == +first + Counter(
            matmul=anchored * (1 + PRODUCTS[d] + 1)
        )


@pytest.mark.parametrize("function", ["invsqrt"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_lyapunov_repair(
    function: str, precision: Literal["float32", "float64"], counted: Any
) -> None:
    entry = FUNCTIONS.get(function)
    before = counted.steps_of(entry, "zolotarev-2", ["partial-fractions"])
    step = StepRecord("newton-repair", "lyapunov", precision)
    totals = count(trace_schedule(entry, [*before, step], "float64"))
    totals -= count(trace_schedule(entry, before, "float64"))
    # S = A Z, A Z and Z (A Z) in the plan's precision, the solution by eigenvectors in the step's.
    assert totals["eigh", precision] == 1
    products = Counter({("matmul", "float64"): 3}) + Counter({("matmul", precision): 4})
    assert {key: n for key, n in totals.items() if key[0] == "matmul"} == products
    casts = {key: n for key, n in totals.items() if key[0] == "cast"}
    low = {("cast", "float32"): 2, ("cast", "float64"): 1}
    assert casts == ({} if precision == "float64" else low)
    assert {name for name, _ in totals} <= {"eigh", "matmul", "add", "cast"}
