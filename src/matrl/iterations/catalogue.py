"""The registries of updates and forms."""

from matrl.core.registry import Registry
from matrl.iterations.form import Form
from matrl.iterations.update import DirectMethod, Update

__all__ = ["FORMS", "UPDATES", "has_residual"]

UPDATES: Registry[Update | DirectMethod] = Registry("update")
FORMS: Registry[Form] = Registry("form")


def has_residual(previous: str | None) -> bool:
    """Return whether M is there after a step of the form ``previous`` (``None``: at the start)."""
    return previous is None or FORMS.get(previous).updates_residual
