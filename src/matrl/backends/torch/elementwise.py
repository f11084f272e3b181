"""Casts, linear combinations, exact scaling, and norms of tensors."""

from collections.abc import Sequence
from typing import Any

import torch

from matrl.backends.protocol import MatrixNorms

__all__ = [
    "asymmetry",
    "cast",
    "is_finite",
    "linear",
    "norms",
    "scale_by_power_of_two",
    "symmetrize",
]

Tensor = torch.Tensor


def cast(out: Tensor | None, x: Tensor, dtype: str = "") -> Tensor:
    """Copy ``x`` into ``out``, rounding to its dtype; without ``out`` to a tensor of ``dtype``."""
    return x.to(getattr(torch, dtype)) if out is None else out.copy_(x)


def linear(
    out: Tensor | None, coefficients: Sequence[float], arrays: Sequence[Any], shift: float
) -> Tensor:
    """Write sum c_i X_i + shift I into ``out``, which may be an X_i."""
    own = sum(c for c, x in zip(coefficients, arrays, strict=True) if x is out)
    terms = [(c, x) for c, x in zip(coefficients, arrays, strict=True) if x is not out and c]
    if own:
        assert out is not None
        result = out if own == 1.0 else out.mul_(own)
    elif terms:
        (first, x), *terms = terms
        result = torch.mul(x, first, out=out)
    else:
        result = torch.zeros_like(arrays[0]) if out is None else out.zero_()
    for coefficient, x in terms:
        result.add_(x, alpha=coefficient)
    if shift:
        result.diagonal(dim1=-2, dim2=-1).add_(shift)
    return result


def scale_by_power_of_two(out: Tensor | None, x: Tensor, exponent: int) -> Tensor:
    """Write 2^exponent x into ``out``, exact unless an element under- or overflows."""
    result = x.clone() if out is None else out.copy_(x)
    parts = torch.view_as_real(result) if result.is_complex() else result
    smallest = int(torch.tensor(torch.finfo(parts.dtype).tiny, dtype=torch.float64).log2())
    # By factors that are numbers of the dtype, the last of which alone may round.
    while exponent:
        step = max(smallest, min(exponent, -smallest))
        parts.mul_(2.0**step)
        exponent -= step
    return result


def symmetrize(out: Tensor) -> Tensor:
    """Replace ``out`` by its Hermitian part, exactly Hermitian."""
    return out.copy_(torch.add(out, out.mH).mul_(0.5))


def norms(x: Tensor) -> MatrixNorms:
    """Return the norms of ``x`` (..., m, n), in float64; on the host, NaN if ``x`` holds NaN."""
    moduli = x.abs().to(torch.float64)
    largest = moduli.amax(dim=(-2, -1))
    scale = torch.where((largest > 0) & largest.isfinite(), largest, 1.0)
    frobenius = torch.linalg.vector_norm(moduli / scale[..., None, None], dim=(-2, -1)) * scale
    rows = moduli.sum(dim=-1)
    gershgorin = torch.full_like(largest, torch.inf)
    if x.shape[-1] == x.shape[-2]:
        diagonal = x.diagonal(dim1=-2, dim2=-1)
        centre = (diagonal.real if x.is_complex() else diagonal).to(torch.float64)
        gershgorin = (centre + rows - diagonal.abs().to(torch.float64)).amax(dim=-1)
    one, inf = moduli.sum(dim=-2).amax(dim=-1), rows.amax(dim=-1)
    found = (frobenius, one, largest, inf, gershgorin)
    return MatrixNorms(*(float(n) if x.ndim == 2 else n.cpu().numpy() for n in found))


def asymmetry(x: Tensor) -> Any:
    """Return the largest modulus in x - x^*, on the host; NaN if ``x`` holds NaN."""
    found = (x - x.mH).abs().amax(dim=(-2, -1))
    return float(found) if x.ndim == 2 else found.cpu().numpy()


def is_finite(x: Tensor) -> bool:
    """Return whether every element of ``x`` is finite."""
    return bool(x.isfinite().all())
