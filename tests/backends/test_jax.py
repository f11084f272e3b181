"""Kernels on JAX arrays: the conformance suite, and what a float64 plan says without float64."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from matrl.core.precision import DTYPES
from matrl.testing import check_backend

jax = pytest.importorskip("jax", reason="JAX is not installed")
pytestmark = pytest.mark.jax


@pytest.mark.slow
def test_the_kernels_are_as_the_protocol_says():
    """In two dtypes and one size: JAX compiles every kernel for each, a minute for all of them."""
    from matrl.backends.jax.backend import JaxBackend

    class Few(JaxBackend):
        @property
        def dtypes(self) -> tuple[str, ...]:
            return ("float32", "complex128")

    few: Any = Few()
    check_backend(few, (5,))


def test_dtypes_are_those_jax_has_now():
    from matrl.backends.jax.backend import JaxBackend

    backend = JaxBackend()
    assert backend.dtypes == DTYPES
    with jax.enable_x64(False):
        assert backend.dtypes == ("float32", "complex64")
        made = {backend.empty((1, 1), dtype).dtype.name for dtype in backend.dtypes}
    assert made == {"float32", "complex64"}
    assert backend.dtypes == DTYPES


def test_kernels_run_under_jit_and_vmap():
    from matrl.backends.jax.backend import JaxBackend

    backend = JaxBackend()
    x = jax.numpy.asarray(np.random.default_rng(0).standard_normal((4, 3, 3)))

    def some(x):
        square = backend.gram(None, x, x, alpha=2.0, addends=(), shift=1.0)
        return backend.inverse_spd(None, square), backend.polar_factor(None, x)

    for one, other in zip(jax.jit(jax.vmap(some))(x), some(x), strict=True):
        assert np.abs(one - other).max() <= 1e-13


@pytest.mark.parametrize("dtype", DTYPES)
def test_triangles_are_mirrored_exactly(dtype):
    from matrl.backends.jax.triangles import mirrored

    generator = np.random.default_rng(1)
    x = generator.standard_normal((2, 4, 4)).astype(dtype)
    if x.dtype.kind == "c":
        x += 1j * generator.standard_normal(x.shape)
    x[0, 0, 3] = np.nan  # not read
    x[1, 2, 1] = np.inf
    value = np.asarray(jax.jit(mirrored)(x))
    for i, j in zip(*np.tril_indices(4), strict=True):
        expected = np.real(x[:, i, j]) if i == j else x[:, i, j]
        assert np.array_equal(value[:, i, j], expected)
        assert np.array_equal(value[:, j, i], np.conj(expected))


@pytest.mark.parametrize("dtype", DTYPES)
def test_triangles_are_mirrored_from_one_copy(dtype):
    """XLA takes 16 s to compile selecting from x and its adjoint at n = 1024 in float32."""
    from matrl.backends.jax.triangles import mirrored

    traced = jax.make_jaxpr(mirrored)(jax.ShapeDtypeStruct((9, 9), dtype)).jaxpr
    (x,) = traced.invars
    assert sum(x is value for equation in traced.eqns for value in equation.invars) == 1


def test_importing_matrl_imports_neither_jax_nor_torch():
    code = "import sys, matrl; print([name for name in ('jax', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
