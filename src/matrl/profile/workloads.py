"""One call of each operation on matrices fit for timing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from matrl.backends.lapack import gesdd, heevd
from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = ["MEASURED_DTYPES", "REAL_DTYPES", "Workload"]

REAL_DTYPES = ("float32", "float64")
MEASURED_DTYPES = (*REAL_DTYPES, "complex64", "complex128")
# The other precision of the same kind, which casts go to.
_OTHERS = {
    "float32": "float64",
    "float64": "float32",
    "complex64": "complex128",
    "complex128": "complex64",
}
# A batch cycles through this many bytes of input: enough to leave the caches, not the memory.
_INPUT_BYTES = 1 << 26
_SEED = 20240229


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
    operations on square matrices cannot be called.
    """

    def __init__(self, dtype: str, n: int, batch: int, m: int | None = None) -> None:
        """Allocate the matrices; InputError unless the dtype is one of ``MEASURED_DTYPES``."""
        if dtype not in MEASURED_DTYPES:
            raise InputError(f"dtypes holds {dtype!r}: use some of {', '.join(MEASURED_DTYPES)}")
        kind = np.dtype(dtype)
        rows = n if m is None else m
        self._batch = batch
        self._square = rows == n
        copies = max(1, min(batch, _INPUT_BYTES // (rows * n * kind.itemsize)))
        self._general = _noise(rows, n, kind)
        # The diagonal, of a rectangular matrix too.
        self._general.reshape(-1)[: n * n : n + 1] += kind.type(1)
        first = _hermitian(n, kind) if self._square else self._general.copy()
        self._inputs = [first] + [first.copy() for _ in range(copies - 1)]
        self._factor = first if self._square else _hermitian(n, kind)
        # Written once, so that no run pays for the first access to fresh pages.
        self._out = np.full((rows, n), 0, kind)
        self._gram = self._out if self._square else np.full((n, n), 0, kind)
        self._other = np.empty((rows, n), _OTHERS[dtype])
        self._column = np.ones((n, 1), kind)
        self._image = np.empty((rows, 1), kind)

    def run(self, op: str) -> None:
        """Call the operation once per matrix of the batch."""
        call: Callable[[Matrix], object] = getattr(self, f"_run_{op}")
        for index in range(self._batch):
            call(self._inputs[index % len(self._inputs)])

    def _run_matmul(self, x: Matrix) -> None:
        numpy_backend.matmul(self._out, x, x if self._square else self._factor)

    def _run_matmul_herm(self, x: Matrix) -> None:
        numpy_backend.matmul_hermitian(self._out, x, x)

    def _run_gram(self, x: Matrix) -> None:
        numpy_backend.gram(self._gram, x, x)

    def _run_inv_spd(self, x: Matrix) -> None:
        numpy_backend.inverse_spd(self._out, x)

    def _run_add(self, x: Matrix) -> None:
        shift = 0.125 if self._square else 0.0
        numpy_backend.linear(self._out, (0.5, 0.25), (x, self._general), shift)

    def _run_chol(self, x: Matrix) -> None:
        numpy_backend.cholesky(self._out, x)

    def _run_matvec(self, x: Matrix) -> None:
        numpy_backend.matmul(self._image, x, self._column)

    def _run_norm(self, x: Matrix) -> None:
        numpy_backend.norms(x)

    def _run_cast(self, x: Matrix) -> None:
        numpy_backend.cast(self._other, x)

    def _run_eigh(self, x: Matrix) -> None:
        heevd(x.copy())

    def _run_inv(self, _: Matrix) -> None:
        numpy_backend.inverse(self._out, self._general)

    def _run_svd(self, _: Matrix) -> None:
        gesdd(self._general.copy())

    def _run_qr(self, _: Matrix) -> None:
        scipy.linalg.qr(self._general, mode="economic", check_finite=False)

    def _run_schur(self, _: Matrix) -> None:
        scipy.linalg.schur(self._general, check_finite=False)


def _hermitian(n: int, dtype: np.dtype[Any]) -> Matrix:
    matrix = _noise(n, n, dtype)
    numpy_backend.symmetrize(matrix)
    matrix.reshape(-1)[:: n + 1] += dtype.type(1)
    return matrix
