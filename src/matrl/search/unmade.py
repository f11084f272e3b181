"""States of a restored search that have not been made again yet, and digests of their keys."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from matrl.errors import ArtifactError
from matrl.search.resumable import Resumable

if TYPE_CHECKING:
    from matrl.search.nodes import Node

__all__ = ["Digest", "Unmade", "make"]

BYTES = 16
_encoder = msgspec.msgpack.Encoder(order="deterministic")


@dataclass(frozen=True)
class Digest:
    """A short hash of a key, that stands for it where the key itself is not known."""

    value: bytes

    @classmethod
    def of(cls, key: Hashable) -> "Digest":
        """Return the digest of a key, a tuple of plain data (or one of that)."""
        return cls(hashlib.blake2b(_encoder.encode(key), digest_size=BYTES).digest())


@dataclass(frozen=True, eq=False)
class Unmade:
    """What a state is made of when it is needed.

    ``look`` is what a closer look at it had shown, ``digest`` that of its key, ``None`` where keys
    do not count.
    """

    environment: Resumable[Any]
    look: Any
    digest: bytes | None

    def made(self, before: tuple[Any, Any] | None) -> Any:
        """Return the state an action leads to, from the state before; the first one of ``None``.

        Raises :class:`~matrl.errors.ArtifactError` if that is not the state it was.
        """
        environment = self.environment
        state = environment.root() if before is None else environment.child(*before)
        if state is None or (
            self.digest is not None and Digest.of(environment.key(state)).value != self.digest
        ):
            raise ArtifactError(
                "checkpoint: its actions lead to other states here than where it was written; "
                "search anew, without --resume"
            )
        if self.look is not None:
            environment.load_look(state, self.look)
        return state


def make(node: "Node") -> None:
    """Make the state of a node, and first those before it that have not been made either."""
    chain = [node]
    while (origin := chain[-1].origin) is not None and origin[0].unmade is not None:
        chain.append(origin[0])
    for one in reversed(chain):
        assert one.unmade is not None
        before = None if one.origin is None else (one.origin[0].state, one.origin[1])
        state, one.unmade = one.unmade.made(before), None
        one.state = state
