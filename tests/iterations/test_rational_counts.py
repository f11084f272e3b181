"""What rational steps cost, as theory says."""

from collections import Counter
from typing import Any

import pytest

from matrl.functions import FUNCTIONS

SQUARE_ROOTS = ("invsqrt", "sqrt", "sqrt+invsqrt")


@pytest.mark.parametrize("function", SQUARE_ROOTS)
@pytest.mark.parametrize(
    ("name", "poles"),
    [
        ("halley", 1),
        ("pade-0/1", 1),
        ("pade-1/2", 2),
        ("pade-3/3", 3),
        ("zolotarev-even-2", 2),
        *((f"zolotarev-{r}", r) for r in range(1, 9)),
    ],
)
def test_rational_steps(function: str, name: str, poles: int, counted: Any) -> None:
    carried = len(FUNCTIONS.get(function).carries)
    # First step: partial fractions, inverses only, Z and Y by additions.
    # m/(m + c) is 1 for a pole at 0, so that Y = A p(A) needs no inverse for it.
    free = function == "sqrt" and name.startswith("zolotarev-even")
    assert counted.kernels(function, name, 1) == Counter(inv_spd=poles - free)
    # M goes on by one product: m p(m) comes by additions.
    assert counted.kernels(function, name, 1, with_residual=True) == Counter(
        inv_spd=poles, matmul_herm=1
    )
    for length in (2, 3, 4):
        # Before the last step one product a step for M, after the first one for Z and for Y.
        products = (length - 1) + carried * (length - 1)
        assert counted.kernels(function, name, length) == Counter(
            inv_spd=length * poles, matmul_herm=products
        )
        assert counted.kernels(function, name, length, with_residual=True) == Counter(
            inv_spd=length * poles, matmul_herm=products + 1
        )


@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS if f.root_index > 2])
@pytest.mark.parametrize(("name", "poles"), [("pade-0/1", 1), ("pade-2/2", 2)])
def test_rational_steps_of_other_roots(function: str, name: str, poles: int, counted: Any) -> None:
    entry = FUNCTIONS.get(function)
    k, j = entry.root_index, entry.multiplicity
    # M p by additions, so that M <- p^(k-1) (M p) takes at most k - 1 products.
    rest = counted.powers(k - 1)
    assert len(rest) + 1 <= k - 1
    chain = counted.powers(j)
    if entry.carries == "z":
        assert counted.kernels(function, name, 1) == Counter(inv_spd=poles, matmul_herm=len(chain))
        both = len(chain | rest) + 1
    else:
        # Y = (A p) p^(j-1), the first factor by additions.
        first = len(counted.powers(j - 1)) + (j > 1)
        assert counted.kernels(function, name, 1) == Counter(inv_spd=poles, matmul_herm=first)
        # Y = (M p) p^(k-2) shares no product with p^(k-1) (M p) but powers of p.
        both = len(counted.powers(j - 1) | rest) + (j > 1) + 1
    assert counted.kernels(function, name, 1, with_residual=True) == Counter(
        inv_spd=poles, matmul_herm=both
    )
    assert counted.kernels(function, name, 2) == Counter(
        inv_spd=2 * poles, matmul_herm=both + len(chain) + 1
    )
    assert counted.kernels(function, name, 2, with_residual=True) == Counter(
        inv_spd=2 * poles, matmul_herm=both + len(chain | rest) + 2
    )


@pytest.mark.parametrize("name", ["newton", "newton-byers-xu"])
@pytest.mark.parametrize("function", SQUARE_ROOTS)
def test_newton_in_product_form(function: str, name: str, counted: Any) -> None:
    carried = len(FUNCTIONS.get(function).carries)
    # Y = A p(A) = (mu A + 1/mu)/2 takes no inverse.
    assert counted.kernels(function, name, 1) == Counter(inv_spd=0 if function == "sqrt" else 1)
    for length in (1, 2, 3, 4):
        # M by additions only, so that the residual is free but for the inverse of the last step.
        assert counted.kernels(function, name, length, with_residual=True) == Counter(
            inv_spd=length, matmul_herm=carried * (length - 1)
        )
    for length in (2, 3, 4):
        assert counted.kernels(function, name, length) == Counter(
            inv_spd=length, matmul_herm=carried * (length - 1)
        )
