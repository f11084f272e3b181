"""Half precisions on a backend that has none: float32 arrays of numbers the format has.

NumPy has no bfloat16, and its products in float16 are slow and sum in float16. A step in a half
precision is therefore emulated: its kernels are those of float32, and each result is rounded to the
nearest number of the format, ties to even. Its accuracy is that of hardware that sums in float32;
nothing is faster. What comes from float64 is rounded to float32 first, as PyTorch does.
"""

import numpy as np
from numpy.typing import DTypeLike

from matrl.backends.layout import check_out
from matrl.backends.norms import row_blocks
from matrl.backends.protocol import Matrix
from matrl.core.precision import is_half
from matrl.errors import InputError

__all__ = ["round_to", "storage_dtype"]

_BLOCK_BYTES = 1 << 20
# bfloat16 is the upper half of float32.
_LOWER_BITS = np.uint32(16)
_HALF_WAY = np.uint32(0x7FFF)
_KEPT = np.uint32(0xFFFF0000)
_QUIET = np.uint32(0x00400000)


def storage_dtype(dtype: DTypeLike) -> DTypeLike:
    """Return what NumPy holds a dtype in: float32 for the names of half precisions.

    >>> storage_dtype("bfloat16"), storage_dtype("float64")
    ('float32', 'float64')
    """
    return "float32" if isinstance(dtype, str) and is_half(dtype) else dtype


def round_to(out: Matrix, precision: str) -> Matrix:
    """Round float32 ``out`` (..., m, n), C-contiguous, in place to ``"bfloat16"`` or ``"float16"``.

    To the nearest number, ties to even; what overflows becomes infinity, subnormal numbers are
    kept, and NaN stays NaN. InputError for another dtype or precision.

    >>> out = np.array([[1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8]], np.float32)
    >>> print(round_to(out, "bfloat16"))
    [[1.       1.015625]]
    """
    check_out(out, None, [])
    if out.dtype != np.float32:
        raise InputError(f"out has dtype {out.dtype}: half precisions are held in float32 here")
    if not is_half(precision):
        raise InputError(f"precision: must be bfloat16 or float16, got {precision!r}")
    rounded = _to_bfloat16 if precision == "bfloat16" else _to_float16
    flat = out.reshape(-1, out.shape[-1])
    for rows in row_blocks(flat, _BLOCK_BYTES):
        rounded(flat[rows])
    return out


def _to_bfloat16(block: Matrix) -> None:
    bits = block.view(np.uint32)
    is_nan = np.isnan(block)
    # Half a unit of the last place, less the least bit where that place is even: a tie stays.
    bias = (bits >> _LOWER_BITS) & np.uint32(1)
    bias += _HALF_WAY
    if is_nan.any():
        # A carry would make infinity or zero of a NaN.
        bias[is_nan] = 0
        bits[is_nan] |= _QUIET
    bits += bias
    bits &= _KEPT


def _to_float16(block: Matrix) -> None:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        block[...] = block.astype(np.float16)
