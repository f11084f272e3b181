"""Conformance checks for updates and forms, for matrl's own tests and for those of others."""

from matrl.testing.conformance import (
    CountingBackend,
    Entry,
    catalogue_entries,
    check_entry,
    check_update,
)

__all__ = ["CountingBackend", "Entry", "catalogue_entries", "check_entry", "check_update"]
