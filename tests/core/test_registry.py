"""Registries: names, order, patterns and refusals."""

import importlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrl.core.registry import Registry, import_all
from matrl.errors import InputError, UnknownNameError


@dataclass(frozen=True)
class Named:
    name: str


@pytest.fixture
def registry() -> Registry[Named]:
    registry: Registry[Named] = Registry("update")
    for name in ("newton", "series-3", "series-5", "minimax-3"):
        registry.register(Named(name))
    return registry


def test_entries_come_in_order_of_registration(registry: Registry[Named]) -> None:
    assert [entry.name for entry in registry] == ["newton", "series-3", "series-5", "minimax-3"]
    assert len(registry) == 4
    assert "newton" in registry
    assert "halley" not in registry
    assert Named("newton") not in registry


def test_register_returns_its_entry(registry: Registry[Named]) -> None:
    entry = Named("halley")
    assert registry.register(entry) is entry
    assert registry.get("halley") is entry


def test_a_name_is_registered_once(registry: Registry[Named]) -> None:
    with pytest.raises(ValueError, match="update 'newton' is registered twice"):
        registry.register(Named("newton"))
    assert len(registry) == 4


@pytest.mark.parametrize("name", ["halley", "", "Newton", "series-*", None, 3, ["newton"]])
def test_unknown_names_are_refused_with_those_there_are(
    name: object, registry: Registry[Named]
) -> None:
    with pytest.raises(UnknownNameError, match=r"update: there is no .*: newton, series-3") as info:
        registry.get(name)  # type: ignore[arg-type]
    assert isinstance(info.value, InputError)
    assert info.value.__cause__ is None


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (("*",), ["newton", "series-3", "series-5", "minimax-3"]),
        (("series-*",), ["series-3", "series-5"]),
        (("*-3", "newton"), ["newton", "series-3", "minimax-3"]),
        (("series-3", "series-*"), ["series-3", "series-5"]),
        (("[mn]*",), ["newton", "minimax-3"]),
        (("series-?",), ["series-3", "series-5"]),
        ((), []),
    ],
)
def test_patterns(patterns: tuple[str, ...], names: list[str], registry: Registry[Named]) -> None:
    assert [entry.name for entry in registry.matching(patterns)] == names


def test_patterns_may_match_what_is_not_registered(registry: Registry[Named]) -> None:
    further = [Named("series-17"), Named("halley")]
    found = registry.matching(("series-*",), further)
    assert [entry.name for entry in found] == ["series-3", "series-5", "series-17"]
    assert [entry.name for entry in registry.matching(("halley",), further)] == ["halley"]
    assert "halley" not in registry
    with pytest.raises(UnknownNameError, match=r"matches no update; .*newton, series-3"):
        registry.matching(("pade-*",), further)


@pytest.mark.parametrize("pattern", ["halley", "Series-*", "", "series"])
def test_every_pattern_must_match(pattern: str, registry: Registry[Named]) -> None:
    message = f"allow: the pattern {pattern!r} matches no update"
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        registry.matching(("*", pattern) if pattern else (pattern,))


def test_import_all_imports_every_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "matrl_test_family"
    folder.mkdir()
    for name in ("__init__", "first", "second"):
        (folder / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("matrl_test_family")
    import_all(package)
    assert {"matrl_test_family.first", "matrl_test_family.second"} <= set(sys.modules)
    for name in [name for name in sys.modules if name.startswith("matrl_test_family")]:
        del sys.modules[name]
