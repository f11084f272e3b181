"""The dense reading: a program acts on the arrays of a backend, in a workspace of slots."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.core.layout import INPUT, OUTPUT, Layout, allocate
from matrl.core.program import Operation, Program
from matrl.errors import IndefiniteMatrixError

__all__ = ["Workspace", "allocate_workspace", "run"]

Workspace = list[Any]


def allocate_workspace(layout: Layout, n: int, backend: Backend) -> Workspace:
    """Return one n x n array a slot."""
    return [backend.empty((n, n), dtype) for dtype in layout.dtypes]


def _power(exponent: float) -> Any:
    def function(eigenvalues: np.ndarray) -> np.ndarray:
        smallest, largest = float(eigenvalues.min()), float(eigenvalues.max())
        floor = float(np.finfo(eigenvalues.dtype).eps) * largest
        if not smallest > floor:
            raise IndefiniteMatrixError(
                f"A: must be positive definite, but its smallest eigenvalue {smallest:.3g} is not "
                f"above the rounding level {max(floor, 0.0):.3g}; add a ridge (A + c*I)"
            )
        return eigenvalues**exponent

    return function


def _execute(op: Operation, backend: Backend, out: Any, operands: Sequence[Any]) -> None:
    if op.kind == "linear":
        backend.linear(out, op.coefficients, operands, op.shift)
    elif op.kind == "matmul":
        kernel = {
            "general": backend.matmul,
            "mirrored": backend.matmul_hermitian,
            "averaged": backend.matmul_averaged,
        }[op.product]
        kernel(out, operands[0], operands[1])
    elif op.kind == "inverse":
        backend.inverse_spd(out, operands[0])
    elif op.kind == "spectral":
        backend.spectral_function(out, operands[0], _power(op.shift))
    else:
        backend.cast(out, operands[0])


def run(
    program: Program,
    a: Any,
    out: Any,
    *,
    backend: Backend,
    layout: Layout | None = None,
    workspace: Workspace | None = None,
) -> None:
    """Run a program of one input and one output on the matrix ``a``, into ``out``.

    ``layout`` and ``workspace`` are made on the spot unless given. ``a`` is not modified.
    :class:`~matrl.errors.IndefiniteMatrixError` where a Cholesky factorisation breaks down.
    """
    layout = layout or allocate(program)
    workspace = workspace or allocate_workspace(layout, a.shape[-1], backend)
    arrays = {INPUT: a, OUTPUT: out}
    for op, slot in zip(program.operations, layout.slots, strict=True):
        if op.kind != "input":
            operands = [
                arrays[layout.slots[i]] if layout.slots[i] < 0 else workspace[layout.slots[i]]
                for i in op.operands
            ]
            _execute(op, backend, out if slot == OUTPUT else workspace[slot], operands)
    if layout.slots[program.outputs[0]] == INPUT:
        backend.cast(out, a)
