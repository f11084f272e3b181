"""The two kinds of table used everywhere."""

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from matrl.report.units import plain

__all__ = ["facts_table", "new_table", "text"]


def text(content: object, style: str = "") -> Text:
    """Return a cell in which markup and control characters mean nothing."""
    return Text(plain(str(content)), style=style, overflow="fold")


def facts_table(facts: Iterable[tuple[str, object]]) -> Table:
    """Return names beside their values, without a frame."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(name), value if isinstance(value, Text) else text(value))
    return table


def new_table(*columns: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    """Return an empty table with these columns; those in ``right`` are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    numeric = set(right)
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    return table
