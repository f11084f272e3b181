"""Workers that are actors of a Ray cluster, on this machine or on others (https://docs.ray.io)."""

import logging
import os
import socket
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from matrl.errors import InputError, MissingExtraError
from matrl.search.parallel.messages import Answer, Assignment, Lost, Ready, Request
from matrl.search.parallel.processes import ONE_THREAD
from matrl.search.parallel.worker import Worker

__all__ = ["LOCAL", "Actors", "Cluster"]

LOCAL = "local"
KNOCK_SECONDS = 5.0
OBJECT_STORE = 100 * 2**20
"""Bytes a local Ray sets aside for objects; messages are small."""


class Cluster:
    """A connection to Ray, ended by ``close`` if it was made here.

    ``address`` is ``"local"`` for a Ray of this machine alone, started for the search, or that of a
    cluster, whose machines need this package. Where the program has a connection already, that is
    used. Raises :class:`~matrl.errors.MissingExtraError` without Ray,
    :class:`~matrl.errors.InputError` where nobody answers at the address.
    """

    def __init__(self, address: str, workers: int | None) -> None:
        self.ray = _ray()
        self._owned = not self.ray.is_initialized()
        if self._owned:
            self._connect(address, workers)

    def _connect(self, address: str, workers: int | None) -> None:
        options: dict[str, Any] = {}
        if address == LOCAL:
            cores = max(workers or 1, os.cpu_count() or 1)
            options = {
                "num_cpus": cores,
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE,
            }
        try:
            _knock(address)
            self.ray.init(
                address=address, log_to_driver=False, logging_level=logging.ERROR, **options
            )
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            causes = [str(one) for one in (error, error.__cause__) if one is not None]
            reason = " ".join(": ".join(causes).split())[:300]
            raise InputError(
                f"ray: no cluster answers at {address!r} ({reason}); start one with `ray start "
                "--head`, or give 'local'"
            ) from None

    @property
    def cores(self) -> int:
        """How many workers the cluster has room for."""
        return max(int(self.ray.cluster_resources().get("CPU", 1)), 1)

    def close(self) -> None:
        """End the connection, if it was made here."""
        if self._owned:
            self.ray.shutdown()


def _knock(address: str) -> None:
    """Raise ``OSError`` where no one listens at host:port: Ray itself waits for minutes."""
    host, _, port = address.rpartition(":")
    if host and "//" not in host and port.isdigit():
        socket.create_connection((host, int(port)), KNOCK_SECONDS).close()


def _ray() -> ModuleType:
    try:
        import ray
    except ImportError:
        raise MissingExtraError(
            "ray: needs the package ray; install it with pip install 'matrl[ray]'"
        ) from None
    return ray


class _Actor(Worker):
    def ready(self) -> Ready:
        return Ready()


class Actors:
    """A crew of Ray actors, one core each."""

    def __init__(self, cluster: Cluster, assignments: Sequence[Assignment]) -> None:
        self._ray = cluster.ray
        actor = self._ray.remote(_Actor).options(
            num_cpus=1, runtime_env={"env_vars": dict(ONE_THREAD)}
        )
        self._actors = [actor.remote(assignment) for assignment in assignments]
        self._pending = {one.ready.remote(): index for index, one in enumerate(self._actors)}

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._actors)

    def send(self, index: int, request: Request) -> None:
        """Send a request; that a worker is lost comes as an answer."""
        self._pending[self._actors[index].answer.remote(request)] = index

    def receive(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come, after waiting for the first for so long at most."""
        if not self._pending:
            return []
        ready, _ = self._ray.wait(list(self._pending), num_returns=1, timeout=seconds)
        answers: list[tuple[int, Answer]] = []
        for one in ready:
            index = self._pending.pop(one)
            answers.append((index, self._answer(one)))
        return answers

    def _answer(self, one: Any) -> Answer:
        try:
            return self._ray.get(one)
        except self._ray.exceptions.RayTaskError as error:
            return Lost(f"failed: {error.cause!r}")
        except self._ray.exceptions.RayError as error:
            return Lost(f"is out of reach: {type(error).__name__}: {_first_line(error)}")

    def drop(self, index: int) -> None:
        """End a worker."""
        self._pending = {one: i for one, i in self._pending.items() if i != index}
        self._ray.kill(self._actors[index])

    def close(self) -> None:
        """End all workers."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._pending.clear()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
