"""The dense reading: a program acts on the arrays of a backend, in a workspace of slots."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.core.layout import INPUT, Layout, allocate, output_slot
from matrl.core.precision import eps_of, is_half
from matrl.core.program import PRODUCTS, Operation, Program
from matrl.core.scaling import scaled
from matrl.errors import IndefiniteMatrixError

__all__ = ["Workspace", "allocate_workspace", "run", "run_pure"]

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


def _power_or_nan(exponent: float, zero_is_zero: bool, namespace: Any) -> Any:
    """Return the same without looking at values: NaN where it would raise."""

    def function(eigenvalues: Any) -> Any:
        smallest, largest = eigenvalues[..., :1], eigenvalues[..., -1:]
        floor = largest * eps_of(str(eigenvalues.dtype).removeprefix("torch."))
        if zero_is_zero and exponent > 0.0:
            exists = smallest >= -eigenvalues.shape[-1] * floor
            eigenvalues = namespace.clip(eigenvalues, 0.0)
        else:
            exists = smallest > floor
        return namespace.where(exists, eigenvalues, namespace.nan) ** exponent

    return function


def _spectral(op: Operation, backend: Backend, zero_is_zero: bool) -> Any:
    if op.label == "sign":
        return backend.namespace.sign
    if backend.raises_on_breakdown:
        return _power(op.shift, zero_is_zero)
    return _power_or_nan(op.shift, zero_is_zero, backend.namespace)


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
        return backend.spectral_function(out, x, _spectral(op, backend, zero_is_zero))
    if op.kind == "lyapunov":
        return backend.lyapunov(out, x, operands[1])
    if op.kind == "polar":
        return backend.polar_factor(out, x)
    result = backend.cast(out, x, op.dtype)
    return backend.symmetrize(result) if op.kind == "symmetrize" else result


def _execute_in_half(op: Operation, backend: Backend, out: Any, operands: Sequence[Any]) -> Any:
    """Execute an operation in a half precision: sums in float32, each result rounded once."""
    if op.kind in ("matmul", "gram") and op.product == "averaged":
        out = backend.matmul(out, operands[0], operands[1], adjoint_x=op.kind == "gram")
        out = backend.symmetrize(backend.round_to(out, op.dtype))
    elif op.kind == "symmetrize":
        out = backend.round_to(backend.cast(out, operands[0], op.dtype), op.dtype)
        out = backend.symmetrize(out)
    else:
        out = _execute(op, backend, out, operands, False)
    return backend.round_to(out, op.dtype)


def run_pure(
    program: Program,
    a: Any,
    backend: Backend,
    *,
    zero_is_zero: bool = False,
    factor: Any = 1.0,
) -> tuple[Any, ...]:
    """Return the outputs of a program of one input at ``factor`` times ``a``; nothing is written.

    Every operation makes a new array, so that the run can be traced, compiled and batched by a
    library whose backend ``is_pure``; ``factor`` may be an array that broadcasts.
    """
    values: list[Any] = []
    nowhere: Any = None
    for op in program.operations:
        if op.kind == "input":
            values.append(a * factor)
            continue
        operands = [values[i] for i in op.operands]
        if op.kind == "linear" and not operands:
            zero = backend.cast(nowhere, values[0], op.dtype)
            values.append(backend.linear(nowhere, (0.0,), (zero,), op.shift))
        elif is_half(op.dtype):
            values.append(_execute_in_half(op, backend, nowhere, operands))
        else:
            values.append(_execute(op, backend, nowhere, operands, zero_is_zero))
    return tuple(values[i] for i in program.outputs)


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
) -> None:
    """Run a program of one input on the matrix ``a``, into ``out``: an array, or one an output.

    ``layout`` and ``workspace`` are made on the spot unless given. ``a`` is not modified, unless
    its memory is a slot of the layout. It is read times ``factor``, for which the program must be
    :func:`~matrl.core.scaling.scalable`. With
    ``zero_is_zero`` positive powers by eigendecomposition take eigenvalues below n eps of the
    largest, on either side of 0, for what they are in a norm: those below 0 for 0.
    :class:`~matrl.errors.IndefiniteMatrixError` where a Cholesky factorisation breaks down or a
    power does not exist.
    """
    layout = layout or allocate(program)
    workspace = workspace or allocate_workspace(layout, a.shape[-1], backend, a.shape[-2])
    results = out if isinstance(out, tuple | list) else (out,)
    arrays = {INPUT: a, **{output_slot(i): array for i, array in enumerate(results)}}
    arrays.update(enumerate(workspace))
    source = next((i for i, op in enumerate(program.operations) if op.kind == "input"), -1)
    for op, slot in zip(program.operations, layout.slots, strict=True):
        if op.kind != "input":
            if factor != 1.0 and source in op.operands:
                op = scaled(op, source, factor)
            operands = [arrays[layout.slots[i]] for i in op.operands]
            if is_half(op.dtype):
                arrays[slot] = _execute_in_half(op, backend, arrays[slot], operands)
            else:
                arrays[slot] = _execute(op, backend, arrays[slot], operands, zero_is_zero)
    for index, value in enumerate(program.outputs):
        if layout.slots[value] != output_slot(index):  # the input itself, or an output twice
            backend.cast(results[index], arrays[layout.slots[value]])
