"""Checkpoints: all a search has evaluated, in one file that is whole or refused.

A file is a line that says what it is, a SHA-256 of the rest, and the rest: one MessagePack document
with the facts a search depends on and the compressed snapshot.
"""

import contextlib
import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrl.errors import ArtifactError
from matrl.search.snapshot import Snapshot

__all__ = [
    "MAGIC",
    "Checkpoint",
    "check_same",
    "load",
    "packed",
    "save",
    "snapshot_of",
    "to_bytes",
    "unpacked",
]

MAGIC = b"matrl search checkpoint\n"
SCHEMA = 1
MAX_BYTES = 1 << 31
"""No file, nor what it unpacks to, may be larger."""
LEVEL = 1
DIGEST = hashlib.sha256().digest_size


class Checkpoint(msgspec.Struct, forbid_unknown_fields=True):
    """What a file holds.

    ``facts`` are what a search depends on, by name; ``notes`` what else is to be kept. The log of
    the search was ``log_bytes`` long when the snapshot was taken, with ``log_sum`` as the checksum
    of its last line.
    """

    schema: int
    facts: dict[str, Any]
    size: int
    snapshot: bytes
    notes: dict[str, Any] = {}
    log_bytes: int = 0
    log_sum: str = ""


def packed(snapshot: Snapshot, facts: Mapping[str, Any], **more: Any) -> Checkpoint:
    """Return the checkpoint of a snapshot; ``more`` are further fields."""
    plain = msgspec.msgpack.encode(snapshot)
    return Checkpoint(SCHEMA, dict(facts), len(plain), zlib.compress(plain, LEVEL), **more)


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """Return the content of a file."""
    body = msgspec.msgpack.encode(checkpoint)
    return MAGIC + hashlib.sha256(body).digest() + body


def unpacked(data: bytes, source: str = "checkpoint") -> Checkpoint:
    """Return the checkpoint in the content of a file.

    Raises :class:`~matrl.errors.ArtifactError` naming ``source`` for anything else.
    """
    start = len(MAGIC)
    if data[:start] != MAGIC:
        raise ArtifactError(f"{source}: is not a checkpoint of a search; search anew without it")
    digest, body = data[start : start + DIGEST], data[start + DIGEST :]
    if hashlib.sha256(body).digest() != digest:
        raise ArtifactError(
            f"{source}: is damaged (its checksum does not match); remove it and search anew"
        )
    schema = _schema(body, source)
    if schema != SCHEMA:
        raise ArtifactError(
            f"{source}: has checkpoint schema {schema}; this version of matrl reads schema "
            f"{SCHEMA}, so go on with the version that wrote it, or search anew"
        )
    try:
        return msgspec.msgpack.decode(body, type=Checkpoint)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArtifactError(f"{source}: is not a valid checkpoint ({error})") from None


class _Schema(msgspec.Struct):
    schema: int


def _schema(body: bytes, source: str) -> int:
    try:
        return msgspec.msgpack.decode(body, type=_Schema).schema
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArtifactError(f"{source}: is not a valid checkpoint ({error})") from None


def snapshot_of(checkpoint: Checkpoint, source: str = "checkpoint") -> Snapshot:
    """Return the snapshot in a checkpoint; :class:`~matrl.errors.ArtifactError` if it is none."""
    size = checkpoint.size
    try:
        if not 0 < size <= MAX_BYTES:
            raise ValueError(f"a snapshot of {size} bytes")
        unpacking = zlib.decompressobj()
        plain = unpacking.decompress(checkpoint.snapshot, size)
        if len(plain) != size or not unpacking.eof:
            raise ValueError(f"a snapshot not of the {size} bytes it should have")
        return msgspec.msgpack.decode(plain, type=Snapshot)
    except (ValueError, zlib.error, RecursionError) as error:
        raise ArtifactError(f"{source}: is not a valid checkpoint ({error})") from None


def check_same(was: Mapping[str, Any], now: Mapping[str, Any], source: str = "checkpoint") -> None:
    """Raise :class:`~matrl.errors.ArtifactError` that says which facts have changed, if any."""
    names = [*now, *(name for name in was if name not in now)]
    changed = [
        f"{name} was {was.get(name, 'not known')}, now {now.get(name, 'not known')}"
        for name in names
        if was.get(name) != now.get(name)
    ]
    if changed:
        raise ArtifactError(
            f"{source}: is of another search ({'; '.join(changed)}); resume with the arguments it "
            "was begun with, or search anew under another name"
        )


def save(path: Path, checkpoint: Checkpoint) -> int:
    """Write a checkpoint in place of the one before, in one step; return the number of bytes.

    Whenever the process is killed, the file is the old one or the new one. ``OSError`` if it cannot
    be written.
    """
    content = to_bytes(checkpoint)
    # Always the same name, so that a killed process leaves at most one such file.
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return len(content)


def _sync_folder(folder: Path) -> None:
    """Have the new name on disk, where folders can be synchronised at all."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def load(path: Path) -> Checkpoint:
    """Return the checkpoint in a file; :class:`~matrl.errors.ArtifactError` if it is none."""
    try:
        size = os.path.getsize(path)
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be read ({error.strerror or error}); without this checkpoint the "
            "search cannot be resumed: begin it anew, without --resume"
        ) from None
    if size > MAX_BYTES:
        raise ArtifactError(f"{path}: has {size} bytes, too large for a checkpoint")
    return unpacked(data, str(path))
