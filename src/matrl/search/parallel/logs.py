"""Reading the logs that the workers of one search have left."""

import os

from matrl.errors import ArtifactError
from matrl.search.log import Line, SearchLog, TreeLine, read_log
from matrl.search.parallel.record import log_of

__all__ = ["best_of", "front_of_logs", "read_logs"]


def read_logs(log: str | os.PathLike[str]) -> tuple[SearchLog, ...]:
    """Return the log in a file, and after it those of the other workers of the same search.

    Of a worker that has not written any there is none. Raises
    :class:`~matrl.errors.ArtifactError` for one that is damaged or of another search.
    """
    first = read_log(log)
    facts = first.begun.facts
    size = facts.get("workers", 1) if facts.get("worker") == 1 else 1
    found = [first]
    for index in range(1, size if isinstance(size, int) else 1):
        path = log_of(log, index)
        if not os.path.lexists(path):
            continue
        other = read_log(path)
        if other.begun.facts != {**facts, "worker": index + 1}:
            raise ArtifactError(f"{path}: is the log of another search than {log}; remove it")
        found.append(other)
    return tuple(found)


def best_of(logs: tuple[SearchLog, ...], count: int) -> list[TreeLine]:
    """Return the best lines of all trees, the cheapest first, each plan once."""
    lines = [line for log in logs if log.result is not None for line in log.result.best]
    unique = {tuple(line.steps): line for line in sorted(lines, key=_cost, reverse=True)}
    return sorted(unique.values(), key=_cost)[:count]


def front_of_logs(logs: tuple[SearchLog, ...]) -> list[Line]:
    """Return those on the front of all that no other beats, the cheapest first."""
    front: list[Line] = []
    lines = [line for log in logs if log.result is not None for line in log.result.front]
    for line in sorted(lines, key=lambda one: (_number(one.price), _number(one.error))):
        if not front or _number(line.error) < _number(front[-1].error):
            front.append(line)
    return front


def _cost(line: Line) -> float:
    return _number(line.cost)


def _number(value: float | None) -> float:
    return float("inf") if value is None else value
