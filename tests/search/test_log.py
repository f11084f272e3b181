"""Logs: every line as it was written, or refused by its number."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.errors import ArtifactError
from matrl.search import log as module
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
    is_log,
    read_log,
    read_until,
)

ACTIONS = [{"name": "step", "form": "é\n"}]
BEST = TreeLine(cost=3.0, price=3.0, error=1e-7, steps=["a"], actions=ACTIONS, visits=[4])
RECORDS = [
    Begun(KIND, SCHEMA, {"tol": 1e-6, "shape": [2, 3]}, {"nodes": None}),
    Improved(seconds=0.5, nodes=7, cost=4.0, price=4.0, error=None, steps=["b"], actions=[1]),
    Passed(0.7, 9, 4.0, 1e-3, None),
    Resumed(0.7, 9),
    Improved(seconds=0.9, nodes=11, cost=3.0, price=3.0, error=1e-7, steps=["a"], actions=ACTIONS),
    Written(
        reason="nodes",
        optimal=False,
        seconds=1.0,
        nodes=12,
        cost=3.0,
        bound=2.0,
        best=[BEST],
        front=[Line(cost=3.0, price=3.0, error=1e-7, steps=["a"])],
    ),
]


def written(records: list[module.Record]) -> bytes:
    file = BytesIO()
    writer = LogWriter(file)
    for record in records:
        writer.write(record)
    assert writer.size == len(file.getvalue())
    return file.getvalue()


CONTENT = written(RECORDS)
LINES = CONTENT.splitlines(keepends=True)


def read(content: bytes, folder: Path) -> module.SearchLog:
    path = folder / "search.jsonl"
    path.write_bytes(content)
    return read_log(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


def test_what_is_written_is_read(folder: Path):
    found = read(CONTENT, folder)
    assert [found.begun, *found.records] == RECORDS
    assert found.result == RECORDS[-1]
    assert [one.cost for one in found.improvements] == [4.0, 3.0]
    assert [one.nodes for one in found.progress] == [9]
    assert found.sittings == 2
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["result"]["best"][0]["visits"] == [4]
    assert document["facts"] == {"tol": 1e-6, "shape": [2, 3]}


def test_every_line_is_json_with_a_checksum_that_runs_on():
    documents = [json.loads(line) for line in LINES]
    assert [one["event"] for one in documents][:3] == ["begun", "incumbent", "progress"]
    assert len({one["sum"] for one in documents}) == len(documents)
    twice = written([RECORDS[0], RECORDS[2], RECORDS[2]]).splitlines()
    assert twice[1] != twice[2]


@pytest.mark.parametrize("count", range(1, len(LINES)))
def test_a_log_that_ends_between_lines_has_no_result(count, folder):
    found = read(b"".join(LINES[:count]), folder)
    assert len(found.records) == count - 1
    assert found.result is None
    assert found.to_dict()["result"] is None


def test_a_log_that_was_resumed_has_no_result_until_the_next(folder: Path):
    assert read(written([*RECORDS, Resumed(1.0, 12)]), folder).result is None


@pytest.mark.parametrize("bit", [1, 8, 128])
def test_a_byte_that_changed_is_found(bit, folder):
    for place in range(bit % 5, len(CONTENT), 5):
        number = CONTENT[:place].count(b"\n") + 1
        wrong = bytearray(CONTENT)
        wrong[place] ^= bit
        with pytest.raises(ArtifactError, match=rf"search.jsonl: line {number} is "):
            read(bytes(wrong), folder)


def test_a_log_cut_off_within_a_line_is_refused(folder: Path):
    refused = r"line \d is (torn: .*--resume|not the beginning)"
    for length in range(0, len(CONTENT), 3):
        if not CONTENT[:length].endswith(b"\n"):
            with pytest.raises(ArtifactError, match=refused):
                read(CONTENT[:length], folder)


def test_lines_lost_moved_or_added_are_found(folder: Path):
    for wrong in (
        [LINES[0], *LINES[2:]],
        [LINES[0], LINES[2], LINES[1], *LINES[3:]],
        [*LINES[:2], LINES[1], *LINES[2:]],
        [*LINES[:2], b"\n", *LINES[2:]],
    ):
        with pytest.raises(ArtifactError, match=r"line [23] is not as it was written"):
            read(b"".join(wrong), folder)
    with pytest.raises(ArtifactError, match="line 1 is not the beginning"):
        read(b"".join(LINES[1:]), folder)


def test_a_second_beginning_is_out_of_place(folder: Path):
    with pytest.raises(ArtifactError, match="line 2 is out of place"):
        read(written([RECORDS[0], RECORDS[0]]), folder)


def test_another_schema_says_so(folder: Path):
    with pytest.raises(ArtifactError, match=r"has log schema 2; .* reads schema 1"):
        read(written([Begun(KIND, 2, {})]), folder)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text()), max_size=3))
@settings(deadline=None)
def test_sealed_nonsense_is_refused(folder, documents):
    content, last = LINES[0], json.loads(LINES[0])["sum"].encode()
    for document in documents:
        body = json.dumps({"event": "progress", **document}).encode()
        last = module._sum(last, body)
        content += body[:-1] + module._SEAL % last + b"\n"
    if documents:
        with pytest.raises(ArtifactError, match="line 2 is no line of a search"):
            read(content, folder)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_other_files_are_no_logs(folder, content):
    with pytest.raises(ArtifactError, match="line 1 is not the beginning"):
        read(content, folder)
    assert not is_log(folder / "search.jsonl")


def test_which_files_are_logs(folder: Path):
    read(CONTENT, folder)
    assert is_log(folder / "search.jsonl")
    assert not is_log(folder / "missing")
    assert not is_log(folder)


def test_missing_and_too_large_files(folder: Path, monkeypatch):
    for path in (folder / "missing", folder):
        with pytest.raises(ArtifactError, match="cannot be read"):
            read_log(path)
    monkeypatch.setattr(module, "MAX_BYTES", len(CONTENT) - 1)
    with pytest.raises(ArtifactError, match="too large for the log"):
        read(CONTENT, folder)


def test_a_beginning_is_checked_up_to_its_checksum(folder: Path):
    path = folder / "search.jsonl"
    path.write_bytes(CONTENT + b"torn")
    size = len(b"".join(LINES[:3]))
    last = json.loads(LINES[2])["sum"]
    read_until(path, size, last)
    other = json.loads(LINES[1])["sum"]
    for wrong in ((size, other), (len(CONTENT) + 9, last)):
        with pytest.raises(ArtifactError, match="is not the log the checkpoint"):
            read_until(path, *wrong)
    with pytest.raises(ArtifactError, match="line 3 is torn"):
        read_until(path, size - 1, last)


class Halting(BytesIO):
    """A file whose writing Ctrl-C interrupts after some bytes."""

    halts: int | None = None

    def write(self, data) -> int:
        if self.halts is None:
            return super().write(data)
        super().write(data[: self.halts])
        self.halts = None
        raise KeyboardInterrupt


@pytest.mark.parametrize("halts", [0, 5, 10**6])
def test_a_line_that_was_interrupted_is_cut_off(halts, folder):
    file = Halting()
    writer = LogWriter(file)
    writer.write(RECORDS[0])
    file.halts = halts
    with pytest.raises(KeyboardInterrupt):
        writer.write(RECORDS[1])
    writer.write(RECORDS[2])
    assert read(file.getvalue(), folder).records == (RECORDS[2],)


class Full(BytesIO):
    """A file on a full disk, that takes a part of what is written."""

    def write(self, data) -> int:
        return super().write(data[:5])


def test_a_full_disk_is_an_error():
    with pytest.raises(OSError, match="No space left"):
        LogWriter(Full()).write(RECORDS[0])
