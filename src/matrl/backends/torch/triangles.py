"""Exactly Hermitian tensors from their lower triangles."""

import torch

__all__ = ["mirrored", "write_mirrored"]

Tensor = torch.Tensor


def _real_diagonal(x: Tensor) -> Tensor:
    """Make the diagonal of a complex tensor real, in place."""
    if x.is_complex():
        torch.view_as_real(x).diagonal(dim1=-3, dim2=-2)[..., 1, :].zero_()
    return x


def mirrored(x: Tensor) -> Tensor:
    """Return a new tensor (..., n, n) of the lower triangle of ``x`` and its adjoint.

    >>> print(mirrored(torch.tensor([[1.0, 9.0], [2.0, 3.0]])).tolist())
    [[1.0, 2.0], [2.0, 3.0]]
    """
    lower = x.tril(-1)
    diagonal = x.diagonal(dim1=-2, dim2=-1)
    if x.is_complex():
        diagonal = torch.complex(diagonal.real, torch.zeros_like(diagonal.real))
    return lower + lower.mH + torch.diag_embed(diagonal)


def write_mirrored(out: Tensor) -> Tensor:
    """Overwrite the strictly upper triangle of ``out`` (..., n, n) by the adjoint of the lower.

    >>> print(write_mirrored(torch.tensor([[1.0, 9.0], [2.0, 3.0]])).tolist())
    [[1.0, 2.0], [2.0, 3.0]]
    """
    upper = out.tril(-1).mH
    return _real_diagonal(out.tril_().add_(upper))
