"""Products of tensors with what is added to them, and exactly Hermitian results.

With ``out`` everything happens in place, without it in new tensors, which is what ``torch.vmap``
takes. No kernel waits for a value.
"""

from collections.abc import Sequence
from typing import Literal

from matrl.backends.protocol import Addend
from matrl.backends.torch.checks import check_out, check_square, check_terms
from matrl.backends.torch.library import Tensor, name_of, torch
from matrl.errors import InputError

__all__ = ["Finish", "add_to_diagonal", "average", "mirror", "product"]

Finish = Literal["general", "mirrored", "averaged"]
"""What becomes of a product: nothing, its lower triangle mirrored, its Hermitian part."""

_LEAF = 64
"""Order up to which a triangle is mirrored under a mask."""


def product(
    out: Tensor | None,
    x: Tensor,
    y: Tensor,
    finish: Finish = "general",
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Tensor:
    """Return alpha x y + sum beta_i C_i + shift I, in ``out`` if given."""
    left, right = x.mH if adjoint_x else x, y.mH if adjoint_y else y
    if left.shape[:-2] != right.shape[:-2] or left.shape[-1] != right.shape[-2]:
        raise InputError(
            f"x, y: factors have shapes {tuple(left.shape)} and {tuple(right.shape)}, which do not "
            "fit; pass matching ones"
        )
    shape = (*left.shape[:-1], right.shape[-1])
    check_out(out, shape, [x, y])
    check_terms(
        shape, name_of(x), (alpha, *(b for b, _ in addends)), [c for _, c in addends], shift
    )
    own = float(sum(beta for beta, c in addends if c is out))
    others = [(float(beta), c) for beta, c in addends if c is not out and beta != 0.0]
    result = _accumulate(out, left, right, alpha, own, others)
    if finish != "general":
        check_square("out", result)
        result = (mirror if finish == "mirrored" else average)(result, in_place=out is not None)
    return add_to_diagonal(result, shift)


def _accumulate(
    out: Tensor | None,
    left: Tensor,
    right: Tensor,
    alpha: float,
    own: float,
    others: list[tuple[float, Tensor]],
) -> Tensor:
    """Return alpha left right + own out + the others, the first of which goes through beta."""
    stacked = left.dim() > 2
    first, factors = None, [left, right]
    beta = own
    if own == 0.0 and others:
        (beta, first), *others = others
    result = out
    if stacked:
        factors = [x.reshape(-1, *x.shape[-2:]) for x in factors]
        result = None if out is None else out.view(-1, *out.shape[-2:])
        first = None if first is None else first.reshape(-1, *first.shape[-2:])
    add = torch.baddbmm if stacked else torch.addmm
    if result is not None:
        # What is added where beta is 0 is not read.
        add(result if first is None else first, *factors, beta=beta, alpha=alpha, out=result)
    elif first is not None:
        result = add(first, *factors, beta=beta, alpha=alpha)
    else:
        result = torch.matmul(*factors)
        result = result if alpha == 1.0 else result.mul_(alpha)
    if out is not None:
        result = out
    elif stacked:
        result = result.view(*left.shape[:-1], right.shape[-1])
    for weight, c in others:
        result.add_(c, alpha=weight)
    return result


def add_to_diagonal(x: Tensor, shift: float) -> Tensor:
    """Add ``shift`` times the identity to ``x`` (..., n, n) in place."""
    if shift != 0.0:
        x.diagonal(dim1=-2, dim2=-1).add_(shift)
    return x


def average(x: Tensor, *, in_place: bool) -> Tensor:
    """Return the Hermitian parts of (..., n, n)."""
    parts = (x + x.mH).mul_(0.5)
    return x.copy_(parts) if in_place else parts


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
        x[..., :half, half:] = x[..., half:, :half].mH
        _mirror_strictly(x[..., :half, :half])
        _mirror_strictly(x[..., half:, half:])
    elif n > 1:
        lower = x.tril(-1).mH
        x.tril_().add_(lower)
