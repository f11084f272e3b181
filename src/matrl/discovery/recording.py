"""The log and the checkpoint of a discovery."""

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from matrl.errors import ArtifactError, InputError
from matrl.profile import Profile
from matrl.search import Journal

__all__ = ["journal_for", "kept_profile", "opened"]


def journal_for(log: str | os.PathLike[str] | None, resume: bool) -> Journal | None:
    """Return the journal of a search; ``None`` without a log.

    To be called before any work. Raises :class:`~matrl.errors.InputError` for what cannot be
    written, or would be overwritten, and :class:`~matrl.errors.ArtifactError` for a checkpoint that
    cannot be resumed.
    """
    if log is None:
        if resume:
            raise InputError("resume: needs log (--log), the log of the search to go on with")
        return None
    if not isinstance(log, str | os.PathLike):
        raise InputError(f"log: must be the path of a file, got {log!r}")
    return Journal(log, resume=resume)


def kept_profile(journal: Journal | None) -> Profile | None:
    """Return the prices a search that is resumed was begun with, ``None`` for a new search.

    Where they were measured they would not be measured alike again.
    """
    text = None if journal is None else journal.kept.get("profile")
    if journal is None or text is None:
        return None
    try:
        return Profile.from_json(text)
    except (ArtifactError, TypeError) as error:
        raise ArtifactError(f"{journal.source}: is not a valid checkpoint ({error})") from None


def opened(
    journal: Journal | None, facts: Mapping[str, Any], profile: Profile, **limits: Any
) -> contextlib.AbstractContextManager[Journal | None]:
    """Return a context in which a search is written down; one in which nothing is for ``None``.

    ``facts`` must be the same when it is resumed, ``limits`` need not.
    """
    if journal is None:
        return contextlib.nullcontext()
    journal.open(facts, limits, {"profile": profile.to_json()})
    return journal
