"""The backend on JAX arrays."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.dtypes import canonicalize_dtype

from matrl.backends.jax import elementwise, factorizations, products
from matrl.core.precision import DTYPES

__all__ = ["JaxBackend"]


class JaxBackend:
    """Kernels on JAX arrays, as described in ``Backend``: pure functions, for ``jit`` and ``vmap``.

    ``out`` is ignored but for its dtype, and every kernel returns a new array. What breaks down
    becomes NaN. Without ``jax_enable_x64`` there is no float64: JAX takes float32 for it.

    >>> import jax
    >>> backend, x = JaxBackend(), jnp.array([[1.0, 2.0]])
    >>> print(jax.jit(lambda x: backend.outer_gram(None, x, x))(x).tolist())
    [[5.0]]
    """

    writes_in_place: bool = False
    out_optional: bool = True
    raises_on_breakdown: bool = False

    cast = staticmethod(elementwise.cast)
    linear = staticmethod(elementwise.linear)
    scale_by_power_of_two = staticmethod(elementwise.scale_by_power_of_two)
    symmetrize = staticmethod(elementwise.symmetrize)
    norms = staticmethod(elementwise.norms)
    asymmetry = staticmethod(elementwise.asymmetry)
    is_finite = staticmethod(elementwise.is_finite)

    matmul = staticmethod(products.matmul)
    matmul_hermitian = staticmethod(products.matmul_hermitian)
    matmul_averaged = staticmethod(products.matmul_averaged)
    gram = staticmethod(products.gram)
    outer_gram = staticmethod(products.outer_gram)
    gram_averaged = staticmethod(products.gram_averaged)

    inverse_spd = staticmethod(factorizations.inverse_spd)
    inverse = staticmethod(factorizations.inverse)
    spectral_function = staticmethod(factorizations.spectral_function)
    lyapunov = staticmethod(factorizations.lyapunov)
    polar_factor = staticmethod(factorizations.polar_factor)
    cholesky = staticmethod(factorizations.cholesky)
    solve_triangular = staticmethod(factorizations.solve_triangular)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes there are as JAX is set now, in this thread."""
        return tuple(dtype for dtype in DTYPES if canonicalize_dtype(dtype) == dtype)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return zeros, for what is not initialised is never read."""
        return jnp.zeros(shape, dtype)

    def round_to(self, out: Any, precision: str) -> Any:
        """Return ``out``, whose kernels round by themselves."""
        return out

    def from_host(self, x: Any) -> Any:
        """Return an array with the content of ``x``."""
        return jnp.asarray(x)

    def to_host(self, x: Any) -> Any:
        """Return a NumPy array of ``x``, not to be written."""
        return np.asarray(x)
