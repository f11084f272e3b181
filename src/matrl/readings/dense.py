"""The dense reading: a program acts on the arrays of a backend, in a workspace of slots."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.core.layout import INPUT, Layout, allocate, output_slot
from matrl.core.precision import eps_of, is_half
from matrl.core.program import Operation, Program
from matrl.errors import IndefiniteMatrixError

__all__ = ["Workspace", "allocate_workspace", "run"]

Workspace = list[Any]


def allocate_workspace(layout: Layout, n: int, backend: Backend, m: int | None = None) -> Workspace:
    """Return one array a slot: n x n, or m x n and m x m where it is tall or large."""
    rows = n if m is None else m
    sizes = {"square": (n, n), "tall": (rows, n), "large": (rows, rows)}
    return [
        backend.empty(sizes[shape], dtype)
        for dtype, shape in zip(layout.dtypes, layout.shapes, strict=True)
    ]


def _power(exponent: float, zero_is_zero: bool) -> Any:
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


def _execute(
    op: Operation, backend: Backend, out: Any, operands: Sequence[Any], zero_is_zero: bool
) -> None:
    if op.kind == "linear":
        backend.linear(out, op.coefficients, operands, op.shift)
    elif op.kind == "matmul":
        kernel = {
            "general": backend.matmul,
            "mirrored": backend.matmul_hermitian,
            "averaged": backend.matmul_averaged,
        }[op.product]
        kernel(out, operands[0], operands[1])
    elif op.kind == "gram":
        kernel = backend.gram_averaged if op.product == "averaged" else backend.gram
        kernel(out, operands[0], operands[1])
    elif op.kind == "outer":
        backend.outer_gram(out, operands[0], operands[1])
    elif op.kind == "inverse":
        backend.inverse_spd(out, operands[0])
    elif op.kind == "spectral":
        function = np.sign if op.label == "sign" else _power(op.shift, zero_is_zero)
        backend.spectral_function(out, operands[0], function)
    elif op.kind == "lyapunov":
        backend.lyapunov(out, operands[0], operands[1])
    elif op.kind == "polar":
        backend.polar_factor(out, operands[0])
    else:
        backend.cast(out, operands[0])
        if op.kind == "symmetrize":
            backend.symmetrize(out)


def _execute_in_half(op: Operation, backend: Backend, out: Any, operands: Sequence[Any]) -> None:
    """Execute an operation in a half precision: sums in float32, each result rounded once."""
    if op.kind in ("matmul", "gram") and op.product == "averaged":
        backend.matmul(out, operands[0], operands[1], adjoint_x=op.kind == "gram")
        backend.round_to(out, op.dtype)
        backend.symmetrize(out)
    elif op.kind == "symmetrize":
        backend.cast(out, operands[0])
        backend.round_to(out, op.dtype)
        backend.symmetrize(out)
    else:
        _execute(op, backend, out, operands, False)
    backend.round_to(out, op.dtype)


def run(
    program: Program,
    a: Any,
    out: Any,
    *,
    backend: Backend,
    layout: Layout | None = None,
    workspace: Workspace | None = None,
    zero_is_zero: bool = False,
) -> None:
    """Run a program of one input on the matrix ``a``, into ``out``: an array, or one an output.

    ``layout`` and ``workspace`` are made on the spot unless given. ``a`` is not modified. With
    ``zero_is_zero`` positive powers by eigendecomposition take eigenvalues below n eps of the
    largest, on either side of 0, for what they are in a norm: those below 0 for 0.
    :class:`~matrl.errors.IndefiniteMatrixError` where a Cholesky factorisation breaks down or a
    power does not exist.
    """
    layout = layout or allocate(program)
    workspace = workspace or allocate_workspace(layout, a.shape[-1], backend, a.shape[-2])
    results = out if isinstance(out, tuple | list) else (out,)
    arrays = {INPUT: a, **{output_slot(i): array for i, array in enumerate(results)}}

    def array_at(slot: int) -> Any:
        return arrays[slot] if slot < 0 else workspace[slot]

    for op, slot in zip(program.operations, layout.slots, strict=True):
        if op.kind != "input":
            operands = [array_at(layout.slots[i]) for i in op.operands]
            if is_half(op.dtype):
                _execute_in_half(op, backend, array_at(slot), operands)
            else:
                _execute(op, backend, array_at(slot), operands, zero_is_zero)
    for index, value in enumerate(program.outputs):
        if layout.slots[value] != output_slot(index):  # the input itself, or an output twice
            backend.cast(results[index], array_at(layout.slots[value]))
