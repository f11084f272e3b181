"""Matrices known by what they do to vectors, and a backend that multiplies with them.

The guard reads a value by products with a few vectors, which is all there is of a value that was
not formed. :class:`Operator` has of an array what the sketch asks for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from matrl.backends.protocol import Addend, Backend, Matrix
from matrl.core.application import Application, Combine, Multiply, Tape
from matrl.errors import IndefiniteMatrixError
from matrl.execute.residuals.check import Block, column_norms
from matrl.readings.dense import run

__all__ = ["Operator", "OperatorBackend", "form", "operator_of", "play"]


def form(application: Application, a: Matrix, backend: Backend) -> tuple[Matrix, ...]:
    """Return the matrices that the tapes of an application need, in the dtype of ``a``.

    Raises :class:`~matrl.errors.IndefiniteMatrixError` where a Cholesky factorisation breaks down.
    """
    m, n = a.shape
    program = application.formed
    sizes = {"square": (n, n), "tall": (m, n), "large": (m, m)}
    operations = [program.operations[output] for output in program.outputs]
    outs = tuple(backend.empty(sizes[op.shape], op.dtype) for op in operations)
    if outs:
        run(program, a, outs, backend=backend)
    matrices = []
    for needed in application.matrices:
        matrix = a if needed.source is None else outs[needed.source]
        if matrix.dtype != a.dtype:
            matrix = backend.cast(backend.empty(matrix.shape, a.dtype), matrix)
        if needed.is_factor and not backend.cholesky(matrix, matrix):
            raise IndefiniteMatrixError(
                "A: a matrix of the schedule is not positive definite; add a ridge (A + c*I)"
            )
        matrices.append(matrix)
    return tuple(matrices)


def play(
    tape: Tape, matrices: Sequence[Matrix], block: Block, backend: Backend
) -> tuple[Block, ...]:
    """Return the outputs of a tape for a C-contiguous ``block`` (n, s) of the matrices' dtype."""
    last = tape.last_uses()
    blocks: list[Any] = [block]
    for index, step in enumerate(tape.steps):
        if isinstance(step, Combine):
            operands = [blocks[i] for i in step.blocks]
            out = backend.empty(operands[0].shape, block.dtype)
            blocks.append(backend.linear(out, step.coefficients, operands, 0.0))
        elif isinstance(step, Multiply):
            x, y = matrices[step.matrix], blocks[step.block]
            rows = x.shape[1] if step.adjoint else x.shape[0]
            out = backend.empty((rows, y.shape[1]), block.dtype)
            blocks.append(backend.matmul(out, x, y, adjoint_x=step.adjoint))
        else:
            factor = matrices[step.matrix]
            half = backend.solve_triangular(factor, blocks[step.block], False)
            blocks.append(backend.solve_triangular(factor, half, True))
        for used in step.blocks if isinstance(step, Combine) else (step.block,):
            if last[used] == index:
                blocks[used] = None
    return tuple(blocks[output] for output in tape.outputs)


@dataclass(frozen=True, eq=False)
class Operator:
    """A linear operator (m, n) on blocks of float64 or complex128, in the place of an array.

    ``frobenius_norm`` is an estimate, ``least_quotient`` the least Rayleigh quotient seen, of
    operators that are square.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    times: Callable[[Block], Block]
    adjoint_times: Callable[[Block], Block]
    frobenius_norm: float = np.nan
    least_quotient: float = np.nan

    @property
    def ndim(self) -> int:
        """The number of its dimensions, as of an array."""
        return len(self.shape)

    @property
    def as_matrix(self) -> Matrix:
        """The operator, where a matrix is expected that is only multiplied with."""
        return cast(Matrix, self)

    def astype(self, dtype: Any, copy: bool = False) -> "Operator":
        """Return the operator itself, which has one dtype."""
        return self

    def __getitem__(self, index: None) -> "Operator":
        """Return it as a stack of one, as ``x[None]`` does of an array."""
        return Operator((1, *self.shape), self.dtype, self.times, self.adjoint_times)


def operator_of(
    application: Application,
    output: int,
    matrices: Sequence[Matrix],
    shape: tuple[int, int],
    factor: float,
    backend: Backend,
) -> Operator:
    """Return ``factor`` times an output of an application, for A of the shape (m, n).

    It computes in the dtype of the matrices, as what is returned for B is computed; blocks are
    scaled to columns of length 1 before they are rounded to it.
    """
    dtype = matrices[0].dtype
    wide = np.dtype(np.complex128 if dtype.kind == "c" else np.float64)
    program = application.program
    (m, n), kind = shape, program.operations[program.outputs[output]].shape

    def product(adjoint: bool) -> Callable[[Block], Block]:
        tape = application.tape([output], adjoint=adjoint)

        def times(v: Block) -> Block:
            lengths = column_norms(v)
            lengths = np.where(lengths > 0.0, lengths, 1.0)
            block = np.ascontiguousarray(v / lengths).astype(dtype, copy=False)
            (result,) = play(tape, matrices, block, backend)
            return result.astype(wide) * (lengths * factor)

        return times

    sizes = {"square": (n, n), "tall": (m, n), "large": (m, m)}
    return Operator(sizes[kind], wide, product(False), product(True))


class OperatorBackend:
    """Hands every kernel on to a backend, but for products with operators."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def backend(self) -> Backend:
        """This object, which has every kernel of the backend it was made of."""
        return cast(Backend, self)

    def __getattr__(self, kernel: str) -> Any:
        return getattr(self._backend, kernel)

    def matmul(
        self,
        out: Matrix,
        x: Matrix,
        y: Matrix,
        *,
        adjoint_x: bool = False,
        addends: Sequence[Addend] = (),
        **options: Any,
    ) -> Matrix:
        """Write x y into ``out``; of operators only that, the adjoint and a sum."""
        if not isinstance(x, Operator):
            return self._backend.matmul(out, x, y, adjoint_x=adjoint_x, addends=addends, **options)
        block = np.ascontiguousarray(y.reshape(y.shape[-2:]))
        product = x.adjoint_times(block) if adjoint_x else x.times(block)
        for beta, addend in addends:
            product = product + beta * addend
        out[...] = product
        return out

    def asymmetry(self, x: Matrix) -> Any:
        """Return 0 of an operator.

        Of matrices it is asked because factorisations read one triangle; of an operator all that is
        in it shows in its products.
        """
        return 0.0 if isinstance(x, Operator) else self._backend.asymmetry(x)

    def is_finite(self, x: Matrix) -> bool:
        """Return whether all is finite; of an operator its products tell."""
        return isinstance(x, Operator) or self._backend.is_finite(x)
