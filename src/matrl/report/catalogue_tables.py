"""The catalogue as tables, which read the data of :mod:`matrl.report.catalogue`."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from matrl.report.catalogue import ranges
from matrl.report.tables import facts_table, new_table, text

__all__ = ["catalogue_report", "families"]

Row = dict[str, Any]

_CARRIED = {"z": "Z", "y": "Y", "yz": "Y and Z", "x": "X"}
_MATRIX = {
    "positive": "positive definite",
    "hermitian": "Hermitian, invertible",
    "rectangular": "of full rank",
}


def catalogue_report(document: dict[str, Any]) -> RenderableType:
    """Return the tables of a catalogue document, the members of a family in one row.

    For a document of one function they list its entries, with the operations of each.
    """
    entries = document["entries"]
    if len(document["functions"]) == 1:
        (function,) = document["functions"]
        note = "A first step is a schedule of its own; a later one is counted amid its like."
        return Group(_facts(function), _entries_table(entries), text(note))
    return Group(
        _functions_table(document["functions"]),
        _updates_table(document["updates"]),
        _domains_table(document["updates"]),
        _forms_table(document["forms"]),
        _bounds_table(document["norm_bounds"]),
        _sources_table(document["updates"], document["forms"]),
        text("k: root index. Order: of convergence near 1. Degree: of h(x) = x p(x^k)."),
        text(f"{len(entries)} entries in all; --function NAME lists those of a function"),
    )


def families(
    rows: Iterable[Row], letter: Callable[[Row], str] = lambda row: "p"
) -> dict[str, list[Row]]:
    """Return rows by family: names that differ in their number only, which becomes a letter.

    >>> rows = [{"name": name} for name in ("inv", "root-3", "root-4", "power-2/3", "power-3/4")]
    >>> {name: len(members) for name, members in families(rows).items()}
    {'inv': 1, 'root-p': 2, 'power-q/p': 2}
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        name = re.sub(r"-\d+/\d+$", "-q/p", row["name"])
        found.setdefault(re.sub(r"-\d+$", f"-{letter(row)}", name), []).append(row)
    return {
        name if len(members) > 1 else members[0]["name"]: members for name, members in found.items()
    }


def _numbers(members: Sequence[Row]) -> str:
    """Return what the letter of a family stands for; a dash for a row of its own."""
    if len(members) == 1:
        return "-"
    numbers = [re.sub(r"^.*?-(?=\d)", "", row["name"]) for row in members]
    if all(number.isdigit() for number in numbers):
        return ranges(map(int, numbers))
    return " ".join(numbers)


def _add(table: Table, cells: Iterable[object]) -> None:
    """Add a row, whose name is not to be broken."""
    table.columns[0].no_wrap = True
    table.add_row(*(text(cell) for cell in cells))


def _letter(row: Row) -> str:
    return "D" if row.get("kind") == "polynomial" else "r"


def _functions_table(rows: Sequence[Row]) -> Table:
    table = new_table("function", "members", "k", "carries", "matrix", "what", title="Functions")
    for name, members in families(rows).items():
        first = members[0]
        what = first["description"]
        if len(members) > 1:
            what = re.sub(r"\d+(?=-th)", "p", re.sub(r"\d+/\d+", "q/p", what))
        cells = [name, _numbers(members), ranges(row["root_index"] for row in members)]
        cells += [_CARRIED[first["carries"]], _MATRIX[first["structure"]], what]
        _add(table, cells)
    return table


def _updates_table(rows: Sequence[Row]) -> Table:
    columns = ("update", "members", "kind", "k", "order", "degree", "coefficients")
    table = new_table(*columns, title="Updates")
    for name, members in families(rows, _letter).items():
        indices, orders, degrees = (
            ranges(number for row in members for number in values(row)) or "-"
            for values in (_root_indices, _orders, _degrees)
        )
        numbers = _numbers(members)
        numbers = "by degree" if numbers == degrees != "-" else numbers
        cells = (name, numbers, members[0]["kind"], indices, orders, degrees, members[0]["rule"])
        _add(table, cells)
    return table


def _root_indices(row: Row) -> Iterable[int]:
    return row["root_indices"]


def _orders(row: Row) -> Iterable[int]:
    return row["orders"].values()


def _degrees(row: Row) -> Iterable[int]:
    return row["degrees"].values()


def _domains_table(rows: Sequence[Row]) -> Table:
    table = new_table("update", "domain", title="Domains of the updates")
    for name, members in families(rows, _letter).items():
        domain = members[0]["domain"]
        if len(members) > 1:
            # The functions differ from one member to the next; the table above has their k.
            domain = domain.partition("; ")[2]
        _add(table, (name, domain))
    return table


def _forms_table(rows: Sequence[Row]) -> Table:
    table = new_table("form", "updates", "place", "functions", "what", title="Forms")
    for row in rows:
        functions = families({"name": name} for name in row["functions"])
        lists = (row["kinds"], row["positions"], functions)
        _add(table, (row["name"], *(", ".join(names) for names in lists), row["description"]))
    return table


def _bounds_table(rows: Sequence[Row]) -> Table:
    table = new_table("bound", "of", "price", "looseness", title="Norm bounds to scale by")
    for row in rows:
        _add(table, (row["name"], row["bounds"], row["operations"], row["looseness"]))
    return table


def _sources_table(updates: Sequence[Row], forms: Sequence[Row]) -> Table:
    table = new_table("of", "source", title="Sources")
    for rows in (updates, forms):
        for name, members in families(rows, _letter).items():
            _add(table, (name, members[0]["source"]))
    return table


def _facts(function: Row) -> Table:
    scales = ", ".join(f"{exponent:.4g}" for exponent in function["exponents"])
    return facts_table(
        [
            ("function", f"{function['name']}, {function['description']}"),
            ("matrix", _MATRIX[function["structure"]]),
            ("root index", function["root_index"]),
            ("carries", _CARRIED[function["carries"]]),
            ("outputs", ", ".join(function["outputs"])),
            ("exponents", f"{scales} (f(c A) = c^exponent f(A))"),
        ]
    )


def _entries_table(entries: Sequence[Row]) -> Table:
    columns = ("update", "form", "place", "order", "operations added")
    table = new_table(*columns, right=("order",))
    for entry in entries:
        order = "-" if entry["order"] is None else str(entry["order"])
        # Passes last: they are the least of it.
        operations = sorted(entry["operations"].items(), key=lambda item: item[0].startswith("add"))
        counted = ", ".join(f"{times} {name}" for name, times in operations)
        cells = (entry["update"], entry["form"], entry["position"], order, counted)
        _add(table, cells)
    return table
