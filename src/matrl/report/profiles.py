"""A machine profile as tables."""

from rich.console import Group, RenderableType
from rich.table import Table

from matrl.profile.profile import OperationTime, Profile
from matrl.report.tables import new_table, text
from matrl.report.units import in_engineering_units

__all__ = ["profile_report"]


def profile_report(profile: Profile) -> RenderableType:
    """Return the prices, one table a dtype: a row an operation, a column a size n."""
    dtypes = sorted({entry.dtype for entry in profile.entries})
    tables = [
        _table(dtype, [entry for entry in profile.entries if entry.dtype == dtype])
        for dtype in dtypes
    ]
    return Group(text(profile.name, "bold"), *tables)


def _row_name(entry: OperationTime) -> str:
    name = entry.op
    if entry.rows != entry.n:
        name += f", m = {entry.rows}"
    return f"{name}, batch {entry.batch}" if entry.batch != 1 else name


def _table(dtype: str, entries: list[OperationTime]) -> Table:
    sizes = sorted({entry.n for entry in entries})
    rows: dict[str, dict[int, float]] = {}
    for entry in entries:
        rows.setdefault(_row_name(entry), {})[entry.n] = entry.seconds
    columns = [f"n = {n}" for n in sizes]
    table = new_table("operation", *columns, right=columns, title=dtype)
    for name in sorted(rows):
        times = rows[name]
        cells = (in_engineering_units(times[n]) if n in times else "-" for n in sizes)
        table.add_row(text(name), *(text(cell) for cell in cells))
    return table
