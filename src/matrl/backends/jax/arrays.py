"""JAX arrays as arguments of a run."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from matrl.backends.jax.backend import JaxBackend
from matrl.core.precision import DTYPES, HALF_PRECISIONS
from matrl.errors import ConvergenceError, InputError

__all__ = ["JaxLibrary", "library", "library_of"]

_RUNS = (*DTYPES, *HALF_PRECISIONS)


class JaxLibrary:
    """JAX arrays; the schedule is compiled once for a plan and a shape."""

    backend: Any = JaxBackend()
    namespace: Any = jnp
    writes_in_place = False
    is_on_host = False
    key = "jax"
    name = "JAX"
    widened = "call jax.config.update('jax_enable_x64', True), or set JAX_ENABLE_X64=1 before"

    def cast_to(self, dtype: str) -> str:
        """Return how A is cast."""
        return f"A.astype('{dtype}')"

    def holds(self, a: Any, name: str) -> bool:
        """Return whether ``a`` is a JAX array or a tracer; InputError for a sparse array."""
        if type(a).__module__.startswith("jax.experimental.sparse"):  # not imported for this
            raise InputError(
                f"{name}: must be a JAX array, not {type(a).__name__}; pass {name}.todense() of a "
                "sparse one, plans are dense"
            )
        return isinstance(a, jax.Array)

    def beside(self, x: np.ndarray, like: Any) -> jax.Array:
        """Return ``x`` as an array of no device: it goes where it is used."""
        return jnp.asarray(x)

    def view(self, a: Any, name: str) -> np.ndarray:
        """Return a NumPy array of ``a``; of half precisions in float32.

        Raises :class:`~matrl.errors.InputError` for tracers, sparse arrays and other dtypes.
        """
        if isinstance(a, Tracer):
            raise InputError(
                f"{name}: is being traced, but the checks of a run need its values; use "
                "plan.as_function('jax') within jit and vmap"
            )
        if not self.holds(a, name):
            raise InputError(
                f"{name}: must be a JAX array, not {type(a).__name__}; pass "
                f"jax.numpy.asarray({name})"
            )
        if a.dtype.name not in _RUNS:
            remedy = "complex64" if a.dtype.kind == "c" else "float32"
            raise InputError(
                f"{name}: must be one of {', '.join(_RUNS)}, not {a.dtype}; "
                f"pass {name}.astype('{remedy}')"
            )
        if a.ndim < 2:
            raise InputError(f"{name}: must be a matrix (m, n), but its shape is {a.shape}")
        return np.asarray(a.astype("float32") if a.dtype.name in HALF_PRECISIONS else a)

    def view_out(self, out: Any, name: str) -> np.ndarray:
        """Raise, for JAX arrays cannot be written."""
        raise InputError(f"{name}: JAX arrays cannot be written; take Solution.value")

    def rounding(self, a: jax.Array) -> float:
        """Return the relative rounding of the dtype where that is less than the plan's, else 0."""
        return 0.5 * float(jnp.finfo(a.dtype).eps) if a.dtype.name in HALF_PRECISIONS else 0.0

    def given_back(self, value: np.ndarray, like: jax.Array) -> jax.Array:
        """Return ``value`` as an array of the dtype of ``like``, on its devices."""
        with np.errstate(over="ignore"):
            rounded = value.astype(like.dtype)
        if like.dtype.name in HALF_PRECISIONS and np.isinf(rounded[np.isfinite(value)]).any():
            raise ConvergenceError(
                f"A: f(A) is out of the range of {like.dtype}; pass A.astype('float32')"
            )
        fits = value.ndim == like.ndim
        return jax.device_put(rounded, like.sharding if fits else next(iter(like.devices())))

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function under ``jax.jit``."""
        return jax.jit(function)

    def wait(self, value: Any) -> None:
        """Return when the arrays in ``value`` are computed."""
        jax.block_until_ready(value)

    @property
    def version(self) -> str:
        """JAX, its version and the devices it computes on."""
        device = jax.devices()[0]
        return f"jax {jax.__version__}, {device.device_kind}"


_LIBRARY = JaxLibrary()


def library() -> JaxLibrary:
    """Return the library, which is one for all devices."""
    return _LIBRARY


def library_of(a: Any) -> JaxLibrary:
    """Return the library, which is one for all devices."""
    return _LIBRARY
