"""Logs of several workers: one a worker, side by side, each as that of a search by itself."""

import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matrl.search.journal import Journal, checkpoint_of

if TYPE_CHECKING:
    from matrl.search.driver import Search

__all__ = ["Record", "Turns", "log_of"]


def log_of(log: str | os.PathLike[str], index: int) -> pathlib.Path:
    """Return where the worker of this index writes its log: the first has the name itself.

    >>> [str(log_of("search.jsonl", index)) for index in (0, 1, 2)]
    ['search.jsonl', 'search.jsonl.2', 'search.jsonl.3']
    """
    return pathlib.Path(f"{os.fspath(log)}.{index + 1}" if index else log)


@dataclass(frozen=True)
class Record:
    """How a search of several workers is written down, or taken up again where that is to be.

    ``facts``, ``notes`` and ``kept`` are those of :meth:`Journal.open`, the same for all workers.
    """

    log: str
    resume: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)

    def journal(self, index: int) -> Journal:
        """Return the journal of a worker, not opened yet.

        One that was lost before it wrote anything begins anew. Raises what :class:`Journal` does.
        """
        log = log_of(self.log, index)
        wrote = any(os.path.lexists(path) for path in (log, checkpoint_of(log)))
        return Journal(log, resume=self.resume and (wrote or index == 0))

    def opened(self, index: int, size: int) -> Journal:
        """Return the journal of one of ``size`` workers, open.

        Raises what :meth:`Journal.open` does: a worker less or more is another search.
        """
        journal = self.journal(index)
        journal.open({**self.facts, "workers": size, "worker": index + 1}, self.notes, self.kept)
        return journal

    def check(self, size: int) -> None:
        """Raise, before any work, what a worker would run into; nothing is written.

        :class:`~matrl.errors.InputError` where a file is in the way, and
        :class:`~matrl.errors.ArtifactError` where one of those to go on with is missing, damaged or
        of another search.
        """
        for index in range(size):
            if self.journal(index).checkpoint is not None:
                self.opened(index, size).close()


class Turns:
    """The journal of a search that goes on after each turn: to stop is not to end."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def look(self, search: "Search") -> None:
        """As the journal does."""
        self._journal.look(search)

    def stop(self, search: "Search", *, between_iterations: bool) -> None:
        """Do nothing: a checkpoint a turn would take longer than the turn."""
