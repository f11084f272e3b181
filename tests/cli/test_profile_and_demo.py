import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from matrl.backends.libraries import library_named
from matrl.cli.commands import profile as module
from matrl.profile import OperationTime, Profile, load_cached

ENTRIES = [
    OperationTime("matmul", "float64", 64, 1, 1.5e-5),
    OperationTime("matmul", "float32", 64, 1, 1e-5),
    OperationTime("eigh", "float64", 128, 1, 2.5e-3),
]


@pytest.fixture(autouse=True)
def fake_measurement(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATRL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "machine_entries", lambda *a, **k: iter(ENTRIES))


def interrupted_after(count: int) -> Iterator[OperationTime]:
    yield from ENTRIES[:count]
    raise KeyboardInterrupt


def test_profile_table_file_and_cache(invoke, tmp_path: Path) -> None:
    result = invoke("profile", "-o", "mine.json")
    assert result.exit_code == 0, result.output
    for word in ("float32", "float64", "matmul", "eigh", "15 us", "2.5 ms", "n = 128"):
        assert word in result.stdout
    assert set(Profile.load("mine.json").entries) == set(ENTRIES)
    (cached,) = (tmp_path / "home").rglob("*.json")
    assert set(Profile.load(cached).entries) == set(ENTRIES)


def test_profile_json_is_the_profile(invoke) -> None:
    result = invoke("profile", "--json")
    assert result.exit_code == 0
    assert Profile.from_json(result.stdout).entries == tuple(ENTRIES)
    assert len(json.loads(result.stdout)["ops"]) == 3


@pytest.mark.torch
def test_kernels_of_a_library_are_measured_and_kept_apart(
    invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch, asked = pytest.importorskip("torch"), []

    def entries(progress: Any, budget: float, dtypes: Any, library: Any) -> list[OperationTime]:
        asked.append((library.name, tuple(dtypes)))
        return ENTRIES

    monkeypatch.setattr(module, "machine_entries", entries)
    result = invoke("profile", "--library", "torch", "--json")
    assert asked == [("PyTorch", ("bfloat16", "float16", "float32", "float64"))]
    assert torch.__version__ in Profile.from_json(result.stdout).name
    assert load_cached(library_named("torch")) is not None
    assert load_cached() is None


def test_ctrl_c_keeps_what_was_measured(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "machine_entries", lambda *a, **k: interrupted_after(2))
    result = invoke("profile", "-o", "mine.json")
    assert result.exit_code == 130
    assert Profile.load("mine.json").entries == tuple(ENTRIES[:2])
    assert "the 2 prices measured so far are kept" in result.stderr


def test_ctrl_c_at_once_leaves_nothing(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "machine_entries", lambda *a, **k: interrupted_after(0))
    result = invoke("profile", "-o", "mine.json", "--json")
    assert (result.exit_code, result.stdout) == (130, "")
    assert not Path("mine.json").exists()


def test_demo_passes_its_options_on(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def run_demo(output: Path, *, time_limit: float, seed: int, json_output: bool) -> int:
        seen.update(output=output, time_limit=time_limit, seed=seed, json_output=json_output)
        return 1

    fake = ModuleType("matrl.demo")
    fake.run_demo = run_demo  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "matrl.demo", fake)
    result = invoke("demo", "--output", "here", "--time-limit", "2", "--seed", "5", "--json")
    assert result.exit_code == 1
    assert seen == {
        "output": Path("here"),
        "time_limit": 2.0,
        "seed": 5,
        "json_output": True,
    }
    invoke("demo")
    assert seen["output"] == Path("out/demo")
