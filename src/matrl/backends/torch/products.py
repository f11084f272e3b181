"""Products of tensors with what is added to them, and exactly Hermitian results.

With ``out`` everything happens in place, without it in new tensors, which is what ``torch.vmap``
takes. No kernel waits for a value.
"""

from collections.abc import Sequence
from typing import Literal

from matrl.backends.protocol import Addend
from matrl.backends.torch.checks import check_out, check_terms
from matrl.backends.torch.hermitian import add_lower_product, average, mirror, split_levels
from matrl.backends.torch.library import Tensor, name_of, torch
from matrl.errors import InputError

__all__ = ["Finish", "add_to_diagonal", "product"]

Finish = Literal["general", "mirrored", "averaged"]
"""What becomes of a product: nothing, its lower triangle mirrored, its Hermitian part."""


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
    if finish != "general" and shape[-1] != shape[-2]:
        raise InputError(f"x, y: make a product of shape {shape}; pass factors of a square one")
    levels = split_levels(shape[-1]) if finish == "mirrored" and out is not None else 0
    if levels and out is not None:
        result = _accumulate_lower(out, left, right, alpha, own, others, levels)
    else:
        result = _accumulate(out, left, right, alpha, own, others)
    if finish != "general":
        result = (mirror if finish == "mirrored" else average)(result, in_place=out is not None)
    return add_to_diagonal(result, shift)


def _accumulate_lower(
    out: Tensor,
    left: Tensor,
    right: Tensor,
    alpha: float,
    own: float,
    others: list[tuple[float, Tensor]],
    levels: int,
) -> Tensor:
    """Write at least the lower triangles of alpha left right + own out + the others."""
    if own == 0.0 and others:
        (own, first), *others = others
        out.copy_(first)
    stacks = (x.reshape(-1, *x.shape[-2:]) for x in (out, left, right))
    for one, x, y in zip(*stacks, strict=True):
        add_lower_product(one, x, y, alpha, own, levels)
    for weight, c in others:
        out.add_(c, alpha=weight)
    return out


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
