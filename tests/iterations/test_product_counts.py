"""What each step costs, as the theory of its form says, read off traced schedules."""

from collections import Counter
from typing import Literal

import pytest

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.form import power_of
from matrl.iterations.polynomial import paterson_stockmeyer, product_count
from matrl.iterations.schedule import DIRECT, check_schedule, forms_of
from matrl.readings.count import count

# Hermitian products for p of degree d in m.
PRODUCTS = {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}
COUPLED = [f.name for f in FUNCTIONS if f.carries != "x"]
SQUARE_ROOTS = ("invsqrt", "sqrt", "sqrt+invsqrt")
CHAINED = ("sign", "polar", "polar-right", "polar-left")
HERMITIAN_FORMS = {"z": "zm", "y": "ym", "yz": "yzm", "x": "chained"}

Averaging = Literal["mirrored", "averaged"]


def update_named(name: str) -> Update:
    update = UPDATES.get(name)
    assert not isinstance(update, DirectMethod)
    return update


def steps_of(
    function: MatrixFunction, name: str, forms: list[str], product: Averaging = "mirrored"
) -> list[StepRecord]:
    update, k = update_named(name), function.root_index
    coefficients = tuple(update.coefficients(k, 0.1, 1.0))
    steps = [StepRecord(name, form, "float64", coefficients, product) for form in forms]
    check_schedule(function, steps)
    return steps


def natural_forms(function: MatrixFunction, name: str, length: int) -> list[str]:
    """The forms whose feedback is M (or chained ones), step by step."""
    update = update_named(name)
    wanted = {HERMITIAN_FORMS[function.carries], "product", "partial-fractions"}
    forms: list[str] = []
    for _ in range(length):
        previous = forms[-1] if forms else None
        (form,) = (f for f in forms_of(update, function, previous) if f.name in wanted)
        forms.append(form.name)
    return forms


def kernels(
    function: str, name: str, forms: int | list[str], *, with_residual: bool = False
) -> Counter[str]:
    """The kernels of a schedule of one update, additions left out."""
    entry = FUNCTIONS.get(function)
    chosen = natural_forms(entry, name, forms) if isinstance(forms, int) else forms
    steps = steps_of(entry, name, chosen)
    totals = count(trace_schedule(entry, steps, "float64", with_residual=with_residual))
    assert {dtype for _, dtype in totals} <= {"float64"}
    names = ("add", "add:tall")
    return Counter({kind: times for (kind, _), times in totals.items() if kind not in names})


def powers(exponent: int) -> set[int]:
    """The powers of p that repeated squaring forms on the way to p^exponent, p itself left out."""
    if exponent < 2:
        return set()
    return {exponent, 2 * (exponent // 2)} | powers(exponent // 2)


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
def test_products_of_a_power(exponent: int, products: int) -> None:
    graph = Graph()
    program = graph.program(power_of(graph.input("P", "float64"), exponent))
    assert count(program)["matmul_herm", "float64"] == products
    assert len(powers(exponent)) == products


@pytest.mark.parametrize(("function", "name", "d"), polynomials(COUPLED))
def test_polynomial_steps(function: str, name: str, d: int) -> None:
    entry = FUNCTIONS.get(function)
    k, j = entry.root_index, entry.multiplicity
    has_z, has_y = "z" in entry.carries, "y" in entry.carries
    chain, chain_of_residual = powers(j), powers(k - 1)
    # First step: no product for Z = p(A)^j, one for Y = A p(A)^j, but for p^j itself.
    first = PRODUCTS[d] + len(chain) + has_y
    assert kernels(function, name, 1) == Counter(matmul_herm=first)
    # M <- p^(k-1) (M p): two products, one for k = 1; powers of p are shared with the carried
    # matrix, and so is M p where it is Y.
    residual = (2 if k > 1 else 1) + len(chain_of_residual - chain)
    assert residual <= k
    shared = has_y and j == 1
    assert kernels(function, name, 1, with_residual=True) == Counter(
        matmul_herm=first + residual - shared
    )
    later = PRODUCTS[d] + len(chain) + has_z + has_y
    for length in (2, 3, 4):
        before = first + residual - shared + (length - 2) * (later + residual)
        # The last step does not update M.
        assert kernels(function, name, length) == Counter(matmul_herm=before + later)
        assert kernels(function, name, length, with_residual=True) == Counter(
            matmul_herm=before + later + residual
        )


@pytest.mark.parametrize(("k", "most"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 5), (7, 5),
                                         (8, 6)])  # fmt: skip
def test_squaring_saves_products_of_the_residual(k: int, most: int) -> None:
    """M <- M p^k takes k products one by one; these are what is needed of them."""
    names = {1: "inv", 2: "invsqrt"}
    function = names.get(k, f"invroot-{k}")
    name = f"series-{k + 1}"
    alone = kernels(function, name, 1)["matmul_herm"]
    assert kernels(function, name, 1, with_residual=True)["matmul_herm"] - alone == most


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
def test_rational_steps(function: str, name: str, poles: int) -> None:
    carried = len(FUNCTIONS.get(function).carries)
    # First step: partial fractions, inverses only, Z and Y by additions.
    # m/(m + c) is 1 for a pole at 0, so that Y = A p(A) needs no inverse for it.
    free = function == "sqrt" and name.startswith("zolotarev-even")
    assert kernels(function, name, 1) == Counter(inv_spd=poles - free)
    # M goes on by one product: m p(m) comes by additions.
    assert kernels(function, name, 1, with_residual=True) == Counter(inv_spd=poles, matmul_herm=1)
    for length in (2, 3, 4):
        # Before the last step one product a step for M, after the first one for Z and for Y.
        products = (length - 1) + carried * (length - 1)
        assert kernels(function, name, length) == Counter(
            inv_spd=length * poles, matmul_herm=products
        )
        assert kernels(function, name, length, with_residual=True) == Counter(
            inv_spd=length * poles, matmul_herm=products + 1
        )


@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS if f.root_index > 2])
@pytest.mark.parametrize(("name", "poles"), [("pade-0/1", 1), ("pade-2/2", 2)])
def test_rational_steps_of_other_roots(function: str, name: str, poles: int) -> None:
    entry = FUNCTIONS.get(function)
    k, j = entry.root_index, entry.multiplicity
    # M p by additions, so that M <- p^(k-1) (M p) takes at most k - 1 products.
    rest = powers(k - 1)
    assert len(rest) + 1 <= k - 1
    chain = powers(j)
    if entry.carries == "z":
        assert kernels(function, name, 1) == Counter(inv_spd=poles, matmul_herm=len(chain))
        both = len(chain | rest) + 1
    else:
        # Y = (A p) p^(j-1), the first factor by additions.
        first = len(powers(j - 1)) + (j > 1)
        assert kernels(function, name, 1) == Counter(inv_spd=poles, matmul_herm=first)
        # Y = (M p) p^(k-2) shares no product with p^(k-1) (M p) but powers of p.
        both = len(powers(j - 1) | rest) + (j > 1) + 1
    assert kernels(function, name, 1, with_residual=True) == Counter(
        inv_spd=poles, matmul_herm=both
    )
    assert kernels(function, name, 2) == Counter(
        inv_spd=2 * poles, matmul_herm=both + len(chain) + 1
    )
    assert kernels(function, name, 2, with_residual=True) == Counter(
        inv_spd=2 * poles, matmul_herm=both + len(chain | rest) + 2
    )


@pytest.mark.parametrize("name", ["newton", "newton-byers-xu"])
@pytest.mark.parametrize("function", SQUARE_ROOTS)
def test_newton_in_product_form(function: str, name: str) -> None:
    carried = len(FUNCTIONS.get(function).carries)
    # Y = A p(A) = (mu A + 1/mu)/2 takes no inverse.
    assert kernels(function, name, 1) == Counter(inv_spd=0 if function == "sqrt" else 1)
    for length in (1, 2, 3, 4):
        # M by additions only, so that the residual is free but for the inverse of the last step.
        assert kernels(function, name, length, with_residual=True) == Counter(
            inv_spd=length, matmul_herm=carried * (length - 1)
        )
    for length in (2, 3, 4):
        assert kernels(function, name, length) == Counter(
            inv_spd=length, matmul_herm=carried * (length - 1)
        )


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
def test_chained_and_gram_steps(function: str, name: str, own: Counter[str], onward: int) -> None:
    """A Gram matrix, p, and one product a chained step; a Gram step updates Z and M instead."""
    for length in (1, 2, 3):
        expected = chained_kernels(function, length, length)
        for _ in range(length):
            expected += own
        assert kernels(function, name, ["chained"] * length) == expected
    # A Gram step: M goes on by 2 products, by fewer where additions do; one product for Z.
    for grams in (1, 2):
        forms = ["chained", *["gram"] * grams]
        expected = chained_kernels(function, 1, 1) + Counter(matmul_herm=grams * (onward + 1))
        for _ in forms:
            expected += own
        assert kernels(function, name, forms) == expected
    # A restart leaves the update of M before it undone.
    forms = ["chained", "gram", "chained"]
    expected = chained_kernels(function, 2, 2) + Counter(matmul_herm=onward + 1)
    for _ in forms:
        expected += own
    assert kernels(function, name, forms) == expected


@pytest.mark.parametrize("function", SQUARE_ROOTS)
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_coupled_steps_are_general_products(function: str, d: int) -> None:
    """All but the first; the Hermitian part at the end is a copy and a pass."""
    name, is_both = f"minimax-{2 * d + 1}", function == "sqrt+invsqrt"
    needs_y = function != "invsqrt"
    # Z = p(A), Y = A p(A), exactly Hermitian, so in cheaper products.
    first = Counter(matmul_herm=PRODUCTS[d] + needs_y)
    assert kernels(function, name, ["yz"]) == +first
    last = Counter(matmul=1 + PRODUCTS[d] + 1 + is_both, cast=1 + is_both)
    middle = Counter(matmul=1 + PRODUCTS[d] + 2)
    expected = Counter(matmul_herm=PRODUCTS[d] + 1)
    for length in (2, 3, 4):
        assert kernels(function, name, ["yz"] * length) == expected + last
        expected += middle


@pytest.mark.parametrize("d", range(1, 9))
def test_anchored_steps_are_general_products(d: int) -> None:
    name = f"minimax-{d + 1}"
    first = Counter(matmul_herm=PRODUCTS[d])
    for anchored in (1, 2, 3):
        forms = ["zm", *["anchored"] * anchored]
        # T = A Z, p(T), Z p(T); the step before need not update M.
        assert kernels("inv", name, forms) == +first + Counter(
            matmul=anchored * (1 + PRODUCTS[d] + 1)
        )


@pytest.mark.parametrize("function", ["invsqrt"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_lyapunov_repair(function: str, precision: Literal["float32", "float64"]) -> None:
    entry = FUNCTIONS.get(function)
    before = steps_of(entry, "zolotarev-2", ["partial-fractions"])
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


@pytest.mark.parametrize(("function", "name", "d"), polynomials(["inv", *SQUARE_ROOTS, "root-3"]))
def test_averaged_products_are_those_of_the_carried_matrices(
    function: str, name: str, d: int
) -> None:
    entry = FUNCTIONS.get(function)
    forms = natural_forms(entry, name, 3)
    mirrored = count(trace_schedule(entry, steps_of(entry, name, forms), "float64"))
    steps = steps_of(entry, name, forms, "averaged")
    averaged = count(trace_schedule(entry, steps, "float64"))
    # At the first step Y = A p(A)^j is a product of functions of one matrix.
    dearer = 2 * len(entry.carries)
    assert averaged["matmul", "float64"] == dearer
    assert averaged["matmul_herm", "float64"] == mirrored["matmul_herm", "float64"] - dearer
    assert averaged["add", "float64"] == mirrored["add", "float64"] + dearer


@pytest.mark.parametrize("name", ["minimax-5", "halley", "newton"])
def test_averaged_products_of_chained_steps(name: str) -> None:
    """Those of X: of the sign, where X is Hermitian. The polar factor's are general anyway."""
    for function, dearer in (("sign", 3), ("polar", 0)):
        entry = FUNCTIONS.get(function)
        forms = ["chained"] * 3
        mirrored = count(trace_schedule(entry, steps_of(entry, name, forms), "float64"))
        steps = steps_of(entry, name, forms, "averaged")
        averaged = count(trace_schedule(entry, steps, "float64"))
        assert averaged["matmul", "float64"] == dearer
        assert averaged["matmul_herm", "float64"] == mirrored["matmul_herm", "float64"] - dearer
        assert averaged["matmul:tall", "float64"] == mirrored["matmul:tall", "float64"]


def direct_kernels(function: MatrixFunction, name: str) -> Counter[str]:
    spectral = Counter(eigh=1, matmul_herm=1)
    if function.structure != "rectangular":
        return spectral + spectral if function.carries == "yz" else spectral
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


def test_changes_of_precision_cast_both_registers_once() -> None:
    entry = FUNCTIONS.get("invsqrt")
    steps = steps_of(entry, "minimax-5", ["zm", "zm", "zm"])
    low = [StepRecord(s.name, s.form, "float32", s.coefficients) for s in steps[:2]]
    totals = count(trace_schedule(entry, [*low, steps[2]], "float64"))
    assert totals["cast", "float32"] == 1
    assert totals["cast", "float64"] == 2
    assert totals["matmul_herm", "float32"] == (1 + 2) + (2 + 2)
    assert totals["matmul_herm", "float64"] == 2


def test_complex_matrices_take_the_same_products() -> None:
    for function in ("invsqrt", "sqrt+invsqrt", "sign", "polar-left", "root-3"):
        entry = FUNCTIONS.get(function)
        name = f"series-{entry.root_index + 1}"
        steps = steps_of(entry, name, natural_forms(entry, name, 3))
        low = [StepRecord(s.name, s.form, "float32", s.coefficients) for s in steps[:2]]
        real = count(trace_schedule(entry, [*low, steps[2]], "float64"))
        complex_ = count(trace_schedule(entry, [*low, steps[2]], "complex128"))
        twin = {"float32": "complex64", "float64": "complex128"}
        assert complex_ == Counter({(kernel, twin[d]): n for (kernel, d), n in real.items()})


def test_cholesky_and_svd_compute_some_functions_only() -> None:
    supported = {
        method.name: [f.name for f in FUNCTIONS if method.supports(f)]
        for method in UPDATES
        if isinstance(method, DirectMethod)
    }
    assert supported["cholesky"] == ["inv"]
    assert supported["svd"] == ["polar", "polar-right", "polar-left"]
    assert supported["eigh"] == [f.name for f in FUNCTIONS]
