"""The array libraries whose arrays can be passed in: how they are seen and given back."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from numpy.typing import NDArray

from matrl.backends.protocol import Backend
from matrl.errors import InputError

__all__ = ["LIBRARIES", "Library", "kernels_of", "library_named", "library_of"]

LIBRARIES = ("numpy", "torch", "jax")
"""Whose arrays a plan can run on."""


class Library(Protocol):
    """What is particular about the arrays of a library; NumPy's own need none of this."""

    @property
    def backend(self) -> Backend:
        """The kernels on arrays where the given one is."""
        ...

    @property
    def namespace(self) -> Any:
        """The module of functions on its arrays: ``torch``, ``jax.numpy``."""
        ...

    @property
    def writes_in_place(self) -> bool:
        """Whether its arrays can be written: no need to compile."""
        ...

    @property
    def is_on_host(self) -> bool:
        """Whether NumPy can work on the memory of its arrays."""
        ...

    @property
    def key(self) -> Any:
        """What tells apart where arrays are: those of equal keys can share a workspace."""
        ...

    @property
    def name(self) -> str:
        """What it is called, for messages."""
        ...

    @property
    def widened(self) -> str:
        """What to do to have the dtypes its backend does not have now, for messages."""
        ...

    def cast_to(self, dtype: str) -> str:
        """Return how A is written when cast to a dtype, for messages."""
        ...

    def holds(self, a: Any, name: str) -> bool:
        """Return whether ``a`` is a dense array of the library, or stands for one in a trace.

        Raises :class:`~matrl.errors.InputError` for a sparse one, naming the argument ``name``.
        """
        ...

    def beside(self, x: NDArray[Any], like: Any) -> Any:
        """Return a NumPy array as one of the library where ``like`` is, which may be traced."""
        ...

    def view(self, a: Any, name: str) -> NDArray[Any]:
        """Return a NumPy array of ``a``, on its memory where it can be shared.

        Half precisions come as float32. Raises :class:`~matrl.errors.InputError` for what no plan
        runs on, naming the argument ``name``, what is wrong and the remedy.
        """
        ...

    def view_out(self, out: Any, name: str) -> NDArray[Any]:
        """Return a NumPy array on the memory of ``out``, to be written; InputError if none is."""
        ...

    def rounding(self, a: Any) -> float:
        """Return half the distance between numbers near 1 if values are rounded to less, else 0."""
        ...

    def given_back(self, value: NDArray[Any], like: Any) -> Any:
        """Return ``value``, which nobody else keeps, as an array like ``like``: dtype and place.

        Raises :class:`~matrl.errors.ConvergenceError` where it overflows that dtype.
        """
        ...

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a pure function of arrays compiled, or as it is."""
        ...

    def wait(self, value: Any) -> None:
        """Return when the arrays in ``value`` are computed."""
        ...

    @property
    def version(self) -> str:
        """What kernels depend on: name, version and threads of the library."""
        ...


def library_of(a: Any) -> Library | None:
    """Return the library whose array ``a`` is, ``None`` if it is none, or NumPy's.

    >>> import numpy as np
    >>> library_of(np.eye(2)) is None
    True
    """
    root = type(a).__module__.partition(".")[0]
    if root == "torch" or _is_subclass(a, "torch", "Tensor"):
        return import_module("matrl.backends.torch.arrays").library_of(a)
    if root in ("jax", "jaxlib") and "jax" in sys.modules:
        return import_module("matrl.backends.jax.arrays").library_of(a)
    return None


def kernels_of(name: str) -> Library | None:
    """Return the library of this name, one of ``LIBRARIES``; ``None`` for NumPy.

    Raises :class:`~matrl.errors.InputError` for other names, and for a library that is not
    installed.

    >>> kernels_of("numpy") is None
    True
    """
    if name not in LIBRARIES:
        raise InputError(f"library: must be one of {', '.join(LIBRARIES)}, got {name!r}")
    return None if name == "numpy" else library_named(name)


def library_named(name: str) -> Library:
    """Return the library ``"torch"`` (arrays of the CPU) or ``"jax"``.

    Raises :class:`~matrl.errors.InputError` for others, and for one that is not installed.
    """
    if name not in ("torch", "jax"):
        raise InputError(f"library: must be 'torch' or 'jax', got {name!r}")
    try:
        module = import_module(f"matrl.backends.{name}.arrays")
    except ImportError as error:
        hint = "; PyTorch's CPU wheels are on https://download.pytorch.org/whl/cpu"
        raise InputError(
            f"library: {name} cannot be imported ({error}); pip install 'matrl[{name}]'"
            + (hint if name == "torch" else "")
        ) from None
    return module.library()


def _is_subclass(a: Any, module: str, name: str) -> bool:
    return module in sys.modules and isinstance(a, getattr(sys.modules[module], name, ()))
