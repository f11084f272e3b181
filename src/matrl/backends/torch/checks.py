"""What tensors must be for a kernel: shapes and dtypes, which the host knows without waiting."""

from collections.abc import Sequence

from matrl.backends.torch.library import Tensor, name_of
from matrl.core.precision import FORMATS, precision_of
from matrl.errors import InputError

__all__ = ["check_out", "check_square", "check_terms", "check_twin"]


def check_out(out: Tensor | None, shape: Sequence[int], inputs: Sequence[Tensor]) -> None:
    """Raise InputError unless inputs have one dtype, and ``out``, if any, it and the shape."""
    dtype = inputs[0].dtype
    if any(x.dtype != dtype for x in inputs):
        found = ", ".join(name_of(x) for x in inputs)
        raise InputError(f"x, y: have dtypes {found}; cast them to one")
    if out is None:
        return
    if tuple(out.shape) != tuple(shape) or out.dtype != dtype:
        raise InputError(
            f"out: has shape {tuple(out.shape)} and dtype {name_of(out)}; pass a tensor of "
            f"shape {tuple(shape)} and dtype {name_of(inputs[0])}"
        )
    if not out.is_contiguous():
        raise InputError("out: is not contiguous; get one from empty()")
    if any(x is out for x in inputs):
        raise InputError("out: is an input too; pass a separate tensor")


def check_square(name: str, x: Tensor) -> None:
    """Raise InputError unless ``x`` is a non-empty square matrix, or a stack of such."""
    if x.dim() < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1] == 0:
        raise InputError(f"{name}: has shape {tuple(x.shape)}; pass non-empty square matrices")


def check_twin(out: Tensor | None, x: Tensor, *others: Tensor) -> None:
    """Raise InputError unless all are of the shape and dtype of ``x``."""
    check_out(out, x.shape, [x, *others])
    for other in others:
        if other.shape != x.shape:
            raise InputError(f"r: has shape {tuple(other.shape)}; pass one of {tuple(x.shape)}")


def check_terms(
    shape: Sequence[int],
    dtype: str,
    numbers: Sequence[float],
    arrays: Sequence[Tensor],
    shift: float,
) -> None:
    """Raise InputError unless sum c_i X_i + shift I can be added to a tensor of this shape."""
    for x in arrays:
        if tuple(x.shape) != tuple(shape) or name_of(x) != dtype:
            raise InputError(
                f"arrays: one has shape {tuple(x.shape)} and dtype {name_of(x)}; the result "
                f"has {tuple(shape)} and {dtype}"
            )
    largest = FORMATS[precision_of(dtype)].largest
    if not all(abs(number) <= largest for number in (*numbers, shift)):
        raise InputError(f"coefficients or shift: not finite in {dtype}; rescale them")
    if shift != 0.0 and shape[-1] != shape[-2]:
        raise InputError(f"shift: is {shift} for shape {tuple(shape)}; pass 0 or square matrices")
