"""Checks of shape, dtype and memory layout before an address goes to C."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = [
    "LARGEST_INT",
    "check_matrix",
    "check_out",
    "check_square",
    "check_twin",
    "check_writeable",
    "is_complex",
    "is_row_contiguous",
    "leading_dimension",
    "real_dtype",
    "real_view",
    "type_letter",
]

_PREFIXES = {
    np.dtype(np.float32): "s",
    np.dtype(np.float64): "d",
    np.dtype(np.complex64): "c",
    np.dtype(np.complex128): "z",
}
LARGEST_INT = 2**31 - 1


def is_complex(array: Matrix) -> bool:
    """Return whether the elements are complex."""
    return array.dtype.kind == "c"


def real_dtype(array: Matrix) -> np.dtype[Any]:
    """Return the dtype of the real parts: float32 for complex64, itself for a real one."""
    return np.finfo(array.dtype).dtype


def real_view(array: Matrix) -> Matrix:
    """Return a complex m x n array of contiguous rows as real m x 2n, a real one as it is."""
    return array.view(real_dtype(array)) if is_complex(array) else array


def is_row_contiguous(array: Matrix) -> bool:
    """Return whether BLAS can address this 2-D array: rows contiguous, in order, disjoint."""
    rows, columns = array.shape
    row_stride, column_stride = array.strides
    size = array.itemsize
    if columns > 1 and column_stride != size:
        return False
    return rows <= 1 or (row_stride >= columns * size and row_stride % size == 0)


def type_letter(**arrays: Matrix) -> str:
    """Check dtypes, dimensions and strides of all arrays and return the common type letter."""
    dtype = next(iter(arrays.values())).dtype
    for name, array in arrays.items():
        if array.dtype not in _PREFIXES:
            raise InputError(
                f"{name} has dtype {array.dtype}: cast it to float32, float64, complex64 or "
                "complex128"
            )
        if array.dtype != dtype:
            raise InputError(
                f"{name} has dtype {array.dtype}, the others {dtype}: cast one of them"
            )
        if array.ndim != 2 or 0 in array.shape:
            raise InputError(f"{name} has shape {array.shape}: pass a non-empty 2-D array")
        if not is_row_contiguous(array):
            raise InputError(
                f"{name} has strides {array.strides}: pass an array with contiguous rows, "
                "for example numpy.ascontiguousarray of it"
            )
        if leading_dimension(array) > LARGEST_INT:
            raise InputError(f"{name} has rows too far apart for 32-bit BLAS: copy it")
    return _PREFIXES[dtype]


def check_writeable(name: str, array: Matrix) -> None:
    """Raise InputError if ``array`` is read-only."""
    if not array.flags.writeable:
        raise InputError(f"{name} is read-only: pass a writeable array")


def check_square(name: str, array: Matrix) -> None:
    """Raise InputError unless ``array`` is a non-empty square matrix."""
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] == 0:
        raise InputError(f"{name} has shape {array.shape}: pass a non-empty square matrix")


def leading_dimension(array: Matrix) -> int:
    """Return the distance between rows, in elements."""
    rows, columns = array.shape
    return array.strides[0] // array.itemsize if rows > 1 else columns


def check_out(out: Matrix, shape: tuple[int, ...] | None, inputs: Sequence[Matrix]) -> None:
    """Raise InputError unless ``out`` has the shape, is C-contiguous, writeable, and separate."""
    if shape is not None and out.shape != shape:
        raise InputError(f"out has shape {out.shape}: pass an array of shape {shape}")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise InputError("out is not a writeable C-contiguous array: get one from empty()")
    for x in inputs:
        if np.may_share_memory(out, x):
            raise InputError("out shares memory with an input: pass a separate array")


def check_matrix(name: str, x: Matrix) -> None:
    """Raise InputError unless ``x`` is a non-empty 2-D array."""
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"{name} has shape {x.shape}: pass a non-empty 2-D array")


def check_twin(out: Matrix, name: str, x: Matrix) -> None:
    """Raise InputError unless ``x`` is 2-D and ``out`` a separate array of its shape and dtype."""
    check_matrix(name, x)
    check_out(out, x.shape, [x])
    type_letter(out=out)
    if out.dtype != x.dtype:
        raise InputError(
            f"out has dtype {out.dtype}, {name} has {x.dtype}: pass arrays of one dtype"
        )
