"""One call of each operation on matrices fit for timing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from matrl.backends.lapack import heevd
from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Matrix
from matrl.errors import InputError

__all__ = ["MEASURED_DTYPES", "Workload"]

MEASURED_DTYPES = ("float32", "float64")
# A batch cycles through this many bytes of input: enough to leave the caches, not the memory.
_INPUT_BYTES = 1 << 26
_SEED = 20240229


def _noise(n: int, dtype: np.dtype[Any]) -> Matrix:
    generator = np.random.default_rng(_SEED)
    single = dtype == np.float32
    noise = generator.random((n, n), dtype=np.float32 if single else np.float64)
    noise -= 0.5
    noise *= dtype.type(n**-0.5)
    return noise


class Workload:
    """Inputs and outputs of n x n in one dtype, on which every known operation can be called.

    The symmetric input has a spectrum within 1 +- 0.41 in the limit (a Wigner matrix plus the
    identity), so neither Cholesky nor deflation in the eigensolver makes it a special case. No
    BLAS is called to build it: NumPy's threads would still be spinning during the measurement.
    """

    def __init__(self, dtype: str, n: int, batch: int) -> None:
        """Allocate the matrices; InputError unless the dtype is float32 or float64."""
        if dtype not in MEASURED_DTYPES:
            raise InputError(f"dtypes holds {dtype!r}: use {' or '.join(MEASURED_DTYPES)}")
        kind = np.dtype(dtype)
        self._batch = batch
        copies = max(1, min(batch, _INPUT_BYTES // (n * n * kind.itemsize)))
        self._general = _noise(n, kind)
        symmetric = self._general.copy()
        numpy_backend.symmetrize(symmetric)
        for matrix in (self._general, symmetric):
            matrix.reshape(-1)[:: n + 1] += kind.type(1)
        self._symmetric = [symmetric] + [symmetric.copy() for _ in range(copies - 1)]
        # Written once, so that no run pays for the first access to fresh pages.
        self._out = np.empty_like(symmetric)
        self._out.fill(0)
        self._other = np.empty((n, n), np.float64 if dtype == "float32" else np.float32)
        self._column = np.ones((n, 1), kind)
        self._image = np.empty((n, 1), kind)

    def run(self, op: str) -> None:
        """Call the operation once per matrix of the batch."""
        call: Callable[[Matrix], object] = getattr(self, f"_run_{op}")
        for index in range(self._batch):
            call(self._symmetric[index % len(self._symmetric)])

    def _run_matmul(self, x: Matrix) -> None:
        numpy_backend.matmul(self._out, x, x)

    def _run_matmul_herm(self, x: Matrix) -> None:
        numpy_backend.matmul_hermitian(self._out, x, x)

    def _run_gram(self, x: Matrix) -> None:
        numpy_backend.matmul_hermitian(self._out, x.T, x)

    def _run_inv_spd(self, x: Matrix) -> None:
        numpy_backend.inverse_spd(self._out, x)

    def _run_add(self, x: Matrix) -> None:
        numpy_backend.linear(self._out, (0.5, 0.25), (x, self._general), 0.125)

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
        names = ("getrf", "getri", "getri_lwork")
        factor, invert, size = scipy.linalg.get_lapack_funcs(names, (self._general,))
        # The transpose of a row-major copy is column-major, which f2py passes on without a copy.
        factors, pivots, _info = factor(self._general.copy().T, overwrite_a=1)
        length, _info = size(factors.shape[0])
        invert(factors, pivots, lwork=int(length), overwrite_lu=1)

    def _run_svd(self, _: Matrix) -> None:
        scipy.linalg.svd(self._general, check_finite=False, lapack_driver="gesdd")

    def _run_qr(self, _: Matrix) -> None:
        scipy.linalg.qr(self._general, mode="economic", check_finite=False)

    def _run_schur(self, _: Matrix) -> None:
        scipy.linalg.schur(self._general, check_finite=False)
