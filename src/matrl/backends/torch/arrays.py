"""Tensors as arguments of a run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from matrl.backends.torch.backend import TorchBackend
from matrl.errors import ConvergenceError, InputError

__all__ = ["TorchLibrary", "library", "library_of"]

_HALVES = (torch.bfloat16, torch.float16)
_RUNS = (torch.float32, torch.float64, torch.complex64, torch.complex128, *_HALVES)


class TorchLibrary:
    """Tensors of one device; on the CPU they share their memory with what works on them."""

    namespace: Any = torch
    writes_in_place = True
    name = "PyTorch"
    widened = "pass a tensor on a device that has it"

    def __init__(self, device: torch.device) -> None:
        self.backend: Any = TorchBackend(device)
        self._device = device

    @property
    def is_on_host(self) -> bool:
        """Whether the device is the CPU."""
        return self._device.type == "cpu"

    @property
    def key(self) -> Any:
        """The device."""
        return ("torch", str(self._device))

    def cast_to(self, dtype: str) -> str:
        """Return how A is cast."""
        return f"A.to(torch.{dtype})"

    def holds(self, a: Any, name: str) -> bool:
        """Return whether ``a`` is a tensor; InputError for a sparse one."""
        if not isinstance(a, torch.Tensor):
            return False
        if a.layout is not torch.strided:
            raise InputError(
                f"{name}: is a sparse tensor ({a.layout}); pass {name}.to_dense(), plans are dense"
            )
        return True

    def beside(self, x: np.ndarray, like: torch.Tensor) -> torch.Tensor:
        """Return ``x`` as a tensor on the device of ``like``."""
        return torch.from_numpy(x).to(like.device)

    def view(self, a: torch.Tensor, name: str) -> np.ndarray:
        """Return a NumPy array of ``a``; of half precisions in float32.

        Raises :class:`~matrl.errors.InputError` for sparse or quantised tensors, those that want a
        gradient, and dtypes that no plan has.
        """
        self.holds(a, name)  # or raise
        if a.requires_grad and torch.is_grad_enabled():
            raise InputError(
                f"{name}: requires a gradient, which a plan does not give; pass {name}.detach()"
            )
        if a.dtype not in _RUNS:
            names = ", ".join(str(dtype).removeprefix("torch.") for dtype in _RUNS)
            remedy = "complex128" if a.dtype.is_complex else "float64"
            raise InputError(
                f"{name}: must be one of {names}, not {a.dtype}; pass {name}.to(torch.{remedy})"
            )
        if a.ndim < 2:
            raise InputError(f"{name}: must be a matrix (m, n), but its shape is {tuple(a.shape)}")
        return self.backend.to_host(a.float() if a.dtype in _HALVES else a.resolve_neg())

    def view_out(self, out: torch.Tensor, name: str) -> np.ndarray:
        """Return a NumPy array on the memory of ``out``."""
        if not isinstance(out, torch.Tensor) or out.device.type != "cpu" or out.dtype in _HALVES:
            raise InputError(
                f"{name}: must be a tensor on the CPU of the plan's dtype; leave it out and take "
                "Solution.value"
            )
        return self.view(out, name)

    def rounding(self, a: torch.Tensor) -> float:
        """Return the relative rounding of the dtype where that is less than the plan's, else 0."""
        return 0.5 * torch.finfo(a.dtype).eps if a.dtype in _HALVES else 0.0

    def given_back(self, value: np.ndarray, like: torch.Tensor) -> torch.Tensor:
        """Return ``value`` as a tensor of the dtype and device of ``like``."""
        tensor = self.backend.from_host(value)
        if like.dtype not in _HALVES:
            return tensor
        rounded = tensor.to(like.dtype)
        if bool((rounded.isinf() & tensor.isfinite()).any()):
            raise ConvergenceError(f"A: f(A) is out of the range of {like.dtype}; pass A.float()")
        return rounded

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: it runs kernel by kernel."""
        return function

    def wait(self, value: Any) -> None:
        """Return when the device is done; the CPU is when a call returns."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    @property
    def version(self) -> str:
        """PyTorch, its version, its threads and the kind of device."""
        where = f"{torch.get_num_threads()} threads"
        if self._device.type == "cuda":
            where = torch.cuda.get_device_name(self._device)
        return f"torch {torch.__version__}, {where}"


def library_of(a: torch.Tensor) -> TorchLibrary:
    """Return the library for the device of ``a``."""
    return TorchLibrary(a.device)


def library() -> TorchLibrary:
    """Return the library for the CPU."""
    return TorchLibrary(torch.device("cpu"))
