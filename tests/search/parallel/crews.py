"""A crew in this process, whose answers come in any order, and environments for real ones."""

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tests.search.toys import Network, State, grid

from matrl.search import Children
from matrl.search.parallel.messages import Answer, Assignment, Lost, Ready, Request
from matrl.search.parallel.worker import Worker

SIDE = 12


def never() -> bool:
    """Return that Ctrl-C has not been pressed."""
    return False


class Inline:
    """Workers that are asked one at a time, in an order drawn from ``seed``.

    ``lost_after`` says after how many answers a worker is lost, ``Ready`` being the first.
    """

    def __init__(
        self,
        assignments: Sequence[Assignment],
        seed: int = 0,
        lost_after: dict[int, int] | None = None,
    ) -> None:
        self._workers = [Worker(one) for one in assignments]
        self._requests: list[deque[Request | Ready]] = [deque([Ready()]) for _ in assignments]
        self._random = np.random.default_rng(seed)
        self._left = {i: float("inf") for i in range(len(assignments))} | (lost_after or {})
        self.dropped: list[int] = []
        self.closed = False

    @property
    def size(self) -> int:
        return len(self._workers)

    def send(self, index: int, request: Request) -> None:
        assert index not in self.dropped
        self._requests[index].append(request)

    def receive(self, seconds: float) -> list[tuple[int, Answer]]:
        waiting = [i for i, requests in enumerate(self._requests) if requests]
        if not waiting:
            return []
        index = int(self._random.choice(waiting))
        if self._left[index] == 0:
            return [(index, Lost("was given up by the test"))]
        self._left[index] -= 1
        request = self._requests[index].popleft()
        answer = request if isinstance(request, Ready) else self._workers[index].answer(request)
        return [(index, answer)]

    def drop(self, index: int) -> None:
        self.dropped.append(index)
        self._requests[index].clear()
        self._workers[index].close()

    def close(self) -> None:
        self.closed = True
        for worker in self._workers:
            worker.close()


class Sleepy(Network):
    """A grid that takes its time in the process that comes first."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(grid(SIDE), {SIDE * SIDE - 1})
        try:
            os.close(os.open(folder / "slow", os.O_CREAT | os.O_EXCL))
            self._seconds = seconds
        except FileExistsError:
            self._seconds = 0.0

    def expand(self, state: State, width: int) -> Children | None:
        time.sleep(self._seconds)
        return super().expand(state, width)


class Drowsy(Network):
    """A grid that takes its time everywhere, too large to be searched through."""

    def __init__(self, seconds: float = 0.002, side: int = 40) -> None:
        super().__init__(grid(side), {side * side - 1})
        self._seconds = seconds

    def expand(self, state: State, width: int) -> Children | None:
        time.sleep(self._seconds)
        return super().expand(state, width)


class Broken(Network):
    """An environment that cannot be made."""

    def __init__(self) -> None:
        raise ValueError("no such thing")
