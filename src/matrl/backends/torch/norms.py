"""Norms of tensors, asymmetry and finiteness: what answers the host, in one transfer."""

from typing import Any

from matrl.backends.protocol import MatrixNorms
from matrl.backends.torch.checks import check_square
from matrl.backends.torch.library import Tensor, torch
from matrl.errors import InputError

__all__ = ["asymmetry", "is_finite", "norms"]


def norms(x: Tensor) -> MatrixNorms:
    """Return the norms of ``x`` (..., m, n) in float64; see ``matrl.backends.norms``."""
    if x.dim() < 2 or 0 in x.shape:
        raise InputError(f"x: has shape {tuple(x.shape)}; pass non-empty matrices")
    wide = x.to(torch.complex128 if x.is_complex() else torch.float64)
    moduli = wide.abs()
    max_abs = moduli.amax(dim=(-2, -1))
    # A power of two scales without rounding; squares then neither over- nor underflow.
    exponent = torch.frexp(max_abs).exponent.clamp(-1000, 1000)[..., None, None]
    scaled = torch.ldexp(moduli, -exponent).square_().sum(dim=(-2, -1)).sqrt_()
    frobenius = torch.where(
        torch.isfinite(max_abs), torch.ldexp(scaled, exponent[..., 0, 0]), max_abs
    )
    gershgorin = torch.full_like(max_abs, float("inf"))
    if x.shape[-1] == x.shape[-2]:
        radii = moduli.clone()
        radii.diagonal(dim1=-2, dim2=-1).zero_()
        diagonal = wide.diagonal(dim1=-2, dim2=-1)
        gershgorin = (radii.sum(dim=-1) + torch.real(diagonal)).amax(dim=-1)
    one, inf = moduli.sum(dim=-2).amax(dim=-1), moduli.sum(dim=-1).amax(dim=-1)
    found = torch.stack([frobenius, one, max_abs, inf, gershgorin]).cpu().numpy()
    return MatrixNorms(*(_answer(value) for value in found))


def asymmetry(x: Tensor) -> Any:
    """Return the largest modulus in x - x^* of every matrix, NaN if it holds NaN."""
    check_square("x", x)
    return _answer((x - x.mH).abs().amax(dim=(-2, -1)).to(torch.float64).cpu().numpy())


def is_finite(x: Tensor) -> bool:
    """Return whether every element is finite."""
    return bool(torch.isfinite(x).all())


def _answer(found: Any) -> Any:
    return float(found) if found.ndim == 0 else found
