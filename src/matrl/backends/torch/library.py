"""PyTorch, where it is installed, and its dtypes by their names.

The modules of this package take PyTorch from here, so that they can be imported without it.
"""

from typing import Any, TypeAlias

import numpy as np

from matrl.core.precision import HALF_PRECISIONS
from matrl.errors import InputError, MissingExtraError

_found: Any
try:
    import torch as _found
except ImportError:
    _found = None

Tensor: TypeAlias = Any
"""A tensor: of no type here, for the protocol speaks of NumPy's."""

__all__ = ["Tensor", "dtype_of", "is_half_tensor", "name_of", "require_torch", "torch"]

torch: Any = _found
"""The module, or None."""


def require_torch() -> None:
    """Raise MissingExtraError, which says how to get the CPU build, unless PyTorch is there."""
    if torch is None:
        raise MissingExtraError(
            "TorchBackend: PyTorch is not installed; pip install matrl[torch], for the CPU with "
            "--extra-index-url https://download.pytorch.org/whl/cpu"
        )


def dtype_of(dtype: Any) -> Any:
    """Return the PyTorch dtype of a name or of a NumPy dtype, and one of PyTorch as it is."""
    if isinstance(dtype, torch.dtype):
        return dtype
    name = dtype if isinstance(dtype, str) and dtype in HALF_PRECISIONS else np.dtype(dtype).name
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise InputError(f"dtype: PyTorch has no {name}; pass one of float32, float64, complex64")
    return found


def name_of(x: Any) -> str:
    """Return the name of the dtype of a tensor."""
    return str(x.dtype).removeprefix("torch.")


def is_half_tensor(x: Any) -> bool:
    """Return whether a tensor is in bfloat16 or float16."""
    return name_of(x) in HALF_PRECISIONS
