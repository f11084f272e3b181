"""The log of a search as tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from matrl.report.tables import facts_table, new_table, text
from matrl.report.units import in_engineering_units, significant
from matrl.search.log import Improved, Line, SearchLog, TreeLine
from matrl.search.parallel.logs import best_of, front_of_logs

__all__ = ["search_report"]

SHOWN = 20
"""Of more incumbents than this, the first and the last ones are shown."""

BEST = 8
"""Of several workers, as many of the best lines are shown."""

_REASONS = {
    "optimal": "proved optimal",
    "exhausted": "nothing was left to try",
    "nodes": "the limit of nodes was met",
    "time": "the time limit was met",
    "break-even": "searching on would have cost more than it could save",
    "interrupted": "interrupted by Ctrl-C",
}


def search_report(search: SearchLog, others: Sequence[SearchLog] = ()) -> RenderableType:
    """Return what a log says, for ``matrl show``; ``others`` are those of further workers."""
    if others:
        return _team_report((search, *others))
    facts = search.begun.facts
    in_seconds = facts.get("prices") == "measured"
    parts: list[RenderableType] = [
        facts_table((name, _plain(value)) for name, value in facts.items() if value is not None),
        facts_table(_state(search, in_seconds)),
    ]
    improvements = search.improvements
    if improvements:
        parts.append(_improvements(improvements, in_seconds))
    result = search.result
    if result is None and improvements:
        parts.append(_lines("best so far", improvements[-1:], in_seconds))
    elif result is not None:
        if result.best:
            parts.append(_tree(result.best, in_seconds))
        if result.front:
            parts.append(_lines("front", result.front, in_seconds))
    return Group(*parts)


def _team_report(logs: tuple[SearchLog, ...]) -> RenderableType:
    facts = {name: value for name, value in logs[0].begun.facts.items() if name != "worker"}
    in_seconds = facts.get("prices") == "measured"
    parts: list[RenderableType] = [
        facts_table((name, _plain(value)) for name, value in facts.items() if value is not None)
    ]
    for log in logs:
        worker = ("worker", str(log.begun.facts["worker"]))
        parts.append(facts_table([worker, *_state(log, in_seconds)]))
    improvements = sorted(
        (line for log in logs for line in log.improvements), key=lambda one: one.seconds
    )
    better: list[Improved] = []
    for line in improvements:
        if not better or line.cost < better[-1].cost:
            better.append(line)
    if better:
        parts.append(_improvements(better, in_seconds))
    best, front = best_of(logs, BEST), front_of_logs(logs)
    if best:
        parts.append(_tree(best, in_seconds))
    elif better:
        parts.append(_lines("best so far", better[-1:], in_seconds))
    if front:
        parts.append(_lines("front", front, in_seconds))
    return Group(*parts)


def _state(search: SearchLog, in_seconds: bool) -> Iterable[tuple[str, object]]:
    result = search.result
    times = search.sittings - 1
    if times:
        yield "resumed", {1: "once", 2: "twice"}.get(times, f"{times} times")
    if result is None:
        last = max(search.progress, key=lambda one: one.nodes, default=None)
        if last is not None:
            yield "search", f"{last.nodes} nodes in {in_engineering_units(last.seconds)} or more"
        yield "ended", "without a result: it was killed, or is still at work"
        return
    yield "search", f"{result.nodes} nodes in {in_engineering_units(result.seconds)}"
    yield "ended", _REASONS.get(result.reason, result.reason)
    # With the least error, what the search counts is no price.
    if search.begun.facts.get("minimize") != "error" and result.cost is not None:
        yield "cost", _cost(result.cost, in_seconds)
        yield "bound", f"no plan costs less than {_cost(result.bound, in_seconds)}"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cost(cost: float | None, in_seconds: bool) -> str:
    if cost is None:
        return "-"
    return in_engineering_units(cost) if in_seconds else f"{cost:.6g}"


def _improvements(lines: Sequence[Improved], in_seconds: bool) -> Table:
    numbers = ("after", "nodes", "cost", "error")
    table = new_table(*numbers, "steps", right=numbers, title="incumbents")
    left_out = len(lines) - SHOWN
    for place, one in enumerate(lines):
        if left_out > 0 and SHOWN // 2 <= place < SHOWN // 2 + left_out:
            if place == SHOWN // 2:
                table.add_row("...", "...", "...", "...", f"({left_out} more)")
            continue
        row = (in_engineering_units(one.seconds), str(one.nodes), *_priced(one, in_seconds))
        table.add_row(*row, text(", ".join(one.steps)))
    return table


def _tree(lines: Sequence[TreeLine], in_seconds: bool) -> Table:
    numbers = ("cost", "error", "visits")
    table = new_table(*numbers, "steps", right=numbers, title="the tree's best lines")
    for one in lines:
        visits = str(one.visits[-1]) if one.visits else "-"
        table.add_row(*_priced(one, in_seconds), visits, text(", ".join(one.steps)))
    return table


def _lines(title: str, lines: Sequence[Line], in_seconds: bool) -> Table:
    numbers = ("cost", "error")
    table = new_table(*numbers, "steps", right=numbers, title=title)
    for one in lines:
        table.add_row(*_priced(one, in_seconds), text(", ".join(one.steps)))
    return table


def _priced(one: Line, in_seconds: bool) -> tuple[str, str]:
    return _cost(one.price, in_seconds), significant(one.error)
