"""The arguments of a run, checked before any work is done."""

from typing import Any, Literal, get_args

import numpy as np

from matrl.backends.libraries import Library
from matrl.core.function import MatrixFunction
from matrl.core.matrices import as_array
from matrl.core.plan import PlanRecord
from matrl.core.precision import DTYPES, is_complex
from matrl.errors import InputError

__all__ = [
    "RankDeficient",
    "Verify",
    "as_input",
    "as_outputs",
    "check_options",
    "matrix_shape",
    "output_shapes",
    "wrong_dtype",
]

Verify = Literal["sketch", "full", "off"]
RankDeficient = Literal["refuse", "pseudo"]


def check_options(verify: str, rank_deficient: str, rank_threshold: float | None) -> None:
    """Raise :class:`~matrl.errors.InputError` for options there are not."""
    if verify not in get_args(Verify):
        raise InputError(f"verify: must be one of {', '.join(get_args(Verify))}, got {verify!r}")
    if rank_deficient not in get_args(RankDeficient):
        raise InputError(
            f"rank_deficient: must be one of {', '.join(get_args(RankDeficient))}, got "
            f"{rank_deficient!r}"
        )
    if rank_threshold is None:
        return
    if rank_deficient != "pseudo":
        raise InputError("rank_threshold: has a meaning only with rank_deficient='pseudo'; pass it")
    if not (isinstance(rank_threshold, int | float) and 0.0 <= rank_threshold < 1.0):
        raise InputError(f"rank_threshold: must be from 0 to below 1, got {rank_threshold!r}")


def matrix_shape(function: MatrixFunction, shape: Any) -> tuple[int, int]:
    """Return (m, n) for an order n or a shape (m, n) the function has; InputError for others."""
    pair = (shape, shape) if isinstance(shape, int | np.integer) else tuple(shape)
    if len(pair) != 2:
        raise InputError(f"A: must be a matrix (m, n), but its shape is {pair}")
    m, n = pair
    if function.structure != "rectangular" and m != n:
        raise InputError(f"A: must be a square matrix (n, n), but its shape is {(m, n)}")
    return int(m), int(n)


def as_input(
    a: Any, plan: PlanRecord, shape: tuple[int, int], library: Library | None = None
) -> np.ndarray:
    """Return ``a``, an array (..., m, n) of the plan's dtype, as NumPy sees it.

    Raises :class:`~matrl.errors.InputError` for others.
    """
    array = as_array(a) if library is None else library.view(a, "A")
    if library is not None and library.rounding(a) > plan.tol:
        raise InputError(
            f"A: is {str(a.dtype).removeprefix('torch.')}, where rounding alone is up to "
            f"{library.rounding(a):.1g}, more than the plan's tol={plan.tol:g}; pass "
            f"{library.cast_to(plan.dtype)} or discover a plan for a larger tol"
        )
    if array.dtype != plan.dtype:
        name = array.dtype.name
        if name == plan.dtype:
            raise InputError(f"A: is not in native byte order; pass A.astype('{name}')")
        raise wrong_dtype(name, plan, library)
    if array.shape[-2:] == shape:
        return array
    if shape[0] == shape[1]:
        if array.shape[-1] != array.shape[-2]:
            raise InputError(f"A: must be a square matrix (n, n), but its shape is {array.shape}")
        raise InputError(
            f"A: has order {array.shape[-1]}, but the executor is bound to {shape[0]}; bind the "
            "plan to this size"
        )
    raise InputError(
        f"A: has shape {array.shape}, but the executor is bound to {shape}; bind the plan to this "
        "shape"
    )


def wrong_dtype(name: str, plan: PlanRecord, library: Library | None) -> InputError:
    """Return the error that says that A has not the plan's dtype; ``None`` stands for NumPy."""
    remedies: list[str] = []
    if is_complex(plan.dtype) or not name.startswith("complex"):  # it would drop the imaginary part
        cast = f"A.astype('{plan.dtype}')" if library is None else library.cast_to(plan.dtype)
        remedies.append(f"pass {cast}")
    if name in DTYPES or not remedies:
        remedies.append(f"discover a plan for {name if name in DTYPES else 'complex128'}")
    return InputError(
        f"A: has dtype {name}, but the plan is for {plan.dtype}; {' or '.join(remedies)}"
    )


def output_shapes(function: MatrixFunction, shape: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return the shapes of the outputs for a matrix of this shape."""
    m, n = shape
    return tuple(
        ((m, m) if function.factor == "left" else (n, n)) if name == "hermitian" else (m, n)
        for name in function.outputs
    )


def as_outputs(
    out: Any, array: np.ndarray, function: MatrixFunction, library: Library | None = None
) -> tuple[np.ndarray, ...]:
    """Return where the outputs go, as NumPy sees it: ``out`` if it fits, else new arrays."""
    stack = array.shape[:-2]
    shapes = [(*stack, *shape) for shape in output_shapes(function, array.shape[-2:])]
    if out is None:
        return tuple(
            np.zeros(s, array.dtype) if 0 in s else np.empty(s, array.dtype) for s in shapes
        )
    several = len(shapes) > 1
    outs = out if several else (out,)
    if several and not (isinstance(out, tuple | list) and len(out) == len(shapes)):
        raise InputError(f"out: must be a tuple of {len(shapes)} arrays: {function.outputs}")
    views: list[np.ndarray] = []
    for index, (one, shape) in enumerate(zip(outs, shapes, strict=True)):
        name = f"out[{index}]" if several else "out"
        if library is not None:
            one = library.view_out(one, name)
        views.append(one)
        if not isinstance(one, np.ndarray) or one.shape != shape or one.dtype != array.dtype:
            raise InputError(
                f"{name}: must be a NumPy array of shape {shape} and dtype {array.dtype}"
            )
        if not (one.flags.c_contiguous and one.flags.writeable):
            raise InputError(f"{name}: must be C-contiguous and writeable")
        if np.may_share_memory(one, array):
            raise InputError(f"{name}: shares memory with A, which is not to be modified")
    if several and np.may_share_memory(views[0], views[1]):
        raise InputError("out: the two arrays share memory; pass separate ones")
    return tuple(views)
