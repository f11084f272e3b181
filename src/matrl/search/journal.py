"""The log and the checkpoint of one search, kept while it works."""

import contextlib
import logging
import math
import os
import pathlib
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from matrl.errors import ArtifactError, InputError
from matrl.search.checkpoint import Checkpoint, check_same, load, packed, save, snapshot_of
from matrl.search.log import (
    KIND,
    SCHEMA,
    Begun,
    Improved,
    Line,
    LogWriter,
    Passed,
    Resumed,
    TreeLine,
    Written,
    read_until,
)
from matrl.search.plan_lines import finite, line_of, plan_of
from matrl.search.result import SearchResult
from matrl.search.snapshot import Snapshot

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

if TYPE_CHECKING:
    from matrl.search.driver import Search

__all__ = ["Journal", "checkpoint_of"]

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 5.0
CHECKPOINT_SHARE = 0.05
"""Of the time of a search, writing checkpoints takes no more than this."""
PROGRESS_SECONDS, PROGRESS_GROWTH = 0.2, 1.05
"""Lines about progress are that far apart at least, and that factor: their number stays small."""


def checkpoint_of(log: str | os.PathLike[str]) -> pathlib.Path:
    """Return where the checkpoint of a search with this log is.

    >>> str(checkpoint_of("search.jsonl"))
    'search.jsonl.checkpoint'
    """
    return pathlib.Path(f"{os.fspath(log)}.checkpoint")


class Journal:
    """Writes down how a search goes, and now and then all it has evaluated.

    ``log`` is the file to write; the checkpoint goes beside it. To ``resume`` is to go on with both
    as the checkpoint left them. Nothing is overwritten else. Raises an
    :class:`~matrl.errors.InputError` where there is a log already, and an
    :class:`~matrl.errors.ArtifactError` where there is no checkpoint to resume, or a damaged one.
    """

    def __init__(self, log: str | os.PathLike[str], *, resume: bool = False) -> None:
        self.path = pathlib.Path(os.path.realpath(log))
        self._name = os.fspath(log)
        self.checkpoint: Checkpoint | None = None
        if resume:
            self.checkpoint = load(self._beside)
        else:
            self._refuse_existing()
        self._writer: LogWriter | None = None
        self._file: BinaryIO | None = None
        self._facts: dict[str, Any] = {}
        self._notes: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._latest: Snapshot | None = None
        self._cost = math.inf
        self._next_progress = self._next_checkpoint = 0.0

    @property
    def _beside(self) -> pathlib.Path:
        return checkpoint_of(self.path)

    def _refuse_existing(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            raise InputError(f"log: the folder {folder} does not exist; create it first")
        if not os.access(folder, os.W_OK):
            raise InputError(f"log: the folder {folder} is not writable; choose another")
        if self.path.is_dir():
            raise InputError(f"log: {self.path} is a folder; give the name of a file")
        for path in (self.path, self._beside):
            if os.path.lexists(path):
                raise InputError(
                    f"log: {path} exists already; go on with its search (resume, --resume), give "
                    "another name, or remove it"
                )

    @property
    def kept(self) -> Mapping[str, Any]:
        """What was kept with the checkpoint that is resumed; empty for a new search."""
        return {} if self.checkpoint is None else self.checkpoint.notes

    def open(
        self,
        facts: Mapping[str, Any],
        notes: Mapping[str, Any],
        kept: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin the log, or go on with it where the checkpoint was written.

        ``facts`` are what the search depends on: those of a search that is resumed must be equal.
        ``notes`` go into the log, ``kept`` into the checkpoints. Raises an
        :class:`~matrl.errors.ArtifactError` for another search, or another log.
        """
        self._facts, self._notes, self._kept = dict(facts), dict(notes), dict(kept or {})
        one = self.checkpoint
        if one is None:
            self._file = _opened(self.path, "xb")
            self._writer = LogWriter(self._file)
            self._writer.write(Begun(KIND, SCHEMA, self._facts, self._notes))
            return
        check_same(one.facts, facts, self.source)
        self._file = _opened(self.path, "r+b")
        try:
            read_until(self.path, one.log_bytes, one.log_sum)
        except BaseException:
            self.close()
            raise
        self._writer = LogWriter(self._file, one.log_bytes, one.log_sum)

    def close(self) -> None:
        """Close the log."""
        file, self._file, self._writer = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written has been told of
                file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # While a search works ------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the snapshot of the checkpoint that is resumed."""
        if self.checkpoint is None:
            raise InputError("journal: has no checkpoint; make it with resume=True")
        return snapshot_of(self.checkpoint, self.source)

    @property
    def source(self) -> str:
        """The name of the checkpoint, for messages."""
        return str(self._beside)

    def begin(self, search: "Search") -> None:
        """Take note that a search begins, or goes on; ``OSError`` if that cannot be written."""
        if self.checkpoint is not None:
            self._log.cut()
            self._log.write(Resumed(search.seconds, search.nodes, self._notes))
            self._cost = search.cost
        self.save(search)

    def look(self, search: "Search") -> None:
        """Take note of what is new, between two iterations.

        If that cannot be written, the search goes on without a log.
        """
        if self._writer is None:
            return
        try:
            self._look(search)
        except OSError as error:
            self._give_up(error)

    def _look(self, search: "Search") -> None:
        if search.cost < self._cost:
            self._cost = search.cost
            path = search.best_path()
            seconds, nodes = search.seconds, search.nodes
            self._log.write(Improved(seconds=seconds, nodes=nodes, **line_of(search, path)))
        if search.seconds >= self._next_progress:
            self._progress(search)
        if search.seconds >= self._next_checkpoint:
            self.save(search)

    def _progress(self, search: "Search") -> None:
        seconds = search.seconds
        self._next_progress = max(seconds + PROGRESS_SECONDS, seconds * PROGRESS_GROWTH)
        error = search.quality_of(search.best_path())
        numbers = (finite(search.cost), finite(error), finite(search.lower))
        self._log.write(Passed(seconds, search.nodes, *numbers))

    def save(self, search: "Search") -> None:
        """Write a checkpoint now, between two iterations."""
        started = perf_counter()
        self._latest = search.snapshot()
        self._save(self._latest)
        took = perf_counter() - started
        self._next_checkpoint = search.seconds + max(CHECKPOINT_SECONDS, took / CHECKPOINT_SHARE)

    def _save(self, snapshot: Snapshot) -> None:
        log = self._log
        log.sync()  # or the checkpoint might know of lines the disk does not
        place = {"log_bytes": log.size, "log_sum": log.last}
        save(self._beside, packed(snapshot, self._facts, notes=self._kept, **place))

    def stop(self, search: "Search", *, between_iterations: bool) -> None:
        """Take note that a search has stopped, before its result changes anything in its graph.

        Where it stopped in the middle of an iteration, the checkpoint before has to do.
        """
        if self._writer is None:
            return
        try:
            if between_iterations:
                self._look(search)
                self.save(search)
            else:
                self._latest = None
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        logger.warning(
            "%s: cannot be written (%s); the search goes on without its log and its checkpoint",
            self._name,
            error.strerror or error,
        )
        self._latest = None
        self.close()

    def end(self, search: "Search", result: SearchResult) -> None:
        """Write the result into the log, and the log's new end into the checkpoint."""
        if self._writer is None:
            return
        try:
            self._end(search, result)
        except OSError as error:
            self._give_up(error)

    def _end(self, search: "Search", result: SearchResult) -> None:
        best = [
            TreeLine(**line_of(search, path), visits=[edge.visits for _, edge in path])
            for _, path in search.best_paths(len(result.finalists))
        ]
        front = [
            Line(**plan_of(search, elite.actions, elite.cost, elite.quality))
            for elite in result.front
        ]
        self._log.write(
            Written(
                reason=result.reason,
                optimal=result.optimal,
                seconds=result.seconds,
                nodes=result.nodes,
                cost=finite(result.cost),
                bound=finite(result.bound),
                best=best,
                front=front,
            )
        )
        if self._latest is not None:
            self._save(self._latest)

    @property
    def _log(self) -> LogWriter:
        if self._writer is None:
            raise InputError("journal: is not open; call its open first")
        return self._writer


def _opened(path: pathlib.Path, mode: Literal["xb", "r+b"]) -> BinaryIO:
    """Return a file that no other process may write down a search in meanwhile."""
    try:
        file = open(path, mode, buffering=0)  # noqa: SIM115
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be written ({error.strerror or error}); a search is resumed with both "
            "its log and its checkpoint in place"
        ) from None
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ArtifactError(
                f"{path}: another process is writing this search down; wait for its end"
            ) from None
        except OSError:
            pass  # no locks on this file system
    return file
