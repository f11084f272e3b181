"""The backend on tensors."""

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike

from matrl.backends.torch import elementwise, factorizations, products

__all__ = ["TorchBackend"]


class TorchBackend:
    """Kernels on PyTorch tensors of one device, as described in ``Backend``.

    Nothing in a schedule waits for the device: what breaks down becomes NaN instead of an error.
    With ``out=None`` kernels return new tensors, for ``torch.compile`` and ``torch.func.vmap``.
    Run on the CPU; on CUDA devices the code is the same and untested.

    >>> backend = TorchBackend()
    >>> x = torch.tensor([[1.0, 2.0]])
    >>> print(backend.outer_gram(backend.empty((1, 1), "float32"), x, x).tolist())
    [[5.0]]
    """

    namespace = torch
    is_pure = True
    raises_on_breakdown = False

    cast = staticmethod(elementwise.cast)
    linear = staticmethod(elementwise.linear)
    scale_by_power_of_two = staticmethod(elementwise.scale_by_power_of_two)
    symmetrize = staticmethod(elementwise.symmetrize)
    norms = staticmethod(elementwise.norms)
    asymmetry = staticmethod(elementwise.asymmetry)
    is_finite = staticmethod(elementwise.is_finite)

    matmul = staticmethod(products.matmul)
    matmul_hermitian = staticmethod(products.matmul_hermitian)
    matmul_averaged = staticmethod(products.matmul_averaged)
    gram = staticmethod(products.gram)
    outer_gram = staticmethod(products.outer_gram)

    inverse_spd = staticmethod(factorizations.inverse_spd)
    inverse = staticmethod(factorizations.inverse)
    spectral_function = staticmethod(factorizations.spectral_function)
    lyapunov = staticmethod(factorizations.lyapunov)
    polar_factor = staticmethod(factorizations.polar_factor)
    cholesky = staticmethod(factorizations.cholesky)
    solve_triangular = staticmethod(factorizations.solve_triangular)

    def __init__(self, device: Any = "cpu") -> None:
        self.device = torch.device(device)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> torch.Tensor:
        """Return an uninitialised contiguous tensor; half precisions are themselves."""
        kind = getattr(torch, dtype if isinstance(dtype, str) else np.dtype(dtype).name)
        return torch.empty(shape, dtype=kind, device=self.device)

    def round_to(self, out: torch.Tensor, precision: str) -> torch.Tensor:
        """Return ``out``, whose kernels round by themselves."""
        return out

    def gram_averaged(self, out: Any, x: torch.Tensor, y: torch.Tensor, **of: Any) -> torch.Tensor:
        """Write the Hermitian part of x^* y into ``out`` (n x n), exactly Hermitian."""
        return products.matmul_averaged(out, x, y, adjoint_x=True, **of)

    def from_host(self, x: np.ndarray) -> torch.Tensor:
        """Return a tensor of ``x``, which shares its memory on the CPU."""
        return torch.from_numpy(x).to(self.device)

    def to_host(self, x: torch.Tensor) -> np.ndarray:
        """Return a NumPy array of ``x``, which shares its memory on the CPU."""
        return x.detach().resolve_conj().cpu().numpy()
