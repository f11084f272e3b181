"""The log and the checkpoint of a discovery."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from matrl.errors import ArtifactError, InputError
from matrl.profile import Profile
from matrl.search import Journal, Record

__all__ = ["journal_for", "kept_profile", "recorded"]


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


@contextlib.contextmanager
def recorded(
    journal: Journal | None,
    facts: Mapping[str, Any],
    profile: Profile,
    *,
    alone: bool,
    **limits: Any,
) -> Iterator[dict[str, Any]]:
    """Yield the options by which a search is written down; none where there is no journal.

    ``facts`` must be the same when it is resumed, ``limits`` need not. Workers, where it is not one
    ``alone``, each have a journal of their own.
    """
    kept = {"profile": profile.to_json()}
    if journal is None:
        yield {}
    elif alone:
        journal.open(facts, limits, kept)
        with journal:
            yield {"journal": journal}
    else:
        resume = journal.checkpoint is not None
        yield {"record": Record(str(journal.path), resume, facts, limits, kept)}
