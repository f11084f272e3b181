"""Casts, linear combinations and exact scaling of tensors."""

from collections.abc import Sequence
from typing import Any

from matrl.backends.torch.checks import check_out, check_terms
from matrl.backends.torch.library import Tensor, dtype_of, is_half_tensor, name_of, torch
from matrl.backends.torch.products import add_to_diagonal
from matrl.core.precision import FORMATS, precision_of
from matrl.errors import InputError

__all__ = ["cast", "linear", "scale_by_power_of_two"]


def cast(out: Any, x: Tensor) -> Tensor:
    """Copy ``x`` into ``out``, rounding to its dtype; into a new tensor where that is a name."""
    target = out.dtype if isinstance(out, torch.Tensor) else dtype_of(out)
    if x.is_complex() and not target.is_complex:
        raise InputError(f"x: has dtype {name_of(x)}; pass one that casts to {target}")
    if not isinstance(out, torch.Tensor):
        return x.to(target, copy=True)
    if out.shape != x.shape:
        raise InputError(f"out: has shape {tuple(out.shape)}; pass one of {tuple(x.shape)}")
    return out.copy_(x)


def linear(
    out: Tensor | None, coefficients: Sequence[float], arrays: Sequence[Tensor], shift: float
) -> Tensor:
    """Return sum c_i X_i + shift I, in ``out`` if given; half precisions are summed in float32."""
    if len(coefficients) != len(arrays):
        raise InputError(
            f"coefficients: has {len(coefficients)} elements, arrays {len(arrays)}; pass as many"
        )
    like = out if out is not None else arrays[0] if arrays else None
    if like is None:
        raise InputError("out: is None, and no array says what it shall be; pass a tensor")
    check_terms(like.shape, name_of(like), coefficients, arrays, shift)
    if is_half_tensor(like):
        widened = [x.to(torch.float32) for x in arrays]
        into = torch.empty_like(like, dtype=torch.float32)
        total = linear(into if not arrays else None, coefficients, widened, shift)
        return total.to(like.dtype) if out is None else out.copy_(total)
    own = float(sum(c for c, x in zip(coefficients, arrays, strict=True) if x is out))
    pairs = zip(coefficients, arrays, strict=True)
    terms = [(float(c), x) for c, x in pairs if x is not out and c != 0.0]
    if own != 0.0 and out is not None:
        # What is in ``out`` already must be read before it is written.
        result = out if own == 1.0 else out.mul_(own)
    elif terms:
        (c, first), *terms = terms
        result = torch.mul(first, c) if out is None else torch.mul(first, c, out=out)
    else:
        result = torch.zeros_like(like) if out is None else out.zero_()
    for c, x in terms:
        result.add_(x, alpha=c)
    return add_to_diagonal(result, shift)


def scale_by_power_of_two(out: Tensor | None, x: Tensor, exponent: int) -> Tensor:
    """Return 2^exponent x, exact unless an element under- or overflows."""
    check_out(out, x.shape, [x])
    greatest = FORMATS[precision_of(name_of(x))].greatest_exponent
    exponent = max(-3 * greatest + 3, min(exponent, 3 * greatest - 3))
    # Beyond the normal numbers in thirds: what the first two round becomes 0 with the last.
    third = exponent // 3
    parts = [exponent] if abs(exponent) < greatest else [third, third, exponent - 2 * third]
    result = torch.empty_like(x, memory_format=torch.contiguous_format) if out is None else out
    # Real and imaginary parts side by side: infinity times 0 i would be NaN.
    wide = torch.view_as_real(result) if x.is_complex() else result
    source = torch.view_as_real(x.resolve_conj()) if x.is_complex() else x
    torch.mul(source, 2.0 ** parts[0], out=wide)
    for part in parts[1:]:
        wide.mul_(2.0**part)
    return result
