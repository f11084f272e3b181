"""One call of each operation on matrices fit for timing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg

from matrl.backends.lapack import gesdd, heevd
from matrl.backends.libraries import Library
from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, Matrix
from matrl.core.precision import DTYPES, FULL_PRECISIONS, HALF_PRECISIONS, is_complex, is_half
from matrl.core.stacking import LARGEST_ELEMENTS, chunk_of
from matrl.errors import InputError

__all__ = [
    "HALF_OPERATIONS",
    "MEASURED_DTYPES",
    "REAL_DTYPES",
    "Workload",
    "check_measurable",
    "measurable_dtypes",
]

REAL_DTYPES = FULL_PRECISIONS
MEASURED_DTYPES = DTYPES

HALF_OPERATIONS = frozenset({"matmul", "matmul_herm", "gram", "add", "cast"})
"""What is done in half precisions; factorisations are not."""

HOST_OPERATIONS = frozenset({"chol", "matvec", "norm", "qr", "schur"})
"""What belongs to no schedule: a run does it on the host, whatever the arrays are."""

# The other precision of the same kind, which casts go to.
_OTHERS = {
    "float32": "float64",
    "float64": "float32",
    "complex64": "complex128",
    "complex128": "complex64",
    "bfloat16": "float32",
    "float16": "float32",
}
# A batch cycles through this many bytes of input: enough to leave the caches, not the memory.
_INPUT_BYTES = 1 << 26
_ARRAYS = 6
"""How many arrays of a matrix a schedule works in, more or less: this sets the size of stacks."""
_SEED = 20240229


def measurable_dtypes(library: Library | None) -> tuple[str, ...]:
    """Return the dtypes that can be measured with a library's kernels, ``None`` for NumPy's.

    NumPy only emulates half precisions, which has no price.

    >>> measurable_dtypes(None)
    ('float32', 'float64', 'complex64', 'complex128')
    """
    return MEASURED_DTYPES if library is None else (*library.backend.dtypes, *HALF_PRECISIONS)


def _noise(m: int, n: int, dtype: np.dtype[Any]) -> Matrix:
    """Return an m x n matrix of independent elements, of variance 1 / (12 max(m, n))."""
    parts = 2 if dtype.kind == "c" else 1
    real = np.finfo(dtype).dtype
    single = real == np.float32
    generator = np.random.default_rng(_SEED)
    noise = generator.random((m, parts * n), dtype=np.float32 if single else np.float64)
    noise -= 0.5
    noise *= real.type((parts * max(m, n)) ** -0.5)
    return noise.view(dtype)


class Workload:
    """Inputs and outputs of m x n in one dtype, on which every known operation can be called.

    The square inputs are Hermitian with a spectrum within 1 +- 0.41 in the limit (a Wigner matrix
    plus the identity), so neither Cholesky nor deflation in the eigensolver makes them a special
    case. No BLAS is called to build them: NumPy's threads would still be spinning during the
    measurement. Where m differs from n, products are with an n x n matrix, grams are n x n, and
    operations on square matrices cannot be called. A batch of small matrices is called in stacks,
    as it will run. What a schedule is made of is done with the kernels of ``library``, or NumPy's
    if it is None, or if its arrays are in the host's memory and the precision is no half one; the
    rest always with NumPy's: as in a run.
    """

    def __init__(
        self,
        dtype: str,
        n: int,
        batch: int,
        m: int | None = None,
        library: Library | None = None,
    ) -> None:
        """Allocate the matrices; InputError unless the dtype is one of ``measurable_dtypes``."""
        check_measurable([dtype], library)
        host_dtype = np.dtype("float32" if is_half(dtype) else dtype)
        rows = n if m is None else m
        if library is not None and library.is_on_host and not is_half(dtype):
            library = None  # see matrl.execute.engines
        self._dtype, self._library, self._square = dtype, library, rows == n
        self._backend: Backend = numpy_backend if library is None else library.backend
        self._stack = 1
        if batch > 1 and rows * n <= LARGEST_ELEMENTS:
            self._stack = min(batch, chunk_of(rows, n, host_dtype.itemsize, _ARRAYS))
        general = _noise(rows, n, host_dtype)
        # The diagonal, of a rectangular matrix too.
        general.reshape(-1)[: n * n : n + 1] += host_dtype.type(1)
        first = _hermitian(n, host_dtype) if self._square else general.copy()
        factor = first if self._square else _hermitian(n, host_dtype)
        first, general, factor = (self._stacked(x) for x in (first, general, factor))
        column, image = np.ones((n, 1), host_dtype), np.ones((rows, 1), host_dtype)
        self._host = _Host(
            first, general, np.zeros_like(first), self._stacked(column), self._stacked(image)
        )
        self._general, self._factor = self._placed(general), self._placed(factor)
        calls = -(-batch // self._stack)
        copies = max(1, min(calls, _INPUT_BYTES // first.nbytes))
        self._inputs = [self._placed(first if not i else first.copy()) for i in range(copies)]
        # Written once, so that no run pays for the first access to fresh pages.
        self._out = self._zeros(first.shape, dtype)
        self._gram = self._out if self._square else self._zeros(factor.shape, dtype)
        self._other = self._zeros(first.shape, _cast_to(dtype, library))
        self._counts = [self._stack] * (calls - 1) + [batch - self._stack * (calls - 1)]
        self._calls: dict[str, Callable[[Matrix], object]] = {}

    def prepare(self, op: str) -> None:
        """Compile the operation where its library compiles, for that is no part of its price."""
        if self._compiles(op) and op not in self._calls:
            self.run(op)

    def run(self, op: str) -> None:
        """Call the operation on every matrix of the batch; InputError for one the dtype has not."""
        if op not in self._calls:
            self._calls[op] = self._call_of(op)
        call = self._calls[op]
        for index, count in enumerate(self._counts):
            x = self._inputs[index % len(self._inputs)]
            result = call(x if count == self._stack else x[:count])
            # One by one, as in a run, whose values go to the host before the next matrix comes.
            if self._library is not None and op not in HOST_OPERATIONS:
                self._library.wait(result)

    def _compiles(self, op: str) -> bool:
        return not (self._backend.writes_in_place or op in HOST_OPERATIONS)

    def _stacked(self, x: Matrix) -> Matrix:
        """Return as many copies as share a call, or the matrix itself."""
        return x if self._stack == 1 else np.repeat(x[None], self._stack, axis=0)

    def _placed(self, x: Matrix) -> Matrix:
        """Return the matrix where the library's arrays are, in the dtype that is measured."""
        x = x if self._library is None else self._backend.from_host(x)
        if not is_half(self._dtype):
            return x
        return self._backend.cast(self._backend.empty(x.shape, self._dtype), x)

    def _zeros(self, shape: tuple[int, ...], dtype: str) -> Matrix:
        out = self._backend.empty(shape, dtype)
        return self._backend.linear(out, (), (), 0.0)

    def _call_of(self, op: str) -> Callable[[Matrix], object]:
        """Return the call of an operation on one of the inputs, or on its first matrices."""
        if is_half(self._dtype) and op not in HALF_OPERATIONS:
            raise InputError(f"operations holds {op!r}, which is not done in {self._dtype}")
        if op in HOST_OPERATIONS:
            return partial(self._host.run, op)
        call, out = self._schedule_operation(op)
        general, factor = self._general, self._factor
        if self._library is not None and self._compiles(op):
            compiled = self._library.compiled(partial(call, out))
            return lambda x: compiled(x, *_first(len(x), general, factor, stack=self._stack))
        return lambda x: call(*_first(len(x), out, x, general, factor, stack=self._stack))

    def _schedule_operation(self, op: str) -> tuple[Callable[..., object], Matrix]:
        """Return a function of (out, x, general, factor), and ``out``."""
        backend, square = self._backend, self._square
        shift = 0.125 if square else 0.0
        calls: dict[str, tuple[Callable[..., object], Matrix]] = {
            "matmul": (lambda o, x, g, f: backend.matmul(o, x, x if square else f), self._out),
            "matmul_herm": (lambda o, x, g, f: backend.matmul_hermitian(o, x, x), self._out),
            "gram": (lambda o, x, g, f: backend.gram(o, x, x), self._gram),
            "inv_spd": (lambda o, x, g, f: backend.inverse_spd(o, x), self._out),
            "add": (lambda o, x, g, f: backend.linear(o, (0.5, 0.25), (x, g), shift), self._out),
            "cast": (lambda o, x, g, f: backend.cast(o, x), self._other),
            "inv": (lambda o, x, g, f: _each(backend.inverse, o, g), self._out),
            "eigh": (lambda o, x, g, f: self._eigh(x), self._out),
            "svd": (lambda o, x, g, f: self._svd(g), self._out),
        }
        return calls[op]

    def _eigh(self, x: Matrix) -> object:
        if self._library is None:
            return _each(heevd, x.copy())
        return self._library.namespace.linalg.eigh(x)

    def _svd(self, x: Matrix) -> object:
        if self._library is None:
            return _each(gesdd, x.copy())
        return self._library.namespace.linalg.svd(x, full_matrices=False)


@dataclass(frozen=True)
class _Host:
    """The matrices for what is done with NumPy and SciPy, whatever the library; or stacks."""

    x: Matrix
    general: Matrix
    out: Matrix
    column: Matrix
    image: Matrix

    def run(self, op: str, like: Matrix) -> None:
        """Call the operation on as many matrices as there are in ``like``."""
        stack = len(self.x) if self.x.ndim > 2 else 1
        arrays = (self.x, self.general, self.out, self.column, self.image)
        x, general, out, column, image = _first(len(like), *arrays, stack=stack)
        if op == "chol":
            _each(numpy_backend.cholesky, out, x)
        elif op == "matvec":
            numpy_backend.matmul(image, x, column)
        elif op == "norm":
            numpy_backend.norms(x)
        elif op == "qr":
            _each(partial(scipy.linalg.qr, mode="economic", check_finite=False), general)
        else:
            _each(partial(scipy.linalg.schur, check_finite=False), general)


def _first(count: int, *arrays: Matrix, stack: int) -> tuple[Matrix, ...]:
    """Return the first matrices of stacks, single matrices as they are."""
    return arrays if stack == 1 else tuple(x[:count] for x in arrays)


def _each(kernel: Callable[..., object], *arrays: Matrix) -> object:
    """Call a kernel for single matrices on those of stacks; return its last result."""
    if arrays[0].ndim == 2:
        return kernel(*arrays)
    result: object = None
    for matrices in zip(*arrays, strict=True):
        result = kernel(*matrices)
    return result


def _cast_to(dtype: str, library: Library | None) -> str:
    """Return a dtype to cast this one to; itself where JAX, as it is set, has no other."""
    other = _OTHERS[dtype]
    if other in measurable_dtypes(library):
        return other
    return dtype if is_complex(dtype) else "bfloat16"


def check_measurable(dtypes: Sequence[str], library: Library | None) -> None:
    """Raise InputError for a dtype that cannot be measured with a library's kernels."""
    known = measurable_dtypes(library)
    for dtype in dtypes:
        if dtype not in known:
            raise InputError(f"dtypes holds {dtype!r}: use some of {', '.join(known)}")


def _hermitian(n: int, dtype: np.dtype[Any]) -> Matrix:
    matrix = _noise(n, n, dtype)
    numpy_backend.symmetrize(matrix)
    matrix.reshape(-1)[:: n + 1] += dtype.type(1)
    return matrix
