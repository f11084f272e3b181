"""The cache never raises, whatever lies on the disk."""

import logging
import os

import pytest

from matrl.profile import cache
from matrl.profile.cache import cached_profile_path, load_cached, store_cached
from matrl.profile.profile import OperationTime, Profile


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MATRL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache, "_warned", set())
    return tmp_path / "home"


def profile(*entries):
    return Profile("test", tuple(OperationTime(*entry) for entry in entries))


def test_missing_is_none(home, caplog):
    assert load_cached() is None
    assert not home.exists()
    assert not caplog.records


def test_without_home_the_user_directory_is_used(monkeypatch, tmp_path):
    monkeypatch.delenv("MATRL_HOME")
    monkeypatch.setattr(cache.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    assert cached_profile_path().parent == tmp_path / "matrl" / "profiles"


def test_store_and_merge(home):
    path = store_cached(profile(("add", "float64", 8, 1, 0.3), ("matmul", "float64", 8, 1, 0.5)))
    assert path is not None
    assert path == cached_profile_path()
    assert home in path.parents
    store_cached(profile(("add", "float64", 8, 1, 0.1, 8), ("add", "float64", 16, 1, 0.2)))
    merged = load_cached()
    assert merged is not None
    assert len(merged.entries) == 3
    assert merged.seconds("add", "float64", 8) == 0.1
    assert merged.seconds("add", "float64", 16) == 0.2
    assert merged.seconds("matmul", "float64", 8) == 0.5
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\x00", b'{"schema": 9}', b"[" * 99999])
def test_damaged_file_is_missing_and_replaced(content, caplog):
    path = cached_profile_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert load_cached() is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert store_cached(profile(("add", "float64", 8, 1, 0.3))) == path
    assert load_cached() is not None


def test_file_in_place_of_the_directory_warns_once(home, caplog):
    home.write_text("not a directory")
    for _ in range(3):
        assert store_cached(profile(("add", "float64", 8, 1, 0.3))) is None
        assert load_cached() is None
    assert len(caplog.records) == 1
    assert "MATRL_HOME" in caplog.text


def test_read_only_directory_warns_once(monkeypatch, caplog):
    store_cached(profile(("add", "float64", 8, 1, 0.3)))

    def refuse(*_, **__):
        raise PermissionError("read-only")

    # Root may write anywhere, so permission bits would not make the test fail to write.
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    for _ in range(2):
        assert store_cached(profile(("add", "float64", 8, 1, 0.9))) is None
    assert len(caplog.records) == 1
    kept = load_cached()
    assert kept is not None
    assert kept.seconds("add", "float64", 8) == 0.3


def test_directory_in_place_of_the_file(caplog):
    cached_profile_path().mkdir(parents=True)
    assert load_cached() is None
    assert store_cached(profile()) is None
    assert caplog.records
