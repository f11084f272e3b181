"""Backend on PyTorch tensors."""

from typing import TYPE_CHECKING, Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.backends.torch import elementwise, factorizations, products
from matrl.backends.torch.hermitian import average
from matrl.backends.torch.library import (
    Tensor,
    dtype_of,
    is_half_tensor,
    name_of,
    require_torch,
    torch,
)
from matrl.backends.torch.norms import asymmetry, is_finite, norms
from matrl.core.precision import DTYPES
from matrl.errors import InputError

__all__ = ["TorchBackend"]


class TorchBackend:
    """Kernels on tensors of one device, and stacks of them; bfloat16 and float16 are PyTorch's own.

    They are described in ``matrl.backends.protocol.Backend``. Nothing waits for the device but what
    answers the host; where a factorisation breaks down, the result is NaN. Without ``out`` results
    are new tensors, as ``torch.vmap`` needs. ``device`` is ``"cpu"`` or any other PyTorch knows:
    the code for CUDA is the same, and untested. MissingExtraError where PyTorch is not installed.

    >>> import pytest
    >>> torch = pytest.importorskip("torch")
    >>> backend = TorchBackend("cpu")
    >>> x = torch.tensor([[1.0, 2.0]])
    >>> backend.outer_gram(None, x, x, shift=1.0)
    tensor([[6.]])
    """

    writes_in_place: bool = True
    out_optional: bool = True
    raises_on_breakdown: bool = False

    cast = staticmethod(elementwise.cast)
    linear = staticmethod(elementwise.linear)
    scale_by_power_of_two = staticmethod(elementwise.scale_by_power_of_two)

    inverse_spd = staticmethod(factorizations.inverse_spd)
    inverse = staticmethod(factorizations.inverse)
    cholesky = staticmethod(factorizations.cholesky)
    solve_triangular = staticmethod(factorizations.solve_triangular)
    spectral_function = staticmethod(factorizations.spectral_function)
    lyapunov = staticmethod(factorizations.lyapunov)
    polar_factor = staticmethod(factorizations.polar_factor)

    norms = staticmethod(norms)
    asymmetry = staticmethod(asymmetry)
    is_finite = staticmethod(is_finite)

    def __init__(self, device: Any = "cpu") -> None:
        require_torch()
        self.device = torch.device(device)
        self.dtypes: tuple[str, ...] = DTYPES

    def from_host(self, x: Any) -> Tensor:
        """Return a NumPy array as a tensor on the device; on the CPU it shares the memory."""
        array = np.asarray(x)
        # PyTorch has no negative strides, and warns of memory it must not write.
        plain = all(stride >= 0 for stride in array.strides) and array.flags.writeable
        return torch.from_numpy(array if plain else array.copy()).to(self.device)

    def to_host(self, x: Tensor) -> Any:
        """Return a tensor as a NumPy array; half precisions widen to float32."""
        x = x.detach().cpu().resolve_conj().resolve_neg()
        return (x.to(torch.float32) if is_half_tensor(x) else x).numpy()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """Return an uninitialised contiguous tensor on the device."""
        return torch.empty(shape, dtype=dtype_of(dtype), device=self.device)

    def round_to(self, out: Tensor, precision: str) -> Tensor:
        """Return ``out``, which its kernel has rounded; InputError if it is of another dtype."""
        if name_of(out) != precision:
            raise InputError(f"out: has dtype {name_of(out)}; pass a tensor in {precision}")
        return out

    def matmul(self, out: Tensor | None, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return x y and what is added to it."""
        return products.product(out, x, y, **options)

    def matmul_hermitian(self, out: Tensor | None, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return x y, known to be Hermitian, and what is added to it."""
        return products.product(out, x, y, "mirrored", **options)

    def matmul_averaged(self, out: Tensor | None, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return the Hermitian part of x y and what is added to it."""
        return products.product(out, x, y, "averaged", **options)

    def gram(self, out: Tensor | None, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return x^* y, known to be Hermitian, and what is added to it."""
        return products.product(out, x, y, "mirrored", adjoint_x=True, **options)

    def outer_gram(self, out: Tensor | None, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return x y^*, known to be Hermitian, and what is added to it."""
        return products.product(out, x, y, "mirrored", adjoint_y=True, **options)

    def gram_averaged(self, out: Tensor | None, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return the Hermitian part of x^* y and what is added to it."""
        return products.product(out, x, y, "averaged", adjoint_x=True, **options)

    def symmetrize(self, out: Tensor) -> Tensor:
        """Replace ``out`` by its Hermitian part."""
        return average(out, in_place=True)


if TYPE_CHECKING:
    # The type checker holds the class to the protocol.
    _backend: Backend = TorchBackend()
