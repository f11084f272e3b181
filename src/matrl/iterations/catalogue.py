"""The registries of updates and forms."""

from matrl.core.registry import Registry
from matrl.iterations.form import Form
from matrl.iterations.update import DirectMethod, Update

__all__ = ["FORMS", "UPDATES"]

UPDATES: Registry[Update | DirectMethod] = Registry("update")
FORMS: Registry[Form] = Registry("form")
