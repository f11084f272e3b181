"""The log of a search: JSON lines, each sealed by a checksum that runs on from the line before.

A line changed, lost, added or moved is found, and the log refused by its number. A log that ends
between two lines is one of a search that was killed, or still works.
"""

import errno
import hashlib
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from matrl.errors import ArtifactError

__all__ = [
    "Begun",
    "Improved",
    "Line",
    "LogWriter",
    "Passed",
    "Record",
    "Resumed",
    "SearchLog",
    "TreeLine",
    "Written",
    "is_log",
    "read_log",
    "read_until",
]

SCHEMA = 1
KIND = "matrl-search-log"
MAX_BYTES = 1 << 28
FIRST = b'{"event":"begun","kind":"' + KIND.encode() + b'"'
DIGITS = 16
_START = KIND.encode()
_SEAL = b',"sum":"%s"}'
_SEAL_LENGTH = len(_SEAL) - 2 + DIGITS


class Begun(msgspec.Struct, frozen=True, tag_field="event", tag="begun"):
    """The first line: what is searched for (``facts``, as in the checkpoint), and how.

    ``notes`` is what does not have to be the same when the search is resumed.
    """

    kind: str
    schema: int
    facts: dict[str, Any]
    notes: dict[str, Any] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A plan: what the search counts it as, what it costs to run, its error, its steps.

    ``steps`` are in words, ``actions`` as the environment dumps them.
    """

    cost: float | None
    price: float | None
    error: float | None
    steps: list[str] = []
    actions: list[Any] = []


class TreeLine(Line, frozen=True, kw_only=True):
    """A plan in the tree, with the visits of the action of each of its steps."""

    visits: list[int] = []


class Improved(Line, frozen=True, kw_only=True, tag_field="event", tag="incumbent"):
    """A plan better than those before it."""

    cost: float
    seconds: float
    nodes: int


class Passed(msgspec.Struct, frozen=True, tag_field="event", tag="progress"):
    """How far the search has come; ``None`` stands for infinity."""

    seconds: float
    nodes: int
    cost: float | None
    error: float | None
    bound: float | None


class Resumed(msgspec.Struct, frozen=True, tag_field="event", tag="resumed"):
    """The search goes on from its checkpoint."""

    seconds: float
    nodes: int
    notes: dict[str, Any] = {}


class Written(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="result"):
    """The end of the search (until it is resumed): the tree's best lines, and the front."""

    reason: str
    optimal: bool
    seconds: float
    nodes: int
    cost: float | None
    bound: float | None
    best: list[TreeLine]
    front: list[Line]


Later = Improved | Passed | Resumed | Written
Record = Begun | Later
_decoder = msgspec.json.Decoder(Record)


@dataclass(frozen=True)
class SearchLog:
    """A log that has been read: its first line and those after it."""

    begun: Begun
    records: tuple[Later, ...]

    @property
    def improvements(self) -> tuple[Improved, ...]:
        """The incumbents, in the order in which they were found."""
        return tuple(one for one in self.records if isinstance(one, Improved))

    @property
    def progress(self) -> tuple[Passed, ...]:
        """How far the search had come at times."""
        return tuple(one for one in self.records if isinstance(one, Passed))

    @property
    def sittings(self) -> int:
        """How often the search was begun or resumed."""
        return 1 + sum(isinstance(one, Resumed) for one in self.records)

    @property
    def result(self) -> Written | None:
        """The result, ``None`` if the search was killed before it had one, or still works."""
        last = self.records[-1] if self.records else None
        return last if isinstance(last, Written) else None

    def to_dict(self) -> dict[str, Any]:
        """Return the log as JSON-ready data."""
        result = self.result
        return {
            "kind": KIND,
            "schema": SCHEMA,
            "facts": self.begun.facts,
            "notes": self.begun.notes,
            "sittings": self.sittings,
            "incumbents": [msgspec.to_builtins(one) for one in self.improvements],
            "progress": [msgspec.to_builtins(one) for one in self.progress],
            "result": None if result is None else msgspec.to_builtins(result),
        }


def _sum(before: bytes, body: bytes) -> bytes:
    return hashlib.sha256(before + body).hexdigest()[:DIGITS].encode()


class LogWriter:
    """Writes lines at the end of a file without a buffer.

    There are ``size`` bytes so far, and ``last`` is the checksum of the last line.
    """

    def __init__(self, file: BinaryIO, size: int = 0, last: str = "") -> None:
        self._file, self.size = file, size
        self._last = last.encode() or _START
        self._is_torn = False

    @property
    def last(self) -> str:
        """The checksum of the last line."""
        return self._last.decode()

    def write(self, record: Record) -> None:
        """Write one line and hand it to the system; ``OSError`` if that fails."""
        body = msgspec.json.encode(record)
        last = _sum(self._last, body)
        line = body[:-1] + _SEAL % last + b"\n"
        if self._is_torn:  # Ctrl-C came in between
            self.cut()
        self._is_torn = True
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._last, self.size = last, self.size + len(line)
        self._is_torn = False

    def cut(self) -> None:
        """Cut off what comes after the last line known."""
        self._file.truncate(self.size)
        self._file.seek(self.size)

    def sync(self) -> None:
        """Have all lines on disk."""
        os.fsync(self._file.fileno())


def is_log(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a log does; ``False`` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(len(FIRST)) == FIRST
    except (OSError, ValueError):
        return False


def read_log(path: str | os.PathLike[str]) -> SearchLog:
    """Return the log in a file.

    Raises :class:`~matrl.errors.ArtifactError`, with the number of the line, for one that is not as
    it was written.
    """
    found, _ = _read(_content(path, None), str(path))
    return found


def read_until(path: str | os.PathLike[str], size: int, last: str) -> None:
    """Check that a log begins with ``size`` bytes that end in a line of the checksum ``last``.

    Raises :class:`~matrl.errors.ArtifactError` otherwise.
    """
    content = _content(path, size)
    if len(content) < size or _read(content, str(path))[1] != last.encode():
        raise ArtifactError(
            f"{path}: is not the log the checkpoint beside it belongs to; put that back, or search "
            "anew under another name"
        )


def _content(path: str | os.PathLike[str], size: int | None) -> bytes:
    try:
        length = os.path.getsize(path)
        if length > MAX_BYTES and size is None:
            raise ArtifactError(f"{path}: has {length} bytes, too large for the log of a search")
        with open(path, "rb") as file:
            return file.read(-1 if size is None else min(size, MAX_BYTES))
    except (OSError, ValueError) as error:
        if isinstance(error, ArtifactError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise ArtifactError(
            f"{path}: cannot be read ({reason}); give the path of a search.jsonl"
        ) from None


def _read(content: bytes, source: str) -> tuple[SearchLog, bytes]:
    """Return a log and its last checksum."""
    if not content.startswith(FIRST):
        raise ArtifactError(f"{source}: line 1 is not the beginning of the log of a search")
    *lines, rest = content.split(b"\n")
    begun: Begun | None = None
    records: list[Later] = []
    last = _START
    for number, line in enumerate(lines, 1):
        body = line[:-_SEAL_LENGTH] + b"}"
        last = _sum(last, body)
        if line[-_SEAL_LENGTH:] != _SEAL % last:
            raise ArtifactError(
                f"{source}: line {number} is not as it was written (its checksum does not match); "
                "resume the search from its checkpoint, which tells what belongs there, or search "
                "anew"
            )
        record = _record(body, f"{source}: line {number}")
        if not isinstance(record, Begun):
            records.append(record)
        elif begun is None:
            begun = record
        else:
            raise ArtifactError(f"{source}: line {number} is out of place; search anew")
    if rest or begun is None:
        raise ArtifactError(
            f"{source}: line {len(lines) + 1} is torn: the search was killed while it wrote it; "
            "resume the search (--resume), which writes it anew, or remove this line"
        )
    return SearchLog(begun, tuple(records)), last


def _record(body: bytes, source: str) -> Record:
    try:
        record = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArtifactError(f"{source} is no line of a search ({error})") from None
    if isinstance(record, Begun) and (record.kind != KIND or record.schema != SCHEMA):
        raise ArtifactError(
            f"{source} has log schema {record.schema}; this version of matrl reads schema "
            f"{SCHEMA}, so read it with the version that wrote it"
        )
    return record
