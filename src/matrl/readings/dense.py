"""The dense reading: a program acts on the arrays of a backend, in a workspace of slots."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.core.layout import INPUT, Layout, allocate, output_slot
from matrl.core.precision import eps_of, is_half
from matrl.core.program import PRODUCTS, Operation, Program
from matrl.core.scaling import scaled
from matrl.errors import IndefiniteMatrixError, InputError

__all__ = ["Workspace", "allocate_workspace", "run"]

Workspace = list[Any]


def allocate_workspace(
    layout: Layout, n: int, backend: Backend, m: int | None = None, count: int | None = None
) -> Workspace:
    """Return one array a slot: n x n, or m x n and m x m where it is tall or large.

    For stacks of ``count`` matrices they are stacks of as many.
    """
    rows = n if m is None else m
    sizes = {"square": (n, n), "tall": (rows, n), "large": (rows, rows)}
    return [
        backend.empty(sizes[shape] if count is None else (count, *sizes[shape]), dtype)
        for dtype, shape in zip(layout.dtypes, layout.shapes, strict=True)
    ]


def _power(exponent: float, zero_is_zero: bool) -> Any:
    """Return the power of ascending eigenvalues of one matrix; an error where there is none."""

    def function(eigenvalues: np.ndarray) -> np.ndarray:
        smallest, largest = float(eigenvalues.min()), float(eigenvalues.max())
        floor = eps_of(eigenvalues.dtype.name) * largest
        if zero_is_zero and exponent > 0.0 and smallest >= -len(eigenvalues) * floor:
            # An eigensolver gives 0 as anything within its backward error.
            return np.maximum(eigenvalues, 0.0) ** exponent
        if not smallest > floor:
            raise IndefiniteMatrixError(
                f"A: must be positive definite, but its smallest eigenvalue {smallest:.3g} is not "
                f"above the rounding level {max(floor, 0.0):.3g}; add a ridge (A + c*I)"
            )
        return eigenvalues**exponent

    return function


def _power_or_nan(exponent: float, zero_is_zero: bool) -> Any:
    """Return the same power with NaN where there is none, of (..., n) of any array library.

    Comparisons and arithmetic only: nothing asks for a value.
    """

    def function(eigenvalues: Any) -> Any:
        floor = eps_of(str(eigenvalues.dtype).removeprefix("torch.")) * eigenvalues[..., -1:]
        if zero_is_zero and exponent > 0.0:
            exists = eigenvalues >= -eigenvalues.shape[-1] * floor
            powers = eigenvalues.clip(0.0) ** exponent
        else:
            exists = eigenvalues > floor
            powers = eigenvalues**exponent
        one_or_zero = exists * 1.0
        return powers * (one_or_zero / one_or_zero)

    return function


def _sign(eigenvalues: Any) -> Any:
    """Return the signs of eigenvalues, arrays of any library."""
    return (eigenvalues > 0.0) * 1.0 - (eigenvalues < 0.0) * 1.0


def _product(op: Operation, backend: Backend, out: Any, operands: Sequence[Any]) -> Any:
    x, y, *others = operands
    options: dict[str, Any] = {}
    if op.coefficients:
        alpha, *betas = op.coefficients
        addends = tuple(zip(betas, others, strict=True))
        options = {"alpha": alpha, "addends": addends, "shift": op.shift}
    if op.kind == "outer":
        return backend.outer_gram(out, x, y, **options)
    if op.kind == "gram":
        gram = backend.gram_averaged if op.product == "averaged" else backend.gram
        return gram(out, x, y, **options)
    if op.product == "general":
        return backend.matmul(out, x, y, **options)
    if op.product == "averaged":
        return backend.matmul_averaged(out, x, y, **options)
    return backend.matmul_hermitian(out, x, y, **options)


def _execute(
    op: Operation, backend: Backend, out: Any, operands: Sequence[Any], zero_is_zero: bool
) -> Any:
    if op.kind in PRODUCTS:
        return _product(op, backend, out, operands)
    if op.kind == "linear":
        return backend.linear(out, op.coefficients, operands, op.shift)
    x = operands[0]
    if op.kind == "inverse":
        return backend.inverse_spd(out, x)
    if op.kind == "spectral":
        power = _power if backend.raises_on_breakdown else _power_or_nan
        function = _sign if op.label == "sign" else power(op.shift, zero_is_zero)
        return backend.spectral_function(out, x, function)
    if op.kind == "lyapunov":
        return backend.lyapunov(out, x, operands[1])
    if op.kind == "polar":
        return backend.polar_factor(out, x)
    result = backend.cast(op.dtype if out is None else out, x)
    return backend.symmetrize(result) if op.kind == "symmetrize" else result


def _execute_in_half(op: Operation, backend: Backend, out: Any, operands: Sequence[Any]) -> Any:
    """Execute an operation in a half precision: sums in float32, each result rounded once."""
    if op.kind in ("matmul", "gram") and op.product == "averaged":
        out = backend.matmul(out, operands[0], operands[1], adjoint_x=op.kind == "gram")
        out = backend.symmetrize(backend.round_to(out, op.dtype))
    elif op.kind == "symmetrize":
        target = op.dtype if out is None else out
        out = backend.round_to(backend.cast(target, operands[0]), op.dtype)
        out = backend.symmetrize(out)
    else:
        out = _execute(op, backend, out, operands, False)
    return backend.round_to(out, op.dtype)


def run(
    program: Program,
    a: Any,
    out: Any,
    *,
    backend: Backend,
    layout: Layout | None = None,
    workspace: Workspace | None = None,
    zero_is_zero: bool = False,
    factor: float = 1.0,
) -> tuple[Any, ...]:
    """Run a program of one input on the matrix ``a``, into ``out``: an array, or one an output.

    Returns the outputs. With ``out`` None, if the backend allows that, every value is a new array
    and nothing is written in place, as functions to be transformed want it.
    ``layout`` and ``workspace`` are made on the spot unless given. ``a`` is not modified, unless
    its memory is a slot of the layout. It is read times ``factor``, for which the program must be
    :func:`~matrl.core.scaling.scalable`. With
    ``zero_is_zero`` positive powers by eigendecomposition take eigenvalues below n eps of the
    largest, on either side of 0, for what they are in a norm: those below 0 for 0.
    :class:`~matrl.errors.IndefiniteMatrixError` where a Cholesky factorisation breaks down or a
    power does not exist; NaN on backends that do not raise then.
    """
    layout = layout or allocate(program)
    if out is None:
        if not backend.out_optional:
            raise InputError("out: is None, but this backend makes no arrays; pass one an output")
        workspace = [None] * len(layout.dtypes)
    elif workspace is None:
        workspace = allocate_workspace(layout, a.shape[-1], backend, a.shape[-2])
    results = out if isinstance(out, tuple | list) else (out,)
    arrays = {INPUT: a, **{output_slot(i): array for i, array in enumerate(results)}}
    arrays.update(enumerate(workspace))
    source = next((i for i, op in enumerate(program.operations) if op.kind == "input"), -1)
    for op, slot in zip(program.operations, layout.slots, strict=True):
        if op.kind != "input":
            if factor != 1.0 and source in op.operands:
                op = scaled(op, source, factor)
            operands = [arrays[layout.slots[i]] for i in op.operands]
            target = _like(op, backend, a) if out is None else arrays[slot]
            if is_half(op.dtype):
                arrays[slot] = _execute_in_half(op, backend, target, operands)
            else:
                arrays[slot] = _execute(op, backend, target, operands, zero_is_zero)
    values: list[Any] = []
    for index, value in enumerate(program.outputs):
        found = arrays[layout.slots[value]]
        if layout.slots[value] != output_slot(index):  # the input itself, or an output twice
            found = backend.cast(found.dtype if out is None else results[index], found)
        values.append(found)
    return tuple(values)


def _like(op: Operation, backend: Backend, a: Any) -> Any:
    """Return what stands for ``out`` in a run that makes new arrays: None where that is enough."""
    if op.kind != "linear" or op.operands:
        return None
    rows, n = a.shape[-2:]
    size = {"square": (n, n), "tall": (rows, n), "large": (rows, rows)}[op.shape]
    return backend.empty((*a.shape[:-2], *size), op.dtype)
