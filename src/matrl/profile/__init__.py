"""What the operations cost on a machine: profiles, their measurement and their cache."""

from matrl.profile.cache import load_cached, store_cached
from matrl.profile.chosen import covers, profile_for
from matrl.profile.fingerprint import machine_description, machine_fingerprint
from matrl.profile.measure import (
    measure_entries,
    measure_for,
    measure_machine,
    measured_shapes,
    plan_operations,
)
from matrl.profile.profile import KNOWN_OPERATIONS, OperationTime, Profile
from matrl.profile.workloads import measurable_dtypes

__all__ = [
    "KNOWN_OPERATIONS",
    "OperationTime",
    "Profile",
    "covers",
    "load_cached",
    "machine_description",
    "machine_fingerprint",
    "measurable_dtypes",
    "measure_entries",
    "measure_for",
    "measure_machine",
    "measured_shapes",
    "plan_operations",
    "profile_for",
    "store_cached",
]
