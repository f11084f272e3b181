"""Overhearing the eigenvalues that a schedule computes anyway."""

from collections.abc import Callable
from typing import Any, cast

from matrl.backends.protocol import Backend, Matrix

__all__ = ["Observed"]


class Observed:
    """Hands every kernel on to a backend and keeps the last eigenvalues or singular values.

    ``values`` is ``None`` until a decomposition has been made.

    >>> import numpy as np
    >>> from matrl.backends.numpy import numpy_backend
    >>> observed = Observed(numpy_backend)
    >>> _ = observed.backend.spectral_function(np.empty((2, 2)), np.diag([3.0, -4.0]), np.sign)
    >>> print(observed.values)
    [-4.  3.]
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.values: Matrix | None = None

    @property
    def backend(self) -> Backend:
        """This object, which has every kernel of the backend it was made of."""
        return cast(Backend, self)

    def __getattr__(self, kernel: str) -> Any:
        return getattr(self._backend, kernel)

    def spectral_function(
        self, out: Matrix, x: Matrix, function: Callable[[Matrix], Matrix]
    ) -> Matrix:
        """Keep the eigenvalues of ``x``."""

        def overheard(eigenvalues: Matrix) -> Matrix:
            self.values = eigenvalues
            return function(eigenvalues)

        return self._backend.spectral_function(out, x, overheard)

    def polar_factor(
        self, out: Matrix, x: Matrix, observe: Callable[[Matrix], object] | None = None
    ) -> Matrix:
        """Keep the singular values of ``x``."""

        def overheard(values: Matrix) -> None:
            self.values = values
            if observe is not None:
                observe(values)

        return self._backend.polar_factor(out, x, overheard)
