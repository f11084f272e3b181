"""Exactly Hermitian tensors: one triangle of a product, mirrored, or the mean of both."""

from matrl.backends.torch.library import Tensor, torch

__all__ = ["add_lower_product", "average", "mirror", "split_levels"]

_SPLIT_ORDERS = (512, 768, 2048)
"""Orders from which one more level of 2 x 2 blocks pays, measured on two cores.

In float32 0.85 of a whole product at 512, 0.68 at 768, 0.74 at 1024 and 0.64 at 2048, of which a
mirror of 0.12 to 0.27 is no part: a whole product needs one too.
"""
_MULTIPLE = 16
_LEAF = 256
"""Order up to which a triangle is mirrored or averaged as a whole: the fastest of 32 to 256."""


def split_levels(n: int) -> int:
    """Return how often the product of order ``n`` is halved when a triangle of it is computed."""
    return sum(n >= order for order in _SPLIT_ORDERS)


def add_lower_product(
    out: Tensor, left: Tensor, right: Tensor, alpha: float, beta: float, levels: int
) -> None:
    """Write at least the lower triangle of alpha left right + beta out into ``out`` (n x n)."""
    if levels == 0:
        out.addmm_(left, right, alpha=alpha, beta=beta)
        return
    half = (out.shape[0] // 2 + _MULTIPLE - 1) // _MULTIPLE * _MULTIPLE
    out[half:, :half].addmm_(left[half:], right[:, :half], alpha=alpha, beta=beta)
    for part in (slice(None, half), slice(half, None)):
        block = out[part, part]
        add_lower_product(block, left[part], right[:, part], alpha, beta, levels - 1)


def average(x: Tensor, *, in_place: bool) -> Tensor:
    """Return the Hermitian parts of (..., n, n)."""
    if not in_place:
        return (x + x.mH).mul_(0.5)
    n = x.shape[-1]
    if n <= _LEAF:
        return x.copy_((x + x.mH).mul_(0.5))
    half = n // 2
    lower, upper = x[..., half:, :half], x[..., :half, half:]
    upper.copy_(lower.add_(upper.mH).mul_(0.5).mH)
    average(x[..., :half, :half], in_place=True)
    average(x[..., half:, half:], in_place=True)
    return x


def mirror(x: Tensor, *, in_place: bool) -> Tensor:
    """Return Hermitian matrices with the lower triangles of (..., n, n), diagonals made real."""
    if not in_place:
        lower = x.tril(-1)
        return (lower + lower.mH) + torch.diag_embed(_real_diagonal(x))
    _mirror_strictly(x)
    if x.is_complex():
        torch.view_as_real(x)[..., 1].diagonal(dim1=-2, dim2=-1).zero_()
    return x


def _real_diagonal(x: Tensor) -> Tensor:
    diagonal = x.diagonal(dim1=-2, dim2=-1)
    return diagonal.real.to(x.dtype) if x.is_complex() else diagonal


def _mirror_strictly(x: Tensor) -> None:
    n = x.shape[-1]
    if n > _LEAF:
        half = n // 2
        x[..., :half, half:].copy_(x[..., half:, :half].mH)
        _mirror_strictly(x[..., :half, :half])
        _mirror_strictly(x[..., half:, half:])
    elif n > 1:
        upper = x.tril(-1).mH
        x.tril_().add_(upper)
