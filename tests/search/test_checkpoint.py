"""Checkpoint files: whole, or refused by the project's error."""

import hashlib
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.recorded import FACTS, essence, square

from matrl.errors import ArtifactError
from matrl.search import Limits, Search
from matrl.search.checkpoint import (
    MAGIC,
    check_same,
    load,
    packed,
    save,
    snapshot_of,
    to_bytes,
    unpacked,
)


def content(nodes: int = 60) -> bytes:
    one = Search(square(5))
    one.advance(Limits(nodes=nodes))
    return to_bytes(packed(one.snapshot(), FACTS, log_bytes=17, log_sum="abc"))


CONTENT = content()


def test_a_file_holds_the_search(tmp_path: Path):
    one = Search(square())
    one.advance(Limits(nodes=80))
    path = tmp_path / "c"
    size = save(path, packed(one.snapshot(), FACTS, notes={"a": "b"}))
    assert size == path.stat().st_size
    found = load(path)
    assert (found.facts, found.notes) == (FACTS, {"a": "b"})
    two = Search.restored(square(), snapshot_of(found))
    limits = Limits(nodes=160)
    assert essence(two.result(two.advance(limits))) == essence(one.result(one.advance(limits)))


def test_a_new_checkpoint_takes_the_place_of_the_old(tmp_path: Path):
    path = tmp_path / "c"
    (tmp_path / "c.tmp").write_bytes(b"left by a process that was killed")
    for nodes in (20, 60):
        data = content(nodes)
        save(path, unpacked(data))
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_that_cannot_be_written_leaves_the_old(tmp_path, monkeypatch):
    path = tmp_path / "c"
    save(path, unpacked(CONTENT))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        save(path, unpacked(content(10)))
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_a_byte_that_changed_is_found():
    """In the header, here and there, and at the end: its length depends on the seconds it says."""
    for place in [*range(60), *range(60, len(CONTENT), 97), len(CONTENT) - 1]:
        for bit in (1, 128):
            wrong = bytearray(CONTENT)
            wrong[place] ^= bit
            with pytest.raises(ArtifactError, match=r"my.file: is (not a checkpoint|damaged)"):
                unpacked(bytes(wrong), "my.file")


@given(st.integers(0, len(CONTENT) - 1))
@settings(deadline=None)
def test_a_file_cut_off_is_found(length):
    with pytest.raises(ArtifactError):
        unpacked(CONTENT[:length])


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_more_at_the_end_and_other_files_are_found(data):
    with pytest.raises(ArtifactError):
        unpacked(data)
    with pytest.raises(ArtifactError):
        unpacked(CONTENT + b"x" + data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
    | st.fixed_dictionaries(
        {
            "schema": st.just(1),
            "facts": st.just({}),
            "size": st.integers(-(2**63), 2**63 - 1),
            "snapshot": st.binary(),
        }
    )
)
@settings(deadline=None)
def test_sealed_nonsense_is_refused(document):
    body = msgspec.msgpack.encode(document)
    data = MAGIC + hashlib.sha256(body).digest() + body
    with pytest.raises(ArtifactError, match=r"is not a valid checkpoint|has checkpoint schema"):
        snapshot_of(unpacked(data))


def test_another_schema_says_so():
    body = msgspec.msgpack.encode({"schema": 9, "anything": 1})
    data = MAGIC + hashlib.sha256(body).digest() + body
    with pytest.raises(ArtifactError, match=r"has checkpoint schema 9; .* reads schema 1"):
        unpacked(data)


def test_a_snapshot_larger_than_it_says_is_refused():
    one = unpacked(CONTENT)
    for size in (one.size - 1, one.size + 1, 0, -1, 1 << 40):
        with pytest.raises(ArtifactError, match="is not a valid checkpoint"):
            snapshot_of(msgspec.structs.replace(one, size=size))


def test_missing_and_too_large_files(tmp_path: Path, monkeypatch):
    with pytest.raises(ArtifactError, match=r"cannot be read .*No such file.* without --resume"):
        load(tmp_path / "none")
    with pytest.raises(ArtifactError, match="cannot be read"):
        load(tmp_path)
    path = tmp_path / "c"
    path.write_bytes(CONTENT)
    monkeypatch.setattr("matrl.search.checkpoint.MAX_BYTES", len(CONTENT) - 1)
    with pytest.raises(ArtifactError, match="too large for a checkpoint"):
        load(path)


def test_what_has_changed_is_said():
    check_same({"tol": 1e-6, "shape": [2, 2]}, {"tol": 1e-6, "shape": [2, 2]})
    with pytest.raises(ArtifactError) as caught:
        check_same({"tol": 1e-6, "old": 1}, {"tol": 1e-5, "new": 2}, "my.file")
    message = str(caught.value)
    assert message.startswith("my.file: is of another search (tol was 1e-06, now 1e-05; ")
    assert "new was not known, now 2; old was 1, now not known" in message
