"""The registries of updates and forms."""

import re
from collections.abc import Callable

from matrl.core.registry import Registry
from matrl.iterations.form import Form
from matrl.iterations.polynomial import degrees, exists
from matrl.iterations.update import DirectMethod, Update

__all__ = ["FORMS", "UPDATES", "Updates", "has_residual"]

_DEGREE = re.compile(r"[1-9][0-9]{0,2}")


class Updates(Registry[Update | DirectMethod]):
    """Updates by name; polynomials of further degrees are made on demand.

    The degree k d + 1 in x is part of a polynomial's name, so that the degrees of all root indices
    up to 64 would make a long list. Registered are those of the registered functions, k up to 8;
    the others are found by name, equal each time, and not kept.
    """

    def __init__(self) -> None:
        super().__init__("update")
        self._families: dict[str, Callable[[int], Update]] = {}

    def register_polynomials(self, family: str, make: Callable[[int], Update]) -> None:
        """Register ``make(degree)`` for the degrees of root indices up to 8.

        ``family`` is the name without its degree. ``ValueError`` if a name is taken.
        """
        for degree in degrees():
            self.register(make(degree))
        self._families[family] = make

    def get(self, name: str) -> Update | DirectMethod:
        """Return the update of this name; :class:`~matrl.errors.UnknownNameError` if none.

        >>> from matrl.iterations import UPDATES
        >>> UPDATES.get("minimax-65").supports(16), "minimax-65" in UPDATES
        (True, False)
        """
        if isinstance(name, str) and name not in self:
            family, _, degree = name.rpartition("-")
            made = self._families.get(family)
            if made and _DEGREE.fullmatch(degree) and exists(int(degree)):
                return made(int(degree))
        return super().get(name)

    def on_demand(self, root_index: int) -> tuple[Update | DirectMethod, ...]:
        """Return the updates for this root index that are not registered.

        >>> from matrl.iterations import UPDATES
        >>> [update.name for update in UPDATES.on_demand(64)][:4], UPDATES.on_demand(8)
        (['fitted-65', 'fitted-129', 'fitted-193', 'fitted-257'], ())
        """
        names = (f"{family}-{d}" for family in self._families for d in degrees([root_index]))
        return tuple(self.get(name) for name in names if name not in self)


UPDATES = Updates()
FORMS: Registry[Form] = Registry("form")


def has_residual(previous: str | None) -> bool:
    """Return whether M is there after a step of the form ``previous`` (``None``: at the start)."""
    return previous is None or FORMS.get(previous).updates_residual
