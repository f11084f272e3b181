"""Factorisations of tensors; what breaks down becomes NaN: an error would wait for the device."""

from collections.abc import Callable
from typing import Any

import torch

from matrl.backends.torch.triangles import mirrored

__all__ = [
    "cholesky",
    "inverse",
    "inverse_spd",
    "lyapunov",
    "polar_factor",
    "solve_triangular",
    "spectral_function",
]

Tensor = torch.Tensor


def _written(out: Tensor | None, value: Tensor) -> Tensor:
    return value if out is None else out.copy_(value)


def _where_sound(sound: Tensor, value: Tensor) -> Tensor:
    """Return ``value`` with NaN in the matrices that are not sound."""
    return torch.where(sound[..., None, None], value, torch.nan)


def _finite_or_identity(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return which matrices are finite, and ``x`` with ones, or a part of one, for the others.

    PyTorch's eigen- and singular value decompositions raise for NaN, and then for a whole stack.
    """
    sound = x.isfinite().all(dim=-1).all(dim=-1)
    rows, columns = x.shape[-2:]
    one = torch.eye(rows, columns, dtype=x.dtype, device=x.device)
    return sound, torch.where(sound[..., None, None], x, one)


def inverse_spd(out: Tensor | None, x: Tensor) -> Tensor:
    """Write the Cholesky inverse of Hermitian ``x`` (lower triangle read) into ``out``."""
    factor, info = torch.linalg.cholesky_ex(x)
    value = mirrored(torch.cholesky_inverse(factor))
    return _written(out, _where_sound(info == 0, value))


def inverse(out: Tensor | None, x: Tensor) -> Tensor:
    """Write the inverse of a general ``x`` into ``out``, by LU with partial pivoting."""
    value, info = torch.linalg.inv_ex(x)
    return _written(out, _where_sound(info == 0, value))


def spectral_function(
    out: Tensor | None, x: Tensor, function: Callable[[Tensor], Tensor]
) -> Tensor:
    """Write V f(w) V^* into ``out`` for Hermitian x = V diag(w) V^*, exactly Hermitian."""
    sound, finite = _finite_or_identity(x)
    eigenvalues, vectors = torch.linalg.eigh(finite)
    values = function(eigenvalues)
    product = (vectors * values[..., None, :].to(vectors.dtype)) @ vectors.mH
    return _written(out, _where_sound(sound, mirrored(product)))


def lyapunov(out: Tensor | None, s: Tensor, r: Tensor) -> Tensor:
    """Write the solution D of S D + D S = R into ``out``, exactly Hermitian."""
    sound, finite = _finite_or_identity(s)
    eigenvalues, vectors = torch.linalg.eigh(finite)
    sums = eigenvalues[..., :, None] + eigenvalues[..., None, :]
    inner = (vectors.mH @ r @ vectors) / sums.to(vectors.dtype)
    eps = torch.finfo(s.dtype).eps
    sound = sound & (eigenvalues[..., 0] > eps * eigenvalues[..., -1])
    return _written(out, _where_sound(sound, mirrored(vectors @ inner @ vectors.mH)))


def polar_factor(
    out: Tensor | None, x: Tensor, observe: Callable[[Any], object] | None = None
) -> Tensor:
    """Write the unitary polar factor of ``x`` (m x n, m >= n) into ``out``."""
    sound, finite = _finite_or_identity(x)
    left, values, right = torch.linalg.svd(finite, full_matrices=False)
    if observe is not None:
        observe(values)
    return _written(out, _where_sound(sound, left @ right))


def cholesky(out: Tensor, x: Tensor) -> bool:
    """Write the lower Cholesky factor of ``x`` into ``out``; False if it breaks down."""
    factor, info = torch.linalg.cholesky_ex(x)
    out.copy_(factor)
    return bool((info == 0).all() and factor.diagonal(dim1=-2, dim2=-1).isfinite().all())


def solve_triangular(factor: Tensor, b: Tensor, transpose: bool) -> Tensor:
    """Return L^-1 b, or L^-* b if ``transpose``, for lower L (n x n) and b (n x s)."""
    if transpose:
        return torch.linalg.solve_triangular(factor.mH, b, upper=True)
    return torch.linalg.solve_triangular(factor, b, upper=False)
