"""The catalogue's document lists what is registered, its counts are right, its tables fit."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console, RenderableType

from matrl.core.plan import StepRecord
from matrl.errors import UnknownNameError
from matrl.functions import FUNCTIONS
from matrl.iterations import FORMS, UPDATES, DirectMethod, Registers
from matrl.iterations.entries import Entry, catalogue_entries, schedule_structure
from matrl.iterations.polynomial import PolynomialUpdate
from matrl.iterations.schedule import trace_schedule
from matrl.iterations.update import Samples
from matrl.readings.count import count
from matrl.report.catalogue import catalogue_document, entry_operations
from matrl.report.catalogue_tables import catalogue_report

# Products for p of degree d in m, by Paterson and Stockmeyer's scheme.
PRODUCTS = {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}
DOCUMENT = catalogue_document()


def printed(report: RenderableType, width: int = 100) -> str:
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


def kernels(function: str, update: str, form: str, position: str) -> dict[str, int]:
    """The operations of an entry but for its passes over memory."""
    (found,) = [
        entry["operations"]
        for entry in DOCUMENT["entries"]
        if (entry["function"], entry["update"], entry["form"], entry["position"])
        == (function, update, form, position)
    ]
    return {name: times for name, times in found.items() if not name.startswith("add")}


def nonzero(**counts: int) -> dict[str, int]:
    return {name.replace("_tall", ":tall"): times for name, times in counts.items() if times}


def polynomials(root_index: int, largest: int) -> list[tuple[str, int]]:
    return [
        (f"{family}-{root_index * d + 1}", d)
        for family in ("series", "minimax")
        for d in range(1, largest + 1)
    ]


def test_the_document_is_json_and_lists_the_registries() -> None:
    document = json.loads(json.dumps(DOCUMENT, allow_nan=False))
    assert document == DOCUMENT
    assert list(document) == [
        *("schema", "functions", "updates", "forms", "norm_bounds", "entries")
    ]
    assert document["schema"] == 1
    assert [row["name"] for row in document["functions"]] == [f.name for f in FUNCTIONS]
    assert [row["name"] for row in document["updates"]] == [u.name for u in UPDATES]
    assert [row["name"] for row in document["forms"]] == [f.name for f in FORMS]
    assert [
        (row["function"], row["update"], row["form"], row["position"])
        for row in document["entries"]
    ] == [
        (e.function.name, e.update.name, e.form, e.position) for e in catalogue_entries(FUNCTIONS)
    ]


def test_functions_as_data() -> None:
    (power,) = [row for row in DOCUMENT["functions"] if row["name"] == "power-2/3"]
    assert power == {
        "name": "power-2/3",
        "root_index": 3,
        "exponents": [2 / 3],
        "carries": "y",
        "multiplicity": 1,
        "structure": "positive",
        "outputs": ["power-2/3"],
        "description": "the principal power 2/3",
    }


def test_updates_as_data() -> None:
    rows = {row["name"]: row for row in DOCUMENT["updates"]}
    cubic = rows["minimax-3"]
    assert (cubic["kind"], cubic["root_indices"]) == ("polynomial", [1, 2])
    assert (cubic["orders"], cubic["degrees"]) == ({"1": 3, "2": 2}, {"1": 3, "2": 3})
    assert cubic["domain"].startswith("root index 1, 2; x in [l, u], u a proved bound")
    assert {"inv", "sqrt", "polar"} <= set(cubic["functions"])
    assert "root-3" not in cubic["functions"]
    assert rows["zolotarev-2"]["orders"] == {"2": 5}
    assert "need not be proved" in rows["zolotarev-2"]["domain"]
    assert "pole at 0" not in rows["zolotarev-2"]["domain"]
    assert "pole at 0" in rows["newton"]["domain"]
    assert rows["newton"]["has_pole_at_zero"] is True
    assert rows["newton-repair"]["functions"] == ["invsqrt"]
    assert rows["newton-repair"]["domain"].startswith("invsqrt; ")
    assert (rows["cholesky"]["kind"], rows["cholesky"]["functions"]) == ("direct", ["inv"])
    assert rows["cholesky"]["domain"] == "inv; positive definite matrices"
    assert (rows["svd"]["orders"], rows["svd"]["root_indices"]) == ({}, [])
    assert rows["eigh"]["functions"] == [function.name for function in FUNCTIONS]
    assert rows["eigh"]["domain"].startswith("all functions; ")
    assert all(row["source"] and row["rule"] and row["domain"] for row in rows.values())


def test_forms_as_data() -> None:
    rows = {row["name"]: row for row in DOCUMENT["forms"]}
    assert rows["partial-fractions"]["positions"] == ["first"]
    assert rows["gram"]["positions"] == ["later"]
    assert rows["chained"]["positions"] == ["first", "later"]
    assert rows["anchored"]["functions"] == ["inv"]
    assert (rows["anchored"]["kinds"], rows["anchored"]["needs_residual"]) == (
        ["polynomial"],
        False,
    )
    assert {"polynomial", "rational"} <= set(rows["zm"]["kinds"])


@pytest.mark.parametrize("function", ["inv", "invsqrt", "sqrt", "sqrt+invsqrt", "root-3"])
def test_polynomial_steps_around_the_residual(function: str) -> None:
    entry = FUNCTIONS.get(function)
    k, form = entry.root_index, {"z": "zm", "y": "ym", "yz": "yzm"}[entry.carries]
    for name, d in polynomials(k, 8 if k == 1 else 4):
        # Z = p(A) is free at first; Y = A p(A)^j takes j products less what p^j costs.
        started = {"z": 0, "y": k - 1, "yz": 1}[entry.carries]
        assert kernels(function, name, form, "first") == nonzero(matmul_herm=PRODUCTS[d] + started)
        # One product for each carried matrix, k for M; root-3 has the power p^2 from M.
        carried = len(entry.carries)
        assert kernels(function, name, form, "later") == nonzero(
            matmul_herm=PRODUCTS[d] + carried + k
        )


def test_anchored_and_coupled_steps_take_general_products() -> None:
    for name, d in polynomials(1, 8):
        # T = A Z and Z p(T).
        expected = nonzero(matmul=PRODUCTS[d] + 2)
        assert kernels("inv", name, "anchored", "later") == expected
    for name, d in polynomials(2, 4):
        for function in ("invsqrt", "sqrt", "sqrt+invsqrt"):
            # T = Z Y, Y p(T), p(T) Z.
            expected = nonzero(matmul=PRODUCTS[d] + 3)
            assert kernels(function, name, "yz", "later") == expected


@pytest.mark.parametrize("function", ["sign", "polar", "polar-right", "polar-left"])
def test_steps_of_sign_and_polar_factor(function: str) -> None:
    is_square = function == "sign"
    # The Gram matrix and X p; nothing tall and no Gram matrix in the form "gram".
    chained = {"matmul_herm": 2} if is_square else {"gram_tall": 1, "matmul_tall": 1}
    factor = {"polar-right": {"gram_tall": 2}, "polar-left": {"outer_tall": 1}}.get(function, {})
    for name, d in polynomials(2, 4):
        p = PRODUCTS[d]
        products = chained.get("matmul_herm", 0) + p
        expected = nonzero(**{**chained, "matmul_herm": products})
        assert kernels(function, name, "chained", "later") == expected
        expected = nonzero(**{**chained, **factor, "matmul_herm": products})
        assert kernels(function, name, "chained", "first") == expected
        assert kernels(function, name, "gram", "later") == nonzero(matmul_herm=p + 1 + 2)
    for poles in (1, 2, 3, 8):
        expected = nonzero(**chained, inv_spd=poles)
        assert kernels(function, f"zolotarev-{poles}", "chained", "later") == expected
        expected = nonzero(inv_spd=poles, matmul_herm=2)
        assert kernels(function, f"zolotarev-{poles}", "gram", "later") == expected
    assert kernels(function, "newton", "gram", "later") == nonzero(inv_spd=1, matmul_herm=1)


@pytest.mark.parametrize(
    ("function", "form", "carried"),
    [("invsqrt", "zm", 1), ("sqrt", "ym", 1), ("sqrt+invsqrt", "yzm", 2)],
)
def test_rational_steps_for_square_roots(function: str, form: str, carried: int) -> None:
    for name, poles in (("halley", 1), *((f"zolotarev-{r}", r) for r in range(1, 9))):
        assert kernels(function, name, "partial-fractions", "first") == nonzero(inv_spd=poles)
        # m p(m) comes by additions, so that M takes one product.
        assert kernels(function, name, form, "later") == nonzero(
            inv_spd=poles, matmul_herm=carried + 1
        )
    assert kernels(function, "newton", "product", "later") == nonzero(
        inv_spd=1, matmul_herm=carried
    )
    # Y = A p(A) is a multiple of A plus the identity.
    inverses = 0 if function == "sqrt" else 1
    assert kernels(function, "newton", "product", "first") == nonzero(inv_spd=inverses)


def test_repair_and_direct_methods() -> None:
    # One eigendecomposition and four products for D, three products for S = A Z and Z A Z.
    repair = kernels("invsqrt", "newton-repair", "lyapunov", "later")
    assert repair == nonzero(eigh=1, matmul=7)
    assert kernels("root-5", "eigh", "direct", "direct") == nonzero(eigh=1, matmul_herm=1)
    assert kernels("inv", "cholesky", "direct", "direct") == nonzero(inv_spd=1)
    assert kernels("polar", "svd", "direct", "direct") == nonzero(svd_tall=1, matmul_tall=1)


@pytest.mark.parametrize("function", ["inv", "sqrt+invsqrt", "polar-left", "invroot-5"])
def test_every_further_step_adds_what_the_entry_says(function: str) -> None:
    entry_function = FUNCTIONS.get(function)
    for entry in catalogue_entries([entry_function]):
        if isinstance(entry.update, DirectMethod) or entry.position != "later":
            continue
        chain = schedule_structure(entry)
        totals = []
        for repeats in (4, 5):
            steps = []
            for name, form in (*chain[:-1], *[chain[-1]] * repeats):
                update = UPDATES.get(name)
                assert not isinstance(update, DirectMethod)
                coefficients = tuple(update.coefficients(entry_function.root_index, 0.2, 1.1))
                steps.append(StepRecord(name, form, "float64", coefficients))
            totals.append(count(trace_schedule(entry_function, steps, "float64")))
        added = {name: totals[1][name, d] - totals[0][name, d] for name, d in totals[1]}
        expected = entry_operations(entry)
        if entry.update.kind == "product" and entry.form in ("product", "gram"):
            # M is a sum of all inverses before it, in one more pass a step.
            assert added.pop("add") >= expected.pop("add")
        assert {name: times for name, times in added.items() if times} == expected


def test_a_document_of_one_function() -> None:
    document = catalogue_document("root(2)")
    assert [row["name"] for row in document["functions"]] == ["sqrt"]
    assert {row["function"] for row in document["entries"]} == {"sqrt"}
    assert document["entries"] == [e for e in DOCUMENT["entries"] if e["function"] == "sqrt"]
    # Rows say the same as in the whole catalogue, and serve the function.
    assert document["updates"] == [u for u in DOCUMENT["updates"] if "sqrt" in u["functions"]]
    assert document["forms"] == [f for f in DOCUMENT["forms"] if "sqrt" in f["functions"]]
    with pytest.raises(UnknownNameError, match="cbrt"):
        catalogue_document("cbrt")


def test_tables_collapse_families_and_fit_100_columns() -> None:
    shown = printed(catalogue_report(DOCUMENT))
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= 100
    firsts = [line.split()[0] for line in lines if line.strip() and not line.startswith("    ")]
    for name in ("minimax-D", "series-D", "zolotarev-r", "root-p", "power-q/p", "power--q/p"):
        assert name in firsts
    for name in ("newton-repair", "partial-fractions", "sqrt+invsqrt", "doi:10.1137/0703035"):
        assert name in shown  # not broken over lines
    assert "minimax-5" not in shown
    assert "root-3" not in shown
    assert f"{len(DOCUMENT['entries'])} entries" in shown
    assert "matmul_herm" not in shown  # no entries unless asked for


def test_tables_of_a_function_list_its_entries() -> None:
    shown = printed(catalogue_report(catalogue_document("polar-left")))
    rows = [line.split() for line in shown.splitlines()]
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 100
    for entry in DOCUMENT["entries"]:
        if entry["function"] == "polar-left":
            order = "-" if entry["order"] is None else str(entry["order"])
            start = [entry["update"], entry["form"], entry["position"], order]
            assert any(row[:4] == start for row in rows)
    # One pass for p, and one for M p^2 = (c/2)^2 (mu^2 M + 2 + M^-1/mu^2).
    assert [
        "newton",
        "gram",
        "later",
        "2",
        "1",
        "inv_spd,",
        "1",
        "matmul_herm,",
        "2",
        "add",
    ] in rows


@dataclass(frozen=True)
class Fitted(PolynomialUpdate):
    """An update that cannot do without samples."""

    degree: int = 3
    name: str = "mine"
    source: str = "this file"
    rule: str = "the mean of the samples"
    uses_samples: bool = True

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        assert samples is not None
        mean = float(samples.density @ samples.points)
        return (1.5 / mean, *[-0.5 / mean] * ((self.degree - 1) // root_index))


@dataclass(frozen=True)
class Once:
    """A form that cannot follow itself."""

    name: str = "once"
    description: str = "Z <- Z p(M), and no M"
    source: str = "this file"
    needs_residual: bool = True
    updates_residual: bool = False
    chooses_product: bool = True
    keeps_rounding: bool = True

    def admits(self, kind: str, function: Any, previous: str | None) -> bool:
        return function.name == "invsqrt" and kind == "polynomial" and previous == "zm"

    def advance(self, registers: Registers, *arguments: Any) -> Registers:
        return FORMS.get("zm").advance(registers, *arguments)


def test_what_a_third_party_registers_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UPDATES, "_entries", dict(UPDATES._entries))
    monkeypatch.setattr(FORMS, "_entries", dict(FORMS._entries))
    mine = Fitted()
    UPDATES.register(mine)
    FORMS.register(Once())  # type: ignore[arg-type]
    document = catalogue_document()
    (row,) = [row for row in document["updates"] if row["name"] == "mine"]
    assert (row["uses_samples"], row["orders"]) == (True, {"1": 3, "2": 2})
    later = Entry(FUNCTIONS.get("invsqrt"), mine, "zm", "later")
    once = Entry(FUNCTIONS.get("invsqrt"), mine, "once", "later")
    # Of one step less: the product for Z, and the residual update of the step before.
    assert entry_operations(once) == entry_operations(later) == {"add": 1, "matmul_herm": 3}
    assert "mine" in printed(catalogue_report(document))
