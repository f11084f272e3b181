"""Conformance checks for updates, forms and backends, for this project and for third parties."""

from matrl.iterations.entries import Entry, catalogue_entries
from matrl.testing.backends import check_backend
from matrl.testing.conformance import check_entry, check_map, check_update
from matrl.testing.counting import CountingBackend

__all__ = [
    "CountingBackend",
    "Entry",
    "catalogue_entries",
    "check_backend",
    "check_entry",
    "check_map",
    "check_update",
]
