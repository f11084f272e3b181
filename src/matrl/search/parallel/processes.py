"""Workers that are processes of this machine.

They are started as programs of their own, not by ``multiprocessing``: nothing of the user's script
is imported again, so that it needs no guard, and linear algebra libraries find the number of
threads in the environment before they are loaded. A worker ends when its connection does, so none
outlives the search, however that ends.
"""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.connection import Connection, Pipe, wait
from typing import cast

from matrl.errors import InputError
from matrl.search.parallel.messages import Answer, Assignment, Lost, Ready, Request
from matrl.search.parallel.worker import Worker

__all__ = ["ONE_THREAD", "Processes", "serve"]

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""As many workers as cores, one thread each."""
BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from matrl.search.parallel.processes import serve; serve(int(sys.argv[1]))"
)
EXIT_SECONDS = 1.0
"""A process that has not ended by then, once its connection is closed, is killed."""


def serve(descriptor: int) -> None:
    """Work in this process for the search at the other end of a connection."""
    with Connection(descriptor) as connection:
        try:
            with closing(Worker(connection.recv())) as worker:
                connection.send(Ready())
                while True:
                    connection.send(worker.answer(connection.recv()))
        except (EOFError, ConnectionError):
            return  # nobody is there any more
        except Exception as error:
            connection.send(Lost(f"failed: {type(error).__name__}: {error}"))


class Processes:
    """A crew of processes, which talk through sockets."""

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        pickled = [_pickled(assignment) for assignment in assignments]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._connections: dict[int, Connection] = {}
        try:
            for index in range(len(pickled)):
                self._start(index)
            for index, one in enumerate(pickled):  # once all are on their way
                self._write(index, one)
        except BaseException:
            self.close()
            raise

    def _start(self, index: int) -> None:
        here, there = Pipe()
        self._connections[index] = cast(Connection, here)
        paths = json.dumps([path for path in sys.path if isinstance(path, str)])
        with there:
            process = subprocess.Popen(
                [sys.executable, "-c", BOOT, str(there.fileno()), paths],
                pass_fds=(there.fileno(),),
                env={**os.environ, **ONE_THREAD},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the search, which then asks for results
            )
        self._processes.append(process)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._processes)

    def send(self, index: int, request: Request) -> None:
        """Send a request; that a worker is lost comes as an answer."""
        self._write(index, pickle.dumps(request))

    def _write(self, index: int, message: bytes) -> None:
        with contextlib.suppress(OSError):  # to be read as the end of the connection
            self._connections[index].send_bytes(message)

    def receive(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come, after waiting for the first for so long at most."""
        ready = wait(list(self._connections.values()), seconds)
        return [
            (index, self._read(index))
            for index, connection in list(self._connections.items())
            if connection in ready
        ]

    def _read(self, index: int) -> Answer:
        try:
            return self._connections[index].recv()
        except (EOFError, OSError):
            return Lost(self._end_of(index))
        except Exception as error:  # half a message, or what cannot be unpickled
            return Lost(f"sent what cannot be read: {type(error).__name__}: {error}")

    def _end_of(self, index: int) -> str:
        try:
            code = self._processes[index].wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its connection"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with status {code}"

    def drop(self, index: int) -> None:
        """End a worker."""
        connection = self._connections.pop(index, None)
        if connection is not None:
            connection.close()
        self._reap(self._processes[index], 0.0)

    def close(self) -> None:
        """End all workers."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        for process in self._processes:
            self._reap(process, EXIT_SECONDS)

    def _reap(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            process.wait(seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()


def _pickled(assignment: Assignment) -> bytes:
    """Return an assignment as bytes; :class:`~matrl.errors.InputError` if it cannot be sent."""
    kind = assignment.make if hasattr(assignment.make, "__qualname__") else type(assignment.make)
    try:
        message = pickle.dumps(assignment)
    except Exception as error:
        raise InputError(
            f"make: cannot be sent to a worker ({error}); give a function or a dataclass of a "
            "module, with data that can be pickled"
        ) from None
    if getattr(kind, "__module__", None) == "__main__":
        raise InputError(
            "make: is defined in the script that runs, which workers do not import; define it in "
            "a module of its own"
        )
    return message
