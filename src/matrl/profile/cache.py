"""Measured prices kept between processes, one file per machine fingerprint."""

import logging
import os
from pathlib import Path

import platformdirs

from matrl.backends.libraries import Library
from matrl.errors import ArtifactError
from matrl.profile.fingerprint import machine_fingerprint
from matrl.profile.profile import Profile

__all__ = ["cached_profile_path", "load_cached", "store_cached"]

_logger = logging.getLogger(__name__)
_warned: set[Path] = set()


def cached_profile_path(library: Library | None = None) -> Path:
    """Return the file for this machine, under ``MATRL_HOME`` or the user's cache directory.

    It is for the kernels of ``library``, NumPy's if None.
    """
    home = os.environ.get("MATRL_HOME")
    root = Path(home).expanduser() if home else platformdirs.user_cache_path("matrl")
    return root / "profiles" / f"{machine_fingerprint(library)}.json"


def load_cached(library: Library | None = None) -> Profile | None:
    """Return the cached profile of this machine, or None if it is missing or damaged."""
    path = cached_profile_path(library)
    try:
        if not path.exists():
            return None
        return Profile.load(path)
    except (ArtifactError, OSError) as error:
        _logger.warning("ignoring the cached profile: %s", error)
        return None


def store_cached(profile: Profile, library: Library | None = None) -> Path | None:
    """Merge the entries into the cached profile, replacing equal keys; return its path.

    None, after one warning per directory, if it cannot be written.
    """
    path = cached_profile_path(library)
    cached = load_cached(library)
    merged = {entry.key: entry for entry in cached.entries} if cached else {}
    merged.update({entry.key: entry for entry in profile.entries})
    entries = tuple(merged[key] for key in sorted(merged))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Profile(profile.name, entries).save(path)
    except OSError as error:
        if path.parent not in _warned:
            _warned.add(path.parent)
            _logger.warning(
                "cannot keep measured prices in %s (%s): set MATRL_HOME to a writeable directory",
                path.parent,
                error,
            )
        return None
    return path
