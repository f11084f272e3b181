"""What runs schedules: the kernels of a backend on matrices of the host, in memory kept for that.

Everything about a run but the schedule happens on the host, in NumPy: the checks before, the
residual after, and what follows a failure. Engines of other libraries take the matrix from there
and bring the values back, which costs nothing where they share the memory.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from matrl.backends.libraries import Library
from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, Matrix
from matrl.core.layout import allocate
from matrl.core.precision import is_half
from matrl.core.program import Program
from matrl.errors import IndefiniteMatrixError
from matrl.execute.observed import Observed
from matrl.readings.dense import Workspace, allocate_workspace, run

__all__ = ["Engine", "InPlaceEngine", "PureEngine", "engine_for"]


class Engine(Protocol):
    """Runs one program on matrices, or stacks of up to a number of them, of one shape."""

    def __call__(
        self, a: Matrix, values: Sequence[Matrix], *, factor: float = 1.0, zero_is_zero: bool
    ) -> Matrix | None:
        """Write the outputs at ``factor`` times ``a`` into ``values``, all C-contiguous.

        Returns the eigenvalues or singular values of the last decomposition, if there was one.
        """
        ...


class InPlaceEngine:
    """Runs in a workspace of the arrays of a backend; one thread at a time."""

    def __init__(
        self,
        program: Program,
        shape: tuple[int, int],
        backend: Backend = numpy_backend,
        *,
        count: int | None = None,
        overwrite_input: bool = False,
    ) -> None:
        m, n = shape
        self._program, self._backend = program, backend
        self._layout = allocate(program, overwrite_input=overwrite_input)
        self._workspace = allocate_workspace(self._layout, n, backend, m, count)

    def __call__(
        self, a: Matrix, values: Sequence[Matrix], *, factor: float = 1.0, zero_is_zero: bool
    ) -> Matrix | None:
        """As the protocol says."""
        backend, observed = self._backend, Observed(self._backend)
        outs = [backend.from_host(value) for value in values]
        workspace: Workspace = self._workspace
        if a.ndim > 2:
            workspace = [slot[: len(a)] for slot in workspace]
        run(
            self._program,
            backend.from_host(a),
            outs,
            backend=observed.backend,
            layout=self._layout,
            workspace=workspace,
            zero_is_zero=zero_is_zero,
            factor=factor,
        )
        for value, out in zip(values, outs, strict=True):
            host = backend.to_host(out)
            if not np.may_share_memory(host, value):
                np.copyto(value, host)
        _check_finite(values, backend)
        return None if observed.values is None else backend.to_host(observed.values)


class PureEngine:
    """Runs a function that a library has compiled, whose arrays are never written."""

    def __init__(self, program: Program, library: Library) -> None:
        self._backend, layout = library.backend, allocate(program)

        def function(a: Any, factor: Any, zero_is_zero: bool) -> Any:
            observed = Observed(library.backend)
            values = run(
                program,
                a * factor,
                None,
                backend=observed.backend,
                layout=layout,
                zero_is_zero=zero_is_zero,
            )
            return values, observed.values

        self._plain = library.compiled(lambda a, factor: function(a, factor, False))
        self._zero_is_zero = library.compiled(lambda a, factor: function(a, factor, True))

    def __call__(
        self, a: Matrix, values: Sequence[Matrix], *, factor: float = 1.0, zero_is_zero: bool
    ) -> Matrix | None:
        """As the protocol says."""
        backend = self._backend
        compiled = self._zero_is_zero if zero_is_zero else self._plain
        real = np.finfo(a.dtype).dtype.type
        results, observed = compiled(backend.from_host(a), backend.from_host(real(factor)))
        for value, result in zip(values, results, strict=True):
            np.copyto(value, backend.to_host(result))
        _check_finite(values, backend)
        return None if observed is None else backend.to_host(observed)


def _check_finite(values: Sequence[Matrix], backend: Backend) -> None:
    """Raise for one matrix what kernels that do not raise have made NaN of."""
    if backend.raises_on_breakdown or values[0].ndim > 2:
        return
    if not all(numpy_backend.is_finite(value) for value in values):
        raise IndefiniteMatrixError(
            "A: the schedule broke down, for it is not positive definite to working precision; "
            "add a ridge (A + c*I)"
        )


def engine_for(
    library: Library | None,
    program: Program,
    shape: tuple[int, int],
    *,
    backend: Backend = numpy_backend,
    count: int | None = None,
    overwrite_input: bool = False,
) -> Engine:
    """Return a new engine for the arrays of a library; ``None`` stands for NumPy's ``backend``.

    Arrays in the host's memory run with NumPy's kernels too, but for half precisions, which those
    only emulate: the checks before and after a schedule use NumPy's BLAS, and where another library
    computes in between, the idle threads of each keep the other from working (measured on two
    cores: 128 ms instead of 55, of which the schedule takes 40).
    """
    if library is None or (library.is_on_host and not any(map(is_half, program.dtypes))):
        return InPlaceEngine(program, shape, backend, count=count, overwrite_input=overwrite_input)
    if library.writes_in_place:
        return InPlaceEngine(program, shape, library.backend, count=count)
    return PureEngine(program, library)
