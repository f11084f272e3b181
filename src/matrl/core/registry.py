"""Named collections that files fill at their foot, so that adding one touches no other file."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Generic, Protocol, TypeVar

from matrl.errors import UnknownNameError

__all__ = ["Registry", "import_all"]


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """Entries by name, in order of registration; filled at import time, read-only afterwards."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry) -> Entry:
        """Add an entry; ``ValueError`` if the name is taken."""
        if entry.name in self._entries:
            raise ValueError(f"{self._kind} {entry.name!r} is registered twice")
        self._entries[entry.name] = entry
        return entry

    def get(self, name: str) -> Entry:
        """Return the entry of this name; :class:`~matrl.errors.UnknownNameError` if none."""
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            known = ", ".join(self._entries)
            raise UnknownNameError(
                f"{self._kind}: there is no {name!r}; choose one of: {known}"
            ) from None

    def matching(
        self, patterns: tuple[str, ...], further: Iterable[Entry] = ()
    ) -> tuple[Entry, ...]:
        """Return the entries whose name matches any shell-style pattern, in registry order.

        ``further`` are entries that are not registered, to be chosen from after the others.
        """
        entries = {**self._entries, **{entry.name: entry for entry in further}}
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in entries):
                known = ", ".join(self._entries)
                raise UnknownNameError(
                    f"allow: the pattern {pattern!r} matches no {self._kind}; there are: {known}"
                )
        return tuple(
            entry
            for name, entry in entries.items()
            if any(fnmatchcase(name, pattern) for pattern in patterns)
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries


def import_all(package: ModuleType) -> None:
    """Import every module of a package, so that their entries are registered."""
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
