"""Products of tensors: general, known to be Hermitian, and of a tensor with an adjoint.

As in ``matrl.backends.products``, each writes ``alpha`` times the product plus ``beta_i C_i`` plus
``shift`` times the identity. With ``out=None`` they return a new tensor and write nothing in place
that ``torch.func.vmap`` could not batch.
"""

from collections.abc import Sequence
from typing import Any

import torch

from matrl.backends.torch.triangles import mirrored, write_mirrored

__all__ = ["adjoint", "gram", "matmul", "matmul_averaged", "matmul_hermitian", "outer_gram"]

Tensor = torch.Tensor
Addends = Sequence[tuple[float, Any]]

_SPLIT_ORDERS = (1024, 2048)
"""Smallest order at which one more level of 2 x 2 splitting pays on the CPU, by two threads."""
_MULTIPLE = 16


def adjoint(x: Tensor, flag: bool = True) -> Tensor:
    """Return x^*, a view, or x itself."""
    return x.mH if flag else x


def _finish(out: Tensor, addends: Addends, shift: float) -> Tensor:
    for beta, c in addends:
        out.add_(c, alpha=beta)
    if shift:
        out.diagonal(dim1=-2, dim2=-1).add_(shift)
    return out


def _first(out: Tensor | None, addends: Addends) -> tuple[float, Any, Addends]:
    """Return beta, what it multiplies while multiplying (or ``None``), and the other addends."""
    own = sum(beta for beta, c in addends if c is out)
    others = [(beta, c) for beta, c in addends if c is not out and beta]
    if own:
        return own, out, others
    if others:
        (beta, c), *rest = others
        return beta, c, rest
    return 0.0, None, ()


def _multiply(
    out: Tensor | None, left: Tensor, right: Tensor, alpha: float, beta: float, c: Tensor | None
) -> Tensor:
    """Return alpha left right + beta c, written into ``out`` where there is one."""
    if out is None and c is None:
        product = left @ right
        return product * alpha if alpha != 1.0 else product
    if c is None:
        assert out is not None
        c, beta = out, 0.0  # not read
    if left.ndim == 2:
        return torch.addmm(c, left, right, beta=beta, alpha=alpha, out=out)
    shape = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    three = [x.expand(*shape, *x.shape[-2:]).reshape(-1, *x.shape[-2:]) for x in (c, left, right)]
    flat = None if out is None else out.view(-1, *out.shape[-2:])
    result = torch.baddbmm(*three, beta=beta, alpha=alpha, out=flat)
    return result.view(*shape, *result.shape[-2:]) if out is None else out


def matmul(
    out: Tensor | None,
    x: Tensor,
    y: Tensor,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Tensor:
    """Write x y into ``out`` (m x n); a factor whose flag is set enters as its adjoint."""
    beta, c, others = _first(out, addends)
    left, right = adjoint(x, adjoint_x), adjoint(y, adjoint_y)
    return _finish(_multiply(out, left, right, alpha, beta, c), others, shift)


def matmul_hermitian(
    out: Tensor | None,
    x: Tensor,
    y: Tensor,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Tensor:
    """Write x y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian.

    Large matrices on the CPU by blocks on and below the diagonal, the rest mirrored.
    """
    beta, c, others = _first(out, addends)
    left, right = adjoint(x, adjoint_x), adjoint(y, adjoint_y)
    if out is None:
        product = mirrored(_multiply(None, left, right, alpha, beta, c))
        return _finish(product, others, shift)
    levels = 0
    if out.ndim == 2 and out.device.type == "cpu":
        levels = sum(out.shape[0] >= order for order in _SPLIT_ORDERS)
    _multiply_lower(out, left, right, alpha, beta, c, levels)
    return _finish(out, others, shift)


def _multiply_lower(
    out: Tensor,
    left: Tensor,
    right: Tensor,
    alpha: float,
    beta: float,
    c: Tensor | None,
    levels: int,
) -> None:
    """Write a product known to be Hermitian by its lower blocks, and mirror them."""
    if levels == 0:
        _multiply(out, left, right, alpha, beta, c)
        write_mirrored(out)
        return
    half = (out.shape[0] // 2 + _MULTIPLE - 1) // _MULTIPLE * _MULTIPLE
    upper, lower = slice(None, half), slice(half, None)
    below, block = out[lower, upper], None if c is None else c[lower, upper]
    _multiply(below, left[lower], right[:, upper], alpha, beta, block)
    out[upper, lower].copy_(below.mH)
    for part in (upper, lower):
        block = None if c is None else c[part, part]
        _multiply_lower(out[part, part], left[part], right[:, part], alpha, beta, block, levels - 1)


def matmul_averaged(
    out: Tensor | None,
    x: Tensor,
    y: Tensor,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Addends = (),
    shift: float = 0.0,
) -> Tensor:
    """Write the Hermitian part of x y into ``out`` (n x n), exactly Hermitian."""
    beta, c, others = _first(out, addends)
    left, right = adjoint(x, adjoint_x), adjoint(y, adjoint_y)
    product = _multiply(out, left, right, alpha, beta, c)
    average = torch.add(product, product.mH).mul_(0.5)
    return _finish(average if out is None else out.copy_(average), others, shift)


def gram(out: Tensor | None, x: Tensor, y: Tensor, **of: Any) -> Tensor:
    """Write x^* y, known to be Hermitian, into ``out`` (n x n), exactly Hermitian."""
    return matmul_hermitian(out, x, y, adjoint_x=True, **of)


def outer_gram(out: Tensor | None, x: Tensor, y: Tensor, **of: Any) -> Tensor:
    """Write x y^*, known to be Hermitian, into ``out`` (m x m), exactly Hermitian."""
    return matmul_hermitian(out, x, y, adjoint_y=True, **of)
