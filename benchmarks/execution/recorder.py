"""A backend that remembers the kernels it was asked for, to run each again by itself."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from matrl.backends.numpy import numpy_backend

__all__ = ["Recorder"]

KERNELS = (
    "cast",
    "linear",
    "matmul",
    "matmul_hermitian",
    "matmul_averaged",
    "gram",
    "outer_gram",
    "gram_averaged",
    "symmetrize",
    "inverse_spd",
    "spectral_function",
    "lyapunov",
    "polar_factor",
)


class Recorder:
    """Hands every kernel on to NumPy's and keeps what is needed to call it again."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Callable[[], Any]]] = []

    def __getattr__(self, name: str) -> Any:
        kernel = getattr(numpy_backend, name)
        if name not in KERNELS:
            return kernel

        def recorded(*args: Any, **options: Any) -> Any:
            copies: dict[int, Any] = {}

            def copied(value: Any) -> Any:
                """Arrays once each, so that what was one array before the call is one again."""
                if isinstance(value, np.ndarray):
                    if id(value) not in copies:
                        copies[id(value)] = value.copy()
                    return copies[id(value)]
                return type(value)(map(copied, value)) if isinstance(value, list | tuple) else value

            again = [copied(value) for value in args]
            with_options = {key: copied(value) for key, value in options.items()}
            self.calls.append((name, lambda: kernel(*again, **with_options)))
            return kernel(*args, **options)

        return recorded

    def seconds(self) -> float:
        """Run every kernel by itself once; return the sum of their times."""
        total = 0.0
        for _, call in self.calls:
            started = time.perf_counter()
            call()
            total += time.perf_counter() - started
        return total
