"""Ctrl-C, without cutting a message in two."""

import signal
import threading
from types import FrameType

__all__ = ["Interrupts"]


class Interrupts:
    """While this lasts, the first Ctrl-C only sets ``seen``; the next interrupts as ever.

    Elsewhere than in the main thread, or where the program has a handler of its own, nothing
    changes.
    """

    def __init__(self) -> None:
        self.seen = False
        self._handles = False

    def __enter__(self) -> "Interrupts":
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._handles = True
        return self

    def __exit__(self, *exception: object) -> None:
        if self._handles:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True
